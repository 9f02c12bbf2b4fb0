// J = W D J for a point, layer after layer, a panel of columns at a time, so that J stays in cache. Unlike in
// gradients_dynamic.cpp no J is kept, and a triangular base costs half in the first product.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.hpp"
#include "network/jacobian.hpp"
#include "network/program.hpp"
#include "network/walls.hpp"

namespace facetry {

template <class T>
class JacobianPanels {
 public:
  using Step = PlanStep<T>;
  static constexpr std::size_t kPanelBytes = 400 * 1024;  // of a J: two and the weights share the caches
  static constexpr std::size_t kPadding = 16;  // rows do not share the sets of the first-level cache

  struct Panel {
    std::size_t first = 0;
    std::size_t width = 0;
  };

  JacobianPanels(const Network<T>& network, const WallBase<T>& base)
      : plan_(network.program().plan()), family_(network.program().kernels().gradients.template of<T>()) {
    while (plan_.steps[first_].layer == Step::kNone) ++first_;
    const std::size_t fitting = kPanelBytes / (plan_.widest * sizeof(T)) / family_.columns * family_.columns;
    const std::size_t width =
        std::max(std::min(fitting, round_up(base.columns, family_.columns)), family_.columns);
    stride_ = width + kPadding;
    const std::size_t rows = plan_.steps[first_].width;
    for (std::size_t begin = 0; begin < base.columns; begin += width)
      panels_.push_back({begin, std::min(width, base.columns - begin)});
    base_ = AlignedArray<T>(panels_.size() * rows * stride_);
    for (std::size_t p = 0; p < panels_.size(); ++p)
      for (std::size_t j = 0; j < rows; ++j)
        std::copy_n(base.values + j * base.columns + panels_[p].first, panels_[p].width,
                    base_.data() + (p * rows + j) * stride_);
    skip_zeros(rows);
  }

  // Multiply-adds for a point, half of the neurons active.
  double work() const {
    double work = 0;
    for (std::size_t s = first_ + 1; s < plan_.steps_to_last_layer; ++s)
      work += static_cast<double>(plan_.steps[s].width) * static_cast<double>(plan_.steps[s].input_width) / 2;
    return work * static_cast<double>(panels_.size() * stride_);
  }

  struct Scratch {
    AlignedArray<T> buffers[2];
    std::vector<std::uint32_t> active;
  };
  Scratch scratch() const {
    Scratch scratch;
    for (auto& buffer : scratch.buffers) buffer = AlignedArray<T>(plan_.widest * stride_);
    return scratch;
  }

  // take(step, panel, rows, stride) gets the Jacobian of the value before each activation.
  template <class Take>
  void run(const std::uint64_t* bits, Scratch& scratch, const Take& take) const {
    const std::size_t rows = plan_.steps[first_].width;
    for (std::size_t p = 0; p < panels_.size(); ++p) {
      const T* jacobian = base_.data() + p * rows * stride_;
      for (std::size_t s = first_;; ++s) {
        if (s > first_) jacobian = advance(s, p, bits, jacobian, scratch);
        if (plan_.steps[s].layer != Step::kNone) take(s, panels_[p], jacobian, stride_);
        if (s + 1 == plan_.steps_to_last_layer) break;
      }
    }
  }

 private:
  // Of a triangular base a panel begins with rows of zeros, and its column blocks each with more of them.
  void skip_zeros(std::size_t rows) {
    zeros_.resize(panels_.size() * blocks());
    for (std::size_t p = 0; p < panels_.size(); ++p)
      for (std::size_t b = 0; b < blocks(); ++b) {
        std::size_t& zero = zeros_[p * blocks() + b];
        const auto is_zero = [&](std::size_t row) {
          const T* values = base_.data() + (p * rows + row) * stride_ + b * family_.columns;
          return std::all_of(values, values + family_.columns, [](T value) { return value == 0; });
        };
        while (zero < rows && is_zero(zero)) ++zero;
      }
  }
  std::size_t blocks() const { return (stride_ - kPadding) / family_.columns; }

  // The Jacobian of step s from that of the value before the activation of step s - 1.
  const T* advance(std::size_t s, std::size_t p, const std::uint64_t* bits, const T* below,
                   Scratch& scratch) const {
    const Step& step = plan_.steps[s];
    const Step& gate = plan_.steps[s - 1];
    T* out = scratch.buffers[below == scratch.buffers[0].data()].data();
    if (step.kind == Step::Kind::kDense && !gate.slopes) {
      list_active(gate, bits, scratch.active);
      sweep(s, p, below, scratch, out);
      return out;
    }
    for (std::size_t j = 0; j < step.input_width; ++j) {
      const T factor = derivative(gate, j, bits) * (step.kind == Step::Kind::kScale ? step.weight[j] : T{1});
      std::transform(below + j * stride_, below + (j + 1) * stride_, out + j * stride_,
                     [&](T value) { return factor == 0 ? T{0} : factor * value; });
    }
    if (step.kind != Step::Kind::kDense) return out;
    scratch.active.clear();
    for (std::uint32_t j = 0; j < step.input_width; ++j) scratch.active.push_back(j);
    T* product = scratch.buffers[out == scratch.buffers[0].data()].data();
    sweep(s, p, out, scratch, product);
    return product;
  }

  static void list_active(const Step& gate, const std::uint64_t* bits, std::vector<std::uint32_t>& active) {
    active.clear();
    for (std::uint32_t j = 0; j < gate.width; ++j)
      if (gate.layer == Step::kNone || ((bits[gate.first_word + j / 64] >> (j % 64)) & 1))
        active.push_back(j);
  }

  // Only the step above the base meets rows of zeros.
  void sweep(std::size_t s, std::size_t p, const T* below, const Scratch& scratch, T* out) const {
    SweepCall<T> call;
    call.rows = plan_.steps[s].width;
    call.weights = plan_.steps[s].weight;
    call.weights_stride = plan_.steps[s].input_width;
    call.input_stride = call.output_stride = stride_;
    call.columns = family_.columns;
    const auto& active = scratch.active;
    for (std::size_t b = 0; b < blocks(); ++b) {
      const std::size_t zero = s == first_ + 1 ? zeros_[p * blocks() + b] : 0;
      const auto from = std::lower_bound(active.begin(), active.end(), zero);
      call.active = active.data() + (from - active.begin());
      call.actives = static_cast<std::size_t>(active.end() - from);
      call.input = below + b * family_.columns;
      call.output = out + b * family_.columns;
      family_.sweep(call);
    }
  }

  const Plan<T>& plan_;
  const GradientFamily<T>& family_;
  std::size_t first_ = 0;  // the step of the first layer of neurons
  std::size_t stride_ = 0;
  std::vector<Panel> panels_;
  AlignedArray<T> base_;
  std::vector<std::size_t> zeros_;
};

}  // namespace facetry
