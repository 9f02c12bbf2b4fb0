// Packed activation patterns: rows of `words` 64-bit words.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facetry {

struct BitKernels {
  // out[i] = number of bits in which row i of a differs from row i of b.
  void (*hamming)(const std::uint64_t* a, const std::uint64_t* b, std::size_t rows, std::size_t words,
                  std::int32_t* out);
  // out[j] = number of bits in which `row` differs from row j of b.
  void (*hamming_row)(const std::uint64_t* row, const std::uint64_t* b, std::size_t rows, std::size_t words,
                      std::int32_t* out);
  // counts[64 * w + j] += number of rows whose bit j of word w is set.
  void (*add_counts)(const std::uint64_t* bits, std::size_t rows, std::size_t words, std::int64_t* counts);
};

}  // namespace facetry
