// Pre-activations, in double, and patterns of a few points, for one thread's work on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "network/program.hpp"

namespace facetry {

template <class T>
class ForwardPanel {
 public:
  ForwardPanel(const Network<T>& network, std::size_t capacity)
      : program_(network.program()),
        scratch_(program_.scratch(capacity)),
        values_(sizeof(T) == sizeof(double) ? 0 : capacity * plan().neurons),
        z_(capacity * plan().neurons),
        bits_(capacity * plan().words) {}

  // The points begin .. begin + rows of x. Throws std::invalid_argument naming the first element of them that
  // is NaN or infinite.
  void run(const T* x, std::size_t begin, std::size_t rows) {
    const std::size_t width = plan().input_width;
    const auto first_nonfinite = program_.kernels().dense.template of<T>().first_nonfinite;
    const std::size_t bad = first_nonfinite(x + begin * width, rows * width);
    if (bad < rows * width)
      throw std::invalid_argument("x is not finite at index (" + std::to_string(begin + bad / width) + ", " +
                                  std::to_string(bad % width) + ")");
    Batch<T> batch;
    batch.rows = rows;
    batch.x = x + begin * width;
    batch.patterns = bits_.data();
    if constexpr (sizeof(T) == sizeof(double)) {
      batch.preactivations = z_.data();
      program_.run_panel(batch, 0, rows, scratch_);
    } else {
      batch.preactivations = values_.data();
      program_.run_panel(batch, 0, rows, scratch_);
      std::copy_n(values_.data(), rows * plan().neurons, z_.data());
    }
  }

  const Plan<T>& plan() const { return program_.plan(); }
  double* z(std::size_t point) { return z_.data() + point * plan().neurons; }
  const std::uint64_t* bits(std::size_t point) const { return bits_.data() + point * plan().words; }

 private:
  const Program<T>& program_;
  typename Program<T>::Scratch scratch_;
  std::vector<T> values_;
  std::vector<double> z_;
  std::vector<std::uint64_t> bits_;
};

}  // namespace facetry
