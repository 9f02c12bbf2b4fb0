// Sobol points on a device: a thread owns four neighbouring coordinates and steps them from block of points
// to block of points, so that a warp writes whole cache lines. The digits' arithmetic is
// points/sequence.hpp's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/arithmetic.hpp"
#include "points/sequence.hpp"

namespace facetry {
struct SobolTables;
}

namespace facetry::cuda {

constexpr int kQuad = 4;             // coordinates of a thread
constexpr int kBlocksAThread = 128;  // of points: the start costs up to 32 steps

// 2^lanes_log2 points side by side are one row of `width` coordinates, as in points/sobol.cpp: between two
// such rows every coordinate changes by one of `steps`.
struct SobolPlan {
  explicit SobolPlan(const SobolTables& tables);

  std::int64_t dimensions;
  unsigned bits;
  unsigned lanes_log2 = 0;
  std::int64_t width = 0;
  std::int64_t stride = 0;  // of a row of steps: width and padding to whole quads
  // Each plane: the first row, then rows of steps; with Owen's scrambling a row of low and one of high key
  // words.
  std::vector<std::uint32_t> high, low, keys;
};

template <class T>
struct SobolCall {
  std::uint64_t start = 0;
  std::int64_t n = 0;
  std::int64_t dimensions = 0;
  unsigned lanes_log2 = 0;
  std::int64_t width = 0;
  std::int64_t stride = 0;
  std::uint32_t mask_high = 0, mask_low = 0;
  const std::uint32_t* high = nullptr;
  const std::uint32_t* low = nullptr;   // null where 32 digits do
  const std::uint32_t* keys = nullptr;  // null: no Owen scrambling
  T* out = nullptr;

  FACETRY_HD std::int64_t quads() const { return (width + kQuad - 1) / kQuad; }
  FACETRY_HD std::uint64_t first_block() const { return start >> lanes_log2; }
  FACETRY_HD std::uint64_t last_block() const {
    return (start + static_cast<std::uint64_t>(n) - 1) >> lanes_log2;
  }
  std::int64_t threads() const {
    const auto blocks = static_cast<std::int64_t>(last_block() - first_block() + 1);
    return (blocks + kBlocksAThread - 1) / kBlocksAThread * quads();
  }
};

using Quad = Vector<std::uint32_t>;

FACETRY_HD inline int trailing_zeros(std::uint64_t x) {
#if defined(__CUDA_ARCH__)
  return __ffsll(static_cast<long long>(x)) - 1;
#else
  return __builtin_ctzll(x);
#endif
}

// state ^= words, four of them.
FACETRY_HD inline void toggle(Quad& state, const std::uint32_t* words) {
  const Quad change = *reinterpret_cast<const Quad*>(words);
  FACETRY_HD_UNROLL
  for (int i = 0; i < kQuad; ++i) state.lane[i] ^= change.lane[i];
}

// The state of a quad at a block of points; `plane` is at the quad's first column.
FACETRY_HD inline Quad seek(const std::uint32_t* plane, std::int64_t stride, std::uint64_t block) {
  Quad state = *reinterpret_cast<const Quad*>(plane);
  for (std::uint64_t gray = block ^ (block >> 1); gray; gray &= gray - 1)
    toggle(state, plane + (1 + trailing_zeros(gray)) * stride);
  return state;
}

template <class T, bool kWide, bool kOwen>
FACETRY_HD inline T sobol_unit(const SobolCall<T>& call, std::uint32_t above, std::uint32_t below,
                               std::uint32_t key_low, std::uint32_t key_high) {
  std::uint32_t high = above, low = kWide ? below : 0;
  if constexpr (kOwen) {
    high = points::owen32(above, key_low, key_high) & call.mask_high;
    if constexpr (kWide) low = points::owen32_below(above, below, key_low, key_high) & call.mask_low;
  }
  return points::to_unit<T>(std::uint64_t{high} << 32 | low);
}

template <class T, bool kWide, bool kOwen>
FACETRY_HD inline void sobol_thread(const SobolCall<T>& call, std::int64_t index) {
  const std::int64_t column = index % call.quads() * kQuad;
  const std::uint64_t first =
      call.first_block() + static_cast<std::uint64_t>(index / call.quads()) * kBlocksAThread;
  const std::uint64_t last = call.last_block();
  Quad high = seek(call.high + column, call.stride, first), low{}, key_low{}, key_high{};
  if constexpr (kWide) low = seek(call.low + column, call.stride, first);
  if constexpr (kOwen) {
    key_low = *reinterpret_cast<const Quad*>(call.keys + column);
    key_high = *reinterpret_cast<const Quad*>(call.keys + call.stride + column);
  }
  const std::int64_t end = call.n * call.dimensions;
  for (std::uint64_t block = first; block < first + kBlocksAThread && block <= last; ++block) {
    // The first block may begin before the points that were asked for.
    const auto point = static_cast<std::int64_t>((block << call.lanes_log2) - call.start);
    const std::int64_t at = point * call.dimensions + column;
    T unit[kQuad];
    FACETRY_HD_UNROLL
    for (int i = 0; i < kQuad; ++i)
      unit[i] =
          sobol_unit<T, kWide, kOwen>(call, high.lane[i], low.lane[i], key_low.lane[i], key_high.lane[i]);
    if (at >= 0 && at + kQuad <= end && column + kQuad <= call.width && is_aligned(call.out + at)) {
      FACETRY_HD_UNROLL
      for (int i = 0; i < kQuad; i += Vector<T>::kSize) {
        Vector<T> v;
        FACETRY_HD_UNROLL
        for (int j = 0; j < Vector<T>::kSize; ++j) v.lane[j] = unit[i + j];
        *reinterpret_cast<Vector<T>*>(call.out + at + i) = v;
      }
    } else {
      FACETRY_HD_UNROLL
      for (int i = 0; i < kQuad; ++i)
        if (at + i >= 0 && at + i < end && column + i < call.width) call.out[at + i] = unit[i];
    }
    const std::int64_t step = (1 + trailing_zeros(block + 1)) * call.stride + column;
    toggle(high, call.high + step);
    if constexpr (kWide) toggle(low, call.low + step);
  }
}

}  // namespace facetry::cuda
