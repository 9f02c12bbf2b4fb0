#include "points/sobol.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <stdexcept>

#include "base/dispatch.hpp"
#include "base/parallel.hpp"
#include "points/sequence.hpp"

namespace facetry {
namespace {

constexpr std::size_t kTileWidth = 128;   // coordinates of a row of blocks, at least
constexpr std::size_t kColumns = 1024;    // of one kernel call: state and changes stay in the cache
constexpr std::size_t kRowsPerItem = 64;  // at least: an item starts with up to 52 exclusive-ors a column
constexpr std::size_t kNumbersPerItem = 1 << 17;  // at least

// Joe and Kuo 2008, Eqs. 2 and 3, in words whose first digit is bit 63.
void direction_numbers(std::uint32_t polynomial, const std::uint32_t* initial, unsigned bits,
                       std::uint64_t* out, std::size_t stride) {
  const unsigned degree = static_cast<unsigned>(std::bit_width(polynomial)) - 1;
  for (unsigned k = 0; k < bits; ++k) {
    std::uint64_t& v = out[k * stride];
    if (degree == 0 || k < degree) {
      v = std::uint64_t{degree == 0 ? 1 : initial[k]} << (63 - k);
      continue;
    }
    const std::uint64_t oldest = out[(k - degree) * stride];
    v = oldest ^ (oldest >> degree);
    for (unsigned q = 1; q < degree; ++q)
      if (polynomial >> (degree - q) & 1) v ^= out[(k - q) * stride];
  }
}

// Multiplies the digits by a random lower triangular matrix with a unit diagonal (Matousek 1998).
void scramble_linearly(SobolTables& tables, std::uint64_t seed) {
  const std::size_t d = tables.dimensions;
  std::uint64_t matrix[64];
  for (std::size_t j = 0; j < d; ++j) {
    for (unsigned r = 0; r < tables.bits; ++r) {
      const std::uint64_t diagonal = std::uint64_t{1} << (63 - r);
      const std::uint64_t random = points::make_key(seed, points::Purpose::kSobolMatrix, 64 * j + r);
      matrix[r] = diagonal | (random & ~(diagonal | (diagonal - 1)));
    }
    for (unsigned k = 0; k < tables.bits; ++k) {
      std::uint64_t& v = tables.directions[k * d + j];
      std::uint64_t product = 0;
      for (unsigned r = 0; r < tables.bits; ++r)
        product |= static_cast<std::uint64_t>(std::popcount(matrix[r] & v) & 1) << (63 - r);
      v = product;
    }
  }
}

SobolTables make_tables(std::span<const std::uint32_t> polynomials, std::span<const std::uint32_t> initial,
                        unsigned bits, const std::string& scramble, std::uint64_t seed) {
  if (scramble != "none" && scramble != "owen" && scramble != "lms" && scramble != "shift")
    throw std::invalid_argument("scramble must be None, 'owen', 'lms' or 'shift', is '" + scramble + "'");
  if (bits < 1 || bits > Sobol::kMaxBits)
    throw std::invalid_argument("bits must be from 1 to 52, is " + std::to_string(bits));
  const std::size_t d = polynomials.size();
  SobolTables tables{d, bits, std::vector<std::uint64_t>(bits * d), std::vector<std::uint64_t>(d), {}};
  for (std::size_t j = 0; j < d; ++j)
    direction_numbers(polynomials[j], initial.data() + j * Sobol::kInitial, bits,
                      tables.directions.data() + j, d);
  if (scramble == "owen") {
    for (std::size_t j = 0; j < d; ++j)
      tables.owen_keys.push_back(points::make_key(seed, points::Purpose::kSobolOwen, j));
  } else if (scramble != "none") {
    if (scramble == "lms") scramble_linearly(tables, seed);
    const std::uint64_t mask = ~std::uint64_t{0} << (64 - bits);
    for (std::size_t j = 0; j < d; ++j)
      tables.shift[j] = points::make_key(seed, points::Purpose::kSobolShift, j) & mask;
  }
  return tables;
}

}  // namespace

Sobol::Sobol(std::span<const std::uint32_t> polynomials, std::span<const std::uint32_t> initial,
             unsigned bits, const std::string& scramble, std::uint64_t seed)
    : tables_(make_tables(polynomials, initial, bits, scramble, seed)) {
  tile();
}

// So that few dimensions fill the registers too, rows are taken in blocks of 2^p points, written side by side
// as one row of 2^p * dimensions coordinates. The blocks follow the Gray code as points do, since between two
// blocks every one of their points changes by the same two direction numbers, p - 1 and p + (trailing zeros).
// Not so for Owen's scrambling, whose kernel takes 32 successive points at once (see points::owen_word).
void Sobol::tile() {
  const bool owen = !tables_.owen_keys.empty();
  while (!owen && lanes_log2_ < tables_.bits && (tables_.dimensions << lanes_log2_) < kTileWidth)
    ++lanes_log2_;
  width_ = tables_.dimensions << lanes_log2_;
  stride_ = round_up(width_, kPointPadding);
  high_ = tile_plane(32);
  if (tables_.bits > 32) low_ = tile_plane(0);
  if (!owen) return;
  key_low_ = AlignedArray<std::uint32_t>(stride_);
  key_high_ = AlignedArray<std::uint32_t>(stride_);
  for (std::size_t i = 0; i < width_; ++i) {
    const std::uint64_t key = tables_.owen_keys[i % tables_.dimensions];
    key_low_[i] = static_cast<std::uint32_t>(key);
    key_high_[i] = static_cast<std::uint32_t>(key >> 32);
  }
}

Sobol::Plane Sobol::tile_plane(unsigned shift) const {
  const std::size_t d = tables_.dimensions;
  const unsigned p = lanes_log2_;
  const unsigned steps = tables_.bits - p;
  // The last row of changes is zero: it follows the last point of all.
  Plane plane{AlignedArray<std::uint32_t>(stride_), AlignedArray<std::uint32_t>((steps + 1) * stride_)};
  const std::uint64_t* v = tables_.directions.data();
  for (std::size_t i = 0; i < width_; ++i) {
    const std::size_t j = i % d;
    plane.first[i] = static_cast<std::uint32_t>(points::sobol64(i / d, v + j, d, tables_.shift[j]) >> shift);
    for (unsigned c = 0; c < steps; ++c) {
      const std::uint64_t change = v[(p + c) * d + j] ^ (p > 0 ? v[(p - 1) * d + j] : 0);
      plane.steps[c * stride_ + i] = static_cast<std::uint32_t>(change >> shift);
    }
  }
  return plane;
}

// Blocks of points, the first and the last cut to the points that were asked for.
template <class T>
struct Sobol::Writer {
  const Sobol& sobol;
  std::uint64_t start;
  std::size_t n;
  T* out;
  AlignedArray<std::uint32_t> high{kColumns + kPointPadding}, low{kColumns + kPointPadding};
  AlignedArray<T> block{sobol.width_};

