// A point's limit starts as the least margin of the affine neurons, whose gradients are known. Deeper neurons
// have, with d the derivatives of the activations below,
//
//   || grad z_j ||_q <= || w_j o d ||_2 gain_q,
//
// and only those that this does not put beyond the limit are looked at again, the most promising first, in
// float32, row after row backwards through the layers, with a bound after each. What then still overlaps with
// the limit is computed in double.
#include "network/margin_panel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/outward.hpp"

namespace facetry {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMost = std::numeric_limits<double>::max();
// See kSlack in margin_rows.cpp: what is left out would not be the least as computed either.
constexpr double kSlack = 1 + 0x1p-20;

// Not above the quotient, which may overflow; `norm` is positive or NaN.
double quotient_below(double height, double norm) { return std::min(height / norm, kMost) * (1 - 0x1p-51); }

using Kind = Step64::Kind;

bool has_neurons(const Step64& step) { return step.layer != Step64::kNone; }

}  // namespace

MarginPanel::MarginPanel(const MarginBounds& bounds, const MarginCall& call, std::size_t capacity)
    : bounds_(bounds),
      plan_(bounds.plan()),
      kernels_(bounds.kernels().margins),
      call_(call),
      points_(capacity),
      stride_(round_up(plan_.widest, 64) + 16),
      norms_(capacity * stride_),
      limits_(capacity),
      within_(stride_ / 64 + 1),
      masks_(capacity * stride_),
      squares_(capacity * stride_),
      rows64_(bounds, bounds.backward(), call.norm) {
  if (bounds.backward32()) rows32_.emplace(bounds, *bounds.backward32(), call.norm);
}

double* MarginPanel::heights(std::size_t s, std::size_t point) {
  return heights_ + point * plan_.neurons + plan_.steps[s].first_neuron;
}

const std::uint64_t* MarginPanel::bits(std::size_t s, std::size_t point) const {
  return bits_ + point * plan_.words + plan_.steps[s].first_word;
}

void MarginPanel::run(std::size_t begin, std::size_t rows, double* z, const std::uint64_t* bits) {
  heights_ = z;
  bits_ = bits;
  start(rows);
  for (std::size_t s = 0; s < plan_.steps_to_last_layer; ++s) bound(s);
  if (rows32_)
    refine(*rows32_);
  else
    refine(rows64_);
  evaluate();
  write(begin);
}

void MarginPanel::start(std::size_t rows) {
  count_ = rows;
  finalists_.clear();
  const auto first_nonfinite = bounds_.kernels().dense.f64.first_nonfinite;
  for (std::size_t i = 0; i < rows; ++i) {
    Point& point = points_[i];
    point.candidates.clear();
    point.next = 0;
    point.radius = kInfinity;
    point.limit = kMost;
    point.neuron = -1;
    point.is_open = true;
    point.error = 0;
    const double* z = heights_ + i * plan_.neurons;
    const std::size_t bad = first_nonfinite(z, plan_.neurons);
    if (bad < plan_.neurons) offer(point, std::numeric_limits<double>::quiet_NaN(), bad);
  }
}

void MarginPanel::bound(std::size_t s) {
  const StepBounds& step = bounds_.step(s);
  const bool is_dense = plan_.steps[s].kind == Kind::kDense;
  if (is_dense && step.is_gated) multiply_masks(s);
  if (is_dense && !step.is_affine) gain_ = bounds_.step(s - 1).gain[static_cast<std::size_t>(call_.norm)];
  if (step.is_affine) gain_ = 1;
  for (std::size_t i = 0; i < count_; ++i) {
    if (!points_[i].is_open) continue;
    bound_norms(s, i);
    find_heights(s, i);
    if (!has_neurons(plan_.steps[s]) || !points_[i].is_open) continue;
    if (step.is_affine)
      take_affine(s, i);
    else
      take_candidates(s, i);
  }
}

