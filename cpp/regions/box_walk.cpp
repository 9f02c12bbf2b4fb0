#include "regions/box_walk.hpp"

#include <algorithm>
#include <bit>

namespace facetry {

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
