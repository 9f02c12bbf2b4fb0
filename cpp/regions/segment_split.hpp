// Where the neurons of one layer change sign along a track, and which of those places are one.
//
// A track is a segment u in [0, 1] of homogeneous coordinates (x, h), on which every pre-activation is
// piecewise linear: an ordinary segment has h = 1, a ray has h = 1 - u and ends at infinity.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/aligned.hpp"
#include "network/bounds.hpp"

namespace facetry {

// The vertices of a track in ascending order, its two ends included, and the neurons that flip at each.
class Vertices {
 public:
  void clear() { places_.clear(), ends_.clear(), flips_.clear(); }
  void add(double u) { places_.push_back(u), ends_.push_back(flips_.size()); }
  void flip(std::uint32_t neuron) { flips_.push_back(neuron), ends_.back() = flips_.size(); }

  std::size_t size() const { return places_.size(); }
  double place(std::size_t v) const { return places_[v]; }
  std::span<const std::uint32_t> flips(std::size_t v) const {
    const std::size_t begin = v == 0 ? 0 : ends_[v - 1];
    return {flips_.data() + begin, ends_[v] - begin};
  }

 private:
  std::vector<double> places_;
  std::vector<std::size_t> ends_;
  std::vector<std::uint32_t> flips_;
};

// From which value on each neuron of a layer counts as positive or negative on the track at work. The exact
// magnitudes cost a product with the weights, so a neuron has an upper bound until one of its values is that
// small.
class Tolerances {
 public:
  explicit Tolerances(std::size_t width);

  // For points of at most `size` in the maximum norm and heights of at most `h`.
  void bound(const StepBounds& bounds, double size, double h);
  void start_track(const std::function<double(std::size_t)>* magnitude);

  // With the sign turned, as the kernels want them.
  const double* floors() const { return floors_.data(); }
  double at_most(std::size_t j) const { return -floors_[j]; }
  double of(std::size_t j);

  // Decides the signs of the row z that the bounds left open.
  void decide(const double* z, std::uint64_t* positive, std::uint64_t* negative);

 private:
  std::size_t width_;
  AlignedArray<double> bounds_;
  AlignedArray<double> floors_;
  std::vector<std::uint64_t> is_exact_;
  std::vector<std::size_t> exact_;
  const std::function<double(std::size_t)>* magnitude_ = nullptr;
};

// A bit a neuron in each; neither: the value counts as zero.
struct Signs {
  std::vector<std::uint64_t> positive, negative;
  explicit Signs(std::size_t words) : positive(words), negative(words) {}
};

// Sets the values of a row to 0 that count as zero in both (of the same row twice: in it): as noise of an
// inactive neuron they would be what the next layer's tolerances are relative to.
inline void clear_zeros(const Signs& a, const Signs& b, std::size_t width, double* row) {
  for (std::size_t w = 0; w < a.positive.size(); ++w) {
    const std::uint64_t all =
        width - 64 * w < 64 ? (std::uint64_t{1} << (width - 64 * w)) - 1 : ~std::uint64_t{0};
    const std::uint64_t decided = a.positive[w] | a.negative[w] | b.positive[w] | b.negative[w];
    for (std::uint64_t rest = all & ~decided; rest; rest &= rest - 1)
      row[64 * w + static_cast<unsigned>(std::countr_zero(rest))] = 0;
  }
}

struct Crossing {
  double u;
  double rate;           // of the pre-activation, absolute
  std::uint32_t neuron;  // of the layer
};

// A vertex strictly inside a piece, with its crossings.
struct InnerVertex {
  double u;
  std::span<const Crossing> crossings;
};

class Splitter {
 public:
  explicit Splitter(std::size_t width) : before_((width + 63) / 64), begin_(before_), end_(before_) {}

  void start_track() { is_first_ = true; }

  // The next piece, [from, to]. A neuron whose value counts as zero at both ends is inactive on it. root(j)
  // gives the crossing of a neuron of opposite signs at the ends. Crossings closer than `resolution` to an
  // end are there.
  template <class Root>
  void split(const Signs& left, const Signs& right, double from, double to, double resolution,
             Tolerances& tolerances, Root root) {
    crossings_.clear();
    before_.swap(end_);
    for (std::size_t w = 0; w < begin_.size(); ++w) {
      const std::uint64_t up = left.negative[w] & right.positive[w];
      const std::uint64_t down = left.positive[w] & right.negative[w];
      begin_[w] = left.positive[w] | (right.positive[w] & ~left.negative[w]);
      end_[w] = right.positive[w] | (left.positive[w] & ~right.negative[w]);
      for (std::uint64_t rest = up | down; rest; rest &= rest - 1) {
        const std::uint64_t bit = rest & -rest;
        const auto j = static_cast<std::uint32_t>(64 * w + static_cast<unsigned>(std::countr_zero(rest)));
        Crossing crossing = root(j);
        crossing.u = std::fmin(std::fmax(crossing.u, from), to);
        if (crossing.u - from <= resolution)
          begin_[w] ^= bit;
        else if (to - crossing.u <= resolution)
          end_[w] ^= bit;
        else
          crossings_.push_back(crossing);
      }
    }
    group(resolution, tolerances);
  }

  // Calls flip(j) for every neuron that flips between the piece before and the beginning of this one.
  template <class Flip>
  void flips_before(Flip flip) {
    if (!is_first_)
      for (std::size_t w = 0; w < begin_.size(); ++w)
        for (std::uint64_t rest = before_[w] ^ begin_[w]; rest; rest &= rest - 1)
          flip(static_cast<std::uint32_t>(64 * w + static_cast<unsigned>(std::countr_zero(rest))));
    is_first_ = false;
  }

  const std::vector<InnerVertex>& inner() const { return inner_; }
  // Bits at the beginning of the piece.
  const std::vector<std::uint64_t>& begin() const { return begin_; }

 private:
  void group(double resolution, Tolerances& tolerances);

  bool is_first_ = true;
  std::vector<std::uint64_t> before_, begin_, end_;
  std::vector<Crossing> crossings_;
  std::vector<InnerVertex> inner_;
};

}  // namespace facetry
