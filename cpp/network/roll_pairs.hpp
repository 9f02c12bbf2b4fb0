// Gradients of the weights from rows of cotangents at the values of a layer beside rows of its inputs: the
// gradient of the layer's weights is the sum of their outer products.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "network/roll_rows.hpp"

namespace facetry {

// Rows begin .. end of the gradient += those of left^T right. left (rows, width), right (rows, inputs).
template <class T>
void add_outer(const Matrix<T>& left, const Matrix<T>& right, std::size_t begin, std::size_t end,
               Matrix<T>& gradient);

// One tangent a point, patterns fixed: inputs[0] is given, push fills the others and the values of all
// layers.
template <class T>
struct Tangents {
  explicit Tangents(const RowPass<T>& rows) : inputs(rows.like_inputs(1)), values(rows.like_values(1)) {}
  void push(const RowPass<T>& rows);

  Matrices<T> inputs, values;
};

// One cotangent a point: `values` begin as those that enter at each layer; pull adds what comes from
// above. For the points' own, the first layer's weights must be packed.
template <class T>
struct Cotangents {
  explicit Cotangents(const RowPass<T>& rows)
      : values(rows.like_values(1)), points(rows.points(), rows.inputs()) {}
  void pull(const RowPass<T>& rows, bool down_to_points);

  Matrices<T> values;
  Matrix<T> points;
};

// Derivatives along axes of the input, of all values up to layer `last`, and the cotangents of a sum of
// coefficient * squared derivative.
template <class T>
class AxisPairs {
 public:
  AxisPairs(const RowPass<T>& rows, std::size_t last, std::span<const std::size_t> axes);

  // Of the units of a layer at a point: the sum over the axes of the squared derivatives.
  void squares(std::size_t l, std::size_t point, std::vector<T>& sums) const;
  // Coefficients of the units of each layer, (points, width).
  void pull(const Matrices<T>& coefficients, T factor);
  void add_gradient(std::size_t l, std::size_t begin, std::size_t end, Matrix<T>& gradient) const;

 private:
  const T* derivative(std::size_t l, std::size_t row) const;

  const RowPass<T>& rows_;
  const std::size_t last_;
  const std::vector<std::size_t> axes_;
  Matrices<T> inputs_, values_;  // of the layers after the first
  Matrices<T> cotangents_;
};

extern template struct Tangents<float>;
extern template struct Tangents<double>;
extern template struct Cotangents<float>;
extern template struct Cotangents<double>;
extern template class AxisPairs<float>;
extern template class AxisPairs<double>;

}  // namespace facetry
