// Small dense linear algebra, row-major, in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace facetry::polytope {

inline double dot(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += a[k] * b[k];
  return sum;
}

// The largest |x[k * stride]|.
inline double largest(const double* x, std::size_t n, std::size_t stride) {
  double m = 0;
  for (std::size_t k = 0; k < n; ++k) m = std::max(m, std::abs(x[k * stride]));
  return m;
}

// `system` is n x (n + 1), the right-hand side last; the solution takes its place. Partial pivoting. Gives
// the determinant; where it is 0 there is no solution.
double solve_square(double* system, std::size_t n);

// Orthonormal vectors, one after the other.
class OrthonormalBasis {
 public:
  explicit OrthonormalBasis(std::size_t dimension) : d_(dimension) {}

  // Adds the part of v that is orthogonal to the others (two passes: Kahan's "twice is enough").
  void append(const double* v);
  const double* last() const { return q_.data() + q_.size() - d_; }
  // An orthonormal basis of what is left of the space, row-major.
  std::vector<double> complement() const;

 private:
  std::size_t d_;
  std::vector<double> q_;
};

}  // namespace facetry::polytope
