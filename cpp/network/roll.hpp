// Training losses made of neurons' gradients, with their own gradient for the weights (Lee et al. 2019, Eq.
// 4, 7, 9, 10) and the slope of Johansson's paper IV. Derivatives of the gates are zero almost everywhere.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "network/roll_gram.hpp"
#include "network/roll_pairs.hpp"
#include "network/roll_rows.hpp"

namespace facetry {

struct RollOptions {
  bool is_margin = false;  // -min |z| / |grad z|; otherwise the mean of |grad z|^2 + hinge * max(0, 1 - |z|)
  double hinge = 0;        // over the `kept` neurons of a point where that is largest, ties by number
  std::size_t kept = 0;
  std::vector<std::size_t> axes;  // of the input; none: all
  bool by_gram = false;  // squares from Gram matrices point by point, not axis by axis for the whole batch
  bool has_gradient = true;
};

// Where gradients go; null for what is not wanted.
template <class T>
struct LossGradients {
  std::vector<T*> weights, biases;
  T* x = nullptr;
};

// One evaluation of a loss for a batch; backward may be called any number of times.
template <class T>
class RollPass {
 public:
  RollPass(std::vector<AffineLayer<T>> layers, const T* x, std::size_t points);

  const RowPass<T>& rows() const { return rows_; }
  std::size_t neurons() const;

  void outputs(T* to) const;
  // The mean over the points; 0 where there is no neuron or no point.
  double roll(const RollOptions& options);
  // The mean of |J v| after so many power iterations v <- J^T J v on the unit rows v (points, inputs), in
  // place. Also slopes |J v| (points,), and residuals |J^T u - |J v| v| / |J v| where u = J v / |J v|.
  double slope(std::size_t iterations, T* directions, T* slopes, T* residuals);
  // `factor` times the gradient of the loss, plus that of the outputs with these cotangents (null: none).
  void backward(T factor, const T* output_cotangents, const LossGradients<T>& gradients);

 private:
  struct Neuron {
    std::size_t layer, unit;
    double z;
    double slope;   // dz / d(value of the unit)
    double square;  // |grad z|^2
  };
  using Neurons = std::vector<Neuron>;
  // The part of a neuron in the loss of its point, and its derivatives by |grad z|^2 and by z.
  struct Term {
    double loss, by_square, by_z;
  };

  template <class R>
  Neurons list(std::size_t point, const std::vector<std::vector<R>>& squares) const;
  Term term(const Neuron& neuron) const;
  void keep(Neurons& neurons) const;
  bool keeps_all() const;
  // Adds the terms of the neurons kept to the loss of their point; by_square(layer, unit, derivative).
  template <class BySquare>
  void enter(std::size_t point, const Neurons& kept, const BySquare& by_square);
  // The same where all neurons are kept: without their |grad z|^2, and with them.
  void enter_hinges(std::size_t point);
  void enter_all(std::size_t point, const std::vector<std::vector<T>>& squares);

  void by_tangents(const std::vector<std::size_t>& axes);
  void by_gram_of_all();
  void by_gram_of_some();
  template <class R>
  void by_gram_of_one();
  Cotangents<T> ordinary_cotangents(T factor, const T* output_cotangents) const;

  RowPass<T> rows_;
  std::size_t last_ = 0;  // layer of neurons
  RollOptions options_;
  bool has_clip_ = false;
  double scale_ = 1;              // of squared gradients along some axes
  std::vector<double> losses_;    // by point
  Matrices<T> by_z_, by_square_;  // derivatives of a point's loss by its units' z and |grad z|^2, by layer
  double by_all_squares_ = 1;     // by every |grad z|^2, where gram_ holds their sum
  std::unique_ptr<AxisPairs<T>> axes_;
  std::unique_ptr<GramPass<T, T>> gram_;
  std::unique_ptr<Cotangents<T>>
      cotangents_;  // with tangents_: one pair a point, whose gradient is the loss's
  std::unique_ptr<Tangents<T>> tangents_;
};

extern template class RollPass<float>;
extern template class RollPass<double>;

}  // namespace facetry
