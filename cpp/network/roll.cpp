#include "network/roll.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/parallel.hpp"

namespace facetry {
namespace {

double sign(double z) { return static_cast<double>((z > 0) - (z < 0)); }

}  // namespace

template <class T>
RollPass<T>::RollPass(std::vector<AffineLayer<T>> layers, const T* x, std::size_t points)
    : rows_(std::move(layers), x, points) {
  for (std::size_t l = 0; l < rows_.depth(); ++l) {
    if (rows_.layer(l).neurons() > 0) last_ = l;
    has_clip_ |= rows_.layer(l).kink == Kink::kClip;
  }
}

template <class T>
std::size_t RollPass<T>::neurons() const {
  std::size_t count = 0;
  for (std::size_t l = 0; l < rows_.depth(); ++l) count += rows_.layer(l).neurons();
  return count;
}

template <class T>
void RollPass<T>::outputs(T* to) const {
  const Matrix<T>& values = rows_.inputs_of(rows_.depth());
  for (std::size_t p = 0; p < values.rows(); ++p)
    std::copy_n(values.row(p), values.width(), to + p * values.width());
}

// In the order of the network: layer by layer; of a clip the lower kinks first.
template <class T>
template <class R>
typename RollPass<T>::Neurons RollPass<T>::list(std::size_t point,
                                                const std::vector<std::vector<R>>& squares) const {
  Neurons neurons;
  for (std::size_t l = 0; l <= last_; ++l) {
    const auto& layer = rows_.layer(l);
    const T* z = rows_.values(l).row(point);
    const auto square = [&](std::size_t j) {
      return squares.empty() ? 0 : static_cast<double>(squares[l][j]);
    };
    if (layer.kink == Kink::kNone) continue;
    const bool is_clip = layer.kink == Kink::kClip;
    for (std::size_t j = 0; j < layer.width; ++j)
      neurons.push_back({l, j, static_cast<double>(is_clip ? z[j] - layer.low : z[j]), 1, square(j)});
    for (std::size_t j = 0; is_clip && j < layer.width; ++j) {
      const T above = z[j] - layer.low;
      const T below = (layer.high - layer.low) - (above > 0 ? above : 0);
      neurons.push_back(
          {l, j, static_cast<double>(below), above > 0 ? -1.0 : 0.0, above > 0 ? square(j) : 0});
    }
  }
  return neurons;
}

template <class T>
typename RollPass<T>::Term RollPass<T>::term(const Neuron& neuron) const {
  const double size = std::abs(neuron.z);
  if (options_.is_margin) {
    const double norm = std::sqrt(neuron.square);
    if (norm == 0) return {-std::numeric_limits<double>::infinity(), 0, 0};
    return {-size / norm, size / (2 * norm * neuron.square), -sign(neuron.z) / norm};
  }
  const bool is_near = size < 1;
  return {neuron.square + options_.hinge * (is_near ? 1 - size : 0), 1,
          is_near ? -options_.hinge * sign(neuron.z) : 0};
}

// Leaves the neurons with the largest terms; of equal ones the first.
template <class T>
void RollPass<T>::keep(Neurons& neurons) const {
  if (options_.kept >= neurons.size()) return;
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < neurons.size(); ++i) order.emplace_back(-term(neurons[i]).loss, i);
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(options_.kept);
  std::nth_element(order.begin(), end, order.end());
  Neurons kept;
  for (auto it = order.begin(); it != end; ++it) kept.push_back(neurons[it->second]);
  neurons = std::move(kept);
}

// Then one number is the derivative by every |grad z|^2.
template <class T>
bool RollPass<T>::keeps_all() const {
  return options_.kept == neurons() && !options_.is_margin && !has_clip_;
}

template <class T>
double RollPass<T>::roll(const RollOptions& options) {
  options_ = options;
  losses_.assign(rows_.points(), 0);
  if (neurons() == 0 || rows_.points() == 0) return 0;
  if (options.is_margin) options_.kept = 1;
  std::vector<std::size_t> axes = options.axes;
  if (axes.empty()) {
    axes.resize(rows_.inputs());
    std::iota(axes.begin(), axes.end(), std::size_t{0});
  }
  scale_ = static_cast<double>(rows_.inputs()) / static_cast<double>(axes.size());
  if (options.has_gradient) by_z_ = rows_.like_values(1);
  if (!options.by_gram)
    by_tangents(axes);
  else if (keeps_all())
    by_gram_of_all();
  else if (options_.is_margin)
    by_gram_of_one<double>();
  else if (options_.kept == 1)
    by_gram_of_one<T>();
  else
    by_gram_of_some();
  return std::accumulate(losses_.begin(), losses_.end(), 0.0) / static_cast<double>(rows_.points());
}

template <class T>
template <class BySquare>
void RollPass<T>::enter(std::size_t point, const Neurons& kept, const BySquare& by_square) {
  const auto count = static_cast<double>(kept.size());
  for (const Neuron& neuron : kept) {
    const Term part = term(neuron);
    if (options_.is_margin && neuron.square == 0) continue;  // all gradients are 0 there
    losses_[point] += part.loss / count;
    if (!options_.has_gradient) continue;
    by_z_[neuron.layer].row(point)[neuron.unit] += static_cast<T>(part.by_z * neuron.slope / count);
    by_square(neuron.layer, neuron.unit, part.by_square * neuron.slope * neuron.slope / count);
  }
}

