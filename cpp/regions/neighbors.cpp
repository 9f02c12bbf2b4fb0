#include <algorithm>
#include <bit>
#include <memory>

#include "base/parallel.hpp"
#include "network/patterns.hpp"
#include "regions/box.hpp"

namespace facetry {
namespace {

constexpr std::size_t kBlock = 4096;

}  // namespace

void find_neighbors(std::span<const std::uint64_t> bits, std::size_t words,
                    std::span<const std::int64_t> ends, std::span<const std::int32_t> facets,
                    std::span<const std::uint32_t> bit_of_neuron, std::int64_t* neighbors) {
  const std::size_t count = ends.size();
  if (words == 0 || count == 0) return;
  const std::size_t slots = std::bit_ceil(2 * count + 1);
  std::vector<std::int64_t> table(slots, -1);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t slot = hash_pattern(bits.data() + i * words, words) & (slots - 1);
    while (table[slot] >= 0) slot = (slot + 1) & (slots - 1);
    table[slot] = static_cast<std::int64_t>(i);
  }
  const std::size_t items = (count + kBlock - 1) / kBlock;
  parallel_for(items, 50.0 * static_cast<double>(facets.size()), [&]() -> Work {
    auto pattern = std::make_shared<std::vector<std::uint64_t>>(words);
    return [&, pattern](std::size_t item) {
      std::uint64_t* row = pattern->data();
      for (std::size_t i = item * kBlock; i < std::min(count, (item + 1) * kBlock); ++i) {
        std::copy_n(bits.data() + i * words, words, row);
        const std::size_t begin = i == 0 ? 0 : static_cast<std::size_t>(ends[i - 1]);
        for (std::size_t f = begin; f < static_cast<std::size_t>(ends[i]); ++f) {
          const std::uint32_t place = bit_of_neuron[static_cast<std::size_t>(facets[f])];
          const std::uint64_t flip = std::uint64_t{1} << (place % 64);
          row[place / 64] ^= flip;
          std::size_t slot = hash_pattern(row, words) & (slots - 1);
          while (table[slot] >= 0 &&
                 !std::equal(row, row + words, bits.data() + static_cast<std::size_t>(table[slot]) * words))
            slot = (slot + 1) & (slots - 1);
          neighbors[f] = table[slot];
          row[place / 64] ^= flip;
        }
      }
    };
  });
}

}  // namespace facetry
