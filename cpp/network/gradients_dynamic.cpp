// Dynamic programming over layers: J of a dense step is its weights times the rows of J that the activation
// below lets through. Done panel of columns by panel, so that J stays in cache.
#include <algorithm>
#include <memory>
#include <numeric>

#include "base/parallel.hpp"
#include "network/backward.hpp"
#include "network/graph.hpp"
#include "network/jacobian.hpp"
#include "network/program.hpp"

namespace facetry {
namespace {

constexpr std::size_t kPanelBytes = 160 * 1024;  // of one J
constexpr std::size_t kStreamedBytes = 256;      // shorter rows are copied through the cache
constexpr std::size_t kPadding = 16;             // rows do not share the sets of the first-level cache

template <class T>
class Dynamic {
 public:
  using Step = PlanStep<T>;
  using Kind = typename Step::Kind;

  Dynamic(const Network<T>& network, const GradientCall<T>& call)
      : plan_(network.program().plan()),
        kernels_(network.program().kernels()),
        family_(kernels_.gradients.template of<T>()),
        call_(call),
        targets_(targets_of(plan_, call)) {
    while (targets_.size() > 1 && targets_.back().empty()) targets_.pop_back();
    const std::size_t columns = round_up(std::max<std::size_t>(call.axes.size(), 1), family_.columns);
    const std::size_t fitting = kPanelBytes / (plan_.widest * sizeof(T)) / family_.columns * family_.columns;
    panel_ = std::clamp(fitting, family_.columns, columns);
    panels_ = (call.axes.size() + panel_ - 1) / panel_;
    stride_ = panel_ + kPadding;
    make_base();
  }

  std::size_t items() const { return call_.patterns * panels_; }
  double nanoseconds() const {
    double work = 1;
    for (std::size_t s = base_step_ + 1; s < targets_.size(); ++s)
      work += static_cast<double>(plan_.steps[s].width) * static_cast<double>(plan_.steps[s].input_width);
    const double speed = kernels_.dense.template of<T>().speed;
    return work * static_cast<double>(panel_) / speed * static_cast<double>(items());
  }

  // Two values of J, the present one and the next, and the rows of the present one that are not zero.
  struct Scratch {
    AlignedArray<T> buffers[2];
    std::vector<std::uint32_t> active;
  };
  Scratch scratch() const {
    Scratch scratch;
    for (auto& buffer : scratch.buffers) buffer = AlignedArray<T>(plan_.widest * stride_);
    scratch.active.reserve(plan_.widest);
    return scratch;
  }

  void run(std::size_t item, Scratch& scratch) const {
    const std::size_t pattern = item / panels_;
    const std::size_t panel = item % panels_;
    const T* jacobian = base_.data() + panel * base_rows_ * stride_;
    for (std::size_t s = base_step_; s < targets_.size(); ++s) {
      if (s > base_step_) jacobian = advance(plan_.steps[s], jacobian, scratch);
      emit(s, false, jacobian, pattern, panel);
      jacobian = gate(s, jacobian, pattern, scratch);
      emit(s, true, jacobian, pattern, panel);
    }
    family_.fence();
  }

 private:
  // J before the first activation does not depend on the pattern: it is made once for the call.
  void make_base() {
    std::vector<T> diagonal(plan_.input_width, T{1});
    while (base_step_ + 1 < targets_.size() && plan_.steps[base_step_].kind == Kind::kScale)
      scale_diagonal(plan_.steps[base_step_++], diagonal);
    const Step& step = plan_.steps[base_step_];
    if (step.kind == Kind::kScale) scale_diagonal(step, diagonal);
    base_rows_ = step.width;
    base_ = AlignedArray<T>(panels_ * base_rows_ * stride_);
    for (std::size_t c = 0; c < call_.axes.size(); ++c) {
      const auto axis = static_cast<std::size_t>(call_.axes[c]);
      T* column = base_.data() + c / panel_ * base_rows_ * stride_ + c % panel_;
      if (step.kind == Kind::kDense)
        for (std::size_t row = 0; row < step.width; ++row)
          column[row * stride_] = step.weight[row * step.input_width + axis] * diagonal[axis];
      else
        column[axis * stride_] = diagonal[axis];
    }
  }

