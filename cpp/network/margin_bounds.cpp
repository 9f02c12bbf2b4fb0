#include "network/margin_bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/outward.hpp"
#include "network/margin_rows.hpp"
#include "network/spectral.hpp"

namespace facetry {
namespace {

constexpr double kLeastSquare = 0x1p-60;  // smaller squares are rounded up to it: no product underflows
constexpr double kLargestSlope = 0x1p60;  // above it float32 rows could overflow

MatrixView matrix_of(const Step64& step, const double* column_factors = nullptr) {
  return {step.weight, step.width, step.input_width, column_factors};
}

double largest_of(const double* values, std::size_t size) {
  double largest = 0;
  for (std::size_t i = 0; i < size; ++i) largest = std::max(largest, std::abs(values[i]));
  return largest;
}

double norm_of(const double* values, std::size_t size) {
  return values ? frobenius_bound({values, 1, size, nullptr}) : 0;
}

// A square in [0, 1], as a float that is not below it.
float square_up(double root) {
  const double square = above(root * root);
  if (root == 0) return 0;
  const auto rounded = static_cast<float>(std::max(square, kLeastSquare));
  return std::nextafter(rounded, 2.0f);
}

int exponent_of(double size) { return size > 0 && std::isfinite(size) ? std::ilogb(size) + 1 : 0; }

// The exact product with 2^-exponent, rounded to float32; the exponent may be that of a denormal.
float scaled(double value, int exponent) { return static_cast<float>(std::ldexp(value, -exponent)); }

}  // namespace

// The squares are sixteen sums, added; outside these limits overflow and underflow could count.
double norm_above(const MarginKernels& kernels, const double* values, std::size_t width) {
  const double squares = kernels.sum(values, width, Sum::kSquares);
  if (!(squares >= 0x1p-900 && squares <= 0x1p900)) return frobenius_bound({values, 1, width, nullptr});
  return above(std::sqrt(squares * (1 + gamma<double>(width / 16 + 32))));
}

MarginBounds::MarginBounds(const Network<double>& network, std::span<const double> input_scale)
    : backward_(network.backward()), steps_(plan().steps.size()) {
  for (const double scale : input_scale) inverse_scale_.push_back(1 / scale);
  if (!inverse_scale_.empty())
    largest_inverse_scale_ = above(*std::max_element(inverse_scale_.begin(), inverse_scale_.end()));
  bound_steps();
  bound_gains();
  make_float32();
  measure_affine();
}

void MarginBounds::bound_steps() {
  bool is_affine = true;
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    steps_[s].is_affine = is_affine;
    steps_[s].is_gated = s > 0 && plan().steps[s - 1].layer != Step64::kNone;
    is_affine = is_affine && plan().steps[s].layer == Step64::kNone;
  }
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    bound_step(s);
    if (plan().steps[s].kind == Step64::Kind::kDense && steps_[s].is_gated) pack_squares(s);
  }
}

void MarginBounds::bound_step(std::size_t s) {
  const Step64& step = plan().steps[s];
  StepBounds& bounds = steps_[s];
  if (step.slopes) bounds.lipschitz = std::max(1.0, largest_of(step.slopes, step.width));
  bounds.rows.assign(step.width, 1.0);
  bounds.biases.assign(step.width, 0.0);
  if (step.kind == Step64::Kind::kActivation) return;
  bounds.bias = norm_of(step.bias, step.width);
  for (std::size_t j = 0; j < step.width; ++j) bounds.biases[j] = std::abs(step.bias[j]);
  if (step.kind == Step64::Kind::kScale) {
    for (std::size_t j = 0; j < step.width; ++j) bounds.rows[j] = std::abs(step.weight[j]);
    bounds.norm = largest_of(step.weight, step.width);
    bounds.exponent = exponent_of(bounds.norm);
    return;
  }
  bounds.norm = spectral_bound(kernels().dense.f64, matrix_of(step));
  bounds.frobenius = frobenius_bound(matrix_of(step));
  bounds.exponent = exponent_of(largest_of(step.weight, step.width * step.input_width));
  for (std::size_t j = 0; j < step.width; ++j) bounds.rows[j] = row_bound(matrix_of(step), j);
}

// Up to the first dense step the map is diagonal: `columns` bounds its elements. That step's gains come from
// its matrix with those columns; every step above multiplies them by its norm.
void MarginBounds::bound_gains() {
  const std::size_t inputs = plan().input_width;
  const double root = above(std::sqrt(static_cast<double>(inputs)));
  std::vector<double> columns(inputs, 1.0);
  for (std::size_t d = 0; d < inverse_scale_.size(); ++d) columns[d] = above(inverse_scale_[d]);
  bool is_diagonal = true;
  std::array<double, kDualNorms> gain{};
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    const Step64& step = plan().steps[s];
    StepBounds& bounds = steps_[s];
    if (is_diagonal && step.kind == Step64::Kind::kDense) {
      is_diagonal = false;
      double rows = 0, column = 0;
      for (std::size_t j = 0; j < step.width; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < inputs; ++k) sum += std::abs(step.weight[j * inputs + k]) * columns[k];
        sum = above(sum * (1 + gamma<double>(inputs + 1)) + static_cast<double>(inputs) * kTiny<double>);
        rows = above(rows + above(sum * sum));
      }
      for (std::size_t k = 0; k < inputs; ++k) {
        std::vector<double> values(step.width);
        for (std::size_t j = 0; j < step.width; ++j) values[j] = step.weight[j * inputs + k];
        column = std::max(column, above(norm_of(values.data(), step.width) * columns[k]));
      }
      const bool is_plain = std::all_of(columns.begin(), columns.end(), [](double c) { return c == 1; });
      const double euclidean =
          is_plain ? bounds.norm : spectral_bound(kernels().dense.f64, matrix_of(step, columns.data()));
      const double slack = 1 + gamma<double>(step.width);  // `rows` is a sum of so many
      gain = {std::min(above(root * euclidean), above(std::sqrt(rows * slack))), euclidean, column};
    } else if (is_diagonal) {
      for (std::size_t d = 0; d < inputs; ++d) columns[d] = above(columns[d] * bounds.rows[d]);
      const double most = *std::max_element(columns.begin(), columns.end());
      gain = {above(root * most), most, most};
    } else {
      const double factor = above(bounds.norm * steps_[s - 1].lipschitz);
      for (double& value : gain) value = above(value * factor);
    }
    bounds.gain = gain;
    if (is_diagonal)
      for (double& column : columns) column = above(column * bounds.lipschitz);
  }
}

