// The arithmetic that decides bits, one rounding an operation on the host and on the device alike; and
// vectors of 16 bytes, the widest access of a thread.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/hd.hpp"

// Unrolls a loop of the device code, where an array in registers must be indexed by constants.
#if defined(__CUDA_ARCH__)
#define FACETRY_PRAGMA(text) _Pragma(#text)
#define FACETRY_HD_UNROLL FACETRY_PRAGMA(unroll)
#define FACETRY_HD_UNROLL_BY(n) FACETRY_PRAGMA(unroll n)
#else
#define FACETRY_HD_UNROLL
#define FACETRY_HD_UNROLL_BY(n)
#endif

namespace facetry::cuda {

FACETRY_HD inline float fma(float w, float a, float z) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(w, a, z);
#else
  return std::fma(w, a, z);
#endif
}

FACETRY_HD inline double fma(double w, double a, double z) {
#if defined(__CUDA_ARCH__)
  return __fma_rn(w, a, z);
#else
  return std::fma(w, a, z);
#endif
}

template <class T>
FACETRY_HD inline bool is_finite(T x) {
  return x - x == 0;
}

// The high 64 bits of a product.
FACETRY_HD inline std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
#if defined(__CUDA_ARCH__)
  return __umul64hi(a, b);
#else
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(a) * b) >> 64);
#endif
}

template <class T>
struct alignas(16) Vector {
  static constexpr int kSize = 16 / sizeof(T);
  T lane[kSize];
};

template <class T>
FACETRY_HD inline bool is_aligned(const T* p) {
  return reinterpret_cast<std::uintptr_t>(p) % sizeof(Vector<T>) == 0;
}

}  // namespace facetry::cuda
