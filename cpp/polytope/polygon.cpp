#include "polytope/polygon.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace facetry::polytope {
namespace {

// Rows whose normals differ by a smaller angle are parallel.
constexpr double kParallel = 1e-11;

struct Corner {
  double x, y;
  std::size_t row;
  double angle;  // monotone in the angle from the first corner, 0 to 4
};

double cross(const Corner& a, const Corner& b) { return a.x * b.y - a.y * b.x; }

// Twice the area of the triangle a, b, c; positive where it turns left.
double area(const Corner& a, const Corner& b, const Corner& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

double norm(const Corner& a) { return std::hypot(a.x, a.y); }

double diamond_angle(const Corner& a) {
  const double angle = a.y / (std::abs(a.x) + std::abs(a.y));
  return a.x < 0 ? 2 - angle : a.y < 0 ? 4 + angle : angle;
}

// Graham's scan around the origin, which the hull holds.
class Hull {
 public:
  explicit Hull(const PolarRows& rows) : rows_(rows) {
    const RowTable& table = rows.table();
    corners_.reserve(table.count());
    for (std::size_t i = 0; i < table.count(); ++i)
      corners_.push_back({table.at(i, 0), table.at(i, 1), i, 0});
  }

  std::vector<std::size_t> run() {
    if (corners_.empty()) return {};
    drop_inner();
    sort_from_farthest();
    std::vector<Corner> chain;
    for (const Corner& corner : corners_) push(chain, corner);
    // Around the corner where it began.
    while (chain.size() > 1 && is_parallel(chain.back(), chain[0])) {
      keep_outer(chain[0], chain.back());
      chain.pop_back();
    }
    while (chain.size() > 2 && !sticks_out(chain[chain.size() - 2], chain.back(), chain[0])) chain.pop_back();
    std::vector<std::size_t> rows;
    for (const Corner& corner : chain) rows.push_back(corner.row);
    std::sort(rows.begin(), rows.end());
    return rows;
  }

 private:
  // Most points are inside the polygon of the extreme ones of eight directions (Akl and Toussaint 1978).
  void drop_inner() {
    constexpr double kDirections[8][2] = {{1, 0},  {1, 1},   {0, 1},  {-1, 1},
                                          {-1, 0}, {-1, -1}, {0, -1}, {1, -1}};
    Corner extreme[8];
    double farthest[8];
    std::fill_n(farthest, 8, -std::numeric_limits<double>::infinity());
    for (const Corner& c : corners_) {
      for (int e = 0; e < 8; ++e) {
        const double value = c.x * kDirections[e][0] + c.y * kDirections[e][1];
        if (value <= farthest[e]) continue;
        farthest[e] = value;
        extreme[e] = c;
      }
    }
    std::erase_if(corners_, [&](const Corner& c) {
      bool inside = false;
      for (int e = 0; e < 8; ++e) {
        const Corner &a = extreme[e], &b = extreme[(e + 1) % 8];
        if (a.row == b.row) continue;
        const double around = cross(a, b);  // inside: the triangle with the origin is the larger part of it
        inside = around > 0 && area(a, b, c) > 1e-6 * around;
        if (!inside) return false;
      }
      return inside;
    });
  }

  // The farthest point is a corner for certain.
  void sort_from_farthest() {
    const Corner first = *std::max_element(
        corners_.begin(), corners_.end(), [](const Corner& a, const Corner& b) { return norm(a) < norm(b); });
    for (Corner& c : corners_) {
      c.angle = diamond_angle(c) - diamond_angle(first);
      if (c.angle < 0) c.angle += 4;
    }
    std::sort(corners_.begin(), corners_.end(), [](const Corner& a, const Corner& b) {
      return a.angle != b.angle ? a.angle < b.angle : a.row < b.row;
    });
    const auto at =
        std::find_if(corners_.begin(), corners_.end(), [&](const Corner& c) { return c.row == first.row; });
    std::rotate(corners_.begin(), at, at + 1);
  }

  static bool is_parallel(const Corner& a, const Corner& b) {
    return std::abs(cross(a, b)) <= kParallel * norm(a) * norm(b) && a.x * b.x + a.y * b.y > 0;
  }

  // Of two parallel rows the tighter one, of equal ones the first.
  void keep_outer(Corner& kept, const Corner& other) const {
    const double a = norm(kept), b = norm(other);
    const double same = a * std::max(rows_.slack(kept.row), kParallel);
    if (std::abs(a - b) <= same ? other.row < kept.row : b > a) kept = other;
  }

  void push(std::vector<Corner>& chain, Corner corner) const {
    if (!chain.empty() && is_parallel(chain.back(), corner)) {
      keep_outer(corner, chain.back());
      chain.pop_back();  // and again, since a longer one may imply the corners before it
    }
    while (chain.size() > 1 && !sticks_out(chain[chain.size() - 2], chain.back(), corner)) chain.pop_back();
    chain.push_back(corner);
  }

  // Whether b violates its slack at the y with a . y = c . y = 1, where b . y - 1 is the ratio of two areas.
  bool sticks_out(const Corner& a, const Corner& b, const Corner& c) const {
    const double around = cross(a, c);
    return around <= 0 || area(a, b, c) > rows_.slack(b.row) * around;
  }

  const PolarRows& rows_;
  std::vector<Corner> corners_;
};

}  // namespace

std::vector<std::size_t> polygon_facets(const PolarRows& rows) { return Hull(rows).run(); }

}  // namespace facetry::polytope
