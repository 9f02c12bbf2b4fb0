#include "polytope/linear_algebra.hpp"

#include <algorithm>
#include <cmath>

namespace facetry::polytope {

double solve_square(double* system, std::size_t n) {
  const std::size_t width = n + 1;
  double det = 1;
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < n; ++r)
      if (std::abs(system[r * width + c]) > std::abs(system[pivot * width + c])) pivot = r;
    if (pivot != c) {
      std::swap_ranges(system + c * width + c, system + (c + 1) * width, system + pivot * width + c);
      det = -det;
    }
    const double p = system[c * width + c];
    det *= p;
    if (p == 0) return 0;
    for (std::size_t r = c + 1; r < n; ++r) {
      const double factor = system[r * width + c] / p;
      if (factor == 0) continue;
      for (std::size_t k = c + 1; k < width; ++k) system[r * width + k] -= factor * system[c * width + k];
    }
  }
  for (std::size_t r = n; r-- > 0;) {
    double& x = system[r * width + n];
    for (std::size_t k = r + 1; k < n; ++k) x -= system[r * width + k] * system[k * width + n];
    x /= system[r * width + r];
  }
  return det;
}

void OrthonormalBasis::append(const double* v) {
  std::vector<double> left(v, v + d_);
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t j = 0; j < q_.size() / d_; ++j) {
      const double along = dot(q_.data() + j * d_, left.data(), d_);
      for (std::size_t k = 0; k < d_; ++k) left[k] -= along * q_[j * d_ + k];
    }
    const double norm = std::sqrt(dot(left.data(), left.data(), d_));
    for (double& x : left) x /= norm;
  }
  q_.insert(q_.end(), left.begin(), left.end());
}

std::vector<double> OrthonormalBasis::complement() const {
  OrthonormalBasis all = *this;
  while (all.q_.size() < d_ * d_) {
    // The axis that is farthest from the span of what there is.
    std::size_t best = 0;
    double least = 2;
    for (std::size_t axis = 0; axis < d_; ++axis) {
      double along = 0;
      for (std::size_t j = 0; j < all.q_.size() / d_; ++j)
        along += all.q_[j * d_ + axis] * all.q_[j * d_ + axis];
      if (along < least) {
        least = along;
        best = axis;
      }
    }
    std::vector<double> unit(d_);
    unit[best] = 1;
    all.append(unit.data());
  }
  return {all.q_.begin() + static_cast<std::ptrdiff_t>(q_.size()), all.q_.end()};
}

}  // namespace facetry::polytope
