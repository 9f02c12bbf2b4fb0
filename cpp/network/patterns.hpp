// Sets and counts of packed activation patterns: rows of `words` 64-bit words, compared bit by bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace facetry {

// A mixed 64-bit value of one row; equal rows have equal hashes.
std::uint64_t hash_pattern(const std::uint64_t* row, std::size_t words);

void hash_patterns(const std::uint64_t* rows, std::size_t count, std::size_t words, std::uint64_t* out);

// Distinct patterns, numbered in the order in which they were first seen.
class PatternSet {
 public:
  explicit PatternSet(std::size_t words) : words_(words), slots_(16) {}

  std::size_t size() const { return hashes_.size(); }
  std::size_t words() const { return words_; }
  const std::vector<std::uint64_t>& rows() const { return rows_; }
  std::size_t bytes() const;

  // Numbers of the given rows, -1 for those that would have to be added beyond max_bytes. Pass an empty
  // `numbers` when they are not wanted. Returns how many rows were refused.
  std::size_t add(std::span<const std::uint64_t> rows, std::size_t count, std::span<std::int64_t> numbers,
                  std::size_t max_bytes);

 private:
  std::int64_t find_or_add(const std::uint64_t* row, std::uint64_t hash, std::size_t max_bytes);
  bool make_room(std::size_t max_bytes);
  void rehash(std::size_t slots);

  std::size_t words_;
  std::vector<std::uint64_t> rows_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t>
      slots_;  // number + 1 of the pattern, 0 where empty; linear probing, half full at most
};

// out[i * m + j] = Hamming distance of row i of a (n rows) and row j of b (m rows).
void hamming_pairwise(const std::uint64_t* a, std::size_t n, const std::uint64_t* b, std::size_t m,
                      std::size_t words, std::int32_t* out);
// out[i] = Hamming distance of the rows i of a and b.
void hamming_elementwise(const std::uint64_t* a, const std::uint64_t* b, std::size_t rows, std::size_t words,
                         std::int32_t* out);
// counts[64 * w + j] = number of rows whose bit j of word w is set.
void count_active(const std::uint64_t* bits, std::size_t rows, std::size_t words, std::int64_t* counts);

}  // namespace facetry
