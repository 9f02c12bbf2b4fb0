// The largest eigenvalue of a Gram matrix by repeated squaring. With A symmetric, R its rounded square and n
// its order,
//
//   rho(A)^2 = rho(A^2) <= rho(R) + ||A^2 - R||_F <= rho(R) + gamma_n ||A||_F^2 + underflow,
//
// because |A^2 - R| <= gamma_n |A| |A| element by element and || |A| |A| ||_F <= ||A||_F^2. After the last
// squaring rho(R) <= ||R||_F; the way back takes roots. The Gram matrix itself is bounded in the same way.
#include "network/spectral.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "base/outward.hpp"
#include "base/parallel.hpp"
#include "network/packed_matrix.hpp"

namespace facetry {
namespace {

constexpr double kWork = 1e11;  // multiply-adds for one matrix, at most: 4 s of a core
constexpr std::size_t kSquarings = 6;
constexpr std::size_t kRowsPerItem = 28;

// The root of a sum of squares, upwards; the sum has n terms.
double root_of_squares(double squares, std::size_t n) {
  return above(std::sqrt(above(squares * (1 + gamma<double>(n + 2)))));
}

double largest(const MatrixView& matrix) {
  double size = 0;
  for (std::size_t i = 0; i < matrix.rows; ++i)
    for (std::size_t k = 0; k < matrix.columns; ++k) size = std::max(size, std::abs(matrix.at(i, k)));
  return size;
}

// 2^-e for a number in [2^e, 2^(e+1)), as far as that is a number; 1 for zero.
double inverse_scale(double size) {
  return size > 0 && std::isfinite(size) ? std::ldexp(1.0, -std::max(std::ilogb(size), -1000)) : 1.0;
}

// What underflow in value * factor may have taken from any of the norms.
double lost_to_factors(const MatrixView& matrix) {
  const auto size = static_cast<double>(matrix.rows) * static_cast<double>(matrix.columns);
  return matrix.column_factors ? above(size * kTiny<double>) : 0;
}

// sqrt(||M||_1 ||M||_inf), ||M||_F.
double plain_bound(const MatrixView& matrix) {
  std::vector<double> columns(matrix.columns);
  double rows = 0;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    double row = 0;
    for (std::size_t k = 0; k < matrix.columns; ++k) {
      row += std::abs(matrix.at(i, k));
      columns[k] += std::abs(matrix.at(i, k));
    }
    rows = std::max(rows, row);
  }
  const double slack = 1 + gamma<double>(matrix.rows + matrix.columns + 2);
  const double column = *std::max_element(columns.begin(), columns.end());
  const double product = above(std::sqrt(above(rows * slack)) * std::sqrt(above(column * slack)));
  return std::min(above(product + lost_to_factors(matrix)), frobenius_bound(matrix));
}

// The Gram matrix of the rows, row-major with stride n.
std::vector<double> gram(const DenseFamily<double>& family, const std::vector<double>& rows, std::size_t n) {
  const std::size_t depth = rows.size() / n;
  const PackedMatrix<double> packed(family, n, depth,
                                    [&](std::size_t j, std::size_t k) { return rows[j * depth + k]; });
  std::vector<double> result(n * n);
  const std::size_t items = (n + kRowsPerItem - 1) / kRowsPerItem;
  const double work = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(depth);
  parallel_for(items, work / family.speed, [&]() -> Work {
    auto part = std::make_shared<std::vector<double>>(kRowsPerItem * packed.stride());
    return [&, part](std::size_t item) {
      const std::size_t begin = item * kRowsPerItem;
      const std::size_t count = std::min(kRowsPerItem, n - begin);
      packed.multiply(count, rows.data() + begin * depth, depth, part->data(), packed.stride());
      for (std::size_t i = 0; i < count; ++i)
        std::copy_n(part->data() + i * packed.stride(), n, result.data() + (begin + i) * n);
    };
  });
  return result;
}

// rho of a symmetric matrix, row-major with stride n, which is overwritten.
double spectral_radius(const DenseFamily<double>& family, std::vector<double>& a, std::size_t n,
                       std::size_t squarings) {
  const double sum = std::inner_product(a.begin(), a.end(), a.begin(), 0.0);
  const double frobenius = root_of_squares(sum, n * n);
  if (squarings == 0 || !(frobenius > 0) || !std::isfinite(frobenius)) return frobenius;
  const double scale = inverse_scale(frobenius);
  for (double& value : a) value *= scale;  // ||A||_F is in [1, 2); a loss to underflow is below 2^-1074 each
  const double loss = above(static_cast<double>(n) * kTiny<double>);
  a = gram(family, a, n);
  const double rounding = above(4 * gamma<double>(n) + static_cast<double>(n) * loss);
  const double radius = above(std::sqrt(above(spectral_radius(family, a, n, squarings - 1) + rounding)));
  return above(above(radius + loss) / scale);
}

}  // namespace

double frobenius_bound(const MatrixView& matrix) {
  const double size = largest(matrix);
  if (size == 0) return lost_to_factors(matrix);
  const double scale = inverse_scale(size);
  double sum = 0;
  for (std::size_t i = 0; i < matrix.rows; ++i)
    for (std::size_t k = 0; k < matrix.columns; ++k) {
      const double value = matrix.at(i, k) * scale;
      sum += value * value;
    }
  return above(root_of_squares(sum, matrix.rows * matrix.columns) / scale + lost_to_factors(matrix));
}

double row_bound(const MatrixView& matrix, std::size_t row) {
  const MatrixView one{matrix.values + row * matrix.columns, 1, matrix.columns, matrix.column_factors};
  return frobenius_bound(one);
}

double spectral_bound(const DenseFamily<double>& family, const MatrixView& matrix) {
  const std::size_t n = std::min(matrix.rows, matrix.columns);
  const std::size_t depth = std::max(matrix.rows, matrix.columns);
  const double plain = plain_bound(matrix);
  const auto cube = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
  const double first = cube / static_cast<double>(n) * static_cast<double>(depth);
  if (n == 1 || first > kWork || !std::isfinite(plain) || !(plain > 0)) return plain;
  const auto squarings = static_cast<std::size_t>(std::min<double>(kSquarings, (kWork - first) / cube));
  const bool is_wide = matrix.rows == n;
  const double scale = inverse_scale(largest(matrix));
  std::vector<double> side(n * depth);  // the smaller side as rows
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < depth; ++k)
      side[i * depth + k] = (is_wide ? matrix.at(i, k) : matrix.at(k, i)) * scale;
  std::vector<double> a = gram(family, side, n);
  const double sum = std::inner_product(side.begin(), side.end(), side.begin(), 0.0);
  const double frobenius = root_of_squares(sum, n * depth);
  const double rounding =
      above(gamma<double>(depth) * frobenius * frobenius + static_cast<double>(n * depth) * kTiny<double>);
  const double radius = above(spectral_radius(family, a, n, squarings) + rounding);
  // A factor changed each element by a rounding.
  const double factors = matrix.column_factors ? above(2 * kUnit<double> * frobenius) : 0;
  return std::min(plain, above(above(std::sqrt(radius) + factors) / scale + lost_to_factors(matrix)));
}

}  // namespace facetry
