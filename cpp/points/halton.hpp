// Halton points: radical inverses in the first primes, scrambled or not, from any index on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "points/sequence.hpp"

namespace facetry {

enum class HaltonScramble { kNone, kOwen, kDigits };

// What the coordinates of one dimension are functions of, for indices up to a last one.
struct HaltonColumn {
  HaltonColumn(std::size_t dimension, std::uint32_t base, HaltonScramble scramble, std::uint64_t seed,
               std::uint64_t last_index);

  std::uint32_t base;
  HaltonScramble scramble;
  std::uint64_t key = 0;
  std::vector<points::DigitWeight> weights;  // of scrambled digits
  std::size_t positions = 0;                 // of digits that some index has
  std::vector<std::uint32_t> permutations;   // kDigits: positions x base
  std::uint64_t zeros = 0;                   // kDigits: see points::permuted_inverse

  double coordinate(std::uint64_t index) const;
};

class Halton {
 public:
  static constexpr std::uint64_t kMaxIndex = std::uint64_t{1} << 48;  // see points::radical_inverse

  // scramble: "none", "owen" or "digits".
  Halton(std::size_t dimensions, const std::string& scramble, std::uint64_t seed);

  std::size_t dimensions() const { return bases_.size(); }
  const std::vector<std::uint32_t>& bases() const { return bases_; }
  HaltonScramble scramble() const { return scramble_; }
  std::uint64_t seed() const { return seed_; }

  // Points start, start + leap, ..., (n, dimensions), all indices below kMaxIndex.
  template <class T>
  void generate(std::uint64_t start, std::uint64_t leap, std::size_t n, T* out) const;

 private:
  struct Range {
    std::uint64_t start, leap;
    std::size_t n;
    std::uint64_t last() const { return start + (n - 1) * leap; }
  };
  template <class T>
  void generate_columns(const Range& range, std::size_t begin, std::size_t end, T* out) const;

  std::vector<std::uint32_t> bases_;
  HaltonScramble scramble_;
  std::uint64_t seed_;
};

}  // namespace facetry
