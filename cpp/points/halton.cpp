// A coordinate is a table of what the first digits give, plus the other digits, which stay the same for as
// many indices as the table is long. Columns are computed one by one and interleaved to rows in the cache.
#include "points/halton.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <stdexcept>

#include "base/aligned.hpp"
#include "base/dispatch.hpp"
#include "base/parallel.hpp"

namespace facetry {
namespace {

constexpr std::size_t kTable = 4096;  // entries of a table, unless the base is larger: 32 KiB
constexpr std::size_t kRows = 256;    // columns of a group are interleaved after so many points
constexpr std::size_t kGroup = 8;     // columns: 64 bytes of a row
constexpr std::size_t kNumbersPerItem = 1 << 16;
constexpr std::size_t kTableBytes = std::size_t{64} << 20;  // of all columns that are worked on together
constexpr double kTableNanoseconds = 20e3;
constexpr std::uint64_t kResolution = std::uint64_t{1} << 53;  // of a scrambled coordinate, at least

std::vector<std::uint32_t> first_primes(std::size_t count) {
  // Rosser 1941: the k-th prime is below k (ln k + ln ln k) for k >= 6.
  const double k = static_cast<double>(std::max<std::size_t>(count, 6));
  std::vector<bool> composite(static_cast<std::size_t>(k * (std::log(k) + std::log(std::log(k)))) + 1);
  std::vector<std::uint32_t> primes;
  for (std::size_t p = 2; primes.size() < count; ++p) {
    if (composite[p]) continue;
    primes.push_back(static_cast<std::uint32_t>(p));
    for (std::size_t multiple = p * p; multiple < composite.size(); multiple += p) composite[multiple] = true;
  }
  return primes;
}

std::size_t count_digits(std::uint64_t number, std::uint32_t base) {
  std::size_t digits = 0;
  for (; number > 0; number /= base) ++digits;
  return digits;
}

// The first `count` images of a random permutation of 0..base - 1 (Fisher and Yates).
void permute(std::uint32_t base, std::uint64_t key, std::uint32_t count, std::uint32_t* images) {
  std::iota(images, images + base, 0u);
  for (std::uint32_t i = 0; i < count; ++i) std::swap(images[i], images[i + points::exchange(key, i, base)]);
}

HaltonScramble parse(const std::string& scramble) {
  if (scramble == "none") return HaltonScramble::kNone;
  if (scramble == "owen") return HaltonScramble::kOwen;
  if (scramble == "digits") return HaltonScramble::kDigits;
  throw std::invalid_argument("scramble must be None, 'owen' or 'digits', is '" + scramble + "'");
}

// The coordinates of one column: a table over the first digits where the indices are consecutive.
class Column {
 public:
  Column(HaltonColumn column, std::uint64_t leap, std::size_t n)
      : column_(std::move(column)), leap_(leap), digits_(points::table_digits(column_.base)) {
    for (std::size_t k = 0; k < digits_; ++k) block_ *= column_.base;
    uses_table_ = leap == 1 && n >= block_;
    if (uses_table_) make_table();
  }

  void fill(std::uint64_t index, std::size_t count, double* out) const {
    if (!uses_table_) {
      for (std::size_t i = 0; i < count; ++i, index += leap_) out[i] = column_.coordinate(index);
      return;
    }
    while (count > 0) {
      const std::uint64_t first = index % block_;
      const std::size_t run = std::min<std::size_t>(count, block_ - first);
      switch (column_.scramble) {
        case HaltonScramble::kNone:
          fill_plain(first, index / block_, run, out);
          break;
        case HaltonScramble::kOwen:
          fill_owen(first, index / block_, run, out);
          break;
        case HaltonScramble::kDigits:
          kernels().points.add_fraction(values_.data() + first, run, later_fraction(index / block_), out);
      }
      index += run;
      out += run;
      count -= run;
    }
  }

