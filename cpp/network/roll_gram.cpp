// What the points share: products of the weights before, sums over groups of points after. One point's part
// is in roll_gram_point.cpp.
#include "network/roll_gram.hpp"

#include <algorithm>

#include "base/parallel.hpp"

namespace facetry {
namespace {

constexpr std::size_t kStrip = 48;  // rows of a large product that are an item of work
constexpr std::size_t kRound = 32;  // points of a group between two looks at Ctrl-C

template <class R>
void multiply_strips(const ProductFamily<R>& kernels, const ProductCall<R>& call) {
  const std::size_t strips = (call.rows + kStrip - 1) / kStrip;
  const double nanoseconds = static_cast<double>(call.rows * call.columns * call.depth) / 30;
  parallel_for(strips, nanoseconds, [&]() -> Work {
    return [&](std::size_t strip) {
      const std::size_t begin = strip * kStrip;
      ProductCall<R> part = call;
      part.rows = std::min(kStrip, call.rows - begin);
      part.left += begin * call.left_row;
      part.out += begin * call.out_stride;
      if (call.is_lower) part.columns = begin + part.rows;
      part.is_lower = false;
      kernels.product(part);
    };
  });
}

template <class R>
void add(const Matrix<R>& from, Matrix<R>& to) {
  for (std::size_t i = 0; i < from.rows(); ++i)
    for (std::size_t j = 0; j < from.width(); ++j) to.row(i)[j] += from.row(i)[j];
}

template <class R>
void mirror(Matrix<R>& square) {
  for (std::size_t i = 0; i < square.rows(); ++i)
    for (std::size_t j = 0; j < i; ++j) square.row(j)[i] = square.row(i)[j];
}

template <class T, class R>
Matrix<R> converted(const Matrix<T>& from) {
  Matrix<R> to(from.rows(), from.width());
  for (std::size_t i = 0; i < from.rows(); ++i) std::copy_n(from.row(i), from.width(), to.row(i));
  return to;
}

}  // namespace

template <class T, class R>
GramPass<T, R>::GramPass(const RowPass<T>& rows, std::size_t last, std::span<const std::size_t> axes,
                         double scale)
    : rows_(rows),
      last_(last),
      axes_(axes.begin(), axes.end()),
      scale_(scale),
      kernels_(kernels().products.of<R>()),
      gram_(width(0), width(0)),
      weights_(last + 1),
      transposes_(last + 1),
      most_(last + 1) {
  const std::size_t columns = axes_.empty() ? rows.inputs() : axes_.size();
  first_ = Matrix<R>(width(0), columns);
  Matrix<R> transpose(columns, width(0));
  for (std::size_t k = 0; k < columns; ++k) {
    const T* column = rows.transpose(0).row(axes_.empty() ? k : axes_[k]);
    std::copy_n(column, width(0), transpose.row(k));
    for (std::size_t i = 0; i < width(0); ++i) first_.row(i)[k] = static_cast<R>(column[i]);
  }
  multiply_strips(kernels_, {.rows = width(0),
                             .depth = columns,
                             .columns = width(0),
                             .left = first_.row(0),
                             .left_row = first_.stride(),
                             .right = transpose.row(0),
                             .right_stride = transpose.stride(),
                             .out = gram_.row(0),
                             .out_stride = gram_.stride(),
                             .is_lower = true});
  mirror(gram_);
  for (std::size_t i = 0; i < width(0); ++i)
    for (std::size_t j = 0; j < width(0); ++j) gram_.row(i)[j] *= static_cast<R>(scale);
  for (std::size_t l = 1; l <= last; ++l) {
    weights_[l] = converted<T, R>(rows.weight(l));
    transposes_[l] = converted<T, R>(rows.transpose(l));
  }
  for (std::size_t l = 0; l <= last; ++l)
    for (std::size_t p = 0; p < rows.points(); ++p) {
      const T* derivative = rows.derivatives(l).row(p);
      const auto zeros = static_cast<std::size_t>(std::count(derivative, derivative + width(l), T{0}));
      most_[l] = std::max(most_[l], width(l) - zeros);
    }
}

template <class T, class R>
double GramPass<T, R>::sum_all(bool has_gradient) {
  is_uniform_ = true;
  has_gradient_ = has_gradient;
  squares_.resize(last_ + 1);
  for (std::size_t l = 1; l <= last_; ++l) {
    if (rows_.layer(l).kink == Kink::kNone) continue;
    squares_[l] = Matrix<R>(width(l - 1), width(l - 1));
    multiply_strips(kernels_, {.rows = width(l - 1),
                               .depth = width(l),
                               .columns = width(l - 1),
                               .left = weights_[l].row(0),
                               .left_row = 1,
                               .left_depth = weights_[l].stride(),
                               .right = weights_[l].row(0),
                               .right_stride = weights_[l].stride(),
                               .out = squares_[l].row(0),
                               .out_stride = squares_[l].stride(),
                               .is_lower = true});
  }
  for_points([&](Scratch& s, Sums& sums, std::size_t point) {
    gather(s, point);
    for (std::size_t l = last_; l > 0; --l) pull(s, l, l < last_);
    add_first(s, sums);
    if (!has_gradient) return;
    first_gram(s);
    for (std::size_t l = 1; l <= last_; ++l) {
      add_grams(s, sums, l);
      if (l == last_) break;
      add_above(s, sums, l);
      lift(s, l);
      square_lifted(s, l);
    }
  });
  const auto points = static_cast<double>(rows_.points());
  const bool has_neurons = rows_.layer(0).kink != Kink::kNone;
  double sum = 0;
  for (std::size_t i = 0; i < width(0); ++i) {
    if (has_neurons) sum += points * static_cast<double>(gram_.row(i)[i]);
    for (std::size_t j = 0; j < width(0); ++j)
      sum += static_cast<double>(sums_[0].first.row(i)[j]) * static_cast<double>(gram_.row(i)[j]);
    if (has_neurons) sums_[0].first.row(i)[i] += static_cast<R>(points);
  }
  return sum;
}

template <class T, class R>
void GramPass<T, R>::sum_chosen(const Choose& choose, bool has_gradient) {
  has_gradient_ = has_gradient;
  for_points([&](Scratch& s, Sums& sums, std::size_t point) {
    gather(s, point);
    first_gram(s);
    for (std::size_t i = 0; i < width(0); ++i) s.norms[0][i] = gram_.row(i)[i];
    for (std::size_t l = 1; l <= last_; ++l) {
      lift_all(s, l);
      norms(s, l);
      if (l < last_) square_lifted(s, l);
    }
    for (auto& coefficients : s.coefficients) std::fill(coefficients.begin(), coefficients.end(), R{0});
    choose(point, s.norms, s.coefficients);
    if (!has_gradient) return;
    for (std::size_t l = last_; l > 0; --l) {
      begin_chosen(s, sums, l);
      pull(s, l, l < last_);
      if (l < last_) add_above(s, sums, l);
    }
    add_first(s, sums);
    for (std::size_t i = 0; i < width(0); ++i) sums.first.row(i)[i] += s.coefficients[0][i];
  });
}

// Every group of points has sums of its own, so that they do not depend on which thread was faster: the
// result is the same in every run with as many threads.
template <class T, class R>
void GramPass<T, R>::for_points(const std::function<void(Scratch&, Sums&, std::size_t point)>& work) {
  const std::size_t points = rows_.points();
  const std::size_t groups = std::max<std::size_t>(1, std::min(num_threads(), points));
  sums_.clear();
  for (std::size_t group = 0; group < groups; ++group) sums_.push_back(make_sums());
  double products = 1;
  for (std::size_t l = 0; l <= last_; ++l)
    products +=
        4 * static_cast<double>(most_[l]) * static_cast<double>(most_[l]) * static_cast<double>(most_[l]);
  for (std::size_t begin = 0; begin < points; begin += groups * kRound) {
    const std::size_t count = std::min(groups * kRound, points - begin);
    parallel_for(groups, products * static_cast<double>(count) / 30, [&]() -> Work {
      auto scratch = std::make_shared<Scratch>(make_scratch());
      return [&, scratch](std::size_t group) {
        for (std::size_t p = count * group / groups; p < count * (group + 1) / groups; ++p)
          work(*scratch, sums_[group], begin + p);
      };
    });
  }
  reduce();
}

template <class T, class R>
typename GramPass<T, R>::Sums GramPass<T, R>::make_sums() const {
  Sums sums;
  sums.first = Matrix<R>(width(0), width(0));
  sums.weights.resize(last_ + 1);
  sums.grams.resize(last_ + 1);
  if (!has_gradient_) return sums;
  for (std::size_t l = 1; l <= last_; ++l) {
    if (l < last_ || !is_uniform_) sums.weights[l] = Matrix<R>(width(l), width(l - 1));
    if (is_uniform_ && rows_.layer(l).kink != Kink::kNone)
      sums.grams[l] = Matrix<R>(width(l - 1), width(l - 1));
  }
  return sums;
}

template <class T, class R>
void GramPass<T, R>::reduce() {
  parallel_for(last_ + 1, 1e6, [&]() -> Work {
    return [&](std::size_t l) {
      for (std::size_t group = 1; group < sums_.size(); ++group) {
        add(sums_[group].weights[l], sums_[0].weights[l]);
        add(sums_[group].grams[l], sums_[0].grams[l]);
        if (l == 0) add(sums_[group].first, sums_[0].first);
      }
      mirror(sums_[0].grams[l]);
      if (l == 0) mirror(sums_[0].first);
    };
  });
}

template <class T, class R>
void GramPass<T, R>::add_gradient(std::size_t l, double factor, std::size_t begin, std::size_t end,
                                  Matrix<T>& gradient) const {
  if (l > last_) return;
  const Sums& sums = sums_[0];
  const bool has_square = l == 0 || sums.grams[l].rows() > 0;
  const Matrix<R>& left = l == 0 ? sums.first : weights_[l];
  const Matrix<R>& right = l == 0 ? first_ : sums.grams[l];
  Matrix<R> strip(end - begin, right.width());
  if (has_square)
    kernels_.product({.rows = end - begin,
                      .depth = left.width(),
                      .columns = right.width(),
                      .left = left.row(begin),
                      .left_row = left.stride(),
                      .right = right.row(0),
                      .right_stride = right.stride(),
                      .out = strip.row(0),
                      .out_stride = strip.stride()});
  const R twice = static_cast<R>(2 * factor * (l == 0 ? scale_ : 1));
  for (std::size_t i = begin; i < end; ++i) {
    T* to = gradient.row(i - begin);
    if (has_square)
      for (std::size_t k = 0; k < right.width(); ++k)
        to[l == 0 && !axes_.empty() ? axes_[k] : k] += static_cast<T>(twice * strip.row(i - begin)[k]);
    if (sums.weights[l].rows() > 0)
      for (std::size_t k = 0; k < sums.weights[l].width(); ++k)
        to[k] += static_cast<T>(twice * sums.weights[l].row(i)[k]);
  }
}

template class GramPass<float, float>;
template class GramPass<float, double>;
template class GramPass<double, double>;

}  // namespace facetry
