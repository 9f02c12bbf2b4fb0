// The steps of a network as blocks of threads. A block's body is written as phases in which every thread
// works alone, with barriers between them, so that the device and its emulation on the host run the same
// text. Phases capture by value: the emulation runs them at the next barrier.
#pragma once

#include <cstdint>

#include "cuda/arithmetic.hpp"

namespace facetry::cuda {

// A thread owns 8 x 8 outputs: 64 independent sums hide the latency of fma, and each value that is read from
// shared memory is used 8 times.
constexpr int kSide = 8;

// Where a step's outputs go; null for what is not wanted. Strides in elements.
template <class T>
struct Finish {
  int width = 0;
  bool has_neurons = false;
  const T* slopes = nullptr;  // none: ReLU; padded to whole tiles
  T* values = nullptr;
  std::int64_t values_stride = 0;
  T* preactivations = nullptr;
  std::int64_t preactivations_stride = 0;
  std::uint8_t* bits = nullptr;  // column j is bit j % 8 of byte j / 8
  std::int64_t bits_stride = 0;
  int bit_columns = 0;  // 64 a word; those past the width are 0
};

// A tile of kRows x kColumns outputs, kDepth inputs at a time.
template <class T, int Across, int Down>
struct Tile {
  static constexpr int kAcross = Across, kDown = Down, kThreads = Across * Down;
  static constexpr int kColumns = kSide * Across, kRows = kSide * Down;
  static constexpr int kVector = Vector<T>::kSize, kVectors = kSide / kVector;
  static constexpr int kDepth = Across == 16 ? 64 / sizeof(T) : 8;
  // Inputs are kept as [k][row]; a vector more than the rows, so that the transposing stores of a warp
  // (8 inputs of 4 rows) go to 32 banks.
  static constexpr int kRowStride = kRows + kVector;
  static constexpr int kInputs = kDepth * kRowStride, kWeights = kDepth * kColumns;
  static constexpr int kStage = kInputs + kWeights;
  static constexpr int kSharedBytes = 2 * kStage * static_cast<int>(sizeof(T));

