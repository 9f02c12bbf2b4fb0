// Rows through a chain of affine layers whose weights are the caller's and change at every step: forward, and
// with the patterns fixed forward (tangents) and backward (cotangents).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/aligned.hpp"
#include "base/dispatch.hpp"

namespace facetry {

// What follows an affine layer. A clip is two neurons a unit, z - low and then (high - low) - relu(z - low),
// and gives high - relu of the latter.
enum class Kink { kNone, kSlopes, kClip };

template <class T>
struct AffineLayer {
  std::string name;  // for messages
  std::size_t inputs = 0;
  std::size_t width = 0;
  const T* weight = nullptr;  // (width, inputs)
  const T* bias = nullptr;    // (width,); none: zeros
  Kink kink = Kink::kNone;
  const T* slopes = nullptr;  // (width,) for kSlopes; none: zeros
  T low = 0, high = 0;        // for kClip
  std::size_t neurons() const { return kink == Kink::kNone ? 0 : kink == Kink::kClip ? 2 * width : width; }
};

// Rows padded for the kernels: a cache line past the width, and an odd number of lines, so that the rows of a
// column do not share a set of the cache.
template <class T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t width)
      : stride_((width / kLine + 2) | 1), rows_(rows), width_(width), values_(rows * stride_ * kLine) {
    stride_ *= kLine;
  }
  T* row(std::size_t i) { return values_.data() + i * stride_; }
  const T* row(std::size_t i) const { return values_.data() + i * stride_; }
  std::size_t stride() const { return stride_; }
  std::size_t rows() const { return rows_; }
  std::size_t width() const { return width_; }

 private:
  static constexpr std::size_t kLine = kCacheLine / sizeof(T);
  std::size_t stride_ = 0, rows_ = 0, width_ = 0;
  AlignedArray<T> values_;
};

template <class T>
using Matrices = std::vector<Matrix<T>>;

template <class T>
class RowPass {
 public:
  // Runs x (points, inputs) forward. Throws std::invalid_argument naming what is not finite, and where.
  RowPass(std::vector<AffineLayer<T>> layers, const T* x, std::size_t points);

  std::size_t depth() const { return layers_.size(); }
  std::size_t points() const { return points_; }
  std::size_t inputs() const { return layers_.front().inputs; }
  const AffineLayer<T>& layer(std::size_t l) const { return layers_[l]; }
  const Matrix<T>& weight(std::size_t l) const { return weights_[l]; }  // see pack_first
  const Matrix<T>& transpose(std::size_t l) const { return transposes_[l]; }
  const Matrix<T>& values(std::size_t l) const { return values_[l]; }  // z of layer l
  // What layer l reads; that of `depth()` are the outputs.
  const Matrix<T>& inputs_of(std::size_t l) const { return activations_[l]; }
  const Matrix<T>& derivatives(std::size_t l) const { return derivatives_[l]; }  // of the kinks of layer l

  // Matrices of `per_point` rows a point: one a layer, as wide as its values or its inputs.
  Matrices<T> like_values(std::size_t per_point) const;
  Matrices<T> like_inputs(std::size_t per_point) const;

  // The first layer's weights are laid out for pull only when asked for.
  void pack_first();

  // above (rows, width of l) times the weights of l, for rows begin .. end.
  void pull(std::size_t l, const Matrix<T>& above, Matrix<T>& below, std::size_t begin,
            std::size_t end) const;
  // below (rows, inputs of l) times the transposed weights of l.
  void push(std::size_t l, const Matrix<T>& below, Matrix<T>& above, std::size_t begin,
            std::size_t end) const;
  // to = from times the derivative of the kinks of l, row by row; `per_point` rows share a point.
  void gate(std::size_t l, const Matrix<T>& from, Matrix<T>& to, std::size_t begin, std::size_t end,
            std::size_t per_point) const;

  // Calls work(begin, end) for blocks of points, over threads. `rows` a point cost a pass through all layers.
  void for_blocks(double rows, const std::function<void(std::size_t begin, std::size_t end)>& work) const;

 private:
  void pack(std::size_t l);
  void forward(std::size_t begin, std::size_t end);
  void bend(std::size_t l, std::size_t point);

  std::vector<AffineLayer<T>> layers_;
  std::size_t points_;
  const ProductFamily<T>& kernels_;
  double speed_ = 0, multiplications_ = 0;
  Matrices<T> weights_, transposes_, values_, activations_, derivatives_;
};

extern template class RowPass<float>;
extern template class RowPass<double>;

}  // namespace facetry