  void write(std::uint64_t first, std::uint64_t last) {
    const std::uint64_t lanes = std::uint64_t{1} << sobol.lanes_log2_;
    const std::size_t d = sobol.dimensions();
    for (std::uint64_t b = first; b < last;) {
      const std::uint64_t point = b * lanes;
      if (point >= start && point + lanes <= start + n) {
        const std::uint64_t end = std::min(last, (start + n) / lanes);
        rows(b, end - b, out + (point - start) * d);
        b = end;
        continue;
      }
      const std::uint64_t from = std::max(start, point);
      const std::uint64_t to = std::min(start + n, point + lanes);
      rows(b++, 1, block.data());
      std::copy(block.data() + (from - point) * d, block.data() + (to - point) * d, out + (from - start) * d);
    }
  }

  void rows(std::uint64_t index, std::size_t count, T* to) {
    for (std::size_t column = 0; column < sobol.width_; column += kColumns) {
      const std::size_t width = std::min(kColumns, sobol.width_ - column);
      const bool wide = sobol.low_.first.size() > 0 && sizeof(T) == sizeof(double);
      seek(sobol.high_, index, column, width, high.data());
      if (wide) seek(sobol.low_, index, column, width, low.data());
      const bool owen = sobol.key_low_.size() > 0;
      const std::uint64_t mask = ~std::uint64_t{0} << (64 - sobol.tables_.bits);
      const SobolCall<T> call{
          .high = high.data(),
          .low = wide ? low.data() : nullptr,
          .step_high = sobol.high_.steps.data() + column,
          .step_low = wide ? sobol.low_.steps.data() + column : nullptr,
          .step_stride = sobol.stride_,
          .key_low = owen ? sobol.key_low_.data() + column : nullptr,
          .key_high = owen ? sobol.key_high_.data() + column : nullptr,
          .mask_high = static_cast<std::uint32_t>(mask >> 32),
          .mask_low = static_cast<std::uint32_t>(mask),
          .index = index,
          .rows = count,
          .width = width,
          .out = to + column,
          .out_stride = sobol.width_,
      };
      if constexpr (sizeof(T) == sizeof(float))
        kernels().points.sobol32(call);
      else
        kernels().points.sobol64(call);
    }
  }

  void seek(const Plane& plane, std::uint64_t index, std::size_t column, std::size_t width,
            std::uint32_t* state) {
    std::copy_n(plane.first.data() + column, width, state);
    const std::uint32_t* change = plane.steps.data() + column;
    for (std::uint64_t gray = index ^ (index >> 1); gray; gray >>= 1, change += sobol.stride_)
      if (gray & 1)
        for (std::size_t i = 0; i < width; ++i) state[i] ^= change[i];
  }
};

template <class T>
void Sobol::generate(std::uint64_t start, std::size_t n, T* out) const {
  if (n == 0) return;
  const std::uint64_t first = start >> lanes_log2_;
  const std::uint64_t last = ((start + n - 1) >> lanes_log2_) + 1;
  const std::size_t per_item = std::max(kRowsPerItem, kNumbersPerItem / width_);
  const std::size_t items = (last - first + per_item - 1) / per_item;
  const double nanoseconds = static_cast<double>(n) * static_cast<double>(dimensions());
  parallel_for(items, nanoseconds, [&]() -> Work {
    return [writer = std::make_shared<Writer<T>>(Writer<T>{*this, start, n, out}), first, last,
            per_item](std::size_t item) {
      const std::uint64_t begin = first + item * per_item;
      writer->write(begin, std::min<std::uint64_t>(last, begin + per_item));
    };
  });
}

template void Sobol::generate(std::uint64_t, std::size_t, float*) const;
template void Sobol::generate(std::uint64_t, std::size_t, double*) const;

}  // namespace facetry
