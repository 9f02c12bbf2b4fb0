// Gradients of single neurons, many at a time, backwards with their own points' patterns: each with a bound
// of its error, and dropped as soon as its margin is proven to be beyond a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "network/margin_bounds.hpp"

namespace facetry {

// A neuron whose margin may be a point's least.
struct Candidate {
  std::size_t point = 0;  // of the panel
  std::size_t step = 0;   // whose value before the activation it is
  std::size_t row = 0;    // in that value
  double height = 0;      // |z|, less its error where margins are certified
  double low = 0;         // the margin is not below it
};

// T is double for the given weights, float for MarginBounds::backward32.
template <class T>
class GradientRows {
 public:
  GradientRows(const MarginBounds& bounds, const Backward<T>& backward, DualNorm norm);

  static constexpr std::size_t kCapacity = sizeof(T) == sizeof(float) ? 128 : 56;

  // Norms of at most kCapacity candidates, in descending order of their steps. Point i has the pattern
  // bits + i * words. Calls found(i, norm) for each but those with a margin proven to be above
  // limits[point].
  template <class Found>
  void run(std::span<const Candidate> candidates, const std::uint64_t* bits, const double* limits,
           const Found& found) {
    candidates_ = candidates;
    bits_ = bits;
    limits_ = limits;
    pull_all();
    for (const State& state : states_) found(state.candidate, finish(state));
  }

 private:
  // The exact row is 2^exponent times one within `error` of the computed one, in the Euclidean norm.
  struct State {
    std::size_t candidate = 0;
    std::size_t row = 0;  // of values_
    double norm = 0;      // of the computed row, not below it
    double error = 0;
    int exponent = 0;
  };

  void pull_all();
  void seed(std::size_t candidate);
  void gate(std::size_t s);
  void drop(std::size_t s);
  void pull(std::size_t s);
  bool sweep(std::size_t s);
  void measure(State& state, std::size_t width);
  void rescale(State& state, std::size_t width, int exponent);
  GradientNorm finish(State state);
  double dual_norm(const T* values, std::size_t width) const;

  const MarginBounds& bounds_;
  const Backward<T>& backward_;
  const DualNorm norm_;
  std::span<const Candidate> candidates_;
  const std::uint64_t* bits_ = nullptr;
  const double* limits_ = nullptr;
  AlignedArray<T> first_, second_;
  Rows<T> values_, spare_;
  std::vector<State> states_;
  std::vector<const std::uint64_t*> row_bits_;
  std::vector<std::uint32_t> active_;
};

extern template class GradientRows<float>;
extern template class GradientRows<double>;

}  // namespace facetry