 private:
  void make_table() {
    const std::uint32_t base = column_.base;
    if (column_.scramble == HaltonScramble::kNone) {
      if (digits_ > 1) inverses_.resize(block_);  // one digit is a multiplication
      for (std::uint64_t j = 0; j < inverses_.size(); ++j) inverses_[j] = points::radical_inverse(j, base);
      return;
    }
    values_.resize(block_);
    if (column_.scramble == HaltonScramble::kDigits) {
      for (std::uint64_t j = 0; j < block_; ++j)
        values_[j] = points::permuted_inverse(j, base, digits_, column_.permutations.data(),
                                              column_.weights.data(), column_.zeros);
      return;
    }
    nodes_.resize(block_);
    shifts_.resize(block_);
    for (std::uint64_t j = 0; j < block_; ++j) {
      points::OwenState state = points::owen_start(column_.key);
      std::uint64_t rest = j;
      for (std::size_t k = 0; k < digits_; ++k, rest /= base)
        state = points::owen_step(state, static_cast<std::uint32_t>(rest % base), k, base,
                                  column_.weights[0].fraction, column_.weights[k]);
      values_[j] = state.value;
      nodes_[j] = state.node;
      shifts_[j] = state.shifts;
    }
  }

  void fill_plain(std::uint64_t first, std::uint64_t later, std::size_t run, double* out) const {
    double terms[48];
    std::size_t count = 0;
    double weight = 1.0 / column_.base;
    for (std::size_t k = 1; k < digits_; ++k) weight /= column_.base;
    for (; later > 0; later /= column_.base) {
      weight /= column_.base;
      terms[count++] = static_cast<double>(later % column_.base) * weight;
    }
    const double* inverses = out;
    if (inverses_.empty())
      kernels().points.multiples(static_cast<std::int32_t>(first), run, 1.0 / column_.base, out);
    else
      inverses = inverses_.data() + first;
    kernels().points.add_terms(inverses, run, terms, count, out);
  }

  void fill_owen(std::uint64_t first, std::uint64_t later, std::size_t run, double* out) const {
    std::uint64_t values[kRows], nodes[kRows], shifts[kRows];
    std::copy_n(values_.data() + first, run, values);
    std::copy_n(nodes_.data() + first, run, nodes);
    std::copy_n(shifts_.data() + first, run, shifts);
    std::size_t k = digits_;
    for (; later > 0; later /= column_.base, ++k) {
      const points::DigitWeight weight = column_.weights[k];
      const OwenStep step{static_cast<std::uint32_t>(later % column_.base),
                          column_.base,
                          k,
                          column_.weights[0].fraction,
                          weight.fraction,
                          weight.rest};
      kernels().points.owen_steps(step, run, values, nodes, shifts);
    }
    kernels().points.owen_ends(column_.weights[k - 1].fraction, run, values, shifts, out);
  }

  std::uint64_t later_fraction(std::uint64_t later) const {
    const std::size_t skipped = digits_ * column_.base;
    return points::permuted_inverse(later, column_.base, column_.positions - digits_,
                                    column_.permutations.data() + skipped, column_.weights.data() + digits_,
                                    0);
  }

