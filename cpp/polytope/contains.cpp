#include "polytope/contains.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/dispatch.hpp"
#include "base/parallel.hpp"

namespace facetry::polytope {
namespace {

constexpr std::size_t kBlock =
    1024;  // points of an item: at most 20 ms where d is 1000 and there are 10,000 rows

void require_finite(const double* points, std::size_t first, std::size_t count, std::size_t dim) {
  const double* block = points + first * dim;
  const std::size_t bad = kernels().dense.f64.first_nonfinite(block, count * dim);
  if (bad < count * dim)
    throw std::invalid_argument("x is not finite at index (" + std::to_string(first + bad / dim) + ", " +
                                std::to_string(bad % dim) + ")");
}

}  // namespace

void contains(const double* A, const double* upper, std::size_t rows, std::size_t dim, const double* points,
              std::size_t count, bool* inside) {
  const std::size_t blocks = (count + kBlock - 1) / kBlock;
  const double nanoseconds = 0.1 * static_cast<double>(count) * static_cast<double>(rows * dim + dim);
  parallel_for(blocks, nanoseconds, [&]() -> Work {
    return [&, panel = std::vector<double>(dim * kPanelPoints)](std::size_t block) mutable {
      const std::size_t first = block * kBlock, n = std::min(kBlock, count - first);
      require_finite(points, first, n, dim);
      kernels().lp.contains({points + first * dim, n, dim, A, upper, rows, panel.data(), inside + first});
    };
  });
}

}  // namespace facetry::polytope
