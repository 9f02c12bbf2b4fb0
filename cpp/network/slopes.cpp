// The rows of a point's J share its pattern, so that each step down is a sweep over the active neurons of the
// step: half of the multiplications of rows with patterns of their own (backward.hpp).
#include "network/slopes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "base/aligned.hpp"
#include "base/eigenvalue.hpp"
#include "base/parallel.hpp"
#include "network/graph.hpp"
#include "network/jacobian.hpp"
#include "network/program.hpp"

namespace facetry {
namespace {

constexpr std::size_t kPadding = 16;  // rows do not share the sets of the first-level cache

template <class T>
class Slopes {
 public:
  using Step = PlanStep<T>;
  using Kind = typename Step::Kind;

  Slopes(const Network<T>& network, const SlopeCall<T>& call)
      : plan_(network.program().plan()),
        kernels_(network.program().kernels()),
        family_(kernels_.gradients.template of<T>()),
        call_(call),
        rows_(plan_.output_width),
        stride_(pad(plan_.widest)) {
    const bool reduces = call.triangle && call.norm == SlopeNorm::kTwo && plan_.steps.size() > 1;
    width_ = reduces ? plan_.steps[0].width : plan_.input_width;
    for (const Step& step : plan_.steps) {
      const bool is_triangle = reduces && weights_.empty();
      const std::size_t columns = is_triangle ? step.width : step.input_width;
      const T* from = is_triangle ? call.triangle : step.weight;
      AlignedArray<T> padded;
      if (step.kind == Kind::kDense) {
        padded = AlignedArray<T>(step.width * pad(columns));
        for (std::size_t row = 0; row < step.width; ++row)
          std::copy_n(from + row * columns, columns, padded.data() + row * pad(columns));
      }
      weights_.push_back(std::move(padded));
      AlignedArray<T> slopes(step.slopes ? round_up(step.width, 64) : 0);
      if (step.slopes) std::copy_n(step.slopes, step.width, slopes.data());
      slopes_.push_back(std::move(slopes));
    }
    is_triangle_ = reduces;
  }

  double nanoseconds() const {
    double work = 1000;  // the eigenvalue
    for (const Step& step : plan_.steps)
      if (step.kind == Kind::kDense)
        work += static_cast<double>(step.width) * static_cast<double>(step.input_width);
    return work * static_cast<double>(rows_) / kernels_.dense.template of<T>().speed;
  }

  struct Scratch {
    AlignedArray<T> buffers[2];
    std::vector<std::uint32_t> active, all;
    AlignedArray<double> left, right, gram;
    std::vector<double> sums;
  };
  Scratch scratch() const {
    Scratch scratch;
    for (auto& buffer : scratch.buffers) buffer = AlignedArray<T>(rows_ * stride_);
    scratch.active.reserve(plan_.widest);
    scratch.all.resize(std::max(rows_, plan_.widest));
    std::iota(scratch.all.begin(), scratch.all.end(), 0U);
    const std::size_t side = std::min(rows_, width_), length = std::max(rows_, width_);
    const std::size_t padded = round_up(side, kernels_.gradients.f64.columns);
    if (call_.norm == SlopeNorm::kTwo) {
      scratch.left = AlignedArray<double>(side * length);
      scratch.right = AlignedArray<double>(length * padded);
      scratch.gram = AlignedArray<double>(side * padded);
    }
    scratch.sums.resize(width_);
    return scratch;
  }

  T run(std::size_t pattern, Scratch& scratch) const {
    const std::uint64_t* bits = call_.bits + pattern * plan_.words;
    const T* rows = top(bits, scratch);
    for (std::size_t s = plan_.steps.size() - 1; s-- > 0;) rows = pull(s, rows, bits, scratch);
    switch (call_.norm) {
      case SlopeNorm::kOne:
        return static_cast<T>(largest_column(rows, scratch));
      case SlopeNorm::kTwo:
        return static_cast<T>(largest_singular_value(rows, scratch));
      default:
        return static_cast<T>(largest_row(rows));
    }
  }