template <class T>
void RollPass<T>::enter_hinges(std::size_t point) {
  const T seed = static_cast<T>(options_.hinge / static_cast<double>(options_.kept));
  for (std::size_t l = 0; l <= last_; ++l) {
    if (rows_.layer(l).kink == Kink::kNone) continue;
    const T* z = rows_.values(l).row(point);
    T* by_z = options_.has_gradient ? by_z_[l].row(point) : nullptr;
    double sum = 0;
    for (std::size_t j = 0; j < rows_.layer(l).width; ++j) {
      const T size = std::abs(z[j]);
      sum += static_cast<double>(std::max(1 - size, T{0}));
      if (by_z) by_z[j] = static_cast<T>((z[j] < 0) - (z[j] > 0)) * (size < 1 ? seed : 0);
    }
    losses_[point] += sum * static_cast<double>(seed);
  }
}

template <class T>
void RollPass<T>::by_tangents(const std::vector<std::size_t>& axes) {
  axes_ = std::make_unique<AxisPairs<T>>(rows_, last_, axes);
  by_square_ = rows_.like_values(1);
  const bool has_all = keeps_all();
  rows_.for_blocks(0.1, [&](std::size_t begin, std::size_t end) {
    std::vector<std::vector<T>> squares;
    for (std::size_t l = 0; l <= last_; ++l) squares.emplace_back(rows_.layer(l).width);
    for (std::size_t p = begin; p < end; ++p) {
      for (std::size_t l = 0; l <= last_; ++l) {
        axes_->squares(l, p, squares[l]);
        for (T& square : squares[l]) square *= static_cast<T>(scale_);
      }
      if (has_all) {
        enter_all(p, squares);
        continue;
      }
      Neurons neurons = list(p, squares);
      keep(neurons);
      enter(p, neurons, [&](std::size_t l, std::size_t unit, double derivative) {
        by_square_[l].row(p)[unit] += static_cast<T>(derivative);
      });
    }
  });
}

template <class T>
void RollPass<T>::enter_all(std::size_t point, const std::vector<std::vector<T>>& squares) {
  enter_hinges(point);
  const auto count = static_cast<double>(options_.kept);
  for (std::size_t l = 0; l <= last_; ++l) {
    if (rows_.layer(l).kink == Kink::kNone) continue;
    losses_[point] +=
        static_cast<double>(std::accumulate(squares[l].begin(), squares[l].end(), T{0})) / count;
    std::fill_n(by_square_[l].row(point), rows_.layer(l).width, static_cast<T>(1 / count));
  }
}

template <class T>
void RollPass<T>::by_gram_of_all() {
  gram_ = std::make_unique<GramPass<T, T>>(rows_, last_, options_.axes, scale_);
  by_all_squares_ = 1 / static_cast<double>(options_.kept);
  losses_[0] = gram_->sum_all(options_.has_gradient) * by_all_squares_;
  for (std::size_t p = 0; p < rows_.points(); ++p) enter_hinges(p);
}

template <class T>
void RollPass<T>::by_gram_of_some() {
  gram_ = std::make_unique<GramPass<T, T>>(rows_, last_, options_.axes, scale_);
  gram_->sum_chosen(
      [&](std::size_t point, const auto& squares, auto& coefficients) {
        Neurons neurons = list(point, squares);
        keep(neurons);
        enter(point, neurons, [&](std::size_t l, std::size_t unit, double derivative) {
          coefficients[l][unit] += static_cast<T>(derivative);
        });
      },
      options_.has_gradient);
}

// Gram matrices choose the neuron; its gradient is then computed as such, and with it the loss.
template <class T>
template <class R>
void RollPass<T>::by_gram_of_one() {
  Neurons chosen(rows_.points());
  GramPass<T, R>(rows_, last_, options_.axes, scale_)
      .sum_chosen(
          [&](std::size_t point, const auto& squares, auto&) {
            Neurons neurons = list(point, squares);
            keep(neurons);
            chosen[point] = neurons.front();
          },
          false);
  rows_.pack_first();
  cotangents_ = std::make_unique<Cotangents<T>>(rows_);
  tangents_ = std::make_unique<Tangents<T>>(rows_);
  for (std::size_t p = 0; p < rows_.points(); ++p)
    cotangents_->values[chosen[p].layer].row(p)[chosen[p].unit] = static_cast<T>(chosen[p].slope);
  cotangents_->pull(rows_, true);
  std::vector<bool> is_axis(rows_.inputs(), options_.axes.empty());
  for (const std::size_t axis : options_.axes) is_axis[axis] = true;
  for (std::size_t p = 0; p < rows_.points(); ++p) {
    const T* gradient = cotangents_->points.row(p);
    double square = 0;
    for (std::size_t k = 0; k < rows_.inputs(); ++k)
      if (is_axis[k]) square += static_cast<double>(gradient[k]) * static_cast<double>(gradient[k]);
    chosen[p].square = square * scale_;
    double derivative = 0;
    enter(p, {chosen[p]}, [&](std::size_t, std::size_t, double by_square) { derivative = by_square; });
    T* tangent = tangents_->inputs[0].row(p);
    for (std::size_t k = 0; k < rows_.inputs(); ++k)
      tangent[k] = is_axis[k] ? static_cast<T>(2 * scale_ * derivative) * gradient[k] : 0;
  }
  if (options_.has_gradient) tangents_->push(rows_);
}

template class RollPass<float>;
template class RollPass<double>;

}  // namespace facetry
