// Halton points on a device: a warp computes one column, so that its threads take the same number of digits,
// and tiles of columns are turned to rows in shared memory. The scrambled digits are points/sequence.hpp's.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/arithmetic.hpp"
#include "points/sequence.hpp"

namespace facetry {
class Halton;
}

namespace facetry::cuda {

enum class HaltonScrambling { kNone, kOwen, kDigits };

struct HaltonBase {
  std::uint32_t base = 0;
  std::int32_t positions = 0;    // kDigits: see points::permuted_inverse
  std::uint64_t reciprocal = 0;  // 2^64 / base, rounded up
  std::uint64_t key = 0;
  std::uint64_t zeros = 0;
  std::int64_t weights = 0;       // offset of this column's among all weights, or all doubles
  std::int64_t permutations = 0;  // likewise
};

// Columns begin .. end of a sequence; as many as fit a modest amount of memory.
struct HaltonPlan {
  HaltonPlan(const Halton& halton, std::int64_t begin, std::uint64_t last_index);

  std::int64_t begin, end;
  HaltonScrambling scrambling;
  std::vector<HaltonBase> columns;
  std::vector<double> inverse_powers;  // kNone: 1 / base, that divided by base, ...
  std::vector<points::DigitWeight> weights;
  std::vector<std::uint32_t> permutations;
};

template <class T>
struct HaltonCall {
  std::uint64_t start = 0, leap = 1;
  std::int64_t n = 0;
  std::int64_t dimensions = 0;
  std::int64_t first = 0;  // column of the output
  std::int64_t count = 0;  // columns
  HaltonScrambling scrambling = HaltonScrambling::kNone;
  const HaltonBase* columns = nullptr;
  const double* inverse_powers = nullptr;
  const points::DigitWeight* weights = nullptr;
  const std::uint32_t* permutations = nullptr;
  T* out = nullptr;
};

struct HaltonTile {
  static constexpr int kThreads = 256, kWarp = 32, kColumns = 32, kRows = 64;
  static constexpr int kStride = kColumns + 1;  // a column's stores go to 32 banks

  static std::int64_t blocks(std::int64_t n, std::int64_t columns) {
    return (n + kRows - 1) / kRows * ((columns + kColumns - 1) / kColumns);
  }
};

// points::radical_inverse, without divisions: the same powers, and quotients that are exact below 2^32.
FACETRY_HD inline double halton_inverse(std::uint64_t index, const HaltonBase& column, const double* powers) {
  double value = 0;
  for (; index >> 32; index /= column.base) value += static_cast<double>(index % column.base) * *powers++;
  for (auto rest = static_cast<std::uint32_t>(index); rest > 0;) {
    const auto quotient = static_cast<std::uint32_t>(multiply_high(rest, column.reciprocal));
    value += static_cast<double>(rest - quotient * column.base) * *powers++;
    rest = quotient;
  }
  return value;
}

template <class T>
FACETRY_HD inline double halton_coordinate(const HaltonCall<T>& call, std::int64_t j, std::uint64_t index) {
  const HaltonBase column = call.columns[j];
  if (call.scrambling == HaltonScrambling::kNone)
    return halton_inverse(index, column, call.inverse_powers + column.weights);
  const points::DigitWeight* const weights = call.weights + column.weights;
  if (call.scrambling == HaltonScrambling::kOwen)
    return points::to_unit<double>(points::owen_inverse(index, column.base, column.key, weights));
  return points::to_unit<double>(
      points::permuted_inverse(index, column.base, static_cast<std::size_t>(column.positions),
                               call.permutations + column.permutations, weights, column.zeros));
}

FACETRY_HD inline void cut(double value, double& to) { to = value; }

// To 24 digits, never rounded up.
FACETRY_HD inline void cut(double value, float& to) {
  to = static_cast<float>(static_cast<std::int32_t>(value * 0x1p24)) * 0x1p-24f;
}

template <class T, class Block>
FACETRY_HD inline void halton_block(Block& block, const HaltonCall<T>& call, std::int64_t index) {
  using Tile = HaltonTile;
  const std::int64_t column_tiles = (call.count + Tile::kColumns - 1) / Tile::kColumns;
  const std::int64_t first_row = index / column_tiles * Tile::kRows;
  const std::int64_t first_column = index % column_tiles * Tile::kColumns;
  T* const shared = block.template shared<T>();
  block.each([=, &call](auto& thread) {
    const int lane = thread.index % Tile::kWarp;
    for (int c = thread.index / Tile::kWarp; c < Tile::kColumns; c += Tile::kThreads / Tile::kWarp) {
      if (first_column + c >= call.count) break;
      for (int r = lane; r < Tile::kRows && first_row + r < call.n; r += Tile::kWarp)
        cut(halton_coordinate(call, first_column + c,
                              call.start + static_cast<std::uint64_t>(first_row + r) * call.leap),
            shared[r * Tile::kStride + c]);
    }
  });
  block.barrier();
  block.each([=, &call](auto& thread) {
    const int c = thread.index % Tile::kColumns;
    if (first_column + c >= call.count) return;
    for (int r = thread.index / Tile::kColumns; r < Tile::kRows && first_row + r < call.n;
         r += Tile::kThreads / Tile::kColumns)
      call.out[(first_row + r) * call.dimensions + call.first + first_column + c] =
          shared[r * Tile::kStride + c];
  });
}

}  // namespace facetry::cuda