// sqrt(computed) * factor is not below the exact norm: squares and gates are rounded up, the computed sum of
// n terms that are not negative is at least (1 - u)^n times theirs, and 1 + gamma_n is not below (1 - u)^-n.
void MarginBounds::pack_squares(std::size_t s) {
  const Step64& step = plan().steps[s];
  const Step64& below = plan().steps[s - 1];
  const std::size_t depth = step.input_width;
  StepBounds& bounds = steps_[s];
  StepBounds& gated = steps_[s - 1];
  if (below.slopes && gated.gate.size() == 0) {
    gated.gate = AlignedArray<float>(round_up(depth, 64));
    for (std::size_t k = 0; k < depth; ++k)
      gated.gate[k] = square_up(std::abs(below.slopes[k]) / gated.lipschitz);
  }
  std::vector<int> exponents(step.width);
  bounds.factors.resize(step.width);
  const double slack = above(std::sqrt(above(1 + gamma<float>(depth))));
  for (std::size_t j = 0; j < step.width; ++j) {
    exponents[j] = exponent_of(largest_of(step.weight + j * depth, depth));
    bounds.factors[j] = above(above(std::ldexp(slack, exponents[j])) * gated.lipschitz);
  }
  bounds.squares =
      PackedMatrix<float>(kernels().dense.f32, step.width, depth, [&](std::size_t j, std::size_t k) {
        return square_up(std::abs(std::ldexp(step.weight[j * depth + k], -exponents[j])));
      });
}

void MarginBounds::make_float32() {
  for (const StepBounds& bounds : steps_)
    if (!(bounds.lipschitz <= kLargestSlope)) return;
  graph32_ = std::make_unique<Graph<float>>(plan().input_width);
  std::size_t node = 0;
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    const Step64& step = plan().steps[s];
    const int exponent = steps_[s].exponent;
    const std::vector<float> zeros(step.width);
    std::vector<float> weights(step.kind == Step64::Kind::kDense ? step.width * step.input_width
                                                                 : step.width);
    if (step.weight)
      std::transform(step.weight, step.weight + weights.size(), weights.begin(),
                     [&](double weight) { return scaled(weight, exponent); });
    if (step.kind == Step64::Kind::kDense) {
      node = graph32_->dense(node, weights, zeros);
      StepBounds& bounds = steps_[s];
      bounds.padded_stride = round_up(step.input_width, kernels().gradients.f32.columns);
      bounds.padded = AlignedArray<float>(step.width * bounds.padded_stride);
      for (std::size_t j = 0; j < step.width; ++j)
        std::copy_n(weights.data() + j * step.input_width, step.input_width,
                    bounds.padded.data() + j * bounds.padded_stride);
    }
    if (step.kind == Step64::Kind::kScale) node = graph32_->scale(node, weights, zeros);
    if (step.layer == Step64::kNone) continue;
    std::vector<float> slopes(step.slopes ? step.width : 0);
    for (std::size_t j = 0; j < slopes.size(); ++j) slopes[j] = static_cast<float>(step.slopes[j]);
    node = graph32_->activation(node, slopes);
  }
  backward32_ = std::make_unique<Backward<float>>(*graph32_, kernels());
}

void MarginBounds::measure_affine() {
  const double no_limit = std::numeric_limits<double>::infinity();
  for (std::size_t q = 0; q < kDualNorms; ++q) {
    GradientRows<double> rows(*this, backward_, static_cast<DualNorm>(q));
    for (std::size_t s = 0; s < steps_.size() && steps_[s].is_affine; ++s) {
      std::vector<GradientNorm>& norms = steps_[s].affine[q];
      norms.resize(plan().steps[s].width);
      std::vector<Candidate> candidates;
      for (std::size_t j = 0; j < norms.size(); ++j) {
        candidates.push_back({0, s, j, 0, 0});
        if (candidates.size() < rows.kCapacity && j + 1 < norms.size()) continue;
        const std::size_t first = j + 1 - candidates.size();
        rows.run(candidates, nullptr, &no_limit,
                 [&](std::size_t i, const GradientNorm& norm) { norms[first + i] = norm; });
        candidates.clear();
      }
    }
  }
}

}  // namespace facetry
