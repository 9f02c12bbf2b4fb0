#include "regions/segment_split.hpp"

#include <algorithm>

#include "regions/tolerance.hpp"

namespace facetry {

Tolerances::Tolerances(std::size_t width)
    : width_(width),
      bounds_(round_up(width, 64)),
      floors_(round_up(width, 64)),
      is_exact_((width + 63) / 64) {}

void Tolerances::bound(const StepBounds& bounds, double size, double h) {
  const double input = bounds.of_points * size + bounds.of_biases * h;
  for (std::size_t j = 0; j < width_; ++j)
    bounds_[j] = floors_[j] = -kRelativeTolerance * (bounds.gain[j] * input + bounds.shift[j] * h);
  std::fill(is_exact_.begin(), is_exact_.end(), 0);
  exact_.clear();
}

void Tolerances::start_track(const std::function<double(std::size_t)>* magnitude) {
  magnitude_ = magnitude;
  for (const std::size_t j : exact_) {
    floors_[j] = bounds_[j];
    is_exact_[j / 64] = 0;
  }
  exact_.clear();
}

double Tolerances::of(std::size_t j) {
  const std::uint64_t bit = std::uint64_t{1} << (j % 64);
  if (!(is_exact_[j / 64] & bit)) {
    is_exact_[j / 64] |= bit;
    exact_.push_back(j);
    floors_[j] = -kRelativeTolerance * (*magnitude_)(j);
  }
  return -floors_[j];
}

void Tolerances::decide(const double* z, std::uint64_t* positive, std::uint64_t* negative) {
  for (std::size_t w = 0; w < is_exact_.size(); ++w) {
    const std::size_t count = std::min<std::size_t>(width_ - 64 * w, 64);
    const std::uint64_t all = ~std::uint64_t{0} >> (64 - count);
    for (std::uint64_t rest = all & ~(positive[w] | negative[w] | is_exact_[w]); rest; rest &= rest - 1) {
      const std::size_t j = 64 * w + static_cast<unsigned>(std::countr_zero(rest));
      const double tolerance = of(j);
      positive[w] |= std::uint64_t{z[j] > tolerance} << (j % 64);
      negative[w] |= std::uint64_t{z[j] < -tolerance} << (j % 64);
    }
  }
}

// Crossings are one vertex with the first of them where one of the two neurons counts as zero at the other's
// place. The vertex lies where the sharpest of them crosses: its place is the least uncertain.
void Splitter::group(double resolution, Tolerances& tolerances) {
  inner_.clear();
  if (crossings_.size() > 1)
    std::sort(crossings_.begin(), crossings_.end(), [](const Crossing& a, const Crossing& b) {
      return a.u < b.u || (a.u == b.u && a.neuron < b.neuron);
    });
  const auto is_near = [&](const Crossing& c, double distance) {
    return distance * c.rate <= tolerances.at_most(c.neuron) && distance * c.rate <= tolerances.of(c.neuron);
  };
  for (std::size_t first = 0; first < crossings_.size();) {
    std::size_t last = first + 1;
    const Crossing* sharpest = &crossings_[first];
    for (; last < crossings_.size(); ++last) {
      const Crossing& next = crossings_[last];
      const double distance = next.u - crossings_[first].u;
      if (next.u - sharpest->u > resolution && !is_near(crossings_[first], distance) &&
          !is_near(next, distance))
        break;
      if (tolerances.of(next.neuron) * sharpest->rate < tolerances.of(sharpest->neuron) * next.rate)
        sharpest = &next;
    }
    inner_.push_back({sharpest->u, {crossings_.data() + first, last - first}});
    first = last;
  }
}

}  // namespace facetry
