// All linear pieces of a network on segments, rays and lines: the line through two points, t = 0 at a, t = 1
// at b.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "network/network.hpp"

namespace facetry {

struct SegmentCall {
  std::size_t segments = 0;
  const double* a = nullptr;  // (segments, inputs)
  const double* b = nullptr;
  double t_begin = 0;  // may be -infinity
  double t_end = 1;    // may be +infinity
  bool wants_values = true;
  std::size_t max_bytes = 0;  // of the result
};

struct SegmentPieces {
  std::vector<std::int64_t> offsets;       // (segments + 1) into t
  std::vector<double> t;                   // breakpoints, ascending within a segment
  std::vector<std::int64_t> flip_offsets;  // (breakpoints + 1) into neurons
  std::vector<std::int64_t> neurons;       // that flip there
  std::vector<double> values;  // (finite ends and breakpoints, outputs), segment by segment in the order of t
  std::vector<std::uint64_t> first_bits;  // (segments, words): the pattern of the first piece
};

// The result needs more than max_bytes; becomes Python's MemoryError.
class TooManyPieces : public std::bad_alloc {
 public:
  explicit TooManyPieces(std::size_t max_bytes)
      : message_("the pieces on these segments need more than " + std::to_string(max_bytes) +
                 " bytes (max_bytes): work in blocks of segments") {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

// The same bits whatever the threads, the instruction set and the other segments of the call. Throws
// std::invalid_argument naming the first element of a or b that is not finite.
SegmentPieces segment_pieces(const Network<double>& network, const SegmentCall& call);

// Patterns of all pieces, (breakpoints + segments, words).
void expand_patterns(const Network<double>& network, std::size_t segments, const std::int64_t* offsets,
                     const std::int64_t* flip_offsets, const std::int64_t* neurons,
                     const std::uint64_t* first_bits, std::uint64_t* out);

}  // namespace facetry
