// The error of the computed pre-activations, so that signs are certain and heights are below the exact |z|.
//
// With e the error of the values below (|| . ||_2, before their activation) and certain signs there, the
// computed z_j errs by at most
//
//   || w_j o d || (e + (gamma_n + 2u) || z below ||) + gamma_n |b_j| + underflow
//
// (the terms of z_j are w_k d_k z_k; n products and sums round, slopes round once more), and all of z by || W
// || times the first term and gamma_n (|| b || + ||W||_F || a below ||). Where |z_j| exceeds its error, its
// sign is certain and its height is the rest. Where || w_j o d || is 0, z_j = b_j exactly. Activations are
// Lipschitz functions, so the error passes them whatever the signs.
#include <algorithm>
#include <cmath>

#include "base/outward.hpp"
#include "network/margin_panel.hpp"

namespace facetry {

void MarginPanel::certify(std::size_t s, std::size_t i, double* z) {
  const Step64& planned = plan_.steps[s];
  const StepBounds& step = bounds_.step(s);
  Point& point = points_[i];
  constexpr double kRounding = kUnit<double>;
  const auto width = static_cast<double>(planned.width);
  const auto depth = static_cast<double>(planned.input_width);
  const double lipschitz = s == 0 ? 1 : bounds_.step(s - 1).lipschitz;
  const double input_error = above(point.error + 2 * kRounding * point.size);  // before the gate
  const double input_size = above(lipschitz * point.size);
  double per_norm, per_bias = 0, floor;
  const double* row_norms = step.rows.data();
  double size = above(above(step.norm * input_size) + step.bias);
  double error = above(step.norm * above(lipschitz * input_error));
  if (planned.kind == Step64::Kind::kDense) {
    per_bias = gamma<double>(planned.input_width);
    per_norm = above(input_error + per_bias * point.size);
    floor = above(kTiny<double> * depth * (2 + step.frobenius));
    if (step.is_gated) row_norms = norms(i);
    error = above(error + per_bias * above(step.bias + above(step.frobenius * input_size)) + width * floor);
    size = above(size + error);
  } else {
    const bool rounds = planned.kind == Step64::Kind::kScale;
    per_norm = above(lipschitz * input_error);
    floor = above((rounds ? 2 * kRounding * size : 0) + 2 * kTiny<double>);
    error = above(error + above(std::sqrt(width)) * floor);
  }
  if (planned.layer != Step64::kNone) {
    size = std::min(size, norm_above(kernels_, z, planned.width));
    point.is_open = kernels_.certain_heights(z, row_norms, step.biases.data(), per_norm, per_bias, floor,
                                             planned.width, z);
  }
  point.error = error;
  point.size = size;
}

}  // namespace facetry
