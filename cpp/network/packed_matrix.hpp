// A matrix packed for the dense kernel, to multiply rows with.
#pragma once

#include <cstddef>

#include "base/aligned.hpp"
#include "kernels/dense.hpp"

namespace facetry {

template <class T>
class PackedMatrix {
 public:
  PackedMatrix() = default;

  // element(j, k) leads from input k to output j.
  template <class Element>
  PackedMatrix(const DenseFamily<T>& family, std::size_t outputs, std::size_t depth, const Element& element)
      : family_(&family), depth_(depth), is_narrow_(outputs <= family.narrow) {
    const std::size_t columns = is_narrow_ ? family.narrow : family.columns;
    blocks_ = (outputs + columns - 1) / columns;
    stride_ = blocks_ * columns;
    weights_ = AlignedArray<T>(stride_ * depth);
    zeros_ = AlignedArray<T>(stride_);
    for (std::size_t j = 0; j < outputs; ++j)
      for (std::size_t k = 0; k < depth; ++k)
        weights_[(j / columns * depth + k) * columns + j % columns] = element(j, k);
  }

  // The least stride of the output: its rows are written to the end of their last block.
  std::size_t stride() const { return stride_; }

  // output[i][j] = sum over k ascending of element(j, k) * input[i][k], by fma from 0.
  void multiply(std::size_t rows, const T* input, std::size_t input_stride, T* output,
                std::size_t output_stride) const {
    DenseCall<T> call;
    call.rows = rows;
    call.depth = depth_;
    call.blocks = blocks_;
    call.is_narrow = is_narrow_;
    call.input = input;
    call.input_stride = input_stride;
    call.weights = weights_.data();
    call.bias = zeros_.data();
    call.output = output;
    call.output_stride = output_stride;
    family_->dense(call);
  }

 private:
  const DenseFamily<T>* family_ = nullptr;
  std::size_t depth_ = 0;
  bool is_narrow_ = false;
  std::size_t blocks_ = 0;
  std::size_t stride_ = 0;
  AlignedArray<T> weights_, zeros_;
};

}  // namespace facetry
