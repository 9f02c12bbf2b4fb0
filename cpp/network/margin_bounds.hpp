// What margins need of a network before any point is seen: norms of its steps and the weights in float32.
// Every bound holds in exact arithmetic for the given weights.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "network/backward.hpp"
#include "network/graph.hpp"
#include "network/network.hpp"
#include "network/packed_matrix.hpp"

namespace facetry {

// The norm of gradients: the dual of the norm in which margins are measured.
enum class DualNorm { kSum, kEuclidean, kLargest };
inline constexpr std::size_t kDualNorms = 3;

// The dual norm of a gradient. `value` is computed and may be NaN, the exact one is in [low, high].
struct GradientNorm {
  double value = 0;
  double low = 0;
  double high = 0;
};

using Plan64 = Plan<double>;
using Step64 = PlanStep<double>;

struct StepBounds {
  bool is_affine = false;      // no activation stands before the value z that this step gives to its own
  bool is_gated = false;       // the step reads what an activation leaves
  double norm = 1;             // of the step's linear map W: || W v ||_2 <= norm || v ||_2
  double frobenius = 0;        // root of the sum of squares, of a dense step
  double lipschitz = 1;        // of the step's activation
  double bias = 0;             // || b ||_2
  std::vector<double> rows;    // || w_j ||_2
  std::vector<double> biases;  // | b_j |
  // || v dz/dx ||_q <= gain[q] || v ||_2, for every pattern.
  std::array<double, kDualNorms> gain{};
  // Gradients of the elements of z, where the step is affine.
  std::array<std::vector<GradientNorm>, kDualNorms> affine;
  // Of a dense step that reads an activation: || w_j o d ||_2 <= sqrt(squares . d^2)_j * factors[j], where
  // d^2 is 1 for active inputs and `gate` elsewhere. Of such an activation, `gate` holds the squares of its
  // slopes, in units of the square of its Lipschitz constant.
  PackedMatrix<float> squares;
  std::vector<double> factors;
  AlignedArray<float> gate;
  int exponent = 0;  // the float32 weights are the given ones times 2^-exponent
  // Of a dense step: those weights row by row, padded for the sweep.
  AlignedArray<float> padded;
  std::size_t padded_stride = 0;
};

// || v ||_2, not below the exact one.
double norm_above(const MarginKernels& kernels, const double* values, std::size_t width);

class MarginBounds {
 public:
  // Inputs are divided by `input_scale` before the network, where there is one: distances are then those of
  // the undivided inputs.
  MarginBounds(const Network<double>& network, std::span<const double> input_scale);

  const Kernels& kernels() const { return backward_.kernels(); }
  const Plan64& plan() const { return backward_.plan(); }
  const StepBounds& step(std::size_t s) const { return steps_[s]; }

  const std::vector<double>& inverse_scale() const { return inverse_scale_; }
  double largest_inverse_scale() const { return largest_inverse_scale_; }

  const Backward<double>& backward() const { return backward_; }
  // The network's linear part in float32, each dense and scale step scaled by a power of two; null where a
  // slope would overflow.
  const Backward<float>* backward32() const { return backward32_.get(); }

 private:
  void bound_steps();
  void bound_step(std::size_t s);
  void bound_gains();
  void pack_squares(std::size_t s);
  void make_float32();
  void measure_affine();

  const Backward<double>& backward_;
  std::vector<double> inverse_scale_;
  double largest_inverse_scale_ = 1;
  std::vector<StepBounds> steps_;
  std::unique_ptr<Graph<float>> graph32_;
  std::unique_ptr<Backward<float>> backward32_;
};

}  // namespace facetry
