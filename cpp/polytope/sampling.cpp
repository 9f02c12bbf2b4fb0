#include "polytope/sampling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/parallel.hpp"
#include "polytope/linear_algebra.hpp"
#include "polytope/random.hpp"

namespace facetry::polytope {
namespace {

constexpr std::size_t kRefresh = 512;  // steps after which slacks are computed anew: the rounding they gather
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class Walk {
 public:
  Walk(const HalfSpaces& rows, std::uint64_t seed, std::uint64_t stream)
      : rows_(rows),
        random_(seed, stream),
        columns_(rows.count * rows.dimension),
        x_(rows.dimension),
        slack_(rows.b, rows.b + rows.count) {
    for (std::size_t i = 0; i < rows.count; ++i)
      for (std::size_t k = 0; k < rows.dimension; ++k)
        columns_[k * rows.count + i] = rows.a[i * rows.dimension + k];
  }

  const double* point() const { return x_.data(); }
  double squared_norm() const { return squared_; }

  // One coordinate is drawn anew, uniformly from the chord through the point within the ball.
  void step(double radius) {
    if (++steps_ % kRefresh == 0) refresh();
    const auto k = static_cast<std::size_t>(random_.next() % rows_.dimension);
    const double* column = columns_.data() + k * rows_.count;
    const double rest = std::max(0.0, squared_ - x_[k] * x_[k]);
    const double reach = std::sqrt(std::max(0.0, radius * radius - rest));
    double low = -reach - x_[k], high = reach - x_[k];
    for (std::size_t i = 0; i < rows_.count; ++i) {
      const double t = slack_[i] / column[i];
      if (column[i] > 0) high = std::min(high, t);
      if (column[i] < 0) low = std::max(low, t);
    }
    const double move = low + random_.uniform() * (high - low);
    if (!(low < high)) return;  // rounding has put the point on the boundary
    x_[k] += move;
    squared_ = rest + x_[k] * x_[k];
    for (std::size_t i = 0; i < rows_.count; ++i) slack_[i] -= move * column[i];
  }

  void step(double radius, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) step(radius);
  }

 private:
  void refresh() {
    check_stop();
    squared_ = dot(x_.data(), x_.data(), rows_.dimension);
    for (std::size_t i = 0; i < rows_.count; ++i)
      slack_[i] = std::max(0.0, rows_.b[i] - dot(rows_.a + i * rows_.dimension, x_.data(), rows_.dimension));
  }

  const HalfSpaces& rows_;
  Random random_;
  std::vector<double> columns_, x_, slack_;
  double squared_ = 0;
  std::size_t steps_ = 0;
};

}  // namespace

void hit_and_run(const HalfSpaces& rows, std::uint64_t seed, std::size_t chains, std::size_t burn_in,
                 std::size_t n, std::size_t thinning, double* out) {
  const double steps = static_cast<double>(chains) * static_cast<double>(burn_in + n * thinning);
  parallel_for(chains, steps * static_cast<double>(rows.count), [&] {
    return [&](std::size_t chain) {
      Walk walk(rows, seed, chain);
      walk.step(kInfinity, burn_in);
      for (std::size_t i = 0; i < n; ++i) {
        walk.step(kInfinity, thinning);
        std::copy_n(walk.point(), rows.dimension, out + (chain * n + i) * rows.dimension);
      }
    };
  });
}

void ball_shares(const HalfSpaces& rows, std::span<const double> radii, std::uint64_t seed, std::size_t runs,
                 std::size_t steps, double* out) {
  const double work = static_cast<double>(runs * radii.size()) * static_cast<double>(steps);
  parallel_for(runs, work * static_cast<double>(rows.count), [&] {
    return [&](std::size_t run) {
      Walk walk(rows, seed, run);
      walk.step(radii[0], steps / 8);
      for (std::size_t i = 0; i < radii.size(); ++i) {
        const double radius = i + 1 < radii.size() ? radii[i + 1] : kInfinity;
        const double within = radii[i] * radii[i];
        walk.step(radius, steps / 8);  // away from where the smaller ball has left it
        std::size_t hits = 0;
        for (std::size_t s = 0; s < steps; ++s) {
          walk.step(radius);
          hits += walk.squared_norm() <= within;
        }
        out[run * radii.size() + i] = static_cast<double>(hits) / static_cast<double>(steps);
      }
    };
  });
}

}  // namespace facetry::polytope
