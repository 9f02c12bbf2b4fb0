#include "network/walls.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "base/parallel.hpp"
#include "network/forward_panel.hpp"
#include "network/jacobian_panels.hpp"

namespace facetry {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kPoints = 14;  // of an item, which the forward pass takes together

template <class T, class Use>
void for_points(const Network<double>& network, const JacobianPanels<T>& panels, std::size_t rows,
                const double* x, const Use& use) {
  const auto& kernels = network.program().kernels();
  const double nanoseconds = panels.work() / kernels.dense.of<T>().speed + 1000;
  const std::size_t together =
      std::clamp<std::size_t>(static_cast<std::size_t>(50e6 / nanoseconds), 1, kPoints);
  const std::size_t items = (rows + together - 1) / together;
  parallel_for(items, nanoseconds * static_cast<double>(rows), [&]() -> Work {
    auto points = std::make_shared<ForwardPanel<double>>(network, together);
    auto scratch = std::make_shared<typename JacobianPanels<T>::Scratch>(panels.scratch());
    return [&, points, scratch](std::size_t item) {
      const std::size_t begin = item * together;
      const std::size_t count = std::min(together, rows - begin);
      points->run(x, begin, count);
      for (std::size_t i = 0; i < count; ++i) use(begin + i, points->z(i), points->bits(i), *scratch);
    };
  });
}

}  // namespace

template <class T>
void wall_distances(const Network<double>& network, const Network<T>& linear, const WallBase<T>& base,
                    DualNorm norm, std::size_t rows, const double* x, double* out) {
  const JacobianPanels<T> panels(linear, base);
  const Plan<T>& plan = linear.program().plan();
  const MarginKernels& kernels = network.program().kernels().margins;
  const Sum kind = norm == DualNorm::kSum         ? Sum::kAbsolute
                   : norm == DualNorm::kEuclidean ? Sum::kSquares
                                                  : Sum::kLargest;
  for_points(network, panels, rows, x,
             [&](std::size_t i, const double* z, const std::uint64_t* bits, auto& scratch) {
               double* sums = out + i * plan.neurons;
               std::fill_n(sums, plan.neurons, 0.0);
               panels.run(bits, scratch,
                          [&](std::size_t s, const auto& panel, const T* jacobian, std::size_t stride) {
                            for (std::size_t j = 0; j < plan.steps[s].width; ++j) {
                              double& sum = sums[plan.steps[s].first_neuron + j];
                              const double part = kernels.sum(jacobian + j * stride, panel.width, kind);
                              sum = kind == Sum::kLargest ? std::max(sum, part) : sum + part;
                            }
                          });
               for (std::size_t j = 0; j < plan.neurons; ++j) {
                 const double size = kind == Sum::kSquares ? std::sqrt(sums[j]) : sums[j];
                 sums[j] = size == 0 ? kInfinity : std::abs(z[j]) / size;
               }
             });
}

void axis_margins(const Network<double>& network, const WallBase<double>& base, std::size_t rows,
                  const double* x, double* out) {
  const JacobianPanels<double> panels(network, base);
  const Plan64& plan = network.program().plan();
  const MarginKernels& kernels = network.program().kernels().margins;
  for_points(network, panels, rows, x,
             [&](std::size_t i, const double* z, const std::uint64_t* bits, auto& scratch) {
               std::vector<double> down(base.columns, kInfinity), up(base.columns, kInfinity);
               panels.run(bits, scratch,
                          [&](std::size_t s, const auto& panel, const double* jacobian, std::size_t stride) {
                            for (std::size_t j = 0; j < plan.steps[s].width; ++j) {
                              const double value = z[plan.steps[s].first_neuron + j];
                              kernels.axis_distances(jacobian + j * stride, panel.width, std::abs(value),
                                                     value > 0 ? 1 : -1, down.data() + panel.first,
                                                     up.data() + panel.first);
                            }
                          });
               for (std::size_t d = 0; d < base.columns; ++d) {
                 out[(i * base.columns + d) * 2] = -down[d];
                 out[(i * base.columns + d) * 2 + 1] = up[d];
               }
             });
}

template void wall_distances(const Network<double>&, const Network<float>&, const WallBase<float>&, DualNorm,
                             std::size_t, const double*, double*);
template void wall_distances(const Network<double>&, const Network<double>&, const WallBase<double>&,
                             DualNorm, std::size_t, const double*, double*);

}  // namespace facetry