 private:
  std::size_t pad(std::size_t width) const {
    return round_up(width, std::max<std::size_t>(family_.columns, 64)) + kPadding;
  }

  // The derivative of the last step, row by row.
  T* top(const std::uint64_t* bits, Scratch& scratch) const {
    const Step& step = plan_.steps.back();
    T* rows = scratch.buffers[0].data();
    for (std::size_t i = 0; i < rows_; ++i) {
      T* row = rows + i * stride_;
      const T factor = derivative(step, i, bits);
      if (step.kind == Kind::kDense) {
        const T* weights = weights_.back().data() + i * pad(step.input_width);
        std::transform(weights, weights + step.input_width, row,
                       [&](T weight) { return factor == 0 ? T{0} : factor * weight; });
        continue;
      }
      std::fill_n(row, step.width, T{0});
      row[i] = step.kind == Kind::kScale ? step.weight[i] * factor : factor;
    }
    return rows;
  }

  // From the value that step s leaves to the value that it reads.
  const T* pull(std::size_t s, const T* rows, const std::uint64_t* bits, Scratch& scratch) const {
    const Step& step = plan_.steps[s];
    T* own = scratch.buffers[rows == scratch.buffers[0].data() ? 0 : 1].data();
    const bool decides = step.layer != Step::kNone;
    if (decides && (step.slopes || step.kind != Kind::kDense))
      for (std::size_t i = 0; i < rows_; ++i)
        family_.gate(own + i * stride_, step.width, bits + step.first_word,
                     step.slopes ? slopes_[s].data() : nullptr);
    if (step.kind == Kind::kActivation) return rows;
    if (step.kind == Kind::kScale) {
      for (std::size_t i = 0; i < rows_; ++i)
        std::transform(own + i * stride_, own + i * stride_ + step.width, step.weight, own + i * stride_,
                       std::multiplies<T>());
      return rows;
    }
    list_active(step, bits, scratch);
    T* below = scratch.buffers[rows == scratch.buffers[0].data() ? 1 : 0].data();
    sweep(s, rows, scratch.active, below);
    return below;
  }

  void list_active(const Step& step, const std::uint64_t* bits, Scratch& scratch) const {
    if (step.layer == Step::kNone || step.slopes) {
      scratch.active.assign(scratch.all.begin(),
                            scratch.all.begin() + static_cast<std::ptrdiff_t>(step.width));
      return;
    }
    scratch.active.clear();
    for (std::size_t word = 0; word * 64 < step.width; ++word)
      for (std::uint64_t left = bits[step.first_word + word]; left != 0; left &= left - 1)
        scratch.active.push_back(static_cast<std::uint32_t>(word * 64) +
                                 static_cast<std::uint32_t>(std::countr_zero(left)));
  }

  // Columns of a triangle begin with its diagonal.
  void sweep(std::size_t s, const T* rows, const std::vector<std::uint32_t>& active, T* below) const {
    const Step& step = plan_.steps[s];
    const bool is_triangle = s == 0 && is_triangle_;
    const std::size_t columns = round_up(is_triangle ? step.width : step.input_width, family_.columns);
    const std::size_t block = is_triangle ? family_.columns : columns;
    const std::size_t stride = pad(is_triangle ? step.width : step.input_width);
    std::size_t first = 0;
    for (std::size_t column = 0; column < columns; column += block) {
      if (is_triangle)
        while (first < active.size() && active[first] < column) ++first;
      family_.sweep({rows_, block, rows, stride_, active.data() + first, active.size() - first,
                     weights_[s].data() + column, stride, below + column, stride_});
    }
  }

  double largest_column(const T* rows, Scratch& scratch) const {
    std::fill(scratch.sums.begin(), scratch.sums.end(), 0.0);
    for (std::size_t i = 0; i < rows_; ++i)
      for (std::size_t c = 0; c < width_; ++c)
        scratch.sums[c] += std::abs(static_cast<double>(rows[i * stride_ + c]));
    return largest(scratch.sums.data(), width_);
  }

