#include "regions/box_walk.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

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

// The crossing neurons of a layer's cell at work.
struct BoxWalk::Packed {
  std::size_t blocks = 0;
  std::vector<std::uint32_t> neurons;
  AlignedArray<double> functions, tolerances;

  void resize(std::size_t rows) {
    blocks = (neurons.size() + kBoxLanes - 1) / kBoxLanes;
    if (tolerances.size() >= blocks * kBoxLanes) return;
    functions = AlignedArray<double>(2 * blocks * kBoxLanes * rows);
    tolerances = AlignedArray<double>(2 * blocks * kBoxLanes);
  }
};

struct BoxWalk::Frame {
  BoxCell low, high;
  AlignedArray<double> next;
  std::vector<std::uint8_t> live;
};

BoxWalk::BoxWalk(const BoxLayers& layers, BoxSink* sink, const std::uint64_t* guide)
    : layers_(layers),
      sink_(sink),
      guide_(guide),
      cutter_(layers),
      bits_(layers.words),
      counts_(layers.layers.size() + 1) {
  std::size_t blocks = 1;
  for (const BoxLayer& layer : layers.layers) {
    packed_.push_back(std::make_unique<Packed>());
    blocks = std::max(blocks, layer.blocks);
  }
  crossing_.resize(blocks);
  positive_.resize(blocks);
}

BoxWalk::~BoxWalk() = default;

BoxWalk::Frame& BoxWalk::frame(std::size_t depth) {
  while (frames_.size() <= depth) frames_.push_back(std::make_unique<Frame>());
  return *frames_[depth];
}

void BoxWalk::run(const BoxJob& job, double nanoseconds, std::vector<BoxJob>& rest) {
  left_ = nanoseconds;
  rest_ = &rest;
  bits_ = job.bits;
  if (job.is_whole) return enter(job.cell, job.layer, job.functions.data(), 0);
  Packed& packed = *packed_[job.layer];
  const std::size_t rows = layers_.dimension() + 1;
  packed.neurons = job.neurons;
  packed.resize(rows);
  std::copy_n(job.functions.data(), packed.blocks * kBoxLanes * rows, packed.functions.data());
  std::vector<std::uint8_t> live(packed.blocks, 0xFF);
  if (packed.neurons.size() % kBoxLanes)
    live.back() = static_cast<std::uint8_t>((1u << packed.neurons.size() % kBoxLanes) - 1);
  for (std::size_t i = 0; i < packed.neurons.size(); ++i)
    packed.tolerances[i] = layers_.layers[job.layer].tolerances[packed.neurons[i]];
  split(job.cell, job.layer, live.data(), job.next.data(), 0);
}

// Tells whether the guide agrees.
bool BoxWalk::set_bit(const BoxLayer& layer, std::size_t neuron, bool is_active) {
  std::uint64_t& word = bits_[layer.first_word + neuron / 64];
  const std::uint64_t bit = std::uint64_t{1} << (neuron % 64);
  word = is_active ? word | bit : word & ~bit;
  return !guide_ || ((guide_[layer.first_word + neuron / 64] & bit) != 0) == is_active;
}

void BoxWalk::function_of(const Packed& packed, std::size_t i, double factor, double* to) const {
  const std::size_t rows = layers_.dimension() + 1;
  const double* from = packed.functions.data() + i / kBoxLanes * rows * kBoxLanes + i % kBoxLanes;
  for (std::size_t k = 0; k < rows; ++k) to[k] = factor * from[k * kBoxLanes];
}

