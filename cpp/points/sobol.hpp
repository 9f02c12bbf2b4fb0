// Sobol points: direction numbers, scrambled once, and blocks of points from any index on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/aligned.hpp"

namespace facetry {

// One 64-bit word a dimension (see points/sequence.hpp): all that a point is a function of.
struct SobolTables {
  std::size_t dimensions = 0;
  unsigned bits = 0;                      // digits of a coordinate; 2^bits points
  std::vector<std::uint64_t> directions;  // bits x dimensions
  std::vector<std::uint64_t> shift;       // dimensions
  std::vector<std::uint64_t> owen_keys;  // dimensions, or empty: points::owen64 of every coordinate, then cut
};

class Sobol {
 public:
  static constexpr std::size_t kInitial = 18;  // the highest degree of a polynomial
  static constexpr unsigned kMaxBits = 52;     // what to_unit<double> keeps

  // polynomials: one a dimension, the coefficient of x^k in bit k. initial: dimensions x kInitial odd
  // numbers, of which a polynomial of degree s uses the first s. scramble: "none", "owen", "lms" or "shift".
  Sobol(std::span<const std::uint32_t> polynomials, std::span<const std::uint32_t> initial, unsigned bits,
        const std::string& scramble, std::uint64_t seed);

  std::size_t dimensions() const { return tables_.dimensions; }
  const SobolTables& tables() const { return tables_; }

  // Points start .. start + n - 1, (n, dimensions), start + n <= 2^bits.
  template <class T>
  void generate(std::uint64_t start, std::size_t n, T* out) const;

 private:
  struct Plane {  // 32 of the 64 digits, tiled: see tile()
    AlignedArray<std::uint32_t> first, steps;
  };
  template <class T>
  struct Writer;

  void tile();
  Plane tile_plane(unsigned shift) const;

  SobolTables tables_;
  unsigned lanes_log2_ = 0;
  std::size_t width_ = 0, stride_ = 0;
  Plane high_, low_;
  AlignedArray<std::uint32_t> key_low_, key_high_;
};

}  // namespace facetry
