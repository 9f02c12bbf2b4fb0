#include "network/patterns.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <mutex>
#include <stdexcept>

#include "base/dispatch.hpp"
#include "base/parallel.hpp"

namespace facetry {
namespace {

constexpr std::size_t kRowsPerItem = 4096;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint64_t hash_pattern(const std::uint64_t* row, std::size_t words) {
  std::uint64_t hash = 0x9E3779B97F4A7C15;
  for (std::size_t w = 0; w < words; ++w) hash = mix(hash ^ row[w], 0xD6E8FEB86659FD93) + w;
  return mix(hash, 0xA0761D6478BD642F);
}

void hash_patterns(const std::uint64_t* rows, std::size_t count, std::size_t words, std::uint64_t* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = hash_pattern(rows + i * words, words);
}

std::size_t PatternSet::bytes() const {
  return (rows_.capacity() + hashes_.capacity()) * sizeof(std::uint64_t) +
         slots_.size() * sizeof(std::uint32_t);
}

// Doubles what is full, so that the memory held is bytes() and never beyond max_bytes.
bool PatternSet::make_room(std::size_t max_bytes) {
  if (size() == std::numeric_limits<std::uint32_t>::max() - 1)
    throw std::length_error("more than 2^32 - 2 distinct patterns");
  const std::size_t row_bytes = (words_ + 1) * sizeof(std::uint64_t);
  const bool slots_full = 2 * (size() + 1) > slots_.size();
  const std::size_t slots = slots_full ? 2 * slots_.size() : slots_.size();
  const std::size_t slot_bytes = slots * sizeof(std::uint32_t);
  if (slot_bytes > max_bytes) return false;
  if (size() == hashes_.capacity()) {
    const std::size_t rows = std::min(2 * size() + 16, (max_bytes - slot_bytes) / row_bytes);
    if (rows <= size()) return false;
    hashes_.reserve(rows);
    rows_.reserve(rows * words_);
  }
  if (hashes_.capacity() * row_bytes + slot_bytes > max_bytes) return false;
  if (slots_full) rehash(slots);
  return true;
}

void PatternSet::rehash(std::size_t slots) {
  slots_.assign(slots, 0);
  const std::size_t mask = slots - 1;
  for (std::size_t number = 0; number < hashes_.size(); ++number) {
    std::size_t slot = hashes_[number] & mask;
    while (slots_[slot]) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<std::uint32_t>(number + 1);
  }
}

std::int64_t PatternSet::find_or_add(const std::uint64_t* row, std::uint64_t hash, std::size_t max_bytes) {
  const auto first_slot = [&] { return hash & (slots_.size() - 1); };
  const auto next_slot = [&](std::size_t slot) { return (slot + 1) & (slots_.size() - 1); };
  std::size_t slot = first_slot();
  for (; slots_[slot]; slot = next_slot(slot)) {
    const std::size_t number = slots_[slot] - 1;
    if (hashes_[number] == hash && std::equal(row, row + words_, rows_.data() + number * words_))
      return static_cast<std::int64_t>(number);
  }
  if (!make_room(max_bytes)) return -1;
  for (slot = first_slot(); slots_[slot];) slot = next_slot(slot);
  rows_.insert(rows_.end(), row, row + words_);
  hashes_.push_back(hash);
  slots_[slot] = static_cast<std::uint32_t>(size());
  return static_cast<std::int64_t>(size() - 1);
}

std::size_t PatternSet::add(std::span<const std::uint64_t> rows, std::size_t count,
                            std::span<std::int64_t> numbers, std::size_t max_bytes) {
  // Hashes first, a batch at a time, so that the cache misses of the look-ups overlap.
  std::array<std::uint64_t, 32> hash;
  std::size_t refused = 0;
  for (std::size_t begin = 0; begin < count; begin += hash.size()) {
    const std::size_t batch = std::min(hash.size(), count - begin);
    for (std::size_t i = 0; i < batch; ++i) {
      hash[i] = hash_pattern(rows.data() + (begin + i) * words_, words_);
      __builtin_prefetch(&slots_[hash[i] & (slots_.size() - 1)]);
    }
    for (std::size_t i = 0; i < batch; ++i) {
      const std::int64_t number = find_or_add(rows.data() + (begin + i) * words_, hash[i], max_bytes);
      refused += number < 0;
      if (!numbers.empty()) numbers[begin + i] = number;
    }
  }
  return refused;
}

void hamming_pairwise(const std::uint64_t* a, std::size_t n, const std::uint64_t* b, std::size_t m,
                      std::size_t words, std::int32_t* out) {
  const auto kernel = kernels().bits.hamming_row;
  const double nanoseconds = static_cast<double>(n) * static_cast<double>(m) * static_cast<double>(words);
  parallel_for(n, nanoseconds, [&]() -> Work {
    return [&](std::size_t i) { kernel(a + i * words, b, m, words, out + i * m); };
  });
}

void hamming_elementwise(const std::uint64_t* a, const std::uint64_t* b, std::size_t rows, std::size_t words,
                         std::int32_t* out) {
  const auto kernel = kernels().bits.hamming;
  const std::size_t items = (rows + kRowsPerItem - 1) / kRowsPerItem;
  parallel_for(items, static_cast<double>(rows * words), [&]() -> Work {
    return [&](std::size_t item) {
      const std::size_t begin = item * kRowsPerItem;
      kernel(a + begin * words, b + begin * words, std::min(kRowsPerItem, rows - begin), words, out + begin);
    };
  });
}

void count_active(const std::uint64_t* bits, std::size_t rows, std::size_t words, std::int64_t* counts) {
  const auto kernel = kernels().bits.add_counts;
  const std::size_t items = (rows + kRowsPerItem - 1) / kRowsPerItem;
  std::fill_n(counts, 64 * words, std::int64_t{0});
  std::mutex mutex;
  parallel_for(items, 10 * static_cast<double>(rows * words), [&]() -> Work {
    return [&](std::size_t item) {
      std::vector<std::int64_t> part(64 * words);
      const std::size_t begin = item * kRowsPerItem;
      kernel(bits + begin * words, std::min(kRowsPerItem, rows - begin), words, part.data());
      const std::lock_guard lock(mutex);
      for (std::size_t j = 0; j < part.size(); ++j) counts[j] += part[j];
    };
  });
}

}  // namespace facetry
