#include "regions/plane_cells.hpp"

#include <bit>
#include <cstring>

#include "regions/plane_functions.hpp"

namespace facetry {
namespace {

template <class T>
T* copy(const T* from, std::size_t size, Arena& arena) {
  T* to = arena.take<T>(size);
  std::copy_n(from, size, to);
  return to;
}

template <class T>
std::size_t bytes_of(const std::vector<T>& values) {
  return values.capacity() * sizeof(T);
}

void set_bit(std::uint64_t* bits, const PlaneLayer& layer, std::size_t neuron) {
  bits[layer.first_word + neuron / 64] |= std::uint64_t{1} << (neuron % 64);
}

// Calls visit(8 block + bit) for every bit that is 1.
template <class Visit>
void for_bits(const std::uint8_t* bytes, std::size_t begin, std::size_t end, const Visit& visit) {
  for (std::size_t block = begin; block < end; ++block)
    for (unsigned byte = bytes[block]; byte != 0; byte &= byte - 1)
      visit(block * kPlaneLanes + static_cast<std::size_t>(std::countr_zero(byte)));
}

std::size_t first_live(const Cell& cell) {
  return cell.block * kPlaneLanes + static_cast<std::size_t>(std::countr_zero(cell.live[cell.block]));
}

// Function i times factor(i).
template <class Factor>
double* scale(const double* functions, std::size_t count, Arena& arena, const Factor& factor) {
  double* scaled = arena.take<double>(round_up(count, kPlaneLanes) * 3);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t k = 0; k < 3; ++k)
      scaled[place_of(i) + k * kPlaneLanes] = factor(i) * functions[place_of(i) + k * kPlaneLanes];
  return scaled;
}

}  // namespace

std::size_t CellWork::bytes() const {
  return scratch.arena.bytes() + bytes_of(mesh.vertices) + bytes_of(mesh.edges) + bytes_of(faces.corners) +
         bytes_of(faces.ends) + bytes_of(faces.bits) + bytes_of(faces.outputs) + bytes_of(faces.classes);
}

// A task has at least a hundred faces where there are many; growing from nothing took a sixth of the time.
void CellWork::reserve(std::size_t words, std::size_t outputs) {
  constexpr std::size_t kFaces = 128;
  mesh.vertices.reserve(kFaces);
  mesh.edges.reserve(4 * kFaces);
  faces.corners.reserve(4 * kFaces);
  faces.ends.reserve(kFaces);
  faces.bits.reserve(kFaces * std::min<std::size_t>(words, 16));
  faces.outputs.reserve(kFaces * 3 * std::min<std::size_t>(outputs, 16));
}

CellCutter::CellCutter(const PlaneNetwork& network, const Kernels& kernels, PlaneOutputs outputs,
                       std::vector<AlignedArray<double>> tolerances)
    : network_(network), kernels_(kernels), outputs_(outputs), tolerances_(std::move(tolerances)) {
  for (const PlaneLayer& layer : network.layers) {
    neurons_of_.emplace_back(layer.blocks, std::uint8_t{0xFF});
    if (layer.width % kPlaneLanes != 0)
      neurons_of_.back().back() = static_cast<std::uint8_t>((1u << (layer.width % kPlaneLanes)) - 1);
  }
}

Cell CellCutter::root(std::span<const PlanePoint> polygon, const PlaneFrame& frame, CellWork& work) const {
  const auto size = static_cast<std::uint32_t>(polygon.size());
  Cell cell;
  cell.polygon = {work.scratch.arena.take<PlaneCorner>(size), size};
  for (std::uint32_t i = 0; i < size; ++i) {
    work.mesh.add_vertex(polygon[i].x, polygon[i].y);
    const std::uint32_t edge = work.mesh.add_edge(i, (i + 1) % size, kNoId);
    cell.polygon.corners[i] = {polygon[i].x, polygon[i].y, i, 2 * edge};
  }
  cell.bits = work.scratch.arena.take<std::uint64_t>(network_.words);
  std::fill_n(cell.bits, network_.words, std::uint64_t{0});
  double* functions = work.scratch.arena.take<double>(network_.links.front().blocks * kPlaneBlock);
  network_.enter(frame, work.scratch.rows, functions);
  if (network_.layers.empty()) {
    cell.functions = functions;
    cell.is_face = true;
    return cell;
  }
  enter_layer(cell, functions, work);
  settle(cell, work);
  return cell;
}

PlaneArray<double> CellCutter::zeros() const {
  PlaneArray<double> zeros(network_.neurons);
  for (std::size_t i = 0; i < network_.layers.size(); ++i)
    std::copy_n(tolerances_[i].data(), network_.layers[i].width,
                zeros.data.get() + network_.layers[i].first_neuron);
  return zeros;
}

