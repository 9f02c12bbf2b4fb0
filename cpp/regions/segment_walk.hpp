// Tracks through the layers of a network, one layer at a time: the rows of a track are the values at its
// vertices, and a layer of neurons adds the vertices where they change sign.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "base/aligned.hpp"
#include "network/bounds.hpp"
#include "network/network.hpp"
#include "network/program.hpp"
#include "regions/segment_split.hpp"

namespace facetry {

// Rows of values that grow; new memory is zero, so that the padding of a row is finite.
class RowBuffer {
 public:
  explicit RowBuffer(std::size_t stride) : stride_(stride) {}
  void reserve(std::size_t rows);
  double* row(std::size_t i) { return values_.data() + i * stride_; }
  const double* row(std::size_t i) const { return values_.data() + i * stride_; }

 private:
  std::size_t stride_;
  AlignedArray<double> values_;
};

// Homogeneous ends of tracks: (x, h) at u = 0 and at u = 1.
struct Tracks {
  std::size_t count = 0;
  const double* ends = nullptr;  // (count, 2, inputs)
  double height_begin = 1;
  double height_end = 1;
  double resolution = 0;  // places closer than this are one
};

// What is found on one track; overwritten by the next one.
struct Found {
  const Vertices& vertices;
  const std::vector<std::uint64_t>& first_bits;  // the pattern of the first piece
  const RowBuffer& values;                       // times the height, a row a vertex; where values are wanted
};

class SegmentWalk {
 public:
  using Sink = std::function<void(std::size_t track, const Found& found)>;

  SegmentWalk(const Network<double>& network, bool wants_values);
  void run(const Tracks& tracks, const Sink& sink);

 private:
  using Step = facetry::Step<double>;

  struct Layer {
    Tolerances tolerances;
    Splitter splitter;
    Signs left, right;
    std::function<double(std::size_t)> magnitude;
    explicit Layer(std::size_t width)
        : tolerances(width), splitter(width), left((width + 63) / 64), right(left) {}
  };
  // Three sets of rows: the value at work, the one that the latest dense step read, and a free one.
  struct Stack {
    std::array<RowBuffer, 3> buffers;
    std::size_t value = 0;
    std::size_t source = 1;
    explicit Stack(std::size_t stride) : buffers{RowBuffer(stride), RowBuffer(stride), RowBuffer(stride)} {}
    RowBuffer& rows() { return buffers[value]; }
    RowBuffer& free() { return buffers[3 - value - source]; }
    void move_on() { value = 3 - value - source; }
    void move_on_from_source() {
      const std::size_t next = 3 - value - source;
      source = value;
      value = next;
    }
  };
  // The rows whose columns are the terms of the latest dense step's sums.
  struct Source {
    const double* rows = nullptr;
    std::size_t count = 0;
    std::size_t width = 0;
    const double* slopes = nullptr;  // of an activation that is still to come
  };

  void start_block(const Tracks& tracks);
  std::size_t run_affine();
  void run_kinked(std::size_t s, const Sink& sink);
  void run_rest(std::size_t s, std::size_t track, const Sink& sink);

  void run_dense(std::size_t s, const RowBuffer& input, std::size_t rows, bool with_bias, RowBuffer& output);
  void require_finite(const double* row, std::size_t width) const;
  void add_bias(const Step& step, double* row, double height) const;
  void run_scale(const Step& step, double* row, double height) const;
  void split(std::size_t s);

  void find_kinks(std::size_t s, std::size_t track);
  void mask(const Step& step, std::size_t track, RowBuffer& masked) const;
  void sweep(std::size_t s, std::size_t track, RowBuffer& lines);
  // Emits the beginning of the splitter's piece and what is inside; place(u, row) writes the values there.
  template <class Place>
  void emit(std::size_t s, Layer& layer, std::size_t vertex, const double* left, Place place);
  void emit_end(std::size_t s, const Layer& layer, const double* right);
  double* new_row(std::size_t s, double u);

  Layer& start_layer(std::size_t s);
  void sign(Layer& layer, const double* z, std::size_t width, Signs& signs) const;
  void store_first_bits(const Step& step, const std::vector<std::uint64_t>& bits);
  void set_source(const double* rows, std::size_t count, std::size_t width, const double* slopes);
  double magnitude(std::size_t s, std::size_t j);
  double input_magnitude(std::size_t s, std::size_t j);

  double height(double u) const {
    return tracks_.height_begin + u * (tracks_.height_end - tracks_.height_begin);
  }
  bool is_ray() const { return tracks_.height_begin != tracks_.height_end; }
  bool wants_rows(std::size_t s) const { return wants_values_ || s + 1 < steps_count_; }
  static const double* slopes_of(const Step& step) {
    return step.slopes ? step.packed_slopes.data() : nullptr;
  }

  const Program<double>& program_;
  const std::vector<Step>& steps_;
  const std::vector<StepBounds>& bounds_;
  const DenseFamily<double>& family_;
  const SegmentKernels& kernel_;
  const bool wants_values_;
  const std::size_t steps_count_;
  const std::size_t stride_;
  std::deque<Layer> layers_;
  AlignedArray<double> zeros_, ones_;

  Tracks tracks_;
  double bounded_size_ = -1;
  bool may_overflow_ = false;
  Source source_;
  std::vector<double> largest_;  // of the source's columns; empty until asked for

  Stack block_;                  // two rows a track
  std::vector<Vertices> kinks_;  // of the first layer of neurons on each track
  std::vector<std::vector<std::uint64_t>> kink_bits_;

  Stack rows_;  // of the track at work, a row a vertex
  RowBuffer scratch_;
  Vertices vertices_, next_;
  std::vector<std::uint64_t> first_bits_;
};

}  // namespace facetry