  HaltonColumn column_;
  std::uint64_t leap_;
  std::size_t digits_;
  std::uint64_t block_ = 1;  // entries of the table: base^digits_
  bool uses_table_ = false;
  std::vector<double> inverses_;
  std::vector<std::uint64_t> values_, nodes_, shifts_;
};

}  // namespace

HaltonColumn::HaltonColumn(std::size_t dimension, std::uint32_t prime, HaltonScramble how, std::uint64_t seed,
                           std::uint64_t last_index)
    : base(prime), scramble(how), positions(std::max<std::size_t>(1, count_digits(last_index, prime))) {
  if (scramble == HaltonScramble::kNone) return;
  const auto purpose =
      scramble == HaltonScramble::kOwen ? points::Purpose::kHaltonOwen : points::Purpose::kHaltonDigits;
  key = points::make_key(seed, purpose, dimension);
  weights.push_back(points::first_weight(base));
  const std::size_t needed = std::max(points::table_digits(base), count_digits(kResolution, base));
  while (weights.size() < std::max(positions, needed))
    weights.push_back(points::next_weight(weights.back(), base));
  if (scramble == HaltonScramble::kOwen) return;
  permutations.resize(positions * base);
  std::uint64_t rest = last_index;
  for (std::size_t k = 0; k < weights.size(); ++k, rest /= base) {
    const std::uint64_t position_key = points::mix64(key + k);
    if (k < positions)
      permute(base, position_key, static_cast<std::uint32_t>(std::min<std::uint64_t>(base, rest + 1)),
              permutations.data() + k * base);
    else
      zeros += points::digit_fraction(points::exchange(position_key, 0, base), weights[k]);
  }
}

double HaltonColumn::coordinate(std::uint64_t index) const {
  switch (scramble) {
    case HaltonScramble::kNone:
      return points::radical_inverse(index, base);
    case HaltonScramble::kOwen:
      return points::to_unit<double>(points::owen_inverse(index, base, key, weights.data()));
    case HaltonScramble::kDigits:
      break;
  }
  return points::to_unit<double>(
      points::permuted_inverse(index, base, positions, permutations.data(), weights.data(), zeros));
}

Halton::Halton(std::size_t dimensions, const std::string& scramble, std::uint64_t seed)
    : bases_(first_primes(dimensions)), scramble_(parse(scramble)), seed_(seed) {}

// Columns begin .. end - 1 of all points.
template <class T>
void Halton::generate_columns(const Range& range, std::size_t begin, std::size_t end, T* out) const {
  const std::size_t width = end - begin;
  std::vector<std::unique_ptr<const Column>> columns(width);
  const auto build = [&](std::size_t j) {
    HaltonColumn column(begin + j, bases_[begin + j], scramble_, seed_, range.last());
    columns[j] = std::make_unique<const Column>(std::move(column), range.leap, range.n);
  };
  parallel_for(width, kTableNanoseconds * static_cast<double>(width), [&]() -> Work { return build; });

  const std::size_t rows = std::max(kRows, kNumbersPerItem / width);
  const double nanoseconds = static_cast<double>(range.n) * static_cast<double>(width);
  const auto interleave = [] {
    if constexpr (sizeof(T) == sizeof(float))
      return kernels().points.interleave32;
    else
      return kernels().points.interleave64;
  }();
  parallel_for((range.n + rows - 1) / rows, nanoseconds, [&]() -> Work {
    return [&, scratch = std::make_shared<AlignedArray<double>>(kGroup * kRows)](std::size_t item) {
      const std::size_t last = std::min(range.n, (item + 1) * rows);
      for (std::size_t row = item * rows; row < last; row += kRows) {
        const std::size_t count = std::min(kRows, last - row);
        for (std::size_t j = 0; j < width; j += kGroup) {
          const std::size_t group = std::min(kGroup, width - j);
          for (std::size_t g = 0; g < group; ++g)
            columns[j + g]->fill(range.start + row * range.leap, count, scratch->data() + g * kRows);
          interleave(scratch->data(), kRows, count, group, out + row * dimensions() + begin + j,
                     dimensions());
        }
      }
    };
  });
}

template <class T>
void Halton::generate(std::uint64_t start, std::uint64_t leap, std::size_t n, T* out) const {
  if (n == 0) return;
  const Range range{start, leap, n};
  for (std::size_t begin = 0, end = 0; begin < dimensions(); begin = end) {
    for (std::size_t bytes = 0; end < dimensions() && bytes < kTableBytes; ++end) {
      const std::size_t permutations = bases_[end] * count_digits(range.last(), bases_[end]);
      bytes +=
          sizeof(double) * std::max<std::size_t>(kTable, bases_[end]) + sizeof(std::uint32_t) * permutations;
    }
    generate_columns(range, begin, end, out);
  }
}

template void Halton::generate(std::uint64_t, std::uint64_t, std::size_t, float*) const;
template void Halton::generate(std::uint64_t, std::uint64_t, std::size_t, double*) const;

}  // namespace facetry
