// Depth first through the cells of a domain, layer by layer: a cell is cut by one neuron that changes sign on
// it at a time. A node of the tree is a plain value, so any part of the walk can be done elsewhere, with the
// same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "regions/box_cell.hpp"

namespace facetry {

struct BoxJob {
  std::vector<std::uint32_t> key;  // jobs and results in the order of their keys are in depth-first order
  std::uint32_t layer = 0;
  bool is_whole = true;  // all neurons of the layer are to be tested, by `functions` of all of them
  BoxCell cell;
  std::vector<std::uint64_t> bits;     // of the pattern so far
  std::vector<std::uint32_t> neurons;  // of the layer, that change sign on the cell
  AlignedArray<double> functions;      // theirs, in blocks
  AlignedArray<double> next;           // of the next layer, with those neurons inactive
};

class BoxSink {
 public:
  virtual ~BoxSink() = default;
  virtual void take(const BoxCell& cell, const std::uint64_t* bits) = 0;
};

class BoxWalk {
 public:
  // Without a sink regions are only counted. With a guide only the region of that pattern is walked to.
  BoxWalk(const BoxLayers& layers, BoxSink* sink, const std::uint64_t* guide = nullptr);
  ~BoxWalk();

  // Spends about `nanoseconds`; appends what is left to `rest`, in order, without keys.
  void run(const BoxJob& job, double nanoseconds, std::vector<BoxJob>& rest);

  // Cells after so many layers that this object saw.
  const std::vector<std::uint64_t>& counts() const { return counts_; }
  void set_guide(const std::uint64_t* guide) { guide_ = guide; }

 private:
  struct Frame;
  struct Packed;

  void enter(const BoxCell& cell, std::size_t layer, const double* functions, std::size_t depth);
  void split(const BoxCell& cell, std::size_t layer, const std::uint8_t* live, const double* next,
             std::size_t depth);
  void go_on(const BoxCell& part, std::size_t layer, std::size_t cut, bool is_high, const std::uint8_t* live,
             const double* next, std::size_t depth);
  void spill(const BoxCell& cell, std::size_t layer, const double* functions);
  void spill(const BoxCell& cell, std::size_t layer, const std::uint8_t* live, const double* next);
  bool set_bit(const BoxLayer& layer, std::size_t neuron, bool is_active);
  void function_of(const Packed& packed, std::size_t i, double factor, double* to) const;
  Frame& frame(std::size_t depth);

  const BoxLayers& layers_;
  BoxSink* sink_;
  const std::uint64_t* guide_;
  BoxCutter cutter_;
  std::vector<std::uint64_t> bits_;
  std::vector<std::uint64_t> counts_;
  std::vector<std::unique_ptr<Packed>> packed_;  // one a layer: the neurons that its cell at work is cut by
  std::vector<std::unique_ptr<Frame>> frames_;   // one a depth
  std::vector<std::uint8_t> crossing_, positive_;
  std::vector<std::uint32_t> columns_;
  std::vector<double> coefficients_;
  std::vector<BoxJob>* rest_ = nullptr;
  double left_ = 0;  // nanoseconds
};

}  // namespace facetry
