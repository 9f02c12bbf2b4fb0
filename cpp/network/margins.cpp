#include "network/margins.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/parallel.hpp"
#include "network/margin_panel.hpp"
#include "network/program.hpp"

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

// A thread's forward pass of a panel; float values are widened.
template <class T>
struct Forward {
  Forward(const Program<T>& of, std::size_t rows) : program(of), scratch(of.scratch(rows)) {
    if constexpr (sizeof(T) == sizeof(float)) values.resize(rows * of.plan().neurons);
  }

  void run(const T* x, std::size_t rows, double* preactivations, std::uint64_t* patterns) {
    Batch<T> batch;
    batch.rows = rows;
    batch.x = x;
    batch.patterns = patterns;
    if constexpr (sizeof(T) == sizeof(double)) {
      batch.preactivations = preactivations;
      program.run_panel(batch, 0, rows, scratch);
    } else {
      batch.preactivations = values.data();
      program.run_panel(batch, 0, rows, scratch);
      std::copy_n(values.data(), rows * program.plan().neurons, preactivations);
    }
  }

  const Program<T>& program;
  typename Program<T>::Scratch scratch;
  std::vector<T> values;
};

template <class T>
void require_finite(const DenseFamily<T>& family, const T* x, std::size_t begin, std::size_t rows,
                    std::size_t width) {
  const std::size_t bad = family.first_nonfinite(x + begin * width, rows * width);
  if (bad < rows * width)
    throw std::invalid_argument("x is not finite at index (" + std::to_string(begin + bad / width) + ", " +
                                std::to_string(bad % width) + ")");
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
  const MarginBounds& bounds = this->bounds();
  const Program<T>& program = forward.program();
  const std::size_t width = program.plan().input_width;
  const double nanoseconds = nanoseconds_per_point(bounds);
  const std::size_t panel = panel_of(call.rows, program.panel_rows(), nanoseconds);
  const std::size_t items = (call.rows + panel - 1) / panel;

  parallel_for(items, nanoseconds * static_cast<double>(call.rows), [&]() -> Work {
    auto before = std::make_shared<Forward<T>>(program, panel);
    auto work = std::make_shared<MarginPanel>(bounds, call, panel);
    return [&, before, work](std::size_t item) {
      const std::size_t begin = item * panel;
      const std::size_t rows = std::min(panel, call.rows - begin);
      require_finite(program.kernels().dense.template of<T>(), x, begin, rows, width);
      before->run(x + begin * width, rows, work->preactivations(), work->patterns());
      if constexpr (sizeof(T) == sizeof(double))
        for (std::size_t i = 0; call.is_certified && i < rows; ++i)
          work->set_input_norm(i, norm_above(bounds.kernels().margins, x + (begin + i) * width, width));
      work->run(begin, rows);
    };
  });
}

template void Margins::run(const Network<float>&, const float*, const MarginCall&) const;
template void Margins::run(const Network<double>&, const double*, const MarginCall&) const;

}  // namespace facetry
