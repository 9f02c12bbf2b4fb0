// Gradients of all neurons by their Gram matrices K = J J^T, which are as wide as a layer where J is as wide
// as the input: K_1 = W_1 W_1^T is shared by all points, K_{l+1} = W D K_l D W^T over the active neurons of a
// point. A sum of c |grad z|^2 has the adjoints P_l = diag(c) + D W^T P_{l+1} W D, and dW_{l+1} = 2 P_{l+1} W
// D K_l D.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "network/roll_rows.hpp"

namespace facetry {

// R: the type computed in. Where rows cancel, K loses twice the digits that J loses, so what looks for the
// least of something passes double.
template <class T, class R>
class GramPass {
 public:
  // Layers 0 .. last. Gradients are taken along `axes` of the input (none: all), their squares times `scale`.
  GramPass(const RowPass<T>& rows, std::size_t last, std::span<const std::size_t> axes, double scale);

  // The sum over points and units of |grad z|^2, and its gradient. Every kink must be one neuron a unit.
  double sum_all(bool has_gradient);

  // By layer: squared norms of the units at a point, and coefficients that are to be filled, 0 at first.
  using Units = std::vector<std::vector<R>>;
  using Choose = std::function<void(std::size_t point, const Units& norms, Units& coefficients)>;
  // Calls `choose` for every point, by several threads; sums the gradient of coefficient * |grad z|^2.
  void sum_chosen(const Choose& choose, bool has_gradient);

  // Adds the gradient of the sum, times `factor`, to rows begin .. end of the gradient of layer l's weights.
  void add_gradient(std::size_t l, double factor, std::size_t begin, std::size_t end,
                    Matrix<T>& gradient) const;

 private:
  // Between the active neurons of a layer and of the one before it, at one point.
  struct Layer {
    std::vector<std::size_t> active;
    std::vector<std::uint64_t> bits;
    std::vector<R> derivative;          // of the active ones, unless all are 1
    Matrix<R> weight, transpose;        // W, W^T
    Matrix<R> gram;                     // D K D
    Matrix<R> lifted;                   // W D K D of the layer before
    Matrix<R> above;                    // D X D W, where P = diag(c) + D X D
    Matrix<R> all_weights, all_lifted;  // the same for all neurons of this layer
  };
  struct Scratch {
    std::vector<Layer> layers;
    Matrix<R> adjoint;  // X
    Matrix<R> product, chosen, weighted;
    Units norms, coefficients;
  };
  // Over a group of points, by layer.
  struct Sums {
    Matrices<R> weights;  // gradients, halved
    Matrices<R> grams;    // of D K D, below the diagonal
    Matrix<R> first;      // of P_1, likewise
  };

  void for_points(const std::function<void(Scratch&, Sums&, std::size_t point)>& work);
  Scratch make_scratch() const;
  Sums make_sums() const;
  void reduce();

  void gather(Scratch& s, std::size_t point) const;
  void first_gram(Scratch& s) const;
  void lift(Scratch& s, std::size_t l) const;
  void lift_all(Scratch& s, std::size_t l) const;
  void norms(Scratch& s, std::size_t l) const;
  void square_lifted(Scratch& s, std::size_t l) const;
  void pull(Scratch& s, std::size_t l, bool has_above) const;
  void begin_chosen(Scratch& s, Sums& sums, std::size_t l) const;
  void add_above(Scratch& s, Sums& sums, std::size_t l) const;
  void add_grams(Scratch& s, Sums& sums, std::size_t l) const;
  void add_first(Scratch& s, Sums& sums) const;
  void scale(const Layer& layer, Matrix<R>& square) const;

  std::size_t width(std::size_t l) const { return rows_.layer(l).width; }

  const RowPass<T>& rows_;
  const std::size_t last_;
  const std::vector<std::size_t> axes_;
  const double scale_;
  const ProductFamily<R>& kernels_;
  bool is_uniform_ = false;
  bool has_gradient_ = false;
  Matrix<R> first_;                   // W_1, of its columns those of `axes`
  Matrix<R> gram_;                    // its Gram matrix, times scale
  Matrices<R> weights_, transposes_;  // of the other layers
  Matrices<R> squares_;               // W^T W of them, below the diagonal
  std::vector<std::size_t> most_;     // active neurons of a layer at a point, at most
  std::vector<Sums> sums_;            // reduced to one
};

extern template class GramPass<float, float>;
extern template class GramPass<float, double>;
extern template class GramPass<double, double>;

}  // namespace facetry