  double largest_row(const T* rows) const {
    double most = 0;
    for (std::size_t i = 0; i < rows_; ++i) {
      constexpr std::size_t kSums = 8;  // or each addition waits for the one before
      double sums[kSums] = {};
      const T* row = rows + i * stride_;
      std::size_t c = 0;
      for (; c + kSums <= width_; c += kSums)
        for (std::size_t k = 0; k < kSums; ++k) sums[k] += std::abs(static_cast<double>(row[c + k]));
      for (; c < width_; ++c) sums[0] += std::abs(static_cast<double>(row[c]));
      const double sum = std::accumulate(sums, sums + kSums, 0.0);
      if (!(sum <= most)) most = sum;
      if (std::isnan(sum)) return sum;
    }
    return most;
  }

  static double largest(const double* values, std::size_t count) {
    double most = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (std::isnan(values[i])) return values[i];
      most = std::max(most, values[i]);
    }
    return most;
  }

  // A power of two that keeps squares from overflowing and vanishing; 1 for floats, whose squares are doubles
  // in any case. 0, infinite or NaN where the largest element is.
  double scale_of(const T* rows) const {
    if constexpr (sizeof(T) < sizeof(double)) return 1;
    double most = 0;
    for (std::size_t i = 0; i < rows_; ++i)
      for (std::size_t c = 0; c < width_; ++c) {
        const double size = std::abs(static_cast<double>(rows[i * stride_ + c]));
        if (std::isnan(size)) return size;
        most = std::max(most, size);
      }
    if (most == 0 || std::isinf(most)) return most;
    int exponent = 0;
    std::frexp(most, &exponent);
    return std::ldexp(1.0, std::min(-exponent, 1023));
  }

  double largest_singular_value(const T* rows, Scratch& scratch) const {
    const double scale = scale_of(rows);
    if (scale == 0 || !std::isfinite(scale)) return scale;
    const bool is_wide = rows_ <= width_;
    const std::size_t side = std::min(rows_, width_), length = std::max(rows_, width_);
    const std::size_t padded = round_up(side, kernels_.gradients.f64.columns);
    for (std::size_t i = 0; i < side; ++i)
      for (std::size_t c = 0; c < length; ++c) {
        const double value =
            scale * static_cast<double>(is_wide ? rows[i * stride_ + c] : rows[c * stride_ + i]);
        scratch.left[i * length + c] = scratch.right[c * padded + i] = value;
      }
    kernels_.gradients.f64.sweep({side, padded, scratch.left.data(), length, scratch.all.data(), length,
                                  scratch.right.data(), padded, scratch.gram.data(), padded});
    double trace = 0;
    for (std::size_t i = 0; i < side; ++i) trace += scratch.gram[i * padded + i];
    if (!std::isfinite(trace)) return std::sqrt(trace);
    return std::sqrt(std::max(0.0, largest_eigenvalue(scratch.gram.data(), side, padded))) / scale;
  }

  const Plan<T>& plan_;
  const Kernels& kernels_;
  const GradientFamily<T>& family_;
  const SlopeCall<T>& call_;
  std::size_t rows_, stride_, width_ = 0;  // of J; width_: of L where it takes the place of W
  bool is_triangle_ = false;
  std::vector<AlignedArray<T>> weights_, slopes_;  // by step, padded
};

}  // namespace

template <class T>
void slopes(const Network<T>& network, const SlopeCall<T>& call) {
  constexpr std::size_t kTogether = 8;  // points of an item
  const Slopes<T> all(network, call);
  const std::size_t items = (call.patterns + kTogether - 1) / kTogether;
  parallel_for(items, all.nanoseconds() * static_cast<double>(call.patterns), [&]() -> Work {
    auto scratch = std::make_shared<typename Slopes<T>::Scratch>(all.scratch());
    return [&, scratch](std::size_t item) {
      const std::size_t end = std::min(call.patterns, (item + 1) * kTogether);
      for (std::size_t i = item * kTogether; i < end; ++i) call.out[i] = all.run(i, *scratch);
    };
  });
}

template void slopes(const Network<float>&, const SlopeCall<float>&);
template void slopes(const Network<double>&, const SlopeCall<double>&);

}  // namespace facetry
