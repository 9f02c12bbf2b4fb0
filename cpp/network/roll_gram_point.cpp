// One point's part of GramPass: products between the neurons that are active there.
#include <algorithm>
#include <cstring>

#include "network/roll_gram.hpp"

namespace facetry {
namespace {

constexpr std::size_t kTile = 16;  // of a transpose, in cache

template <class R>
void mirror(Matrix<R>& square, std::size_t size) {
  for (std::size_t i = 0; i < size; i += kTile)
    for (std::size_t j = 0; j <= i; j += kTile)
      for (std::size_t r = i; r < std::min(i + kTile, size); ++r) {
        const R* row = square.row(r);
        for (std::size_t c = j; c < std::min(j + kTile, r); ++c) square.row(c)[r] = row[c];
      }
}

// Partial sums, so that the compiler may use vectors.
template <class R>
R dot(const R* a, const R* b, std::size_t size) {
  constexpr std::size_t kSums = 8;
  R sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= size; i += kSums)
    for (std::size_t lane = 0; lane < kSums; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  R sum = 0;
  for (; i < size; ++i) sum += a[i] * b[i];
  for (const R part : sums) sum += part;
  return sum;
}

// sums += a matrix between active neurons, below its diagonal.
template <class R>
void add_lower(const ProductFamily<R>& kernels, const std::vector<std::size_t>& active,
               const std::vector<std::uint64_t>& bits, const Matrix<R>& square, Matrix<R>& sums) {
  std::vector<std::uint64_t> lower(bits.size());
  for (std::size_t i = 0; i < active.size(); ++i) {
    const std::size_t last = active[i];
    lower[last / 64] |= bits[last / 64] & ~std::uint64_t{0} >> (63 - last % 64);
    kernels.expand_add(square.row(i), last + 1, lower.data(), sums.row(last));
  }
}

}  // namespace

template <class T, class R>
typename GramPass<T, R>::Scratch GramPass<T, R>::make_scratch() const {
  Scratch s;
  std::size_t most = 0, widest = 0;
  for (std::size_t l = 0; l <= last_; ++l) {
    Layer& layer = s.layers.emplace_back();
    const std::size_t n = most_[l], below = l == 0 ? 0 : most_[l - 1];
    layer.bits.resize((width(l) + 63) / 64);
    layer.gram = Matrix<R>(n, n);
    layer.weight = Matrix<R>(n, below);
    layer.transpose = Matrix<R>(below, n);
    layer.lifted = Matrix<R>(n, below);
    layer.above = Matrix<R>(n, below);
    if (!is_uniform_) {
      layer.all_weights = Matrix<R>(width(l), below);
      layer.all_lifted = Matrix<R>(width(l), below);
    }
    s.norms.emplace_back(width(l));
    s.coefficients.emplace_back(width(l));
    most = std::max(most, n);
    widest = std::max(widest, width(l));
  }
  s.adjoint = Matrix<R>(most, most);
  s.product = Matrix<R>(most, most);
  if (!is_uniform_) {
    s.chosen = Matrix<R>(widest, most);
    s.weighted = Matrix<R>(widest, most);
  }
  return s;
}

template <class T, class R>
void GramPass<T, R>::gather(Scratch& s, std::size_t point) const {
  for (std::size_t l = 0; l <= last_; ++l) {
    Layer& layer = s.layers[l];
    const T* derivative = rows_.derivatives(l).row(point);
    layer.active.clear();
    layer.derivative.clear();
    std::fill(layer.bits.begin(), layer.bits.end(), 0);
    bool is_scaled = false;
    for (std::size_t j = 0; j < width(l); ++j) {
      if (derivative[j] == 0) continue;
      layer.active.push_back(j);
      layer.bits[j / 64] |= std::uint64_t{1} << j % 64;
      layer.derivative.push_back(static_cast<R>(derivative[j]));
      is_scaled |= derivative[j] != 1;
    }
    if (!is_scaled) layer.derivative.clear();
    if (l == 0) continue;
    const Layer& before = s.layers[l - 1];
    if (is_uniform_) {
      for (std::size_t i = 0; l < last_ && i < layer.active.size(); ++i)
        kernels_.compress(weights_[l].row(layer.active[i]), width(l - 1), before.bits.data(),
                          layer.weight.row(i));
    } else {
      for (std::size_t i = 0; i < width(l); ++i)
        kernels_.compress(weights_[l].row(i), width(l - 1), before.bits.data(), layer.all_weights.row(i));
      for (std::size_t i = 0; i < layer.active.size(); ++i)
        std::memcpy(layer.weight.row(i), layer.all_weights.row(layer.active[i]),
                    layer.weight.stride() * sizeof(R));
    }
    for (std::size_t k = 0; l < last_ && (!is_uniform_ || has_gradient_) && k < before.active.size(); ++k)
      kernels_.compress(transposes_[l].row(before.active[k]), width(l), layer.bits.data(),
                        layer.transpose.row(k));
  }
}

// square = D square D
template <class T, class R>
void GramPass<T, R>::scale(const Layer& layer, Matrix<R>& square) const {
  for (std::size_t i = 0; i < layer.derivative.size(); ++i)
    for (std::size_t j = 0; j < layer.derivative.size(); ++j)
      square.row(i)[j] *= layer.derivative[i] * layer.derivative[j];
}

template <class T, class R>
void GramPass<T, R>::first_gram(Scratch& s) const {
  Layer& layer = s.layers[0];
  for (std::size_t i = 0; i < layer.active.size(); ++i)
    kernels_.compress(gram_.row(layer.active[i]), width(0), layer.bits.data(), layer.gram.row(i));
  scale(layer, layer.gram);
}

template <class T, class R>
void GramPass<T, R>::lift(Scratch& s, std::size_t l) const {
  Layer& layer = s.layers[l];
  const Layer& before = s.layers[l - 1];
  kernels_.product({.rows = layer.active.size(),
                    .depth = before.active.size(),
                    .columns = before.active.size(),
                    .left = layer.weight.row(0),
                    .left_row = layer.weight.stride(),
                    .right = before.gram.row(0),
                    .right_stride = before.gram.stride(),
                    .out = layer.lifted.row(0),
                    .out_stride = layer.lifted.stride()});
}

template <class T, class R>
void GramPass<T, R>::lift_all(Scratch& s, std::size_t l) const {
  Layer& layer = s.layers[l];
  const Layer& before = s.layers[l - 1];
  kernels_.product({.rows = width(l),
                    .depth = before.active.size(),
                    .columns = before.active.size(),
                    .left = layer.all_weights.row(0),
                    .left_row = layer.all_weights.stride(),
                    .right = before.gram.row(0),
                    .right_stride = before.gram.stride(),
                    .out = layer.all_lifted.row(0),
                    .out_stride = layer.all_lifted.stride()});
  for (std::size_t i = 0; i < layer.active.size(); ++i)
    std::memcpy(layer.lifted.row(i), layer.all_lifted.row(layer.active[i]),
                layer.lifted.stride() * sizeof(R));
}

template <class T, class R>
void GramPass<T, R>::norms(Scratch& s, std::size_t l) const {
  const Layer& layer = s.layers[l];
  const std::size_t below = s.layers[l - 1].active.size();
  for (std::size_t j = 0; j < width(l); ++j)
    s.norms[l][j] = dot(layer.all_lifted.row(j), layer.all_weights.row(j), below);
}

// The Gram matrix of layer l's active neurons, from W D K D.
template <class T, class R>
void GramPass<T, R>::square_lifted(Scratch& s, std::size_t l) const {
  Layer& layer = s.layers[l];
  kernels_.product({.rows = layer.active.size(),
                    .depth = s.layers[l - 1].active.size(),
                    .columns = layer.active.size(),
                    .left = layer.lifted.row(0),
                    .left_row = layer.lifted.stride(),
                    .right = layer.transpose.row(0),
                    .right_stride = layer.transpose.stride(),
                    .out = layer.gram.row(0),
                    .out_stride = layer.gram.stride(),
                    .is_lower = true});
  mirror(layer.gram, layer.active.size());
  scale(layer, layer.gram);
}

// The chosen neurons of layer l: their part of its weights' gradient, and of the adjoint below.
template <class T, class R>
void GramPass<T, R>::begin_chosen(Scratch& s, Sums& sums, std::size_t l) const {
  const Layer& layer = s.layers[l];
  const std::size_t below = s.layers[l - 1].active.size();
  std::size_t count = 0;
  for (std::size_t j = 0; j < width(l); ++j) {
    const R coefficient = s.coefficients[l][j];
    if (coefficient == 0) continue;
    R* chosen = s.chosen.row(count);
    R* weighted = s.weighted.row(count++);
    for (std::size_t k = 0; k < below; ++k) weighted[k] = coefficient * layer.all_lifted.row(j)[k];
    kernels_.expand_add(weighted, width(l - 1), s.layers[l - 1].bits.data(), sums.weights[l].row(j));
    std::memcpy(chosen, layer.all_weights.row(j), below * sizeof(R));
    for (std::size_t k = 0; k < below; ++k) weighted[k] = coefficient * chosen[k];
  }
  kernels_.product({.rows = below,
                    .depth = count,
                    .columns = below,
                    .left = s.weighted.row(0),
                    .left_row = 1,
                    .left_depth = s.weighted.stride(),
                    .right = s.chosen.row(0),
                    .right_stride = s.chosen.stride(),
                    .out = s.product.row(0),
                    .out_stride = s.product.stride(),
                    .is_lower = true});
}

// One layer down: X of layer l - 1, from its beginning in `product` and from X of layer l.
template <class T, class R>
void GramPass<T, R>::pull(Scratch& s, std::size_t l, bool has_above) const {
  Layer& layer = s.layers[l];
  const Layer& before = s.layers[l - 1];
  const std::size_t below = before.active.size();
  if (is_uniform_ && squares_[l].rows() > 0)
    for (std::size_t k = 0; k < below; ++k)
      kernels_.compress(squares_[l].row(before.active[k]), width(l - 1), before.bits.data(),
                        s.product.row(k));
  if (has_above) {
    scale(layer, s.adjoint);
    kernels_.product({.rows = layer.active.size(),
                      .depth = layer.active.size(),
                      .columns = below,
                      .left = s.adjoint.row(0),
                      .left_row = s.adjoint.stride(),
                      .right = layer.weight.row(0),
                      .right_stride = layer.weight.stride(),
                      .out = layer.above.row(0),
                      .out_stride = layer.above.stride()});
    kernels_.product({.rows = below,
                      .depth = layer.active.size(),
                      .columns = below,
                      .left = layer.weight.row(0),
                      .left_row = 1,
                      .left_depth = layer.weight.stride(),
                      .right = layer.above.row(0),
                      .right_stride = layer.above.stride(),
                      .out = s.product.row(0),
                      .out_stride = s.product.stride(),
                      .is_added = !is_uniform_ || squares_[l].rows() > 0,
                      .is_lower = true});
  }
  std::swap(s.product, s.adjoint);
  mirror(s.adjoint, below);
}

// D X D W times D K D.
template <class T, class R>
void GramPass<T, R>::add_above(Scratch& s, Sums& sums, std::size_t l) const {
  const Layer& layer = s.layers[l];
  const Layer& before = s.layers[l - 1];
  kernels_.product({.rows = layer.active.size(),
                    .depth = before.active.size(),
                    .columns = before.active.size(),
                    .left = layer.above.row(0),
                    .left_row = layer.above.stride(),
                    .right = before.gram.row(0),
                    .right_stride = before.gram.stride(),
                    .out = s.product.row(0),
                    .out_stride = s.product.stride()});
  for (std::size_t i = 0; i < layer.active.size(); ++i)
    kernels_.expand_add(s.product.row(i), width(l - 1), before.bits.data(),
                        sums.weights[l].row(layer.active[i]));
}

template <class T, class R>
void GramPass<T, R>::add_grams(Scratch& s, Sums& sums, std::size_t l) const {
  const Layer& before = s.layers[l - 1];
  if (sums.grams[l].rows() == 0) return;
  add_lower(kernels_, before.active, before.bits, before.gram, sums.grams[l]);
}

// P of the first layer but for the coefficients of its own neurons.
template <class T, class R>
void GramPass<T, R>::add_first(Scratch& s, Sums& sums) const {
  const Layer& layer = s.layers[0];
  if (last_ == 0) return;
  scale(layer, s.adjoint);
  add_lower(kernels_, layer.active, layer.bits, s.adjoint, sums.first);
}

template class GramPass<float, float>;
template class GramPass<float, double>;
template class GramPass<double, double>;

}  // namespace facetry
