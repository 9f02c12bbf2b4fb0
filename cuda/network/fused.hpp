// A narrow network as one kernel: a tile of rows goes through all layers in shared memory, and only what the
// caller wants is written. For chains of dense steps of at most 64 values.
#pragma once

#include <cstdint>

#include "cuda/network/dense.hpp"

namespace facetry::cuda {

constexpr int kFusedWidth = 64, kFusedSteps = 16, kFusedWords = 8;

template <class T>
struct FusedStep {
  const T* weights = nullptr;  // [k][slot]
  const T* bias = nullptr;     // 64
  const T* slopes = nullptr;
  int depth = 0;
  int width = 0;
  bool has_neurons = false;
  int first_neuron = 0;
  int word = 0;
};

template <class T>
struct FusedCall {
  std::int64_t rows = 0;
  int input_width = 0;
  int count = 0;  // steps
  int neurons = 0;
  int words = 0;
  const T* x = nullptr;
  T* outputs = nullptr;  // of the last step, and null for what is not wanted
  T* preactivations = nullptr;
  std::uint64_t* patterns = nullptr;
  FusedStep<T> steps[kFusedSteps];
};

// 256 rows of float32, 128 of float64: two blocks fit a multiprocessor.
template <class T>
struct FusedTile : Tile<T, kFusedWidth / kSide, 128 / sizeof(T)> {
  using Base = Tile<T, kFusedWidth / kSide, 128 / sizeof(T)>;
  static constexpr int kInputs = kFusedWidth * Base::kRowStride, kWeights = kFusedWidth * kFusedWidth;

  static constexpr int shared_bytes(int words) {
    return (kInputs + kWeights) * static_cast<int>(sizeof(T)) + Base::kRows * words * 8;
  }
  // Where the inputs k of all rows are. The threads of a warp own columns that are 8 apart; here those are
  // neighbours, so that their stores go to 32 banks.
  FACETRY_HD static constexpr int place(int k) { return (k % 8 * 8 + k / 8) * Base::kRowStride; }
};

template <class Tile, class T, class Thread>
FACETRY_HD inline void load_weights(Thread& thread, const FusedStep<T>& step, T* to) {
  for (int i = thread.index * Tile::kVector; i < step.depth * kFusedWidth;
       i += Tile::kThreads * Tile::kVector)
    thread.template copy<16>(to + i, step.weights + i);
}

template <class Tile, class T>
FACETRY_HD inline void multiply(Sums<T>& sums, int thread, const FusedStep<T>& step, const T* inputs,
                                const T* weights) {
  start(sums, step.bias + Tile::column(thread));
  int k = 0;
  FACETRY_HD_UNROLL_BY(1)
  for (; k + 8 <= step.depth; k += 8) {
    FACETRY_HD_UNROLL
    for (int i = 0; i < 8; ++i)
      accumulate<Tile>(sums, thread, inputs + Tile::place(i) + k / 8 * Tile::kRowStride,
                       weights + (k + i) * kFusedWidth);
  }
  FACETRY_HD_UNROLL_BY(1)
  for (; k < step.depth; ++k)
    accumulate<Tile>(sums, thread, inputs + Tile::place(k), weights + k * kFusedWidth);
}

// A thread's outputs, as inputs of the next step.
template <class Tile, class T>
FACETRY_HD inline void keep(const Sums<T>& sums, int thread, T* inputs) {
  FACETRY_HD_UNROLL
  for (int c = 0; c < kSide; ++c) {
    T* const column = inputs + Tile::place(Tile::column(thread) + c);
    FACETRY_HD_UNROLL
    for (int v = 0; v < kSide; v += Tile::kVector) {
      Vector<T> values;
      FACETRY_HD_UNROLL
      for (int r = 0; r < Tile::kVector; ++r) values.lane[r] = sums.z[v + r][c];
      *reinterpret_cast<Vector<T>*>(column + Tile::row(thread, v)) = values;
    }
  }
}

template <class T, class Block>
FACETRY_HD inline void fused_block(Block& block, const FusedCall<T>& call, std::int64_t index) {
  using Tile = FusedTile<T>;
  const std::int64_t first_row = index * Tile::kRows;
  const int rows =
      call.rows - first_row < Tile::kRows ? static_cast<int>(call.rows - first_row) : Tile::kRows;
  T* const inputs = block.template shared<T>();
  T* const weights = inputs + Tile::kInputs;
  auto* const bits = reinterpret_cast<std::uint8_t*>(weights + Tile::kWeights);
  block.each([=, &call](auto& thread) {
    const T* const x = call.x + first_row * call.input_width;
    for (int i = thread.index; i < rows * call.input_width; i += Tile::kThreads)
      thread.template copy<sizeof(T)>(inputs + Tile::place(i % call.input_width) + i / call.input_width,
                                      x + i);
    load_weights<Tile>(thread, call.steps[0], weights);
  });
  for (int s = 0; s < call.count; ++s) {
    block.each([](auto& thread) { thread.wait(); });
    block.barrier();
    block.each([=, &call](auto& thread) {
      multiply<Tile>(thread.state, thread.index, call.steps[s], inputs, weights);
    });
    block.barrier();
    block.each([=, &call](auto& thread) {
      const FusedStep<T>& step = call.steps[s];
      const bool is_last = s + 1 == call.count;
      if (!is_last) load_weights<Tile>(thread, call.steps[s + 1], weights);
      Finish<T> to;
      to.width = step.width;
      to.has_neurons = step.has_neurons;
      to.slopes = step.slopes;
      if (is_last && call.outputs) to.values = call.outputs + first_row * step.width;
      to.values_stride = step.width;
      if (step.has_neurons && call.preactivations)
        to.preactivations = call.preactivations + first_row * call.neurons + step.first_neuron;
      to.preactivations_stride = call.neurons;
      if (step.has_neurons && call.patterns) to.bits = bits + 8 * step.word;
      to.bits_stride = 8 * call.words;
      to.bit_columns = kFusedWidth;
      FACETRY_HD_UNROLL
      for (int r = 0; r < kSide; ++r) {
        const int row = Tile::row(thread.index, r);
        if (row < rows) finish(to, row, Tile::column(thread.index), thread.state.z[r]);
      }
      if (!is_last) keep<Tile>(thread.state, thread.index, inputs);
    });
  }
  if (!call.patterns) return;
  block.barrier();
  block.each([=, &call](auto& thread) {
    // A tile's rows of bits are one piece of memory.
    const auto* const from = reinterpret_cast<const std::uint64_t*>(bits);
    std::uint64_t* const to = call.patterns + first_row * call.words;
    for (int i = thread.index; i < rows * call.words; i += Tile::kThreads) to[i] = from[i];
  });
}

}  // namespace facetry::cuda
