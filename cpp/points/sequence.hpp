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

// A keyed hash of 32-bit words, scalars or vectors of them, with the constants of triple32 (Wellons 2018).
// Two multiplications would do for random words, but not for the names below, which differ in few bits: the
// flips of digits 6 and 22 were correlated by 0.44.
template <class Word>
FACETRY_HD static inline Word hash32(Word x, Word key_low, Word key_high) {
  x ^= key_low;
  x = (x ^ (x >> 17)) * 0xED5AD4BBu;
  x ^= key_high;
  x = (x ^ (x >> 11)) * 0xAC4C1B51u;
  x = (x ^ (x >> 15)) * 0x31848BABu;
  return x ^ (x >> 14);
}

// Nested uniform scrambling (Owen 1995): digit k is flipped by a hash of the digits above it. A word of 32
// hash bits is the flips of digit k for all 32 values of the first five digits and one value of those
// between, so that 32 points that differ in their first five digits alone, as 32 successive Sobol points do,
// share their hashes. `between` are the digits from the sixth on; those from digit k on are not looked at.
template <class Word>
FACETRY_HD static inline Word owen_word(unsigned k, Word between, Word key_low, Word key_high) {
  if (k < 5) return hash32<Word>(Word{} + (k + 1), key_low, key_high);
  const std::uint32_t end =
      0x80000000u >> (k - 5);  // marks where the digits end, so each prefix hashes alone
  return hash32<Word>((between & ~(end | (end - 1))) | end, key_low, key_high);
}

// Which bit of the word it is, from the left: above the sixth digit the first k digits, and zeros.
FACETRY_HD static inline std::uint32_t owen_bit(unsigned k, std::uint32_t first_five) {
  return k < 5 ? first_five & ~(31u >> k) : first_five;
}

// The keys of the digits from the 33rd on are hashes of all that are between the fifth and them.
template <class Word>
FACETRY_HD static inline void owen_keys_below(Word between, Word& key_low, Word& key_high) {
  const Word low = hash32<Word>(between | 1u, key_high, key_low);
  key_high = hash32<Word>(between | 2u, key_high, key_low);
  key_low = low;
}

// The first 32 digits of a coordinate, scrambled.
FACETRY_HD static inline std::uint32_t owen32(std::uint32_t x, std::uint32_t key_low,
                                              std::uint32_t key_high) {
  std::uint32_t flips = 0;
  for (unsigned k = 0; k < 32; ++k)
    flips = flips << 1 | (owen_word(k, x << 5, key_low, key_high) << owen_bit(k, x >> 27)) >> 31;
  return x ^ flips;
}

// The 20 digits below those.
FACETRY_HD static inline std::uint32_t owen32_below(std::uint32_t above, std::uint32_t x,
                                                    std::uint32_t key_low, std::uint32_t key_high) {
  owen_keys_below(above << 5, key_low, key_high);
  std::uint32_t flips = 0;
  for (unsigned k = 0; k < 20; ++k)
    flips = flips << 1 | (owen_word(k + 5, x, key_low, key_high) << (above >> 27)) >> 31;
  return x ^ flips << 12;
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
  std::size_t k = 0;
  for (std::uint64_t gray = index ^ (index >> 1); gray; gray >>= 1, ++k)
    if (gray & 1) shift ^= directions[k * stride];
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

// Halton's coordinate without scrambling, added in scipy's order (first digit first), so with scipy's bits.
// The result is below 1 for indices below 2^48: 1 less the true value is at least 2^-48, the rounding below
// 2^-48.8.
FACETRY_HD static inline double radical_inverse(std::uint64_t index, std::uint32_t base) {
  double value = 0;
  for (double weight = 1.0 / base; index > 0; index /= base, weight /= base)
    value += static_cast<double>(index % base) * weight;
  return value;
}

// Scrambled coordinates are sums of 64-bit fractions, which do not hang on the order of the digits.
// Digit p at position k counts floor(p / base^(k + 1)) to within 2 units of 2^-64, and never more than that.
struct DigitWeight {
  std::uint64_t fraction;  // of 2^64
  std::uint32_t rest;      // its next 32 bits
};

FACETRY_HD static inline DigitWeight first_weight(std::uint32_t base) {
  const std::uint64_t remainder = (0 - std::uint64_t{base}) % base;  // of 2^64
  return {~std::uint64_t{0} / base + (remainder == 0), static_cast<std::uint32_t>((remainder << 32) / base)};
}

FACETRY_HD static inline DigitWeight next_weight(DigitWeight weight, std::uint32_t base) {
  const std::uint64_t remainder = weight.fraction % base;
  return {weight.fraction / base, static_cast<std::uint32_t>(((remainder << 32) | weight.rest) / base)};
}

FACETRY_HD static inline std::uint64_t digit_fraction(std::uint32_t digit, DigitWeight weight) {
  return digit * weight.fraction + ((std::uint64_t{digit} * weight.rest) >> 32);
}

// The high 64 bits of a product.
FACETRY_HD static inline std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a0 = a & 0xFFFFFFFFu, a1 = a >> 32, b0 = b & 0xFFFFFFFFu, b1 = b >> 32;
  const std::uint64_t middle = a1 * b0 + ((a0 * b0) >> 32);
  return a1 * b1 + (middle >> 32) + (((middle & 0xFFFFFFFFu) + a0 * b1) >> 32);
}

