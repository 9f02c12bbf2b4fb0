#include "regions/segment_walk.hpp"

#include <algorithm>
#include <stdexcept>

#include "regions/segment_emit.hpp"

namespace facetry {
namespace {

constexpr double kLargest = 1e300;  // bounds below it prove that nothing overflows

}  // namespace

void RowBuffer::reserve(std::size_t rows) {
  if (rows * stride_ <= values_.size()) return;
  AlignedArray<double> grown(std::max(rows, values_.size() / stride_ * 2) * stride_);
  std::copy_n(values_.data(), values_.size(), grown.data());
  values_ = std::move(grown);
}

SegmentWalk::SegmentWalk(const Network<double>& network, bool wants_values)
    : program_(network.program()),
      steps_(program_.steps()),
      bounds_(network.bounds().steps()),
      family_(program_.kernels().dense.f64),
      kernel_(program_.kernels().segment),
      wants_values_(wants_values),
      steps_count_(wants_values ? steps_.size() : program_.plan().steps_to_last_layer),
      stride_(round_up(program_.plan().widest, 64) + 16),
      zeros_(stride_),
      ones_(stride_),
      block_(stride_),
      rows_(stride_),
      scratch_(stride_),
      first_bits_(program_.plan().words) {
  for (const NeuronLayer& layer : network.graph().layers()) layers_.emplace_back(layer.width);
  for (std::size_t s = 0; s < steps_count_; ++s)
    if (steps_[s].layer != Step::kNone)
      layers_[steps_[s].layer].magnitude = [this, s](std::size_t j) { return magnitude(s, j); };
  std::fill_n(ones_.data(), stride_, 1.0);
  scratch_.reserve(2);
}

void SegmentWalk::run(const Tracks& tracks, const Sink& sink) {
  start_block(tracks);
  const std::size_t s = run_affine();
  if (s + 1 < steps_count_ && steps_[s + 1].kind == Step::Kind::kDense) {
    run_kinked(s, sink);
    return;
  }
  for (std::size_t track = 0; track < tracks.count; ++track) {
    const double* source = block_.buffers[block_.source].row(2 * track);
    set_source(source, 2, source_.width, nullptr);
    rows_.rows().reserve(2);
    std::copy_n(block_.rows().row(2 * track), 2 * stride_, rows_.rows().row(0));
    vertices_.clear();
    vertices_.add(0);
    vertices_.add(1);
    if (s < steps_count_) split(s);
    run_rest(s + 1, track, sink);
  }
}

// The points are value and source at first: a step of one value at a time overwrites the value.
void SegmentWalk::start_block(const Tracks& tracks) {
  tracks_ = tracks;
  const std::size_t width = program_.plan().input_width;
  double size = 1;
  for (std::size_t i = 0; i < 2 * tracks.count * width; ++i) size = std::max(size, std::abs(tracks.ends[i]));
  if (size > bounded_size_) {
    bounded_size_ = std::exp2(std::ceil(std::log2(size)));
    may_overflow_ = std::any_of(bounds_.begin(), bounds_.end(), [&](const StepBounds& bounds) {
      return !(bounds.value_of_points * bounded_size_ + bounds.value_of_biases < kLargest);
    });
    for (std::size_t s = 0; s < steps_count_; ++s)
      if (steps_[s].layer != Step::kNone)
        layers_[steps_[s].layer].tolerances.bound(bounds_[s], bounded_size_, 1);
  }
  for (RowBuffer& buffer : block_.buffers) buffer.reserve(2 * tracks.count);
  for (std::size_t i = 0; i < 2 * tracks.count; ++i)
    for (const std::size_t buffer : {block_.value, block_.source})
      std::copy_n(tracks.ends + i * width, width, block_.buffers[buffer].row(i));
  set_source(nullptr, 2, width, nullptr);
}

// Up to the pre-activations of the first neurons: both ends of every track. Gives their step, or
// steps_count_.
std::size_t SegmentWalk::run_affine() {
  const std::size_t rows = 2 * tracks_.count;
  const auto height_of = [&](std::size_t row) {
    return row % 2 == 0 ? tracks_.height_begin : tracks_.height_end;
  };
  for (std::size_t s = 0; s < steps_count_; ++s) {
    const Step& step = steps_[s];
    if (step.kind == Step::Kind::kDense) {
      run_dense(s, block_.rows(), rows, !is_ray(), block_.free());
      block_.move_on_from_source();
      source_.width = step.input_width;
      if (is_ray())
        for (std::size_t i = 0; i < rows; ++i) add_bias(step, block_.rows().row(i), height_of(i));
    }
    if (step.kind == Step::Kind::kScale)
      for (std::size_t i = 0; i < rows; ++i) run_scale(step, block_.rows().row(i), height_of(i));
    if (step.layer != Step::kNone) return s;
  }
  return steps_count_;
}

// The steps from s on, and the sink.
void SegmentWalk::run_rest(std::size_t s, std::size_t track, const Sink& sink) {
  for (; s < steps_count_; ++s) {
    const Step& step = steps_[s];
    const std::size_t rows = vertices_.size();
    if (step.kind == Step::Kind::kDense) {
      rows_.free().reserve(rows);
      run_dense(s, rows_.rows(), rows, !is_ray(), rows_.free());
      rows_.move_on_from_source();
      set_source(rows_.buffers[rows_.source].row(0), rows, step.input_width, nullptr);
      if (is_ray())
        for (std::size_t v = 0; v < rows; ++v)
          add_bias(step, rows_.rows().row(v), height(vertices_.place(v)));
    }
    if (step.kind == Step::Kind::kScale)
      for (std::size_t v = 0; v < rows; ++v) run_scale(step, rows_.rows().row(v), height(vertices_.place(v)));
    if (step.layer != Step::kNone) split(s);
  }
  sink(track, {vertices_, first_bits_, rows_.rows()});
}

void SegmentWalk::run_dense(std::size_t s, const RowBuffer& input, std::size_t rows, bool with_bias,
                            RowBuffer& output) {
  const Step& step = steps_[s];
  DenseCall<double> call;
  call.rows = rows;
  call.depth = step.input_width;
  call.blocks = step.blocks;
  call.is_narrow = step.is_narrow;
  call.input = input.row(0);
  call.input_stride = stride_;
  call.weights = step.packed_weights.data();
  call.bias = with_bias ? step.packed_bias.data() : zeros_.data();
  call.output = output.row(0);
  call.output_stride = stride_;
  family_.dense(call);
  for (std::size_t row = 0; may_overflow_ && row < rows; ++row) require_finite(output.row(row), step.width);
}

void SegmentWalk::require_finite(const double* row, std::size_t width) const {
  if (family_.first_nonfinite(row, width) < width)
    throw std::overflow_error("a value on a segment exceeds the range of float64");
}

void SegmentWalk::add_bias(const Step& step, double* row, double height) const {
  for (std::size_t j = 0; j < step.width; ++j) row[j] += height * step.bias[j];
}

void SegmentWalk::run_scale(const Step& step, double* row, double height) const {
  for (std::size_t j = 0; j < step.width; ++j)
    row[j] = std::fma(step.weight[j], row[j], height * step.bias[j]);
}

// A layer of neurons whose pre-activations stand in the rows of the vertices.
void SegmentWalk::split(std::size_t s) {
  const Step& step = steps_[s];
  Layer& layer = start_layer(s);
  const RowBuffer& z = rows_.rows();
  next_.clear();
  sign(layer, z.row(0), step.width, layer.left);
  for (std::size_t v = 0; v + 1 < vertices_.size(); ++v) {
    const double* left = z.row(v);
    const double* right = z.row(v + 1);
    const double from = vertices_.place(v), length = vertices_.place(v + 1) - from;
    sign(layer, right, step.width, layer.right);
    layer.splitter.split(layer.left, layer.right, from, from + length, tracks_.resolution, layer.tolerances,
                         [&](std::uint32_t j) {
                           const double change = std::abs(left[j] - right[j]);
                           return Crossing{from + length * (std::abs(left[j]) / change), change / length, j};
                         });
    if (v == 0) store_first_bits(step, layer.splitter.begin());
    emit(s, layer, v, left, [&](double u, double* row) {
      kernel_.activated_between(left, right, (u - from) / length, slopes_of(step), step.width, row);
    });
    std::swap(layer.left, layer.right);
  }
  emit_end(s, layer, z.row(vertices_.size() - 1));
  rows_.move_on();
  std::swap(vertices_, next_);
}

SegmentWalk::Layer& SegmentWalk::start_layer(std::size_t s) {
  Layer& layer = layers_[steps_[s].layer];
  layer.tolerances.start_track(&layer.magnitude);
  layer.splitter.start_track();
  return layer;
}

void SegmentWalk::sign(Layer& layer, const double* z, std::size_t width, Signs& signs) const {
  kernel_.signs(z, layer.tolerances.floors(), width, signs.positive.data(), signs.negative.data());
  layer.tolerances.decide(z, signs.positive.data(), signs.negative.data());
}

void SegmentWalk::store_first_bits(const Step& step, const std::vector<std::uint64_t>& bits) {
  std::copy(bits.begin(), bits.end(), first_bits_.begin() + static_cast<std::ptrdiff_t>(step.first_word));
}

// The signs there are those on the layer's left: the last piece is done.
void SegmentWalk::emit_end(std::size_t s, const Layer& layer, const double* right) {
  const std::size_t last = vertices_.size() - 1;
  double* row = new_row(s, vertices_.place(last));
  if (!row) return;
  kernel_.activated(right, right, 0, slopes_of(steps_[s]), steps_[s].width, row);
  clear_zeros(layer.left, layer.left, steps_[s].width, row);
}

double* SegmentWalk::new_row(std::size_t s, double u) {
  next_.add(u);
  if (!wants_rows(s)) return nullptr;
  rows_.free().reserve(next_.size());
  return rows_.free().row(next_.size() - 1);
}

void SegmentWalk::set_source(const double* rows, std::size_t count, std::size_t width, const double* slopes) {
  source_ = {rows, count, width, slopes};
  largest_.clear();
}

// The largest value that the sum of absolute terms of value j of step s takes, with every term at its own
// largest.
double SegmentWalk::magnitude(std::size_t s, std::size_t j) {
  const Step& step = steps_[s];
  const double bias = step.bias ? std::abs(step.bias[j]) : 0;
  if (step.kind == Step::Kind::kActivation) return input_magnitude(s, j);
  if (step.kind == Step::Kind::kScale) return std::abs(step.weight[j]) * input_magnitude(s, j) + bias;
  double sum = bias;
  for (std::size_t k = 0; k < step.input_width; ++k)
    sum += std::abs(step.weight[j * step.input_width + k]) * input_magnitude(s, k);
  return sum;
}

// Of the value that step s reads: what stands in the source, and further up what it comes from.
double SegmentWalk::input_magnitude(std::size_t s, std::size_t j) {
  if (s > 0 && steps_[s].kind != Step::Kind::kDense) {
    const Step& before = steps_[s - 1];
    return magnitude(s - 1, j) * (before.slopes ? std::max(1.0, std::abs(before.slopes[j])) : 1);
  }
  if (largest_.empty()) {
    largest_.resize(source_.width);
    for (std::size_t i = 0; i < source_.count; ++i)
      for (std::size_t k = 0; k < source_.width; ++k)
        largest_[k] = std::max(largest_[k], std::abs(source_.rows[i * stride_ + k]));
    if (source_.slopes)
      for (std::size_t k = 0; k < source_.width; ++k)
        largest_[k] *= std::max(1.0, std::abs(source_.slopes[k]));
  }
  return largest_[j];
}

}  // namespace facetry
