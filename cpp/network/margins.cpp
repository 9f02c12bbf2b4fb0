#include "network/margins.hpp"

#include <algorithm>
#include <memory>

#include "base/parallel.hpp"
#include "network/forward_panel.hpp"
#include "network/margin_panel.hpp"

namespace facetry {
namespace {

constexpr double kNanosecondsPerItem = 50e6;  // at most: Ctrl-C is looked at between items

// Of one point: the forward pass, the product with the masks, and about two gradients.
double nanoseconds_per_point(const MarginBounds& bounds) {
  const auto& steps = bounds.plan().steps;
  double work = 0;
  for (const Step64& step : steps)
    if (step.kind == Step64::Kind::kDense)
      work += static_cast<double>(step.width) * static_cast<double>(step.input_width);
  return 4 * work / bounds.kernels().dense.f64.speed + 1000;
}

// A panel of every thread alike, none larger than the forward pass likes.
std::size_t panel_of(std::size_t rows, std::size_t most, double nanoseconds) {
  const auto quick = static_cast<std::size_t>(std::max(kNanosecondsPerItem / nanoseconds, 1.0));
  most = std::min(most, quick);
  const std::size_t threads = num_threads();
  const std::size_t rounds = (rows + most * threads - 1) / (most * threads);
  return std::max<std::size_t>((rows + rounds * threads - 1) / (rounds * threads), 1);
}

}  // namespace

Margins::Margins(const Network<double>& network, std::vector<double> input_scale)
    : network_(network), input_scale_(std::move(input_scale)) {}

const MarginBounds& Margins::bounds() const {
  const Kernels& wanted = kernels();
  const std::lock_guard lock(mutex_);
  for (const auto& one : bounds_)
    if (&one->kernels() == &wanted) return *one;
  bounds_.push_back(std::make_unique<MarginBounds>(network_, input_scale_));
  return *bounds_.back();
}

template <class T>
void Margins::run(const Network<T>& forward, const T* x, const MarginCall& call) const {
  if (call.rows == 0) return;
  const MarginBounds& bounds = this->bounds();
  const Program<T>& program = forward.program();
  const std::size_t width = program.plan().input_width;
  const double nanoseconds = nanoseconds_per_point(bounds);
  const std::size_t panel = panel_of(call.rows, program.panel_rows(), nanoseconds);
  const std::size_t items = (call.rows + panel - 1) / panel;

  parallel_for(items, nanoseconds * static_cast<double>(call.rows), [&]() -> Work {
    auto points = std::make_shared<ForwardPanel<T>>(forward, panel);
    auto work = std::make_shared<MarginPanel>(bounds, call, panel);
    return [&, points, work](std::size_t item) {
      const std::size_t begin = item * panel;
      const std::size_t rows = std::min(panel, call.rows - begin);
      points->run(x, begin, rows);
      if constexpr (sizeof(T) == sizeof(double))
        for (std::size_t i = 0; call.is_certified && i < rows; ++i)
          work->set_input_norm(i, norm_above(bounds.kernels().margins, x + (begin + i) * width, width));
      work->run(begin, rows, points->z(0), points->bits(0));
    };
  });
}

template void Margins::run(const Network<float>&, const float*, const MarginCall&) const;
template void Margins::run(const Network<double>&, const double*, const MarginCall&) const;

}  // namespace facetry
