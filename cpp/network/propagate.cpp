// A batch runs panel by panel: a panel of rows goes through all layers while it is in cache.
#include <algorithm>
#include <string>

#include "base/parallel.hpp"
#include "network/backward.hpp"
#include "network/bounds.hpp"
#include "network/network.hpp"
#include "network/program.hpp"

namespace facetry {
namespace {

constexpr double kNanosecondsPerItem = 50e6;  // at most: Ctrl-C is looked at between items

template <class T>
double multiplications(const Graph<T>& graph) {
  double count = 0;
  for (const Node<T>& node : graph.nodes())
    if (const auto* dense = std::get_if<DenseOp<T>>(&node.op))
      count += static_cast<double>(dense->weight.size());
  return count;
}

}  // namespace

template <class T>
Network<T>::Network(Graph<T> graph) : graph_(std::move(graph)) {
  if (graph_.nodes().size() < 2) throw std::invalid_argument("the graph has no operation");
}

template <class T>
Network<T>::~Network() = default;

template <class T>
template <class Made>
const Made& Network<T>::made(std::vector<std::unique_ptr<Made>>& all) const {
  const Kernels& wanted = kernels();
  const std::lock_guard lock(mutex_);
  for (const auto& one : all)
    if (&one->kernels() == &wanted) return *one;
  all.push_back(std::make_unique<Made>(graph_, wanted));
  return *all.back();
}

template <class T>
const Program<T>& Network<T>::program() const {
  return made(programs_);
}

template <class T>
const Backward<T>& Network<T>::backward() const {
  return made(backwards_);
}

template <class T>
const Bounds<T>& Network<T>::bounds() const {
  return made(bounds_);
}

template <class T>
void Network<T>::propagate(const Batch<T>& batch) const {
  const Program<T>& program = this->program();
  const auto& family = program.kernels().dense.template of<T>();
  const std::size_t width = graph_.input_width();
  const double row = multiplications(graph_) / family.speed + 10;  // nanoseconds
  const std::size_t panel =
      std::clamp<std::size_t>(static_cast<std::size_t>(kNanosecondsPerItem / row), 1, program.panel_rows());
  const std::size_t panels = (batch.rows + panel - 1) / panel;
  const double nanoseconds = row * static_cast<double>(batch.rows);
  const auto finite = family.first_nonfinite;
  parallel_for(panels, nanoseconds, [&]() -> Work {
    auto scratch =
        std::make_shared<typename Program<T>::Scratch>(program.scratch(std::min(panel, batch.rows)));
    return [&, scratch](std::size_t item) {
      const std::size_t begin = item * panel;
      const std::size_t count = std::min(panel, batch.rows - begin);
      if (const std::size_t bad = finite(batch.x + begin * width, count * width); bad < count * width)
        throw std::invalid_argument("x is not finite at index (" + std::to_string(begin + bad / width) +
                                    ", " + std::to_string(bad % width) + ")");
      program.run_panel(batch, begin, count, *scratch);
    };
  });
}

template class Network<float>;
template class Network<double>;

}  // namespace facetry
