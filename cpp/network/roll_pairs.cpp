#include "network/roll_pairs.hpp"

#include <algorithm>

namespace facetry {

template <class T>
void add_outer(const Matrix<T>& left, const Matrix<T>& right, std::size_t begin, std::size_t end,
               Matrix<T>& gradient) {
  kernels().products.of<T>().product({.rows = end - begin,
                                      .depth = left.rows(),
                                      .columns = right.width(),
                                      .left = left.row(0) + begin,
                                      .left_row = 1,
                                      .left_depth = left.stride(),
                                      .right = right.row(0),
                                      .right_stride = right.stride(),
                                      .out = gradient.row(0),
                                      .out_stride = gradient.stride(),
                                      .is_added = true});
}

template <class T>
void Tangents<T>::push(const RowPass<T>& rows) {
  rows.for_blocks(1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t l = 0; l < rows.depth(); ++l) {
      rows.push(l, inputs[l], values[l], begin, end);
      if (l + 1 < rows.depth()) rows.gate(l, values[l], inputs[l + 1], begin, end, 1);
    }
  });
}

template <class T>
void Cotangents<T>::pull(const RowPass<T>& rows, bool down_to_points) {
  Matrices<T> pulled = rows.like_inputs(1);
  rows.for_blocks(1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t l = rows.depth() - 1; l > 0; --l) {
      rows.pull(l, values[l], pulled[l], begin, end);
      for (std::size_t p = begin; p < end; ++p) {
        const T* derivative = rows.derivatives(l - 1).row(p);
        const T* from_above = pulled[l].row(p);
        T* value = values[l - 1].row(p);
        for (std::size_t j = 0; j < rows.layer(l - 1).width; ++j) value[j] += derivative[j] * from_above[j];
      }
    }
    if (down_to_points) rows.pull(0, values[0], points, begin, end);
  });
}

template <class T>
AxisPairs<T>::AxisPairs(const RowPass<T>& rows, std::size_t last, std::span<const std::size_t> axes)
    : rows_(rows), last_(last), axes_(axes.begin(), axes.end()), inputs_(last + 1), values_(last + 1) {
  const std::size_t n = axes_.size();
  for (std::size_t l = 1; l <= last; ++l) {
    inputs_[l] = Matrix<T>(rows.points() * n, rows.layer(l).inputs);
    values_[l] = Matrix<T>(rows.points() * n, rows.layer(l).width);
  }
  rows.for_blocks(static_cast<double>(n), [&](std::size_t begin, std::size_t end) {
    for (std::size_t l = 1; l <= last_; ++l) {
      for (std::size_t row = begin * n; row < end * n; ++row) {
        const T* kinks = rows_.derivatives(l - 1).row(row / n);
        const T* values = derivative(l - 1, row);
        T* input = inputs_[l].row(row);
        for (std::size_t j = 0; j < rows_.layer(l).inputs; ++j) input[j] = kinks[j] * values[j];
      }
      rows_.push(l, inputs_[l], values_[l], begin * n, end * n);
    }
  });
}

// Those of the first layer are its weights, at every point.
template <class T>
const T* AxisPairs<T>::derivative(std::size_t l, std::size_t row) const {
  return l == 0 ? rows_.transpose(0).row(axes_[row % axes_.size()]) : values_[l].row(row);
}

template <class T>
void AxisPairs<T>::squares(std::size_t l, std::size_t point, std::vector<T>& sums) const {
  std::fill(sums.begin(), sums.end(), T{0});
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const T* values = derivative(l, point * axes_.size() + i);
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += values[j] * values[j];
  }
}

template <class T>
void AxisPairs<T>::pull(const Matrices<T>& coefficients, T factor) {
  const std::size_t n = axes_.size();
  cotangents_.clear();
  for (std::size_t l = 0; l <= last_; ++l) cotangents_.emplace_back(rows_.points() * n, rows_.layer(l).width);
  rows_.for_blocks(static_cast<double>(n), [&](std::size_t begin, std::size_t end) {
    for (std::size_t l = last_ + 1; l-- > 0;) {
      if (l < last_) {
        rows_.pull(l + 1, cotangents_[l + 1], cotangents_[l], begin * n, end * n);
        rows_.gate(l, cotangents_[l], cotangents_[l], begin * n, end * n, n);
      }
      for (std::size_t row = begin * n; row < end * n; ++row) {
        const T* coefficient = coefficients[l].row(row / n);
        const T* values = derivative(l, row);
        T* cotangent = cotangents_[l].row(row);
        for (std::size_t j = 0; j < rows_.layer(l).width; ++j)
          cotangent[j] += 2 * factor * coefficient[j] * values[j];
      }
    }
  });
}

template <class T>
void AxisPairs<T>::add_gradient(std::size_t l, std::size_t begin, std::size_t end,
                                Matrix<T>& gradient) const {
  if (l > last_) return;
  if (l > 0) return add_outer(cotangents_[l], inputs_[l], begin, end, gradient);
  for (std::size_t row = 0; row < cotangents_[0].rows(); ++row)
    for (std::size_t j = begin; j < end; ++j)
      gradient.row(j - begin)[axes_[row % axes_.size()]] += cotangents_[0].row(row)[j];
}

template void add_outer(const Matrix<float>&, const Matrix<float>&, std::size_t, std::size_t, Matrix<float>&);
template void add_outer(const Matrix<double>&, const Matrix<double>&, std::size_t, std::size_t,
                        Matrix<double>&);
template struct Tangents<float>;
template struct Tangents<double>;
template struct Cotangents<float>;
template struct Cotangents<double>;
template class AxisPairs<float>;
template class AxisPairs<double>;

}  // namespace facetry