  // A thread owns 8 neighbouring columns, one byte of bits, and the rows row(thread, 0..7). Columns are kept
  // permuted and rows are taken kVector at a time so that a warp's vectors are neighbours in shared memory.
  FACETRY_HD static constexpr int column(int thread) { return thread % Across * kSide; }
  FACETRY_HD static constexpr int row(int thread, int r) {
    return r / kVector * (Down * kVector) + thread / Across * kVector + r % kVector;
  }
  FACETRY_HD static constexpr int slot(int column) {
    const int i = column % kSide;
    return i / kVector * (Across * kVector) + column / kSide * kVector + i % kVector;
  }
};

template <class T>
struct Sums {
  T z[kSide][kSide];  // [row][column]
};

template <class T>
FACETRY_HD inline void store(T* row, int column, int width, const T (&values)[kSide]) {
  constexpr int kVector = Vector<T>::kSize;
  T* const to = row + column;
  if (column + kSide <= width && is_aligned(to)) {
    FACETRY_HD_UNROLL
    for (int i = 0; i < kSide; i += kVector) {
      Vector<T> v;
      FACETRY_HD_UNROLL
      for (int j = 0; j < kVector; ++j) v.lane[j] = values[i + j];
      *reinterpret_cast<Vector<T>*>(to + i) = v;
    }
    return;
  }
  FACETRY_HD_UNROLL
  for (int i = 0; i < kSide; ++i)
    if (column + i < width) to[i] = values[i];
}

// Eight neighbouring columns of a row: pre-activations, bits, activation, values. A neuron is active iff z >
// 0; ReLU gives +0 for z <= 0, and NaN is passed on.
template <class T>
FACETRY_HD inline void finish(const Finish<T>& to, std::int64_t row, int column, T (&z)[kSide]) {
  if (to.preactivations) store(to.preactivations + row * to.preactivations_stride, column, to.width, z);
  if (to.has_neurons) {
    unsigned active = 0;
    FACETRY_HD_UNROLL
    for (int i = 0; i < kSide; ++i) active |= static_cast<unsigned>(z[i] > 0) << i;
    const int inside = to.width - column;
    if (inside < kSide) active &= inside > 0 ? (1u << inside) - 1 : 0u;
    if (to.bits && column < to.bit_columns)
      to.bits[row * to.bits_stride + column / 8] = static_cast<std::uint8_t>(active);
    FACETRY_HD_UNROLL
    for (int i = 0; i < kSide; ++i)
      if (z[i] <= 0) z[i] = to.slopes ? to.slopes[column + i] * z[i] : T(0);
  }
  if (to.values) store(to.values + row * to.values_stride, column, to.width, z);
}

template <class T>
struct DenseCall {
  std::int64_t rows = 0;
  int depth = 0;
  int column_tiles = 0;
  const T* input = nullptr;
  std::int64_t input_stride = 0;
  const T* weights =
      nullptr;  // [column tile][k][slot], padded with zeros to whole tiles of kDepth x kColumns
  std::int64_t tile_stride = 0;  // from one column tile to the next
  const T* bias = nullptr;       // [column tile][column], padded with zeros
  Finish<T> finish;
};

// z = fma(w[k], a[k], z) for one k and all 64 outputs of a thread.
template <class Tile, class T>
FACETRY_HD inline void accumulate(Sums<T>& sums, int thread, const T* inputs, const T* weights) {
  using V = Vector<T>;
  V a[Tile::kVectors], w[Tile::kVectors];
  FACETRY_HD_UNROLL
  for (int v = 0; v < Tile::kVectors; ++v) {
    a[v] = *reinterpret_cast<const V*>(inputs + Tile::row(thread, v * Tile::kVector));
    w[v] = *reinterpret_cast<const V*>(weights + Tile::slot(Tile::column(thread) + v * Tile::kVector));
  }
  FACETRY_HD_UNROLL
  for (int r = 0; r < kSide; ++r) {
    FACETRY_HD_UNROLL
    for (int c = 0; c < kSide; ++c)
      sums.z[r][c] = fma(w[c / Tile::kVector].lane[c % Tile::kVector],
                         a[r / Tile::kVector].lane[r % Tile::kVector], sums.z[r][c]);
  }
}

template <class T>
FACETRY_HD inline void start(Sums<T>& sums, const T* bias) {
  FACETRY_HD_UNROLL
  for (int c = 0; c < kSide; ++c) {
    const T b = bias[c];
    FACETRY_HD_UNROLL
    for (int r = 0; r < kSide; ++r) sums.z[r][c] = b;
  }
}

// Tile `tile` of the inputs and weights, into its half of the shared memory. Rows and inputs past the end are
// left as they are: the sums of such rows are not written, and such inputs are not read.
template <class Tile, class T, class Thread>
FACETRY_HD inline void load(Thread& thread, const DenseCall<T>& call, std::int64_t first_row,
                            const T* weights, int tile, T* shared) {
  constexpr int kWide = 8;  // inputs of a row that neighbouring threads copy: a sector of 32 bytes, or two
  T* const to = shared + tile % 2 * Tile::kStage;
  const int first_k = tile * Tile::kDepth;
  const int k = thread.index % kWide;
  const int first = thread.index / kWide;
  const T* from = call.input + (first_row + first) * call.input_stride + first_k + k;
  FACETRY_HD_UNROLL
  for (int i = 0; i < Tile::kRows; i += Tile::kThreads / kWide) {
    const int row = first + i;
    FACETRY_HD_UNROLL
    for (int j = 0; j < Tile::kDepth; j += kWide)
      if (first_row + row < call.rows && first_k + k + j < call.depth)
        thread.template copy<sizeof(T)>(to + (k + j) * Tile::kRowStride + row, from + j);
    from += Tile::kThreads / kWide * call.input_stride;
  }
  FACETRY_HD_UNROLL
  for (int i = 0; i < Tile::kWeights; i += Tile::kThreads * Tile::kVector) {
    const int element = i + thread.index * Tile::kVector;
    if (element < Tile::kWeights)
      thread.template copy<16>(to + Tile::kInputs + element, weights + first_k * Tile::kColumns + element);
  }
}

// One tile of outputs. Copies of the next tile of inputs run behind the sums of this one; one barrier a tile
// separates both the copies from their use and the use from the copies after next.
template <class Tile, class T, class Block>
FACETRY_HD inline void dense_block(Block& block, const DenseCall<T>& call, std::int64_t index) {
  const int column_tile = static_cast<int>(index % call.column_tiles);
  const std::int64_t first_row = index / call.column_tiles * Tile::kRows;
  const T* const weights = call.weights + column_tile * call.tile_stride;
  const int tiles = (call.depth + Tile::kDepth - 1) / Tile::kDepth;
  T* const shared = block.template shared<T>();
  block.each([=, &call](auto& thread) {
    start(thread.state, call.bias + column_tile * Tile::kColumns + Tile::column(thread.index));
    load<Tile>(thread, call, first_row, weights, 0, shared);
  });
  for (int tile = 0; tile < tiles; ++tile) {
    block.each([](auto& thread) { thread.wait(); });
    block.barrier();
    block.each([=, &call](auto& thread) {
      if (tile + 1 < tiles) load<Tile>(thread, call, first_row, weights, tile + 1, shared);
      const T* const inputs = shared + tile % 2 * Tile::kStage;
      const T* const w = inputs + Tile::kInputs;
      const int depth = call.depth - tile * Tile::kDepth;
      if (depth >= Tile::kDepth) {
        FACETRY_HD_UNROLL_BY(8)
        for (int k = 0; k < Tile::kDepth; ++k)
          accumulate<Tile>(thread.state, thread.index, inputs + k * Tile::kRowStride, w + k * Tile::kColumns);
      } else {
        FACETRY_HD_UNROLL_BY(1)
        for (int k = 0; k < depth; ++k)
          accumulate<Tile>(thread.state, thread.index, inputs + k * Tile::kRowStride, w + k * Tile::kColumns);
      }
    });
  }
  block.each([=, &call](auto& thread) {
    const int column = column_tile * Tile::kColumns + Tile::column(thread.index);
    FACETRY_HD_UNROLL
    for (int r = 0; r < kSide; ++r) {
      const std::int64_t row = first_row + Tile::row(thread.index, r);
      if (row < call.rows) finish(call.finish, row, column, thread.state.z[r]);
    }
  });
}

// An activation or a scaling that stands alone.
template <class T>
struct MapCall {
  std::int64_t rows = 0;
  int groups = 0;  // of 8 columns in a row
  const T* input = nullptr;
  std::int64_t input_stride = 0;
  const T* scale = nullptr;  // null: none
  const T* shift = nullptr;
  Finish<T> finish;
};

// Eight columns of a row.
template <class T>
FACETRY_HD inline void map_thread(const MapCall<T>& call, std::int64_t index) {
  const std::int64_t row = index / call.groups;
  const int column = static_cast<int>(index % call.groups) * kSide;
  T z[kSide];
  FACETRY_HD_UNROLL
  for (int i = 0; i < kSide; ++i) {
    const int j = column + i;
    z[i] = j < call.finish.width ? call.input[row * call.input_stride + j] : T(0);
    if (call.scale && j < call.finish.width) z[i] = fma(call.scale[j], z[i], call.shift[j]);
  }
  finish(call.finish, row, column, z);
}

}  // namespace facetry::cuda
