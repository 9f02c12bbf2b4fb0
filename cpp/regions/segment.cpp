// Blocks of segments over threads. A ray is a track in homogeneous coordinates, and a line is two rays from t
// = 0.
#include "regions/segment.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "base/parallel.hpp"
#include "regions/segment_walk.hpp"

namespace facetry {
namespace {

constexpr std::size_t kBlock = 28;  // segments: two rows each fill the dense kernel's register blocks
constexpr double kNanosecondsPerBlock = 50e6;  // at most, roughly: Ctrl-C is looked at between blocks
constexpr double kResolution = 0x1p-50;
constexpr std::uint64_t kOne = 1;

// What one block of segments adds to the result.
struct Part {
  std::vector<std::int64_t> breakpoints;  // of each segment
  std::vector<double> t, values;
  std::vector<std::int64_t> flips;  // of each breakpoint
  std::vector<std::int64_t> neurons;
  std::vector<std::uint64_t> first_bits;
  std::size_t bytes() const {
    return sizeof(std::int64_t) * (breakpoints.size() + t.size() + values.size() + flips.size() +
                                   neurons.size() + first_bits.size());
  }
};

// Where u on a track is as t, and which way.
struct Course {
  double origin = 0;  // t at u = 0
  double step = 1;    // t grows by step * u, on a ray by step * u / (1 - u)
  bool is_ray = false;
  double t(double u) const { return is_ray ? origin + step * (u / (1 - u)) : std::fma(u, step, origin); }
  double height(double u) const { return is_ray ? 1 - u : 1; }
};

class Block {
 public:
  Block(const Network<double>& network, const SegmentCall& call)
      : call_(call),
        walk_(network, call.wants_values),
        width_(network.graph().input_width()),
        outputs_(network.graph().output_width()) {
    for (const NeuronLayer& layer : network.graph().layers())
      for (std::size_t j = 0; j < layer.width; ++j) positions_.push_back(64 * layer.first_word + j);
  }

  void run(std::size_t first, std::size_t count, Part& part) {
    const bool from_infinity = std::isinf(call_.t_begin), to_infinity = std::isinf(call_.t_end);
    if (!from_infinity && !to_infinity) {
      walk(first, count, 0, [&](std::size_t i, const Found& found) {
        append_first_bits(found.first_bits, part);
        const std::size_t last = found.vertices.size() - 1;
        append_value(found, 0, part);
        for (std::size_t v = 1; v < last; ++v) append(found, v, courses_[i], part);
        append_value(found, last, part);
        part.breakpoints.push_back(static_cast<std::int64_t>(last - 1));
      });
      return;
    }
    // Rays backwards are kept until the rays forwards from the same point are known.
    std::vector<Ray> backwards(count);
    if (from_infinity)
      walk(first, count, -1,
           [&](std::size_t i, const Found& found) { backwards[i].keep(found, courses_[i], *this); });
    if (!to_infinity) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t before = part.t.size();
        append_reversed(backwards[i], part);
        append_row(backwards[i].end_value, part);
        part.breakpoints.push_back(static_cast<std::int64_t>(part.t.size() - before));
      }
      return;
    }
    walk(first, count, 1, [&](std::size_t i, const Found& found) {
      const std::size_t before = part.t.size();
      if (from_infinity) {
        append_reversed(backwards[i], part);
        join(backwards[i], found, part);
      } else {
        append_first_bits(found.first_bits, part);
        append_value(found, 0, part);
      }
      for (std::size_t v = 1; v + 1 < found.vertices.size(); ++v) append(found, v, courses_[i], part);
      part.breakpoints.push_back(static_cast<std::int64_t>(part.t.size() - before));
    });
  }

 private:
  // A ray, taken over in the order of its vertices.
  struct Ray {
    std::vector<double> t, values, end_value;
    std::vector<std::vector<std::int64_t>> flips;
    std::vector<std::uint64_t> near_bits, far_bits;

    void keep(const Found& found, const Course& course, const Block& block) {
      near_bits = far_bits = found.first_bits;
      if (block.call_.wants_values)
        end_value.assign(found.values.row(0), found.values.row(0) + block.outputs_);
      for (std::size_t v = 1; v + 1 < found.vertices.size(); ++v) {
        const double u = found.vertices.place(v);
        t.push_back(course.t(u));
        flips.emplace_back();
        for (const std::uint32_t neuron : found.vertices.flips(v)) {
          flips.back().push_back(neuron);
          far_bits[block.positions_[neuron] / 64] ^= kOne << (block.positions_[neuron] % 64);
        }
        for (std::size_t j = 0; block.call_.wants_values && j < block.outputs_; ++j)
          values.push_back(found.values.row(v)[j] / course.height(u));
      }
    }
  };