bool CellCutter::advance(Cell& cell) const {
  while (cell.block < cell.crossing.blocks && cell.live[cell.block] == 0) ++cell.block;
  return cell.block < cell.crossing.blocks;
}

void CellCutter::settle(Cell& cell, CellWork& work) const {
  while (!cell.is_face && !advance(cell)) {
    const double* functions = next_functions(cell, work);
    if (cell.layer + 1 == network_.layers.size()) {
      cell.functions = functions;
      cell.is_face = true;
    } else {
      ++cell.layer;
      enter_layer(cell, functions, work);
    }
  }
}

const double* CellCutter::next_functions(const Cell& cell, CellWork& work) const {
  const PlaneLink& link = network_.links[cell.layer + 1];
  if (link.is_additive()) return cell.next;
  double* next = work.scratch.arena.take<double>(link.blocks * kPlaneBlock);
  network_.follow(cell.layer, cell.functions, cell.bits, work.scratch.rows, next);
  return next;
}

void CellCutter::enter_layer(Cell& cell, const double* functions, CellWork& work) const {
  const PlaneLayer& layer = network_.layers[cell.layer];
  cell.functions = functions;
  std::uint8_t* crossing = work.scratch.arena.take<std::uint8_t>(layer.blocks);
  std::uint8_t* positive = work.scratch.arena.take<std::uint8_t>(layer.blocks);
  kernels_.plane.classify({layer.blocks, functions, tolerances_[cell.layer].data(),
                           neurons_of_[cell.layer].data(), crossing, positive, cell.polygon.corners,
                           cell.polygon.size});
  std::memcpy(cell.bits + layer.first_word, positive, layer.blocks);  // both least significant bit first
  gather_crossing(cell, crossing, work);
  cell.next = start_next(cell, positive, work);
}

void CellCutter::gather_crossing(Cell& cell, const std::uint8_t* crossing, CellWork& work) const {
  const PlaneLayer& layer = network_.layers[cell.layer];
  CrossingNeurons& lines = cell.crossing;
  lines.count = 0;
  lines.neurons = work.scratch.arena.take<std::uint32_t>(layer.width);
  lines.functions = work.scratch.arena.take<double>(layer.blocks * kPlaneBlock);
  lines.tolerance = work.scratch.arena.take<double>(layer.blocks * kPlaneLanes);
  for_bits(crossing, 0, layer.blocks, [&](std::size_t j) {
    const std::size_t i = lines.count++;
    lines.neurons[i] = static_cast<std::uint32_t>(j);
    lines.tolerance[i] = tolerances_[cell.layer][j];
    const double* from = cell.functions + place_of(j);
    double* to = lines.functions + place_of(i);
    for (std::size_t k = 0; k < 3; ++k) to[k * kPlaneLanes] = from[k * kPlaneLanes];
  });
  lines.blocks = (lines.count + kPlaneLanes - 1) / kPlaneLanes;
  cell.live = work.scratch.arena.take<std::uint8_t>(lines.blocks);
  std::fill_n(cell.live, lines.blocks, std::uint8_t{0xFF});
  if (lines.count % kPlaneLanes != 0)
    cell.live[lines.blocks - 1] = static_cast<std::uint8_t>((1u << (lines.count % kPlaneLanes)) - 1);
  for (std::size_t i = lines.count; i < lines.blocks * kPlaneLanes; ++i) {
    lines.tolerance[i] = 0;
    for (std::size_t k = 0; k < 3; ++k) lines.functions[place_of(i) + k * kPlaneLanes] = 0;
  }
  lines.gains = lines.functions;
  if (layer.slopes)
    lines.gains = scale(lines.functions, lines.count, work.scratch.arena,
                        [&](std::size_t i) { return 1 - layer.slopes[lines.neurons[i]]; });
  cell.block = 0;
}

// One product for all parts of the cell: the neurons that cross it count as inactive.
const double* CellCutter::start_next(const Cell& cell, const std::uint8_t* positive, CellWork& work) const {
  const PlaneLink& link = network_.links[cell.layer + 1];
  if (!link.is_additive()) return nullptr;
  const PlaneLayer& layer = network_.layers[cell.layer];
  double* next = work.scratch.arena.take<double>(link.blocks * kPlaneBlock);
  auto* rows = work.scratch.arena.take<std::uint32_t>(layer.width);
  auto* places = work.scratch.arena.take<std::uint32_t>(layer.width);
  std::size_t count = 0;
  const auto add = [&](std::size_t j) {
    rows[count] = static_cast<std::uint32_t>(j);
    places[count++] = place_of(j);
  };
  const double* functions = cell.functions;
  if (layer.slopes) {
    functions = scale(cell.functions, layer.width, work.scratch.arena, [&](std::size_t j) {
      return (positive[j / kPlaneLanes] >> (j % kPlaneLanes)) & 1 ? 1 : layer.slopes[j];
    });
    for (std::size_t j = 0; j < layer.width; ++j) add(j);
  } else {
    for_bits(positive, 0, layer.blocks, add);
  }
  kernels_.plane.combine(
      {link.blocks, link.bias.data(), next, link.weights.data(), rows, functions, places, count});
  return next;
}