  static void scale_diagonal(const Step& step, std::vector<T>& diagonal) {
    for (std::size_t i = 0; i < diagonal.size(); ++i) diagonal[i] *= step.weight[i];
  }

  const T* advance(const Step& step, const T* jacobian, Scratch& scratch) const {
    if (step.kind == Kind::kActivation) return jacobian;
    T* next = other(jacobian, scratch);
    if (step.kind == Kind::kDense) {
      family_.sweep({step.width, panel_, step.weight, step.input_width, scratch.active.data(),
                     scratch.active.size(), jacobian, stride_, next, stride_});
      return next;
    }
    for (std::size_t row = 0; row < step.width; ++row)
      std::transform(jacobian + row * stride_, jacobian + row * stride_ + panel_, next + row * stride_,
                     [&](T value) { return step.weight[row] * value; });
    return next;
  }

  // The derivative of the step's activation. Rows that become zero are left as they are where the next step
  // can skip them.
  const T* gate(std::size_t s, const T* jacobian, std::size_t pattern, Scratch& scratch) const {
    const Step& step = plan_.steps[s];
    const std::uint64_t* bits = call_.bits + pattern * plan_.words;
    const bool is_skipped =
        !step.slopes && s + 1 < targets_.size() && plan_.steps[s + 1].kind == Kind::kDense;
    const bool copies = step.layer != Step::kNone && !is_skipped;
    T* next = copies ? other(jacobian, scratch) : nullptr;
    scratch.active.clear();
    for (std::size_t row = 0; row < step.width; ++row) {
      const T factor = derivative(step, row, bits);
      if (factor != 0) scratch.active.push_back(static_cast<std::uint32_t>(row));
      if (copies)
        std::transform(jacobian + row * stride_, jacobian + row * stride_ + panel_, next + row * stride_,
                       [&](T value) { return factor == 0 ? T{0} : factor * value; });
    }
    return copies ? next : jacobian;
  }

  T* other(const T* jacobian, Scratch& scratch) const {
    return scratch.buffers[jacobian == scratch.buffers[0].data() ? 1 : 0].data();
  }

  void emit(std::size_t s, bool is_output, const T* jacobian, std::size_t pattern, std::size_t panel) const {
    const std::size_t begin = panel * panel_;
    const std::size_t columns = std::min(panel_, call_.axes.size() - begin);
    for (const Target& target : targets_[s]) {
      if (target.is_output != is_output) continue;
      const std::size_t row = pattern * call_.neurons.size() + target.position;
      T* to = call_.out + row * call_.axes.size() + begin;
      const T* from = jacobian + target.row * stride_;
      if (columns * sizeof(T) >= kStreamedBytes)
        family_.stream(from, to, columns);
      else
        std::copy_n(from, columns, to);
    }
  }

  const Plan<T>& plan_;
  const Kernels& kernels_;
  const GradientFamily<T>& family_;
  const GradientCall<T>& call_;
  std::vector<std::vector<Target>> targets_;  // up to the last step that has any
  std::size_t panel_ = 0, panels_ = 0, stride_ = 0;
  std::size_t base_step_ = 0, base_rows_ = 0;
  AlignedArray<T> base_;  // [panel][row of base_step_ before its activation][column]
};

}  // namespace

template <class T>
void gradients_by_dynamic(const Network<T>& network, const GradientCall<T>& call) {
  const Dynamic<T> dynamic(network, call);
  parallel_for(dynamic.items(), dynamic.nanoseconds(), [&]() -> Work {
    auto scratch = std::make_shared<typename Dynamic<T>::Scratch>(dynamic.scratch());
    return [&, scratch](std::size_t item) { dynamic.run(item, *scratch); };
  });
}

template void gradients_by_dynamic(const Network<float>&, const GradientCall<float>&);
template void gradients_by_dynamic(const Network<double>&, const GradientCall<double>&);

}  // namespace facetry