// squares = masks * (W o W), the masks being squares of derivatives.
void MarginPanel::multiply_masks(std::size_t s) {
  const std::size_t width = plan_.steps[s].input_width;
  const AlignedArray<float>& gate = bounds_.step(s - 1).gate;
  for (std::size_t i = 0; i < count_; ++i)
    kernels_.gate_squares(bits(s - 1, i), width, gate.size() ? gate.data() : nullptr,
                          masks_.data() + i * stride_);
  bounds_.step(s).squares.multiply(count_, masks_.data(), stride_, squares_.data(), stride_);
}

// Sets norms(point), for which || grad z_j ||_q <= gain_ norms[j]; for a dense step they are || w_j o d ||_2.
void MarginPanel::bound_norms(std::size_t s, std::size_t i) {
  const Step64& planned = plan_.steps[s];
  const StepBounds& step = bounds_.step(s);
  double* out = norms(i);
  if (step.is_affine) {
    const auto& affine = step.affine[static_cast<std::size_t>(call_.norm)];
    for (std::size_t j = 0; j < planned.width; ++j) out[j] = affine[j].high;
  } else if (planned.kind == Kind::kDense && step.is_gated) {
    kernels_.roots(squares_.data() + i * stride_, step.factors.data(), planned.width, out);
  } else if (planned.kind == Kind::kDense) {
    std::copy_n(step.rows.data(), planned.width, out);
  } else {
    for (std::size_t j = 0; j < planned.width; ++j) {
      double derivative = 1;
      if (step.is_gated && !(bits(s - 1, i)[j / 64] >> (j % 64) & 1)) {
        const double* slopes = plan_.steps[s - 1].slopes;
        derivative = slopes ? std::abs(slopes[j]) : 0;
      }
      const double factor = step.rows[j] * derivative;
      out[j] = factor == 0 ? 0 : above(above(factor) * out[j]);
    }
  }
}

// Turns pre-activations into heights, in place.
void MarginPanel::find_heights(std::size_t s, std::size_t i) {
  double* z = heights(s, i);
  if (call_.is_certified)
    certify(s, i, z);
  else if (has_neurons(plan_.steps[s]))
    std::transform(z, z + plan_.steps[s].width, z, [](double value) { return std::abs(value); });
}

void MarginPanel::take_affine(std::size_t s, std::size_t i) {
  const auto& affine = bounds_.step(s).affine[static_cast<std::size_t>(call_.norm)];
  const double* height = heights(s, i);
  Point& point = points_[i];
  for (std::size_t j = 0; j < affine.size(); ++j) {
    const GradientNorm& norm = affine[j];
    if ((call_.is_certified ? norm.high : norm.value) == 0) continue;
    const double radius = call_.is_certified ? quotient_below(height[j], norm.high) : height[j] / norm.value;
    if (!(radius >= point.radius)) offer(point, radius, plan_.steps[s].first_neuron + j);
  }
  point.limit = std::min(point.limit, point.radius);
}

void MarginPanel::take_candidates(std::size_t s, std::size_t i) {
  const std::size_t width = plan_.steps[s].width;
  Point& point = points_[i];
  const double* height = heights(s, i);
  const double* norm = norms(i);
  const double limit = std::min(above(above(point.limit * gain_) * kSlack), kMost);
  kernels_.within(height, norm, limit, width, within_.data());
  for (std::size_t word = 0; word < (width + 63) / 64; ++word)
    for (std::uint64_t rest = within_[word]; rest; rest &= rest - 1) {
      const std::size_t j = 64 * word + static_cast<std::size_t>(__builtin_ctzll(rest));
      point.candidates.push_back({i, s, j, height[j], quotient_below(height[j], above(norm[j] * gain_))});
    }
}