  // Tracks of the given direction: 0 for a segment, 1 and -1 for rays.
  void walk(std::size_t first, std::size_t count, int direction, const SegmentWalk::Sink& sink) {
    ends_.resize(2 * count * width_);
    courses_.assign(count, {});
    for (std::size_t i = 0; i < count; ++i)
      place(first + i, direction, ends_.data() + 2 * i * width_, courses_[i]);
    const double t_size = std::max(std::abs(call_.t_begin), std::abs(call_.t_end));
    Tracks tracks;
    tracks.count = count;
    tracks.ends = ends_.data();
    tracks.height_end = direction == 0 ? 1 : 0;
    tracks.resolution = direction == 0
                            ? std::max(kResolution, 0x1p-50 * t_size / (call_.t_end - call_.t_begin))
                            : kResolution;
    walk_.run(tracks, sink);
  }

  void place(std::size_t segment, int direction, double* ends, Course& course) const {
    const double* a = call_.a + segment * width_;
    const double* b = call_.b + segment * width_;
    const auto at = [&](double t, std::size_t k) {
      return t == 0 ? a[k] : t == 1 ? b[k] : std::fma(t, b[k] - a[k], a[k]);
    };
    if (direction == 0) {
      course = {call_.t_begin, call_.t_end - call_.t_begin, false};
      for (std::size_t k = 0; k < width_; ++k) {
        ends[k] = at(call_.t_begin, k);
        ends[width_ + k] = at(call_.t_end, k);
      }
    } else {
      course.is_ray = true;
      course.origin = ray_origin(direction);
      double size = 1, rate = 0;
      for (std::size_t k = 0; k < width_; ++k) {
        ends[k] = at(course.origin, k);
        size = std::max(size, std::abs(ends[k]));
        rate = std::max(rate, std::abs(b[k] - a[k]));
      }
      // A step in t at which the point has moved about as far as it is large: no rounding either side of it.
      const double step = rate > 0 ? std::max(size / rate, std::abs(course.origin)) : 1;
      course.step = direction * std::exp2(std::clamp(std::round(std::log2(step)), -1000.0, 1000.0));
      for (std::size_t k = 0; k < width_; ++k) ends[width_ + k] = course.step * (b[k] - a[k]);
    }
    for (std::size_t k = 0; k < 2 * width_; ++k)
      if (!std::isfinite(ends[k]))
        throw std::overflow_error("segment " + std::to_string(segment) +
                                  " exceeds the range of float64 in input " + std::to_string(k % width_));
  }

  double ray_origin(int direction) const {
    if (direction > 0) return std::isinf(call_.t_begin) ? 0 : call_.t_begin;
    return std::isinf(call_.t_end) ? 0 : call_.t_end;
  }

  void append_first_bits(const std::vector<std::uint64_t>& bits, Part& part) const {
    part.first_bits.insert(part.first_bits.end(), bits.begin(), bits.end());
  }
  void append_value(const Found& found, std::size_t v, Part& part) const {
    if (!call_.wants_values) return;
    const double* row = found.values.row(v);
    part.values.insert(part.values.end(), row, row + outputs_);
  }
  void append_row(const std::vector<double>& row, Part& part) const {
    part.values.insert(part.values.end(), row.begin(), row.end());
  }

  void append(const Found& found, std::size_t v, const Course& course, Part& part) const {
    const double u = found.vertices.place(v);
    part.t.push_back(course.t(u));
    const auto flips = found.vertices.flips(v);
    part.flips.push_back(static_cast<std::int64_t>(flips.size()));
    part.neurons.insert(part.neurons.end(), flips.begin(), flips.end());
    if (!call_.wants_values) return;
    const std::size_t begin = part.values.size();
    append_value(found, v, part);
    if (course.is_ray)
      for (std::size_t j = begin; j < part.values.size(); ++j) part.values[j] /= course.height(u);
  }

  void append_reversed(const Ray& ray, Part& part) const {
    append_first_bits(ray.far_bits, part);
    for (std::size_t i = ray.t.size(); i-- > 0;) {
      part.t.push_back(ray.t[i]);
      part.flips.push_back(static_cast<std::int64_t>(ray.flips[i].size()));
      part.neurons.insert(part.neurons.end(), ray.flips[i].begin(), ray.flips[i].end());
      if (call_.wants_values)
        part.values.insert(part.values.end(), ray.values.begin() + static_cast<std::ptrdiff_t>(i * outputs_),
                           ray.values.begin() + static_cast<std::ptrdiff_t>((i + 1) * outputs_));
    }
  }

  // The point where both rays begin is a breakpoint where their patterns differ.
  void join(const Ray& backward, const Found& forward, Part& part) const {
    const std::size_t before = part.neurons.size();
    for (std::size_t neuron = 0; neuron < positions_.size(); ++neuron) {
      const std::size_t word = positions_[neuron] / 64;
      if (((backward.near_bits[word] ^ forward.first_bits[word]) >> (positions_[neuron] % 64)) & 1)
        part.neurons.push_back(static_cast<std::int64_t>(neuron));
    }
    if (part.neurons.size() == before) return;
    part.t.push_back(0);
    part.flips.push_back(static_cast<std::int64_t>(part.neurons.size() - before));
    append_value(forward, 0, part);
  }

