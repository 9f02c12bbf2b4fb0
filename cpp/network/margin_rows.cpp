// The error of a row, in the Euclidean norm, from step to step (Higham 2002, section 3.5): with v the
// computed row, e its error and W the step's matrix of n rows,
//
//   || fl(v W) - v* W || <= || W || e + (gamma_n + u) || v || ||W||_F + underflow,
//
// where u stands for the rounding of W to float32, and a gate multiplies e by at most its Lipschitz constant
// and rounds each product once and each slope once. || W || and ||W||_F are those of the step's bounds.
#include "network/margin_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/outward.hpp"

namespace facetry {
namespace {

// Rows whose norm leaves this range are scaled back into it, so that nothing overflows on the way and the
// losses to underflow, which are counted as kTiny an operation, do not matter.
template <class T>
constexpr double kLargestNorm = sizeof(T) == sizeof(float) ? 0x1p30 : 0x1p300;

// Neurons are dropped when they are beyond the limit by this factor too: it covers the rounding of a gradient
// in double (2^-53 n^1.5 a layer of n), so that what is dropped would not have been the least as computed
// either.
constexpr double kSlack = 1 + 0x1p-20;

template <class T>
constexpr bool kIsFloat = sizeof(T) == sizeof(float);

double count(std::size_t n) { return static_cast<double>(n); }

}  // namespace

template <class T>
GradientRows<T>::GradientRows(const MarginBounds& bounds, const Backward<T>& backward, DualNorm norm)
    : bounds_(bounds),
      backward_(backward),
      norm_(norm),
      first_(kCapacity * backward.stride()),
      second_(kCapacity * backward.stride()),
      values_{first_.data(), backward.stride(), 0},
      spare_{second_.data(), backward.stride(), 0} {
  states_.reserve(kCapacity);
  row_bits_.reserve(kCapacity);
}

template <class T>
void GradientRows<T>::pull_all() {
  states_.clear();
  row_bits_.clear();
  values_.count = 0;
  std::size_t next = 0;
  const std::size_t top = candidates_.empty() ? 0 : candidates_.front().step;
  for (std::size_t s = top;; --s) {  // rows are of the value that step s leaves, once it has pulled them
    for (; next < candidates_.size() && candidates_[next].step == s; ++next) seed(next);
    if (s == 0) return;
    gate(s - 1);
    drop(s - 1);
    pull(s - 1);
  }
}

// The derivative of one row of the step by the value that it reads.
template <class T>
void GradientRows<T>::seed(std::size_t candidate) {
  const Candidate& of = candidates_[candidate];
  const PlanStep<T>& step = backward_.plan().steps[of.step];
  State state{candidate, values_.count++, 0, 0, bounds_.step(of.step).exponent};
  if (!kIsFloat<T>) state.exponent = 0;
  T* values = values_.row(state.row);
  if (step.kind == PlanStep<T>::Kind::kDense) {
    std::copy_n(step.weight + of.row * step.input_width, step.input_width, values);
  } else {
    std::fill_n(values, step.width, T{0});
    values[of.row] = step.kind == PlanStep<T>::Kind::kScale ? step.weight[of.row] : T{1};
  }
  if (step.kind == PlanStep<T>::Kind::kActivation) state.exponent = 0;
  measure(state, step.input_width);
  if (kIsFloat<T>) state.error = above(kUnit<T> * 2 * state.norm + count(step.input_width) * kTiny<T>);
  states_.push_back(state);
  row_bits_.push_back(bits_ + of.point * backward_.plan().words);
}

template <class T>
void GradientRows<T>::gate(std::size_t s) {
  const PlanStep<T>& step = backward_.plan().steps[s];
  if (step.layer == PlanStep<T>::kNone) return;
  backward_.gate(s, values_, row_bits_.data());
  const double lipschitz = bounds_.step(s).lipschitz;
  for (State& state : states_) {
    measure(state, step.width);
    if (!step.slopes) continue;
    const double rounding = state.norm > 0 ? 4 * kUnit<T> * state.norm + count(step.width) * kTiny<T> : 0;
    state.error = above(state.error * lipschitz + rounding);
  }
}

// Leaves out the rows whose margin is beyond the limit, and those that are zero exactly.
template <class T>
void GradientRows<T>::drop(std::size_t s) {
  const double gain = bounds_.step(s).gain[static_cast<std::size_t>(norm_)];
  const std::size_t width = backward_.plan().steps[s].width;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    State state = states_[i];
    const Candidate& of = candidates_[state.candidate];
    const double size = above(std::ldexp(state.norm + state.error, state.exponent));
    const bool is_zero = state.norm == 0 && state.error == 0;
    if (is_zero || of.height > above(above(limits_[of.point] * kSlack * size) * gain)) continue;
    if (kept != i) std::copy_n(values_.row(i), width, values_.row(kept));
    row_bits_[kept] = row_bits_[i];
    state.row = kept;
    states_[kept++] = state;
  }
  states_.resize(kept);
  row_bits_.resize(kept);
  values_.count = kept;
}