// The most promising one of every point first, so that the limits fall early, then a few, then all that are
// left: many of one point by themselves, since they have their pattern in common.
template <class T>
void MarginPanel::refine(GradientRows<T>& rows) {
  constexpr std::size_t kAll = ~std::size_t{0}, kMany = 28;
  for (std::size_t i = 0; i < count_; ++i)
    std::sort(points_[i].candidates.begin(), points_[i].candidates.end(),
              [](const Candidate& a, const Candidate& b) { return a.low < b.low; });
  for (const std::size_t quota : {std::size_t{1}, std::size_t{4}, kAll}) {
    for (std::size_t i = 0; i < count_; ++i) {
      Point& point = points_[i];
      const bool has_many = quota == kAll && point.candidates.size() - point.next >= kMany;
      if (has_many) refine_chunk(rows);
      take_from(point, quota, rows);
      if (has_many) refine_chunk(rows);
    }
    refine_chunk(rows);
  }
}

template <class T>
void MarginPanel::take_from(Point& point, std::size_t quota, GradientRows<T>& rows) {
  for (std::size_t n = 0; n < quota && point.next < point.candidates.size(); ++n) {
    const Candidate& candidate = point.candidates[point.next++];
    if (candidate.low > point.limit * kSlack) {
      point.next = point.candidates.size();
      return;
    }
    chunk_.push_back(candidate);
    if (chunk_.size() == rows.kCapacity) refine_chunk(rows);
  }
}

template <class T>
void MarginPanel::refine_chunk(GradientRows<T>& rows) {
  if (chunk_.empty()) return;
  std::sort(chunk_.begin(), chunk_.end(),
            [](const Candidate& a, const Candidate& b) { return a.step > b.step; });
  for (std::size_t i = 0; i < count_; ++i) limits_[i] = points_[i].limit;
  rows.run(chunk_, bits_, limits_.data(), [&](std::size_t c, const GradientNorm& norm) {
    Candidate candidate = chunk_[c];
    if (norm.high == 0) return;
    candidate.low = quotient_below(candidate.height, norm.high);
    Point& point = points_[candidate.point];
    if (norm.low > 0) point.limit = std::min(point.limit, above(candidate.height / norm.low));
    finalists_.push_back(candidate);
  });
  chunk_.clear();
}

void MarginPanel::evaluate() {
  for (const Candidate& candidate : finalists_) {
    if (candidate.low > points_[candidate.point].limit * kSlack) continue;
    chunk_.push_back(candidate);
    if (chunk_.size() == rows64_.kCapacity) evaluate_chunk();
  }
  evaluate_chunk();
}

void MarginPanel::evaluate_chunk() {
  std::sort(chunk_.begin(), chunk_.end(),
            [](const Candidate& a, const Candidate& b) { return a.step > b.step; });
  for (std::size_t i = 0; i < count_; ++i) limits_[i] = points_[i].limit;
  rows64_.run(chunk_, bits_, limits_.data(), [&](std::size_t c, const GradientNorm& norm) {
    const Candidate& candidate = chunk_[c];
    if (call_.is_certified ? norm.high == 0 : norm.value == 0) return;
    const double radius =
        call_.is_certified ? quotient_below(candidate.height, norm.high) : candidate.height / norm.value;
    offer(points_[candidate.point], radius, plan_.steps[candidate.step].first_neuron + candidate.row);
  });
  chunk_.clear();
}

// The least radius, the first neuron of equal ones; NaN closes the point.
void MarginPanel::offer(Point& point, double radius, std::size_t neuron) {
  const auto number = static_cast<std::int64_t>(neuron);
  if (!point.is_open || radius > point.radius) return;
  if (radius == point.radius && point.neuron >= 0 && point.neuron < number) return;
  point.radius = radius;
  point.neuron = number;
  point.is_open = !std::isnan(radius);
}

void MarginPanel::write(std::size_t begin) const {
  for (std::size_t i = 0; i < count_; ++i) {
    const Point& point = points_[i];
    const bool is_certain = !call_.is_certified || point.is_open;
    call_.radius[begin + i] = is_certain ? point.radius : 0;
    call_.neuron[begin + i] = is_certain ? point.neuron : -1;
    if (call_.certain) call_.certain[begin + i] = is_certain;
  }
}

}  // namespace facetry