  const SegmentCall& call_;
  SegmentWalk walk_;
  const std::size_t width_, outputs_;
  std::vector<std::size_t> positions_;  // of the neurons' bits
  std::vector<double> ends_;
  std::vector<Course> courses_;
};

void require_finite(const DenseFamily<double>& family, const char* name, const double* points,
                    std::size_t width, std::size_t first, std::size_t count) {
  const std::size_t bad = family.first_nonfinite(points + first * width, count * width);
  if (bad < count * width)
    throw std::invalid_argument(std::string(name) + " is not finite at index (" +
                                std::to_string(first + bad / width) + ", " + std::to_string(bad % width) +
                                ")");
}

// Nanoseconds, very roughly: as many pieces as neurons, and a product with all weights at each.
double work_of(const Network<double>& network) {
  double weights = 0;
  for (const auto& node : network.graph().nodes())
    if (const auto* dense = std::get_if<DenseOp<double>>(&node.op))
      weights += static_cast<double>(dense->weight.size());
  const double speed = network.program().kernels().dense.f64.speed;
  return 1000 + static_cast<double>(network.graph().neurons()) * (20 + weights / speed / 4);
}

template <class T>
void append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
  std::vector<T>().swap(from);
}

void append_sums(std::vector<std::int64_t>& to, const std::vector<std::int64_t>& counts) {
  for (const std::int64_t count : counts) to.push_back(to.back() + count);
}

SegmentPieces assemble(std::vector<Part>& parts) {
  SegmentPieces pieces;
  std::size_t segments = 0, breakpoints = 0, neurons = 0, values = 0;
  for (const Part& part : parts) {
    segments += part.breakpoints.size();
    breakpoints += part.t.size();
    neurons += part.neurons.size();
    values += part.values.size();
  }
  pieces.offsets.reserve(segments + 1);
  pieces.t.reserve(breakpoints);
  pieces.flip_offsets.reserve(breakpoints + 1);
  pieces.neurons.reserve(neurons);
  pieces.values.reserve(values);
  pieces.offsets.push_back(0);
  pieces.flip_offsets.push_back(0);
  for (Part& part : parts) {
    append_sums(pieces.offsets, part.breakpoints);
    append_sums(pieces.flip_offsets, part.flips);
    append(pieces.t, part.t);
    append(pieces.neurons, part.neurons);
    append(pieces.values, part.values);
    append(pieces.first_bits, part.first_bits);
  }
  return pieces;
}

}  // namespace

SegmentPieces segment_pieces(const Network<double>& network, const SegmentCall& call) {
  const std::size_t width = network.graph().input_width();
  const double work = work_of(network);
  const auto block =
      std::clamp<std::size_t>(static_cast<std::size_t>(kNanosecondsPerBlock / work), 1, kBlock);
  std::vector<Part> parts((call.segments + block - 1) / block);
  std::atomic<std::size_t> bytes{0};
  const auto& family = network.program().kernels().dense.f64;
  parallel_for(parts.size(), work * static_cast<double>(call.segments), [&]() -> Work {
    auto worker = std::make_shared<Block>(network, call);
    return [&, worker](std::size_t item) {
      const std::size_t first = item * block;
      const std::size_t count = std::min(block, call.segments - first);
      require_finite(family, "a", call.a, width, first, count);
      require_finite(family, "b", call.b, width, first, count);
      worker->run(first, count, parts[item]);
      if (bytes += parts[item].bytes(); bytes > call.max_bytes) throw TooManyPieces(call.max_bytes);
    };
  });
  return assemble(parts);
}

void expand_patterns(const Network<double>& network, std::size_t segments, const std::int64_t* offsets,
                     const std::int64_t* flip_offsets, const std::int64_t* neurons,
                     const std::uint64_t* first_bits, std::uint64_t* out) {
  const std::size_t words = network.graph().words();
  std::vector<std::size_t> positions;
  for (const NeuronLayer& layer : network.graph().layers())
    for (std::size_t j = 0; j < layer.width; ++j) positions.push_back(64 * layer.first_word + j);
  const double pieces = static_cast<double>(offsets[segments]) + static_cast<double>(segments);
  parallel_for(segments, pieces * static_cast<double>(words), [&]() -> Work {
    return [&](std::size_t i) {
      std::uint64_t* row = out + (static_cast<std::size_t>(offsets[i]) + i) * words;
      std::copy_n(first_bits + i * words, words, row);
      for (std::int64_t v = offsets[i]; v < offsets[i + 1]; ++v, row += words) {
        std::copy_n(row, words, row + words);
        for (std::int64_t f = flip_offsets[v]; f < flip_offsets[v + 1]; ++f) {
          const std::size_t position = positions[static_cast<std::size_t>(neurons[f])];
          row[words + position / 64] ^= kOne << (position % 64);
        }
      }
    };
  });
}

}  // namespace facetry
