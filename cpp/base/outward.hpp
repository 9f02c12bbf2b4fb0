// Bounds that hold in exact arithmetic, from arithmetic that rounds to nearest (Higham 2002, chapter 3).
#pragma once

#include <cstddef>
#include <limits>

namespace facetry {

// Half the distance from 1 to the next number.
template <class T>
inline constexpr double kUnit = static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;

// No rounding of a result below the smallest normal number errs by more.
template <class T>
inline constexpr double kTiny = static_cast<double>(std::numeric_limits<T>::denorm_min());

// Not below the exact value where `x` came from at most 30 sums, products, quotients and roots of numbers
// that are not negative: (1 - 2^-53)^-31 < 1 + 2^-48. One of the products may have lost 2^-1074 to underflow.
constexpr double above(double x) { return x * (1 + 0x1p-48) + 0x1p-1073; }

// gamma_n = n u / (1 - n u): the relative error of n roundings in T.
template <class T>
constexpr double gamma(std::size_t n) {
  const double nu = static_cast<double>(n) * kUnit<T>;
  return nu < 0.5 ? above(nu / (1 - nu)) : std::numeric_limits<double>::infinity();
}

}  // namespace facetry
