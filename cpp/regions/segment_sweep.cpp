// The first layer of neurons and the dense step behind it. Every neuron of that layer has one kink on a track
// at most, so the dense step is a row offset + u * slope that changes by one column of the weights at each
// kink: 9 times less time on 784-256-256-10 than a product at every vertex.
#include <algorithm>
#include <bit>

#include "regions/segment_emit.hpp"

namespace facetry {

void SegmentWalk::run_kinked(std::size_t s, const Sink& sink) {
  const Step& dense = steps_[s + 1];
  const std::size_t source_width = source_.width;
  kinks_.resize(std::max(kinks_.size(), tracks_.count));
  kink_bits_.resize(kinks_.size());
  RowBuffer& masked = block_.free();
  for (std::size_t track = 0; track < tracks_.count; ++track) {
    set_source(block_.buffers[block_.source].row(2 * track), 2, source_width, nullptr);
    find_kinks(s, track);
    mask(steps_[s], track, masked);
  }
  RowBuffer& lines = block_.buffers[block_.source];
  run_dense(s + 1, masked, 2 * tracks_.count, false, lines);
  for (std::size_t track = 0; track < tracks_.count; ++track) {
    add_bias(dense, lines.row(2 * track), tracks_.height_begin);
    if (is_ray()) add_bias(dense, lines.row(2 * track + 1), tracks_.height_end - tracks_.height_begin);
    set_source(block_.rows().row(2 * track), 2, steps_[s].width, slopes_of(steps_[s]));
    store_first_bits(steps_[s], kink_bits_[track]);
    sweep(s + 1, track, lines);
    run_rest(s + 2, track, sink);
  }
}

void SegmentWalk::find_kinks(std::size_t s, std::size_t track) {
  const Step& step = steps_[s];
  double* begin = block_.rows().row(2 * track);
  double* end = block_.rows().row(2 * track + 1);
  Layer& layer = start_layer(s);
  sign(layer, begin, step.width, layer.left);
  sign(layer, end, step.width, layer.right);
  clear_zeros(layer.left, layer.left, step.width, begin);
  clear_zeros(layer.right, layer.right, step.width, end);
  layer.splitter.split(layer.left, layer.right, 0, 1, tracks_.resolution, layer.tolerances,
                       [&](std::uint32_t j) {
                         const double change = std::abs(begin[j] - end[j]);
                         return Crossing{std::abs(begin[j]) / change, change, j};
                       });
  Vertices& kinks = kinks_[track];
  kinks.clear();
  kinks.add(0);
  for (const InnerVertex& inner : layer.splitter.inner()) {
    kinks.add(inner.u);
    for (const Crossing& crossing : inner.crossings)
      kinks.flip(static_cast<std::uint32_t>(step.first_neuron) + crossing.neuron);
  }
  kinks.add(1);
  kink_bits_[track] = layer.splitter.begin();
}

// Values at u = 0 and slopes of the neurons' outputs on the first piece.
void SegmentWalk::mask(const Step& step, std::size_t track, RowBuffer& masked) const {
  const double* begin = block_.buffers[block_.value].row(2 * track);
  const double* end = block_.buffers[block_.value].row(2 * track + 1);
  double* offset = masked.row(2 * track);
  double* slope = masked.row(2 * track + 1);
  for (std::size_t k = 0; k < step.width; ++k) {
    offset[k] = begin[k];
    slope[k] = end[k] - begin[k];
  }
  const auto gate = program_.kernels().gradients.f64.gate;
  gate(offset, step.width, kink_bits_[track].data(), slopes_of(step));
  gate(slope, step.width, kink_bits_[track].data(), slopes_of(step));
}

// A dense step behind the kinks of a track; its own neurons, if any, split the pieces between them.
void SegmentWalk::sweep(std::size_t s, std::size_t track, RowBuffer& lines) {
  const Step& before = steps_[s - 1];
  const Step& step = steps_[s];
  const double* begin = block_.rows().row(2 * track);
  const double* end = block_.rows().row(2 * track + 1);
  Layer* layer = step.layer == Step::kNone ? nullptr : &start_layer(s);
  std::swap(vertices_, kinks_[track]);
  next_.clear();

  AdvanceCall call;
  const std::size_t columns = step.is_narrow ? family_.narrow : family_.columns;
  call.width = step.width;
  call.offset = lines.row(2 * track);
  call.slope = lines.row(2 * track + 1);
  call.log2_columns = static_cast<unsigned>(std::countr_zero(columns));
  call.block_stride = columns * step.input_width;
  call.weights = step.packed_weights.data();
  // Which way a kink turns follows from its slope: what rises becomes active.
  const auto load_kink = [&](std::uint32_t neuron) {
    const std::size_t k = neuron - before.first_neuron;
    const double rise = end[k] - begin[k];
    const double factor = (rise > 0 ? 1 : -1) * (1 - (before.slopes ? before.slopes[k] : 0));
    call.c = factor * begin[k];
    call.s = factor * rise;
    call.weights = step.packed_weights.data() + k * columns;
  };
  double* left = scratch_.row(0);
  double* right = scratch_.row(1);
  if (!layer) {  // outputs: a row a vertex
    rows_.rows().reserve(vertices_.size());
    std::copy_n(call.offset, step.width, rows_.rows().row(0));
    for (std::size_t v = 1; v < vertices_.size(); ++v) {
      kernel_.activated(call.offset, call.slope, vertices_.place(v), ones_.data(), step.width,
                        rows_.rows().row(v));
      if (may_overflow_) require_finite(rows_.rows().row(v), step.width);
      for (const std::uint32_t neuron : vertices_.flips(v)) load_kink(neuron), kernel_.turn(call);
    }
    return;
  }
  sign(*layer, call.offset, step.width, layer->left);
  std::copy_n(call.offset, step.width, left);
  for (std::size_t v = 0; v + 1 < vertices_.size(); ++v) {
    const auto flips = vertices_.flips(v);
    call.c = call.s = 0;
    for (std::size_t i = 0; i < flips.size(); ++i) {
      load_kink(flips[i]);
      if (i + 1 < flips.size()) kernel_.turn(call);
    }
    call.u = vertices_.place(v + 1);
    call.floor = layer->tolerances.floors();
    call.z = right;
    call.positive = layer->right.positive.data();
    call.negative = layer->right.negative.data();
    kernel_.advance(call);
    if (may_overflow_) require_finite(right, step.width);
    layer->tolerances.decide(right, call.positive, call.negative);
    layer->splitter.split(layer->left, layer->right, vertices_.place(v), call.u, tracks_.resolution,
                          layer->tolerances, [&](std::uint32_t j) {
                            return Crossing{-call.offset[j] / call.slope[j], std::abs(call.slope[j]), j};
                          });
    if (v == 0) store_first_bits(step, layer->splitter.begin());
    emit(s, *layer, v, left, [&](double u, double* row) {
      kernel_.activated(call.offset, call.slope, u, slopes_of(step), step.width, row);
    });
    std::swap(layer->left, layer->right);
    std::swap(left, right);
  }
  emit_end(s, *layer, left);
  rows_.move_on();
  std::swap(vertices_, next_);
}

}  // namespace facetry
