#include "polytope/inner_box.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.hpp"
#include "polytope/linear_algebra.hpp"

namespace facetry::polytope {
namespace {

constexpr double kGap = 1e-10;      // of sum log y: the relative error of the volume
constexpr double kGrowth = 20;      // of the weight of the objective between two centrings
constexpr std::size_t kSteps = 50;  // of Newton's method in one centring; about 10 are needed
constexpr double kCentred = 1e-6;   // half the square of Newton's decrement, below which a point is central

class BarrierMethod {
 public:
  void solve(const HalfSpaces& rows, const double* centre, double radius, double* lo, double* hi) {
    rows_ = rows;
    d_ = rows.dimension;
    n_ = 2 * d_;
    extend_rows();
    // A cube in the ball, half as large as would fit.
    const double side = radius / std::sqrt(static_cast<double>(d_));
    z_.resize(n_);
    for (std::size_t k = 0; k < d_; ++k) {
      z_[k] = centre[k] - side / 2;
      z_[d_ + k] = side;
    }
    slack_ = slacks(z_);
    const double last = static_cast<double>(rows.count) / kGap;
    for (weight_ = 1; weight_ < kGrowth * last; weight_ *= kGrowth) {
      for (std::size_t i = 0; i < kSteps; ++i)
        if (!newton_step()) break;
      check_stop();
    }
    write(lo, hi);
  }

 private:
  // Rows of length 1 in the variables (x, y): (a, max(a, 0)).
  void extend_rows() {
    wide_.resize(rows_.count * n_);
    b_.resize(rows_.count);
    for (std::size_t i = 0; i < rows_.count; ++i) {
      const double* a = rows_.a + i * d_;
      const double norm = std::sqrt(dot(a, a, d_));
      b_[i] = rows_.b[i] / norm;
      for (std::size_t k = 0; k < d_; ++k) {
        wide_[i * n_ + k] = a[k] / norm;
        wide_[i * n_ + d_ + k] = std::max(a[k] / norm, 0.0);
      }
    }
  }

  std::vector<double> slacks(const std::vector<double>& z) const {
    std::vector<double> s(rows_.count);
    for (std::size_t i = 0; i < rows_.count; ++i) s[i] = b_[i] - dot(wide_.data() + i * n_, z.data(), n_);
    return s;
  }

  double barrier(const std::vector<double>& z, const std::vector<double>& s) const {
    double sum = 0;
    for (std::size_t k = d_; k < n_; ++k) sum -= z[k] > 0 ? weight_ * std::log(z[k]) : -INFINITY;
    for (const double x : s) sum -= x > 0 ? std::log(x) : -INFINITY;
    return sum;
  }

  // False where the point is central, or rounding lets it come no nearer.
  bool newton_step() {
    system_.assign(n_ * (n_ + 1), 0);
    for (std::size_t i = 0; i < rows_.count; ++i) {
      const double* row = wide_.data() + i * n_;
      const double inverse = 1 / slack_[i];
      for (std::size_t r = 0; r < n_; ++r) {
        const double scaled = row[r] * inverse * inverse;
        if (scaled == 0) continue;
        for (std::size_t c = 0; c < n_; ++c) system_[r * (n_ + 1) + c] += scaled * row[c];
        system_[r * (n_ + 1) + n_] -= row[r] * inverse;
      }
    }
    for (std::size_t k = d_; k < n_; ++k) {
      system_[k * (n_ + 1) + k] += weight_ / (z_[k] * z_[k]);
      system_[k * (n_ + 1) + n_] += weight_ / z_[k];
    }
    std::vector<double> down(n_), step(n_);
    for (std::size_t k = 0; k < n_; ++k) down[k] = system_[k * (n_ + 1) + n_];
    if (solve_square(system_.data(), n_) == 0) return false;
    for (std::size_t k = 0; k < n_; ++k) step[k] = system_[k * (n_ + 1) + n_];
    const double decrement = dot(down.data(), step.data(), n_);
    if (!(decrement > 2 * kCentred)) return false;
    return search(step, decrement);
  }

  bool search(const std::vector<double>& step, double decrement) {
    const double before = barrier(z_, slack_);
    std::vector<double> z(n_);
    for (double length = 1; length > 1e-8; length /= 2) {
      for (std::size_t k = 0; k < n_; ++k) z[k] = z_[k] + length * step[k];
      auto s = slacks(z);
      if (!(barrier(z, s) <= before - 0.1 * length * decrement)) continue;
      z_.swap(z);
      slack_.swap(s);
      return true;
    }
    return false;
  }

  // Shrinks the box about its centre until no rounding is left outside.
  void write(double* lo, double* hi) const {
    double share = 1;
    for (std::size_t i = 0; i < rows_.count; ++i) {
      double middle = 0, reach = 0;
      for (std::size_t k = 0; k < d_; ++k) {
        middle += rows_.a[i * d_ + k] * (z_[k] + z_[d_ + k] / 2);
        reach += std::abs(rows_.a[i * d_ + k]) * z_[d_ + k] / 2;
      }
      if (reach > 0) share = std::min(share, (rows_.b[i] - middle) / reach);
    }
    for (std::size_t k = 0; k < d_; ++k) {
      const double half = z_[d_ + k] / 2;
      lo[k] = z_[k] + half - share * half;
      hi[k] = z_[k] + half + share * half;
    }
  }

  HalfSpaces rows_;
  std::size_t d_ = 0, n_ = 0;
  double weight_ = 1;
  std::vector<double> wide_, b_, z_, slack_, system_;
};

}  // namespace

void inner_boxes(const HalfSpaces& rows, std::span<const std::int64_t> offsets, const double* centres,
                 const double* radii, double* lo, double* hi) {
  const double each = 1000.0 * static_cast<double>(rows.dimension * rows.dimension);
  parallel_for(offsets.size() - 1, each * static_cast<double>(rows.count), [&] {
    return [&, method = BarrierMethod()](std::size_t i) mutable {
      if (!(radii[i] > 0 && std::isfinite(radii[i]))) return;
      const std::size_t at = i * rows.dimension;
      method.solve(rows.part(offsets[i], offsets[i + 1]), centres + at, radii[i], lo + at, hi + at);
    };
  });
}

}  // namespace facetry::polytope