std::uint32_t CellCutter::next_line(const Cell& cell) const {
  if (cell.is_face) return kNoId;
  return static_cast<std::uint32_t>(network_.layers[cell.layer].first_neuron) +
         cell.crossing.neurons[first_live(cell)];
}

Cell CellCutter::cut(Cell& cell, CellWork& work) const {
  Arena& arena = work.scratch.arena;
  const std::size_t size = cell.polygon.size;
  const std::size_t line = first_live(cell);
  double function[3];
  take_function(cell.crossing.functions, line, 1, function);
  const double tolerance = cell.crossing.tolerance[line];
  double* values = arena.take<double>(size);
  auto* signs = arena.take<std::int8_t>(size);
  kernels_.plane.evaluate(function, cell.polygon.corners, size, values);
  for (std::size_t i = 0; i < size; ++i)
    signs[i] = static_cast<std::int8_t>((values[i] > tolerance) - (values[i] < -tolerance));
  Polygon negative{arena.take<PlaneCorner>(size + 2), 0}, positive{arena.take<PlaneCorner>(size + 2), 0};
  work.mesh.cut(cell.polygon, values, signs, next_line(cell), negative, positive);
  Cell other = cell;
  other.polygon = negative;
  cell.polygon = positive;
  take_side(other, false, work);
  other.mark = arena.mark();
  take_side(cell, true, work);
  return other;
}

// Of the neurons that cross the whole cell, some cross this part of it, some are active on it: those are
// added to the next layer's functions.
void CellCutter::take_side(Cell& cell, bool is_positive, CellWork& work) const {
  Arena& arena = work.scratch.arena;
  const CrossingNeurons& lines = cell.crossing;
  const PlaneLayer& layer = network_.layers[cell.layer];
  const PlaneLink& link = network_.links[cell.layer + 1];
  const unsigned first = cell.live[cell.block] & -unsigned{cell.live[cell.block]};
  auto* live = arena.take<std::uint8_t>(lines.blocks);
  auto* positive = arena.take<std::uint8_t>(lines.blocks);
  std::copy(cell.live + cell.block, cell.live + lines.blocks, positive + cell.block);
  positive[cell.block] = static_cast<std::uint8_t>(positive[cell.block] & ~first);
  kernels_.plane.classify({lines.blocks - cell.block, lines.functions + cell.block * kPlaneBlock,
                           lines.tolerance + cell.block * kPlaneLanes, positive + cell.block,
                           live + cell.block, positive + cell.block, cell.polygon.corners,
                           cell.polygon.size});
  if (is_positive) positive[cell.block] = static_cast<std::uint8_t>(positive[cell.block] | first);
  cell.live = live;
  cell.bits = copy(cell.bits, network_.words, arena);
  std::size_t count = 0;
  auto* rows = arena.take<std::uint32_t>(lines.count);
  auto* places = arena.take<std::uint32_t>(lines.count);
  for_bits(positive, cell.block, lines.blocks, [&](std::size_t i) {
    const std::size_t j = lines.neurons[i];
    set_bit(cell.bits, layer, j);
    rows[count] = static_cast<std::uint32_t>(j);
    places[count++] = place_of(i);
  });
  if (count == 0 || !link.is_additive()) return;
  double* next = arena.take<double>(link.blocks * kPlaneBlock);
  kernels_.plane.combine(
      {link.blocks, cell.next, next, link.weights.data(), rows, lines.gains, places, count});
  cell.next = next;
}

// Multiply-adds of a cut, or of entering a layer, roughly; the rest of a cell is 300 of them.
double CellCutter::cost(const Cell& cell) const {
  const double next = static_cast<double>(network_.links[cell.layer + (cell.is_face ? 0 : 1)].blocks);
  const double lines = static_cast<double>(cell.crossing.blocks * cell.polygon.size);
  return 300 + (lines + 12 * next) * kPlaneBlock;
}

void CellCutter::run(CellWork& work, double nanoseconds) const {
  double left = nanoseconds * kernels_.dense.f64.speed / 4;
  while (!work.stack.empty() && left > 0) {
    Cell cell = work.stack.back();
    work.stack.pop_back();
    work.scratch.arena.rewind(cell.mark);
    for (settle(cell, work); !cell.is_face; settle(cell, work)) {
      left -= cost(cell);
      work.stack.push_back(cut(cell, work));
    }
    emit(cell, work);
  }
}

}  // namespace facetry
