// A plan compiled for one instruction set: weights packed for its dense kernel.
#pragma once

#include <cstddef>
#include <vector>

#include "base/aligned.hpp"
#include "network/network.hpp"
#include "network/plan.hpp"

namespace facetry {

template <class T>
struct Step : PlanStep<T> {
  bool is_narrow = false;
  std::size_t blocks = 0;
  AlignedArray<T> packed_weights, packed_bias, packed_slopes;
};

template <class T>
class Program {
 public:
  Program(const Graph<T>& graph, const Kernels& kernels);

  const Kernels& kernels() const { return kernels_; }
  const Plan<T>& plan() const { return plan_; }
  const std::vector<Step<T>>& steps() const { return steps_; }
  std::size_t panel_rows() const { return panel_rows_; }

  // Scratch of one thread, for panels of at most so many rows.
  struct Scratch {
    std::vector<AlignedArray<T>> buffers;
    AlignedArray<std::uint64_t> bits;  // one row of bits that nobody wants
    AlignedArray<T> copy;              // of the points, where their own stride is a bad one
    const T* points = nullptr;         // of the panel at work
    std::size_t points_stride = 0;
  };
  Scratch scratch(std::size_t rows) const;

  // Rows begin .. begin + rows of the batch, at most panel_rows() of them.
  void run_panel(const Batch<T>& batch, std::size_t begin, std::size_t rows, Scratch& scratch) const;

 private:
  Step<T> pack(const PlanStep<T>& planned) const;
  void place_points(const Batch<T>& batch, std::size_t begin, std::size_t rows, Scratch& scratch) const;
  void run_dense(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                 Scratch& scratch) const;
  void run_scale(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                 Scratch& scratch) const;
  void run_activation(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                      Scratch& scratch) const;
  void gate(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
            Scratch& scratch) const;
  DenseCall<T> call_of(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                       Scratch& scratch) const;

  const Graph<T>& graph_;
  const Kernels& kernels_;
  const DenseFamily<T>& family_;
  const Plan<T> plan_;
  std::vector<Step<T>> steps_;
  AlignedArray<T> zeros_;   // the bias of tangents
  std::size_t stride_ = 0;  // of every buffer, in elements
  std::size_t panel_rows_ = 0;
  bool copies_points_ = false;
};

extern template class Program<float>;
extern template class Program<double>;

}  // namespace facetry
