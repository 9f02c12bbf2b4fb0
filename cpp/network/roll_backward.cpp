// Slopes, and the way from a loss and from cotangents of the outputs to the gradients of the weights.
#include <algorithm>
#include <cmath>

#include "base/parallel.hpp"
#include "network/roll.hpp"

namespace facetry {
namespace {

constexpr std::size_t kStrip = 48;  // rows of a weight gradient that are an item of work

template <class T>
double norm(const T* row, std::size_t size) {
  double sum = 0;
  for (std::size_t k = 0; k < size; ++k) sum += static_cast<double>(row[k]) * static_cast<double>(row[k]);
  return std::sqrt(sum);
}

// to = from / |from|, or zeros; returns |from|.
template <class T>
double normalise(const T* from, std::size_t size, T* to) {
  const double length = norm(from, size);
  for (std::size_t k = 0; k < size; ++k) to[k] = length > 0 ? static_cast<T>(from[k] / length) : 0;
  return length;
}

}  // namespace

template <class T>
double RollPass<T>::slope(std::size_t iterations, T* directions, T* slopes, T* residuals) {
  const std::size_t top = rows_.depth() - 1, inputs = rows_.inputs(), outputs = rows_.layer(top).width;
  double sum = 0;
  rows_.pack_first();
  for (std::size_t i = 0; i <= iterations; ++i) {
    tangents_ = std::make_unique<Tangents<T>>(rows_);
    cotangents_ = std::make_unique<Cotangents<T>>(rows_);
    for (std::size_t p = 0; p < rows_.points(); ++p)
      normalise(directions + p * inputs, inputs, tangents_->inputs[0].row(p));
    tangents_->push(rows_);
    sum = 0;
    for (std::size_t p = 0; p < rows_.points(); ++p) {
      T* image = tangents_->values[top].row(p);
      T* cotangent = cotangents_->values[top].row(p);
      const T* derivative = rows_.derivatives(top).row(p);
      for (std::size_t j = 0; j < outputs; ++j) image[j] *= derivative[j];
      const double length = normalise(image, outputs, cotangent);
      for (std::size_t j = 0; j < outputs; ++j) cotangent[j] *= derivative[j];
      slopes[p] = static_cast<T>(length);
      sum += length;
    }
    cotangents_->pull(rows_, true);
    for (std::size_t p = 0; p < rows_.points(); ++p) {
      T* pulled = cotangents_->points.row(p);
      T* direction = directions + p * inputs;
      if (i < iterations) {
        if (norm(pulled, inputs) > 0) std::copy_n(pulled, inputs, direction);
        continue;
      }
      const T* unit = tangents_->inputs[0].row(p);
      for (std::size_t k = 0; k < inputs; ++k) pulled[k] -= slopes[p] * unit[k];
      residuals[p] = slopes[p] > 0 ? static_cast<T>(norm(pulled, inputs)) / slopes[p] : 0;
      std::copy_n(unit, inputs, direction);
    }
  }
  return rows_.points() == 0 ? 0 : sum / static_cast<double>(rows_.points());
}

template <class T>
Cotangents<T> RollPass<T>::ordinary_cotangents(T factor, const T* output_cotangents) const {
  Cotangents<T> cotangents(rows_);
  for (std::size_t l = 0; l < by_z_.size(); ++l)
    for (std::size_t p = 0; p < rows_.points(); ++p)
      for (std::size_t j = 0; j < rows_.layer(l).width; ++j)
        cotangents.values[l].row(p)[j] = factor * by_z_[l].row(p)[j];
  const std::size_t top = rows_.depth() - 1, outputs = rows_.layer(top).width;
  for (std::size_t p = 0; output_cotangents && p < rows_.points(); ++p)
    for (std::size_t j = 0; j < outputs; ++j)
      cotangents.values[top].row(p)[j] +=
          rows_.derivatives(top).row(p)[j] * output_cotangents[p * outputs + j];
  return cotangents;
}

template <class T>
void RollPass<T>::backward(T factor, const T* output_cotangents, const LossGradients<T>& gradients) {
  const T mean = rows_.points() == 0 ? 0 : factor / static_cast<T>(rows_.points());
  Cotangents<T> ordinary = ordinary_cotangents(mean, output_cotangents);
  if (gradients.x) rows_.pack_first();
  ordinary.pull(rows_, gradients.x != nullptr);
  for (std::size_t p = 0; gradients.x && p < rows_.points(); ++p)
    std::copy_n(ordinary.points.row(p), rows_.inputs(), gradients.x + p * rows_.inputs());
  if (axes_) axes_->pull(by_square_, mean * static_cast<T>(scale_));

  struct Strip {
    std::size_t layer, begin, end;
  };
  std::vector<Strip> strips;
  double work = 0;
  for (std::size_t l = 0; l < rows_.depth(); ++l) {
    const auto& layer = rows_.layer(l);
    if (!gradients.weights[l] && !gradients.biases[l]) continue;
    for (std::size_t row = 0; row < layer.width; row += kStrip)
      strips.push_back({l, row, std::min(row + kStrip, layer.width)});
    work += static_cast<double>(layer.width * layer.inputs * rows_.points());
  }
  parallel_for(strips.size(), work / 30, [&]() -> Work {
    return [&](std::size_t item) {
      const auto [l, begin, end] = strips[item];
      const std::size_t inputs = rows_.layer(l).inputs;
      if (gradients.weights[l]) {
        Matrix<T> strip(end - begin, inputs);
        if (cotangents_) {
          add_outer(cotangents_->values[l], tangents_->inputs[l], begin, end, strip);
          for (std::size_t i = 0; i < strip.rows(); ++i)
            for (std::size_t k = 0; k < inputs; ++k) strip.row(i)[k] *= mean;
        }
        add_outer(ordinary.values[l], rows_.inputs_of(l), begin, end, strip);
        if (axes_) axes_->add_gradient(l, begin, end, strip);
        if (gram_) gram_->add_gradient(l, mean * by_all_squares_, begin, end, strip);
        for (std::size_t i = begin; i < end; ++i)
          std::copy_n(strip.row(i - begin), inputs, gradients.weights[l] + i * inputs);
      }
      if (T* bias = gradients.biases[l]) {
        std::fill(bias + begin, bias + end, T{0});
        for (std::size_t p = 0; p < rows_.points(); ++p)
          for (std::size_t j = begin; j < end; ++j) bias[j] += ordinary.values[l].row(p)[j];
      }
    };
  });
}

template class RollPass<float>;
template class RollPass<double>;

}  // namespace facetry
