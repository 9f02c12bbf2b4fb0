#include "regions/box_cell.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace facetry {

void BoxCell::reserve(std::size_t vertices, std::size_t dimension) {
  if (x.size() < vertices * dimension) x = AlignedArray<double>(2 * vertices * dimension);
  const std::size_t masks_needed = (vertices + kBoxLanes) * words;
  if (masks.size() < masks_needed) masks = AlignedArray<std::uint64_t>(2 * masks_needed);
}

void BoxCell::copy(const BoxCell& other, std::size_t dimension) {
  count = other.count;
  words = other.words;
  reserve(count, dimension);
  std::copy_n(other.x.data(), count * dimension, x.data());
  std::copy_n(other.masks.data(), count * words, masks.data());
  used = other.used;
  facets = other.facets;
  has_ties = other.has_ties;
}

void BoxCell::find_used() {
  used.assign(words, 0);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t w = 0; w < words; ++w) used[w] |= masks[i * words + w];
}

namespace {

void widen(const BoxCell& cell, std::size_t dimension, BoxCell& wider) {
  wider.count = cell.count;
  wider.words = cell.words + 1;
  wider.reserve(cell.count, dimension);
  std::copy_n(cell.x.data(), cell.count * dimension, wider.x.data());
  for (std::size_t i = 0; i < cell.count; ++i) {
    std::copy_n(cell.masks.data() + i * cell.words, cell.words, wider.masks.data() + i * wider.words);
    wider.masks[i * wider.words + cell.words] = 0;
  }
  wider.used = cell.used;
  wider.used.push_back(0);
  wider.facets = cell.facets;
  wider.facets.resize(64 * wider.words);
  wider.has_ties = cell.has_ties;
}

std::size_t first_free(const std::vector<std::uint64_t>& used) {
  for (std::size_t w = 0; w < used.size(); ++w)
    if (~used[w]) return 64 * w + static_cast<std::size_t>(std::countr_one(used[w]));
  return 64 * used.size();
}

// Rays count up to a factor; kept at 1 in the maximum norm, tolerances fit.
void normalize(double* ray, std::size_t dimension) {
  double largest = 0;
  for (std::size_t k = 0; k < dimension; ++k) largest = std::max(largest, std::abs(ray[k]));
  for (std::size_t k = 0; k < dimension; ++k) ray[k] /= largest;
}

}  // namespace

void BoxCutter::cut(const BoxCell& given, const double* function, double tolerance, std::int32_t facet,
                    BoxCell& low, BoxCell& high) {
  const std::size_t dimension = layers_.dimension();
  const BoxCell* cell = &given;
  std::size_t bit = first_free(given.used);
  if (bit == 64 * given.words) {
    widen(given, dimension, wider_);
    cell = &wider_;
  }
  if (values_.size() < cell->count + kBoxLanes) {
    values_ = AlignedArray<double>(2 * cell->count + kBoxLanes);
    order_.resize(2 * values_.size());
  }
  BoxCut call;
  call.count = cell->count;
  call.x = cell->x.data();
  call.masks = cell->masks.data();
  call.words = cell->words;
  call.function = function;
  call.tolerance = tolerance;
  call.bit = bit;
  call.values = values_.data();
  call.order = order_.data();
  std::size_t made = cell->count * dimension / 2 + 1;
  do {
    call.room = made;
    for (BoxCell* part : {&low, &high}) {
      part->words = cell->words;
      part->reserve(cell->count + call.room, dimension);
    }
    call.low.x = low.x.data();
    call.low.masks = low.masks.data();
    call.high.x = high.x.data();
    call.high.masks = high.masks.data();
    made = layers_.kernels->cut(call);
  } while (made > call.room);
  low.count = call.low.kept + made;
  high.count = call.high.kept + made;
  if (layers_.space.is_homogeneous)
    for (std::size_t i = 0; i < made; ++i) {
      normalize(low.x.data() + (call.low.kept + i) * dimension, dimension);
      normalize(high.x.data() + (call.high.kept + i) * dimension, dimension);
    }
  for (BoxCell* part : {&low, &high}) {
    part->find_used();
    part->facets.resize(64 * cell->words);
    for (std::size_t w = 0; w < cell->words; ++w)
      std::copy_n(cell->facets.begin() + static_cast<std::ptrdiff_t>(64 * w), std::bit_width(cell->used[w]),
                  part->facets.begin() + static_cast<std::ptrdiff_t>(64 * w));
    part->facets[bit] = facet;
    part->has_ties = cell->has_ties || call.has_tie;
  }
}

}  // namespace facetry
