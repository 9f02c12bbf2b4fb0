// A graph compiled for one instruction set: weights packed for its dense kernel, dense steps fused with the
// activation that follows, and buffers shared by values that are not alive at the same time.
#pragma once

#include <cstddef>
#include <vector>

#include "base/aligned.hpp"
#include "network/network.hpp"

namespace facetry {

template <class T>
struct Step {
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::size_t node = 0;      // whose value the step leaves in `to`
  std::size_t from = kNone;  // buffer read; kNone: the points themselves
  std::size_t to = 0;        // buffer written
  std::size_t input_width = 0;
  std::size_t width = 0;
  std::size_t layer = kNone;  // the neurons this step decides, if any
  enum class Kind { kDense, kScale, kActivation } kind = Kind::kActivation;
  bool is_narrow = false;
  std::size_t blocks = 0;
  AlignedArray<T> weights, bias, slopes;
};

template <class T>
class Program {
 public:
  Program(const Graph<T>& graph, const Kernels& kernels);

  const Kernels& kernels() const { return kernels_; }
  std::size_t panel_rows() const { return panel_rows_; }

  // Scratch for one thread.
  struct Scratch {
    std::vector<AlignedArray<T>> buffers;
    AlignedArray<std::uint64_t> bits;  // one row of bits that nobody wants
    AlignedArray<T> copy;              // of the points, where their own stride is a bad one
    const T* points = nullptr;         // of the panel at work
    std::size_t points_stride = 0;
  };
  Scratch scratch() const;

  // Rows begin .. begin + rows of the batch, at most panel_rows() of them.
  void run_panel(const Batch<T>& batch, std::size_t begin, std::size_t rows, Scratch& scratch) const;

 private:
  void compile();
  void add_dense(std::size_t node, const DenseOp<T>& op);
  void add_scale(std::size_t node, const ScaleOp<T>& op);
  void add_activation(std::size_t node, const ActivationOp<T>& op);
  void assign_buffers();
  void place_points(const Batch<T>& batch, std::size_t begin, std::size_t rows, Scratch& scratch) const;
  void run_dense(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                 Scratch& scratch) const;
  void run_scale(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                 Scratch& scratch) const;
  void run_activation(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                      Scratch& scratch) const;
  DenseCall<T> call_of(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                       Scratch& scratch) const;

  const Graph<T>& graph_;
  const Kernels& kernels_;
  const DenseFamily<T>& family_;
  std::vector<Step<T>> steps_;
  std::size_t steps_to_last_layer_ = 0;  // patterns need no more than these
  std::size_t buffers_ = 0;
  std::size_t stride_ = 0;  // of every buffer, in elements
  std::size_t panel_rows_ = 0;
  bool copies_points_ = false;
};

extern template class Program<float>;
extern template class Program<double>;

}  // namespace facetry