template <class T>
void GradientRows<T>::pull(std::size_t s) {
  const PlanStep<T>& step = backward_.plan().steps[s];
  const StepBounds& bounds = bounds_.step(s);
  using Kind = typename PlanStep<T>::Kind;
  if (step.kind == Kind::kActivation || states_.empty()) return;
  const int exponent = kIsFloat<T> ? bounds.exponent : 0;
  const double norm = std::ldexp(bounds.norm, -exponent);
  const bool is_dense = step.kind == Kind::kDense;
  const double frobenius = is_dense ? std::ldexp(bounds.frobenius, -exponent) : norm;
  const double relative = gamma<T>(is_dense ? step.width : 1) + 2 * kUnit<T>;
  const double lost = 2 * count(step.width) * count(step.input_width) * kTiny<T>;
  spare_.count = values_.count;
  if (!sweep(s)) backward_.pull(s, values_, is_dense ? spare_ : values_);
  if (is_dense) std::swap(values_, spare_);
  for (State& state : states_) {
    const double underflow = state.norm > 0 ? lost * (1 + state.norm) : 0;
    state.error = above(above(state.error * norm) + above(relative * state.norm) * frobenius + underflow);
    state.exponent += exponent;
    measure(state, step.input_width);
  }
}

// Where all rows are of one point, the neurons that are not active need no work: half of it.
template <class T>
bool GradientRows<T>::sweep(std::size_t s) {
  const PlanStep<T>& step = backward_.plan().steps[s];
  const bool is_one = std::equal(row_bits_.begin() + 1, row_bits_.end(), row_bits_.begin());
  if (!kIsFloat<T> || step.kind != PlanStep<T>::Kind::kDense || step.layer == PlanStep<T>::kNone ||
      step.slopes || !is_one)
    return false;
  active_.clear();
  const std::uint64_t* bits = row_bits_.front() + step.first_word;
  for (std::uint32_t j = 0; j < step.width; ++j)
    if (bits[j / 64] >> (j % 64) & 1) active_.push_back(j);
  if constexpr (kIsFloat<T>) {
    const StepBounds& bounds = bounds_.step(s);
    SweepCall<float> call;
    call.rows = values_.count;
    call.columns = bounds.padded_stride;
    call.weights = values_.values;
    call.weights_stride = values_.stride;
    call.active = active_.data();
    call.actives = active_.size();
    call.input = bounds.padded.data();
    call.input_stride = bounds.padded_stride;
    call.output = spare_.values;
    call.output_stride = spare_.stride;
    bounds_.kernels().gradients.f32.sweep(call);
  }
  return true;
}

// Finds the norm of a row, from above; scales the row by a power of two where it is too large or small.
template <class T>
void GradientRows<T>::measure(State& state, std::size_t width) {
  const MarginKernels& kernels = bounds_.kernels().margins;
  const T* values = values_.row(state.row);
  double squares = kernels.sum(values, width, Sum::kSquares);
  constexpr double kMost = kLargestNorm<T> * kLargestNorm<T>;
  if (!(squares <= kMost && squares >= 1 / kMost)) {
    const double largest = kernels.sum(values, width, Sum::kLargest);
    if (largest > 0 && std::isfinite(largest)) {
      rescale(state, width, std::ilogb(largest));
      squares = kernels.sum(values, width, Sum::kSquares);
    }
  }
  state.norm = squares == 0 ? 0 : above(std::sqrt(squares * (1 + gamma<double>(width / 16 + 32))));
}

template <class T>
void GradientRows<T>::rescale(State& state, std::size_t width, int exponent) {
  T* values = values_.row(state.row);
  std::transform(values, values + width, values, [&](T value) { return std::ldexp(value, -exponent); });
  if (state.error > 0) state.error = above(std::ldexp(state.error, -exponent) + count(width) * kTiny<T>);
  state.exponent += exponent;
}

template <class T>
double GradientRows<T>::dual_norm(const T* values, std::size_t width) const {
  const MarginKernels& kernels = bounds_.kernels().margins;
  if (norm_ == DualNorm::kSum) return kernels.sum(values, width, Sum::kAbsolute);
  if (norm_ == DualNorm::kLargest) return kernels.sum(values, width, Sum::kLargest);
  return std::sqrt(kernels.sum(values, width, Sum::kSquares));
}

template <class T>
GradientNorm GradientRows<T>::finish(State state) {
  const std::size_t width = backward_.plan().input_width;
  T* values = values_.row(state.row);
  if (!bounds_.inverse_scale().empty()) {
    for (std::size_t d = 0; d < width; ++d)
      values[d] = static_cast<T>(static_cast<double>(values[d]) * bounds_.inverse_scale()[d]);
    const double rounding = above(3 * kUnit<T> * state.norm) * bounds_.largest_inverse_scale();
    state.error = above(state.error * bounds_.largest_inverse_scale() + rounding +
                        (state.norm > 0 ? count(width) * kTiny<T> : 0));
    measure(state, width);
  }
  const double value = dual_norm(values, width);
  const std::size_t bad = bounds_.kernels().dense.of<T>().first_nonfinite(values, width);
  if (bad < width)
    return {std::numeric_limits<double>::quiet_NaN(), 0, std::numeric_limits<double>::infinity()};
  const double spread = norm_ == DualNorm::kSum ? above(std::sqrt(count(width))) : 1;
  const double rounding = value * gamma<double>(width / 16 + 32);
  const double error = value == 0 && state.error == 0 ? 0 : above(state.error * spread + rounding);
  const auto times = [&](double x) { return std::ldexp(x, state.exponent); };
  const double high = error == 0 ? value : above(value + error);
  const double low = times(std::max(0.0, (value - error) * (1 - 0x1p-50)));
  return {times(value), std::isnormal(low) ? low : 0, high == 0 ? 0 : above(times(high))};
}

template class GradientRows<float>;
template class GradientRows<double>;

}  // namespace facetry