void BoxWalk::enter(const BoxCell& cell, std::size_t l, const double* functions, std::size_t depth) {
  if (l == layers_.layers.size()) {
    ++counts_[l];
    if (sink_) sink_->take(cell, bits_.data());
    return;
  }
  if (left_ <= 0) return spill(cell, l, functions);
  ++counts_[l];
  const BoxLayer& layer = layers_.layers[l];
  const std::size_t rows = layers_.dimension() + 1;
  Frame& f = frame(depth);
  f.live.assign(layer.blocks, 0xFF);
  if (layer.width % kBoxLanes) f.live.back() = static_cast<std::uint8_t>((1u << layer.width % kBoxLanes) - 1);
  layers_.kernels->range({cell.count, cell.x.data(), layer.blocks, functions, layer.tolerances.data(),
                          f.live.data(), crossing_.data(), positive_.data()});
  left_ -= 30 + static_cast<double>(cell.count * layer.blocks * rows) * 0.4;

  const bool is_last = l + 1 == layers_.layers.size();
  Packed& packed = *packed_[l];
  packed.neurons.clear();
  columns_.clear();
  coefficients_.clear();
  for (std::size_t j = 0; j < layer.width; ++j) {
    const bool crosses = (crossing_[j / kBoxLanes] >> (j % kBoxLanes)) & 1;
    const bool is_active = !crosses && ((positive_[j / kBoxLanes] >> (j % kBoxLanes)) & 1);
    if (crosses)
      packed.neurons.push_back(static_cast<std::uint32_t>(j));
    else if (!set_bit(layer, j, is_active))
      return;
    const double factor = is_active ? 1 : layer.slopes[j];
    if (is_last || factor == 0) continue;
    columns_.push_back(static_cast<std::uint32_t>(j));
    const double* from = functions + j / kBoxLanes * rows * kBoxLanes + j % kBoxLanes;
    for (std::size_t k = 0; k < rows; ++k) coefficients_.push_back(factor * from[k * kBoxLanes]);
  }
  packed.resize(rows);
  for (std::size_t i = 0; i < packed.neurons.size(); ++i) {
    const std::size_t j = packed.neurons[i];
    const double* from = functions + j / kBoxLanes * rows * kBoxLanes + j % kBoxLanes;
    double* to = packed.functions.data() + i / kBoxLanes * rows * kBoxLanes + i % kBoxLanes;
    for (std::size_t k = 0; k < rows; ++k) to[k * kBoxLanes] = from[k * kBoxLanes];
    packed.tolerances[i] = layer.tolerances[j];
  }
  if (!is_last) {
    const BoxLayer& after = layers_.layers[l + 1];
    if (f.next.size() < after.blocks * kBoxLanes * rows)
      f.next = AlignedArray<double>(after.blocks * kBoxLanes * rows);
    layers_.kernels->sum({after.blocks, after.base.data(), f.next.data(), after.weights.data(),
                          columns_.data(), coefficients_.data(), columns_.size()});
    left_ -= static_cast<double>(after.blocks * columns_.size() * rows) * 0.5;
  }
  if (packed.neurons.empty()) return enter(cell, l + 1, f.next.data(), depth + 1);
  f.live.assign(packed.blocks, 0xFF);
  if (packed.neurons.size() % kBoxLanes)
    f.live.back() = static_cast<std::uint8_t>((1u << packed.neurons.size() % kBoxLanes) - 1);
  split(cell, l, f.live.data(), f.next.data(), depth + 1);
}

void BoxWalk::split(const BoxCell& cell, std::size_t l, const std::uint8_t* live, const double* next,
                    std::size_t depth) {
  if (left_ <= 0) return spill(cell, l, live, next);
  const BoxLayer& layer = layers_.layers[l];
  const Packed& packed = *packed_[l];
  std::size_t block = 0;
  while (live[block] == 0) ++block;
  if (!sink_ && l + 1 == layers_.layers.size() && std::has_single_bit(live[block]) &&
      std::all_of(live + block + 1, live + packed.blocks, [](std::uint8_t b) { return b == 0; })) {
    counts_[l + 1] += 2;  // nobody wants the parts
    return;
  }
  const std::size_t chosen = block * kBoxLanes + static_cast<std::size_t>(std::countr_zero(live[block]));
  std::vector<double>& function = coefficients_;
  function.resize(layers_.dimension() + 1);
  function_of(packed, chosen, 1, function.data());
  Frame& f = frame(depth);
  const std::size_t neuron = packed.neurons[chosen];
  cutter_.cut(cell, function.data(), packed.tolerances[chosen],
              static_cast<std::int32_t>(layer.first_neuron + neuron), f.low, f.high);
  left_ -= 60 + static_cast<double>(cell.count) * 4 + static_cast<double>(cell.count * cell.count) * 0.1;
  if (set_bit(layer, neuron, true)) go_on(f.high, l, chosen, true, live, next, depth);
  if (set_bit(layer, neuron, false)) go_on(f.low, l, chosen, false, live, next, depth);
}

