// Cells: polygons on which all layers below one are affine. A cell is cut by the neurons of that layer, one
// after the other; when none is left, the next layer is entered, and after the last one the cell is a face.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/dispatch.hpp"
#include "regions/plane.hpp"
#include "regions/plane_arena.hpp"
#include "regions/plane_layers.hpp"
#include "regions/plane_mesh.hpp"

namespace facetry {

// The neurons of a layer that change sign on a cell, in blocks of functions.
struct CrossingNeurons {
  std::size_t count = 0, blocks = 0;
  std::uint32_t* neurons = nullptr;  // of the layer
  double* functions = nullptr;
  double* gains = nullptr;  // what the functions of the next layer's inputs gain where a neuron is active
  double* tolerance = nullptr;
};

struct Cell {
  Polygon polygon;
  std::size_t layer = 0;
  const double* functions = nullptr;  // of the layer's neurons, at last of the outputs
  CrossingNeurons crossing;
  std::uint8_t* live = nullptr;  // of the crossing neurons: those that still cross this cell
  std::size_t block = 0;         // the first live one, if any, is in this block or later
  const double* next =
      nullptr;  // the next layer's functions, were all live neurons inactive (additive links)
  std::uint64_t* bits = nullptr;
  bool is_face = false;
  Arena::Mark mark;  // the end of what the cell took from the arena
};

// The faces of one piece of work. Vertices are those of its mesh.
struct FaceList {
  std::vector<std::uint32_t> corners;
  std::vector<std::size_t> ends;  // in corners
  std::vector<std::uint64_t> bits;
  std::vector<double> outputs;        // (faces, outputs, 3)
  std::vector<std::int32_t> classes;  // where outputs are cut
};

// What the cells of a stack hold on to. A thread that has finished a piece of work goes on to the next one
// with the same memory, which is in its cache: memory of its own for each piece made all of it a third
// slower.
struct CellScratch {
  Arena arena;
  PlaneNetwork::Rows rows;
};

// A piece of work, which can stop between two cells and go on later.
struct CellWork {
  PlaneMesh mesh;
  CellScratch scratch;
  std::vector<Cell> stack;
  FaceList faces;

  void reserve(std::size_t words, std::size_t outputs);
  std::size_t bytes() const;
};

class CellCutter {
 public:
  CellCutter(const PlaneNetwork& network, const Kernels& kernels, PlaneOutputs outputs,
             std::vector<AlignedArray<double>> tolerances);

  Cell root(std::span<const PlanePoint> polygon, const PlaneFrame& frame, CellWork& work) const;
  // Of every neuron: up to what magnitude its value counts as zero.
  PlaneArray<double> zeros() const;
  // The number of the next line that cuts the cell; kNoId of a face.
  std::uint32_t next_line(const Cell& cell) const;
  // Enters layers until a neuron crosses the cell; where none does, the cell is a face.
  void settle(Cell& cell, CellWork& work) const;
  // Cuts the cell by its next line: it becomes its positive part, the negative one is returned. Neither is
  // settled.
  Cell cut(Cell& cell, CellWork& work) const;
  // Works through the stack until it is empty or about so many nanoseconds have passed.
  void run(CellWork& work, double nanoseconds) const;

 private:
  bool advance(Cell& cell) const;
  void enter_layer(Cell& cell, const double* functions, CellWork& work) const;
  const double* next_functions(const Cell& cell, CellWork& work) const;
  void gather_crossing(Cell& cell, const std::uint8_t* crossing, CellWork& work) const;
  const double* start_next(const Cell& cell, const std::uint8_t* positive, CellWork& work) const;
  void take_side(Cell& cell, bool is_positive, CellWork& work) const;
  void emit(const Cell& cell, CellWork& work) const;
  struct ClassPiece {
    Polygon polygon;
    std::int32_t winner = 0;
  };
  void emit_classes(const Cell& cell, CellWork& work) const;
  ClassPiece take_won(const Cell& cell, std::size_t k, ClassPiece& piece, CellWork& work) const;
  void emit_face(const Cell& cell, const Polygon& polygon, std::int32_t winner, CellWork& work) const;
  double cost(const Cell& cell) const;

  const PlaneNetwork& network_;
  const Kernels& kernels_;
  const PlaneOutputs outputs_;
  const std::vector<AlignedArray<double>> tolerances_;  // of every layer, at the end of the outputs
  std::vector<std::vector<std::uint8_t>> neurons_of_;   // of every layer: a bit a neuron, all 1
};

}  // namespace facetry
