#include <algorithm>

#include "cuda/points/points.hpp"
#include "points/halton.hpp"
#include "points/sobol.hpp"

namespace facetry::cuda {
namespace {

constexpr std::int64_t kWidth = 128;  // coordinates of a row of blocks, at least: a warp's cache lines
constexpr std::size_t kPermutationBytes = std::size_t{64} << 20;

}  // namespace

SobolPlan::SobolPlan(const SobolTables& tables)
    : dimensions(static_cast<std::int64_t>(tables.dimensions)), bits(tables.bits) {
  // Four points at least, so that quads do not straddle rows.
  while (lanes_log2 < bits && (lanes_log2 < 2 || dimensions << lanes_log2 < kWidth)) ++lanes_log2;
  width = dimensions << lanes_log2;
  stride = (width + kQuad - 1) / kQuad * kQuad;
  const unsigned steps = bits - lanes_log2;
  const auto plane = [&](unsigned shift) {
    // The last row of steps is zero: it follows the last point of all.
    std::vector<std::uint32_t> words((steps + 2) * static_cast<std::size_t>(stride));
    const std::size_t d = tables.dimensions;
    const std::uint64_t* const v = tables.directions.data();
    for (std::size_t i = 0; i < static_cast<std::size_t>(width); ++i) {
      const std::size_t j = i % d;
      words[i] = static_cast<std::uint32_t>(points::sobol64(i / d, v + j, d, tables.shift[j]) >> shift);
      for (unsigned c = 0; c < steps; ++c) {
        const std::uint64_t change =
            v[(lanes_log2 + c) * d + j] ^ (lanes_log2 > 0 ? v[(lanes_log2 - 1) * d + j] : 0);
        words[(1 + c) * static_cast<std::size_t>(stride) + i] = static_cast<std::uint32_t>(change >> shift);
      }
    }
    return words;
  };
  high = plane(32);
  if (bits > 32) low = plane(0);
  if (tables.owen_keys.empty()) return;
  keys.resize(2 * static_cast<std::size_t>(stride));
  for (std::size_t i = 0; i < static_cast<std::size_t>(width); ++i) {
    const std::uint64_t key = tables.owen_keys[i % tables.dimensions];
    keys[i] = static_cast<std::uint32_t>(key);
    keys[static_cast<std::size_t>(stride) + i] = static_cast<std::uint32_t>(key >> 32);
  }
}

HaltonPlan::HaltonPlan(const Halton& halton, std::int64_t from, std::uint64_t last_index)
    : begin(from), end(from) {
  const HaltonScramble scramble = halton.scramble();
  scrambling = scramble == HaltonScramble::kNone   ? HaltonScrambling::kNone
               : scramble == HaltonScramble::kOwen ? HaltonScrambling::kOwen
                                                   : HaltonScrambling::kDigits;
  const auto dimensions = static_cast<std::int64_t>(halton.dimensions());
  while (end < dimensions && permutations.size() * sizeof(std::uint32_t) < kPermutationBytes) {
    const auto j = static_cast<std::size_t>(end++);
    const std::uint32_t base = halton.bases()[j];
    const HaltonColumn host(j, base, scramble, halton.seed(), last_index);
    HaltonBase column;
    column.base = base;
    column.positions = static_cast<std::int32_t>(host.positions);
    column.reciprocal = ~std::uint64_t{0} / base + 1;
    column.key = host.key;
    column.zeros = host.zeros;
    if (scrambling == HaltonScrambling::kNone) {
      column.weights = static_cast<std::int64_t>(inverse_powers.size());
      double power = 1.0 / base;
      for (std::size_t k = 0; k < host.positions; ++k, power /= base) inverse_powers.push_back(power);
    } else {
      column.weights = static_cast<std::int64_t>(weights.size());
      weights.insert(weights.end(), host.weights.begin(), host.weights.end());
      column.permutations = static_cast<std::int64_t>(permutations.size());
      permutations.insert(permutations.end(), host.permutations.begin(), host.permutations.end());
    }
    columns.push_back(column);
  }
}

}  // namespace facetry::cuda