// One of base values, uniform to within base / 2^32.
FACETRY_HD static inline std::uint32_t pick(std::uint64_t random, std::uint32_t count) {
  return static_cast<std::uint32_t>(((random >> 32) * count) >> 32);
}

// Image i of a random permutation of 0..base - 1 made by Fisher and Yates' exchanges is at first at i + this.
FACETRY_HD static inline std::uint32_t exchange(std::uint64_t key, std::uint32_t i, std::uint32_t base) {
  return pick(mix64(key + i), base - i);
}

// Nested scrambling of Halton's digits (Owen 1995), the permutation of a digit keyed by the digits before it:
// d -> (a d + c) mod base with a uniform in 1..base - 1 and c in 0..base - 1. Two digits go to any two
// different ones with the same probability, so variances are those of uniform permutations (Owen 2003, on
// affine ones). The c of a node and those of the nodes reached from it through zeros are the digits of one
// random fraction, so that the infinitely many zeros at the end of an index cost one product.
struct OwenState {
  std::uint64_t value;   // of the digits so far
  std::uint64_t node;    // names the prefix up to its last digit other than 0
  std::uint64_t shifts;  // the fraction whose digits are the shifts from here on
};

FACETRY_HD static inline OwenState owen_start(std::uint64_t key) {
  return {0, mix64(key), mix64(mix64(key))};
}

// Takes digit k; reciprocal is the fraction of first_weight(base).
FACETRY_HD static inline OwenState owen_step(OwenState state, std::uint32_t digit, std::size_t k,
                                             std::uint32_t base, std::uint64_t reciprocal,
                                             DigitWeight weight) {
  const std::uint64_t shift = multiply_high(state.shifts, base);
  if (digit == 0) {
    const std::uint64_t term = digit_fraction(static_cast<std::uint32_t>(shift), weight);
    return {state.value + term, state.node, state.shifts * base};
  }
  const std::uint64_t random = mix64(state.node + k);
  const std::uint64_t image = std::uint64_t{1 + pick(random, base - 1)} * digit + shift;
  std::uint64_t rest = image - multiply_high(image, reciprocal) * base;  // below 2 base
  rest = rest < base ? rest : rest - base;
  const std::uint64_t node = mix64(random ^ digit);
  return {state.value + digit_fraction(static_cast<std::uint32_t>(rest), weight), node, mix64(node)};
}

// The value with all the zeros that follow, after a digit of this weight.
FACETRY_HD static inline std::uint64_t owen_end(OwenState state, DigitWeight weight) {
  return state.value + multiply_high(state.shifts, weight.fraction);
}

// So many digits are always taken one by one: a table over them has at most 4096 entries, or base.
FACETRY_HD static inline std::size_t table_digits(std::uint32_t base) {
  std::size_t digits = 1;
  for (std::uint64_t power = base; power * base <= 4096; power *= base) ++digits;
  return digits;
}

FACETRY_HD static inline std::uint64_t owen_inverse(std::uint64_t index, std::uint32_t base,
                                                    std::uint64_t key, const DigitWeight* weights) {
  OwenState state = owen_start(key);
  std::size_t k = 0;
  for (const std::size_t least = table_digits(base); index > 0 || k < least; index /= base, ++k)
    state =
        owen_step(state, static_cast<std::uint32_t>(index % base), k, base, weights[0].fraction, weights[k]);
  return owen_end(state, weights[k - 1]);
}

// Halton's digits, each position permuted by a table of its own: digit d of position k becomes
// permutations[k * base + d]. `zeros` is what the positions past the index's digits add.
FACETRY_HD static inline std::uint64_t permuted_inverse(std::uint64_t index, std::uint32_t base,
                                                        std::size_t positions,
                                                        const std::uint32_t* permutations,
                                                        const DigitWeight* weights, std::uint64_t zeros) {
  for (std::size_t k = 0; k < positions; ++k, index /= base)
    zeros += digit_fraction(permutations[k * base + index % base], weights[k]);
  return zeros;
}

}  // namespace facetry::points
