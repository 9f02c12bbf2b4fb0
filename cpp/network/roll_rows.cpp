#include "network/roll_rows.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "base/parallel.hpp"

namespace facetry {
namespace {

// Points of an item of work. Not a matter of the number of threads, so sums do not depend on it.
constexpr std::size_t kBlock = 16;
constexpr std::size_t kSquare = 16;  // of a transpose

template <class T>
void require_finite(const std::string& what, const T* values, std::size_t size, std::size_t columns) {
  const std::size_t bad = kernels().dense.of<T>().first_nonfinite(values, size);
  if (bad == size) return;
  const std::string row = columns == 0 ? "" : std::to_string(bad / columns) + ", ";
  throw std::invalid_argument(what + " is not finite at index (" + row +
                              std::to_string(columns == 0 ? bad : bad % columns) +
                              (columns == 0 ? ",)" : ")"));
}

}  // namespace

template <class T>
RowPass<T>::RowPass(std::vector<AffineLayer<T>> layers, const T* x, std::size_t points)
    : layers_(std::move(layers)), points_(points), kernels_(kernels().products.of<T>()) {
  speed_ = kernels().dense.of<T>().speed;
  require_finite("x", x, points * inputs(), inputs());
  weights_.resize(depth());
  for (const auto& layer : layers_) {
    transposes_.emplace_back(layer.inputs, layer.width);
    multiplications_ += static_cast<double>(layer.width * layer.inputs);
  }
  parallel_for(depth(), 1.0 * multiplications_, [&]() -> Work { return [&](std::size_t l) { pack(l); }; });
  values_ = like_values(1);
  derivatives_ = like_values(1);
  activations_ = like_inputs(1);
  activations_.emplace_back(points, layers_.back().width);
  for (std::size_t p = 0; p < points; ++p)
    std::memcpy(activations_[0].row(p), x + p * inputs(), inputs() * sizeof(T));
  for_blocks(1, [&](std::size_t begin, std::size_t end) { forward(begin, end); });
}

template <class T>
void RowPass<T>::pack(std::size_t l) {
  const auto& layer = layers_[l];
  require_finite("the weight of '" + layer.name + "'", layer.weight, layer.width * layer.inputs,
                 layer.inputs);
  if (layer.bias) require_finite("the bias of '" + layer.name + "'", layer.bias, layer.width, 0);
  if (layer.slopes) require_finite("the slopes after '" + layer.name + "'", layer.slopes, layer.width, 0);
  Matrix<T>& transpose = transposes_[l];
  for (std::size_t i = 0; i < layer.width; i += kSquare) {
    const std::size_t rows = std::min(kSquare, layer.width - i);
    for (std::size_t k = 0; k < layer.inputs; ++k)
      for (std::size_t r = 0; r < rows; ++r)
        transpose.row(k)[i + r] = layer.weight[(i + r) * layer.inputs + k];
  }
  if (l == 0) return;
  weights_[l] = Matrix<T>(layer.width, layer.inputs);
  for (std::size_t i = 0; i < layer.width; ++i)
    std::copy_n(layer.weight + i * layer.inputs, layer.inputs, weights_[l].row(i));
}

template <class T>
void RowPass<T>::pack_first() {
  if (weights_[0].rows() > 0) return;
  weights_[0] = Matrix<T>(layers_[0].width, inputs());
  for (std::size_t i = 0; i < layers_[0].width; ++i)
    for (std::size_t k = 0; k < inputs(); ++k) weights_[0].row(i)[k] = transposes_[0].row(k)[i];
}

template <class T>
void RowPass<T>::forward(std::size_t begin, std::size_t end) {
  for (std::size_t l = 0; l < depth(); ++l) {
    const auto& layer = layers_[l];
    Matrix<T>& z = values_[l];
    if (layer.bias)
      for (std::size_t p = begin; p < end; ++p) std::memcpy(z.row(p), layer.bias, layer.width * sizeof(T));
    kernels_.product({.rows = end - begin,
                      .depth = layer.inputs,
                      .columns = layer.width,
                      .left = activations_[l].row(begin),
                      .left_row = activations_[l].stride(),
                      .right = transposes_[l].row(0),
                      .right_stride = transposes_[l].stride(),
                      .out = z.row(begin),
                      .out_stride = z.stride(),
                      .is_added = true});
    for (std::size_t p = begin; p < end; ++p) bend(l, p);
  }
}

// The kinks of layer l: derivatives, and the inputs of the next layer.
template <class T>
void RowPass<T>::bend(std::size_t l, std::size_t point) {
  const auto& layer = layers_[l];
  const T* z = values_[l].row(point);
  T* derivative = derivatives_[l].row(point);
  T* next = activations_[l + 1].row(point);
  if (layer.kink == Kink::kClip) {
    for (std::size_t j = 0; j < layer.width; ++j) {
      const T above = z[j] - layer.low;
      const T below = (layer.high - layer.low) - (above > 0 ? above : 0);
      derivative[j] = above > 0 && below > 0;
      next[j] = layer.high - (below > 0 ? below : 0);
    }
    return;
  }
  if (layer.kink == Kink::kNone) {
    std::fill_n(derivative, layer.width, T{1});
    std::copy_n(z, layer.width, next);
    return;
  }
  if (!layer.slopes) {
    for (std::size_t j = 0; j < layer.width; ++j) {
      derivative[j] = z[j] > 0 ? 1 : 0;
      next[j] = z[j] <= 0 ? 0 : z[j];  // NaN passes on
    }
    return;
  }
  for (std::size_t j = 0; j < layer.width; ++j) {
    const T bent = layer.slopes[j] * z[j];
    derivative[j] = z[j] > 0 ? 1 : layer.slopes[j];
    next[j] = z[j] <= 0 ? bent : z[j];
  }
}

template <class T>
Matrices<T> RowPass<T>::like_values(std::size_t per_point) const {
  Matrices<T> result;
  for (const auto& layer : layers_) result.emplace_back(points_ * per_point, layer.width);
  return result;
}

template <class T>
Matrices<T> RowPass<T>::like_inputs(std::size_t per_point) const {
  Matrices<T> result;
  for (const auto& layer : layers_) result.emplace_back(points_ * per_point, layer.inputs);
  return result;
}

template <class T>
void RowPass<T>::pull(std::size_t l, const Matrix<T>& above, Matrix<T>& below, std::size_t begin,
                      std::size_t end) const {
  kernels_.product({.rows = end - begin,
                    .depth = layers_[l].width,
                    .columns = layers_[l].inputs,
                    .left = above.row(begin),
                    .left_row = above.stride(),
                    .right = weights_[l].row(0),
                    .right_stride = weights_[l].stride(),
                    .out = below.row(begin),
                    .out_stride = below.stride()});
}

template <class T>
void RowPass<T>::push(std::size_t l, const Matrix<T>& below, Matrix<T>& above, std::size_t begin,
                      std::size_t end) const {
  kernels_.product({.rows = end - begin,
                    .depth = layers_[l].inputs,
                    .columns = layers_[l].width,
                    .left = below.row(begin),
                    .left_row = below.stride(),
                    .right = transposes_[l].row(0),
                    .right_stride = transposes_[l].stride(),
                    .out = above.row(begin),
                    .out_stride = above.stride()});
}

template <class T>
void RowPass<T>::gate(std::size_t l, const Matrix<T>& from, Matrix<T>& to, std::size_t begin, std::size_t end,
                      std::size_t per_point) const {
  for (std::size_t row = begin; row < end; ++row) {
    const T* derivative = derivatives_[l].row(row / per_point);
    const T* values = from.row(row);
    T* gated = to.row(row);
    for (std::size_t j = 0; j < layers_[l].width; ++j) gated[j] = derivative[j] * values[j];
  }
}

template <class T>
void RowPass<T>::for_blocks(double rows,
                            const std::function<void(std::size_t begin, std::size_t end)>& work) const {
  const double nanoseconds = rows * static_cast<double>(points_) * multiplications_ / speed_;
  parallel_for((points_ + kBlock - 1) / kBlock, nanoseconds, [&]() -> Work {
    return [&](std::size_t item) { work(item * kBlock, std::min((item + 1) * kBlock, points_)); };
  });
}

template class RowPass<float>;
template class RowPass<double>;

}  // namespace facetry
