// The arithmetic of low-discrepancy points, one coordinate at a time, for the CPU kernels and the CUDA ones.
// A coordinate in base 2 is a 64-bit word of binary digits, the first digit (weight 1/2) in bit 63. C++17.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/hd.hpp"

namespace facetry::points {

// Finalizer of SplitMix64 (Steele, Lea and Flood 2014).
FACETRY_HD static inline std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// What the keys of one seed are for; no two uses share a key.
enum class Purpose : std::uint64_t { kSobolOwen = 1, kSobolShift, kSobolMatrix, kHaltonOwen, kHaltonDigits };

FACETRY_HD static inline std::uint64_t make_key(std::uint64_t seed, Purpose purpose, std::uint64_t number) {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;
  return mix64(mix64(seed + static_cast<std::uint64_t>(purpose) * kGolden) + (number + 1) * kGolden);
}

// A keyed hash of 32-bit words, scalars or vectors of them. The constants are lowbias32 (Wellons 2018), whose
// output bits flip with probability 0.5 +- 0.0009 when an input bit does.
template <class Word>
FACETRY_HD static inline Word hash32(Word x, Word key_low, Word key_high) {
  x ^= key_low;
  x = (x ^ (x >> 16)) * 0x7FEB352Du;
  x ^= key_high;
  x = (x ^ (x >> 15)) * 0x846CA68Bu;
  return x ^ (x >> 16);
}

// Owen's flips of the five digits from `Depth` on. They hang on the digits above only: one hash of the first
// Depth digits names the flips of the whole subtree below them, 1 + 2 + 4 + 8 + 16 nodes in heap order from
// bit 1 on.
template <unsigned Depth, class Word>
FACETRY_HD static inline Word owen_flips(Word x, Word key_low, Word key_high, Word flips) {
  if constexpr (Depth < 32) {
    constexpr std::uint32_t kRoot =
        0x80000000u >> Depth;  // marks where the prefix ends, so each node hashes alone
    constexpr std::uint32_t kPrefix = ~(kRoot | (kRoot - 1));
    const Word word = hash32<Word>((x & kPrefix) | kRoot, key_low, key_high);
    const Word path = ((x << Depth) >> 1) | 0x80000000u;  // a one, then the digits inside the subtree
#if defined(__CUDACC__)
#pragma unroll
#endif
    for (unsigned level = 0; level < 5 && Depth + level < 32; ++level)
      flips = (flips << 1) | ((word >> (path >> (31 - level))) & 1u);
    return owen_flips<Depth + 5>(x, key_low, key_high, flips);
  } else {
    return flips;
  }
}

// Nested uniform scrambling (Owen 1995) of the first 32 digits.
template <class Word>
FACETRY_HD static inline Word owen32(Word x, Word key_low, Word key_high) {
  return x ^ owen_flips<0>(x, key_low, key_high, Word{});
}

// The next 32 digits: their keys are hashes of all the digits above.
template <class Word>
FACETRY_HD static inline Word owen32_below(Word above, Word x, Word key_low, Word key_high) {
  const Word low = hash32<Word>(above, key_high, key_low);
  const Word high = hash32<Word>(~above, key_high, key_low);
  return owen32<Word>(x, low, high);
}

FACETRY_HD static inline std::uint64_t owen64(std::uint64_t x, std::uint64_t key) {
  const auto low = static_cast<std::uint32_t>(key);
  const auto high = static_cast<std::uint32_t>(key >> 32);
  const auto above = static_cast<std::uint32_t>(x >> 32);
  const auto below = static_cast<std::uint32_t>(x);
  return std::uint64_t{owen32(above, low, high)} << 32 | owen32_below(above, below, low, high);
}

// The digits of Sobol point `index` in one dimension: direction number k at directions[k * stride]. Gray-code
// order (Antonov and Saleev 1979).
FACETRY_HD static inline std::uint64_t sobol64(std::uint64_t index, const std::uint64_t* directions,
                                               std::size_t stride, std::uint64_t shift) {
  for (std::uint64_t gray = index ^ (index >> 1); gray; gray >>= 1, directions += stride)
    if (gray & 1) shift ^= *directions;
  return shift;
}

// Digits to a number in [0, 1), cut and never rounded up: 52 binary digits of a double, 24 of a float.
template <class T>
FACETRY_HD static inline T to_unit(std::uint64_t digits) {
  if constexpr (sizeof(T) == sizeof(float))
    return static_cast<T>(static_cast<std::int32_t>(digits >> 40)) * T(0x1p-24);
  else
    return static_cast<T>(static_cast<std::int64_t>(digits >> 12)) * T(0x1p-52);
}

}  // namespace facetry::points