void BoxWalk::go_on(const BoxCell& part, std::size_t l, std::size_t cut, bool is_high,
                    const std::uint8_t* live, const double* next, std::size_t depth) {
  const BoxLayer& layer = layers_.layers[l];
  const Packed& packed = *packed_[l];
  const std::size_t rows = layers_.dimension() + 1;
  const bool is_last = l + 1 == layers_.layers.size();
  Frame& f = frame(depth);
  f.live.assign(live, live + packed.blocks);
  f.live[cut / kBoxLanes] &= static_cast<std::uint8_t>(~(1u << cut % kBoxLanes));
  layers_.kernels->range({part.count, part.x.data(), packed.blocks, packed.functions.data(),
                          packed.tolerances.data(), f.live.data(), crossing_.data(), positive_.data()});
  columns_.clear();
  const auto activate = [&](std::size_t i) {
    const std::size_t j = packed.neurons[i];
    if (is_last || layer.slopes[j] == 1) return;
    columns_.push_back(static_cast<std::uint32_t>(j));
    coefficients_.resize(columns_.size() * rows);
    function_of(packed, i, 1 - layer.slopes[j], coefficients_.data() + coefficients_.size() - rows);
  };
  if (is_high) activate(cut);
  bool crosses = false;
  for (std::size_t b = 0; b < packed.blocks; ++b) {
    left_ -= f.live[b] ? static_cast<double>(part.count * rows) * 0.4 : 0;
    crosses |= crossing_[b] != 0;
    for (unsigned fixed = f.live[b] & ~crossing_[b]; fixed; fixed &= fixed - 1) {
      const auto lane = static_cast<std::size_t>(std::countr_zero(fixed));
      const bool is_active = (positive_[b] >> lane) & 1;
      if (!set_bit(layer, packed.neurons[b * kBoxLanes + lane], is_active)) return;
      if (is_active) activate(b * kBoxLanes + lane);
    }
    f.live[b] = crossing_[b];
  }
  if (!columns_.empty()) {
    const BoxLayer& after = layers_.layers[l + 1];
    if (f.next.size() < after.blocks * kBoxLanes * rows)
      f.next = AlignedArray<double>(after.blocks * kBoxLanes * rows);
    layers_.kernels->sum({after.blocks, next, f.next.data(), after.weights.data(), columns_.data(),
                          coefficients_.data(), columns_.size()});
    left_ -= static_cast<double>(after.blocks * columns_.size() * rows) * 0.5;
    next = f.next.data();
  }
  if (crosses)
    split(part, l, f.live.data(), next, depth + 1);
  else
    enter(part, l + 1, next, depth + 1);
}

void BoxWalk::spill(const BoxCell& cell, std::size_t l, const double* functions) {
  BoxJob job;
  job.layer = static_cast<std::uint32_t>(l);
  job.cell.copy(cell, layers_.dimension());
  job.bits = bits_;
  job.functions = AlignedArray<double>(layers_.layers[l].base.size());
  std::copy_n(functions, job.functions.size(), job.functions.data());
  rest_->push_back(std::move(job));
}

void BoxWalk::spill(const BoxCell& cell, std::size_t l, const std::uint8_t* live, const double* next) {
  const Packed& packed = *packed_[l];
  const std::size_t rows = layers_.dimension() + 1;
  BoxJob job;
  job.layer = static_cast<std::uint32_t>(l);
  job.is_whole = false;
  job.cell.copy(cell, layers_.dimension());
  job.bits = bits_;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < packed.neurons.size(); ++i)
    if ((live[i / kBoxLanes] >> (i % kBoxLanes)) & 1) places.push_back(i);
  job.functions = AlignedArray<double>(round_up(places.size(), kBoxLanes) * rows);
  std::vector<double> function(rows);
  for (std::size_t i = 0; i < places.size(); ++i) {
    job.neurons.push_back(packed.neurons[places[i]]);
    function_of(packed, places[i], 1, function.data());
    double* to = job.functions.data() + i / kBoxLanes * rows * kBoxLanes + i % kBoxLanes;
    for (std::size_t k = 0; k < rows; ++k) to[k * kBoxLanes] = function[k];
  }
  if (l + 1 < layers_.layers.size()) {
    job.next = AlignedArray<double>(layers_.layers[l + 1].base.size());
    std::copy_n(next, job.next.size(), job.next.data());
  }
  rest_->push_back(std::move(job));
}

}  // namespace facetry
