// Half-space polytopes in batches: A (rows, d), b (rows,), offsets (count + 1,). One polytope is a batch of
// one.
#include "polytope/polytope.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays.hpp"
#include "polytope/boxes.hpp"
#include "polytope/chebyshev.hpp"
#include "polytope/contains.hpp"
#include "polytope/dimension.hpp"
#include "polytope/maximize.hpp"
#include "polytope/redundancy.hpp"

namespace facetry::bindings {

polytope::Batch batch_of(const Array<double>& A, const Array<double>& b, const Array<std::int64_t>& offsets,
                         double tolerance) {
  if (A.ndim() != 2) refuse_shape("A", A, "(rows, d)");
  if (b.ndim() != 1 || b.shape(0) != A.shape(0)) refuse_shape("b", b, "one number a row of A");
  if (offsets.ndim() != 1 || offsets.shape(0) < 1) refuse_shape("offsets", offsets, "(count + 1,)");
  const std::int64_t* o = offsets.data();
  const py::ssize_t count = offsets.shape(0) - 1;
  for (py::ssize_t i = 0; i < count; ++i)
    if (o[i] > o[i + 1]) throw py::value_error("offsets must not decrease");
  if (o[0] < 0 || o[count] > A.shape(0)) throw py::value_error("offsets must lie within the rows of A");
  return {A.data(), b.data(), o, size(count), size(A.shape(1)), tolerance};
}

namespace {

using polytope::Batch;
using Doubles = Array<double>;
using Integers = Array<std::int64_t>;
using Flags = Array<bool>;

Doubles doubles(std::size_t rows) { return Doubles(static_cast<py::ssize_t>(rows)); }
Doubles doubles(std::size_t rows, std::size_t columns) { return Doubles({rows, columns}); }

const std::int64_t* start_of(const std::optional<Integers>& start, const Batch& batch) {
  if (!start) return nullptr;
  if (rows_of("start", *start, batch.dim) != batch.count)
    refuse_shape("start", *start, "one basis a polytope");
  for (std::size_t i = 0; i < batch.count; ++i)
    for (std::size_t k = 0; k < batch.dim; ++k) {
      const std::int64_t row = start->data()[i * batch.dim + k];
      if (row >= static_cast<std::int64_t>(batch.rows(i)))
        throw py::value_error("start names row " + std::to_string(row) + " of " +
                              std::to_string(batch.rows(i)));
    }
  return start->data();
}

py::tuple maximize(const Doubles& A, const Doubles& b, const Integers& offsets, double tolerance,
                   const Doubles& objectives, const std::optional<Integers>& start) {
  const Batch batch = batch_of(A, b, offsets, tolerance);
  if (rows_of("c", objectives, batch.dim) != batch.count) refuse_shape("c", objectives, "one row a polytope");
  const std::int64_t* basis_at_start = start_of(start, batch);
  Array<std::uint8_t> status(static_cast<py::ssize_t>(batch.count));
  Doubles value = doubles(batch.count), point = doubles(batch.count, batch.dim);
  Doubles ray = doubles(batch.count, batch.dim), multipliers = doubles(batch.total_rows());
  Integers basis({batch.count, batch.dim});
  const polytope::Optima out{reinterpret_cast<polytope::Status*>(status.mutable_data()),
                             value.mutable_data(),
                             point.mutable_data(),
                             ray.mutable_data(),
                             multipliers.mutable_data(),
                             basis.mutable_data()};
  {
    const py::gil_scoped_release nogil;
    polytope::maximize(batch, objectives.data(), basis_at_start, out);
  }
  return py::make_tuple(status, value, point, ray, multipliers, basis);
}

py::tuple chebyshev(const Doubles& A, const Doubles& b, const Integers& offsets, double tolerance) {
  const Batch batch = batch_of(A, b, offsets, tolerance);
  Doubles centre = doubles(batch.count, batch.dim), radius = doubles(batch.count);
  double *centres = centre.mutable_data(), *radii = radius.mutable_data();
  {
    const py::gil_scoped_release nogil;
    polytope::chebyshev(batch, centres, radii);
  }
  return py::make_tuple(centre, radius);
}

py::tuple interiors(const Doubles& A, const Doubles& b, const Integers& offsets, double tolerance) {
  const Batch batch = batch_of(A, b, offsets, tolerance);
  Integers dimension(static_cast<py::ssize_t>(batch.count));
  Doubles depth = doubles(batch.count), point = doubles(batch.count, batch.dim);
  Flags equality(static_cast<py::ssize_t>(batch.total_rows()));
  const polytope::Interiors out{dimension.mutable_data(), depth.mutable_data(), point.mutable_data(),
                                equality.mutable_data()};
  {
    const py::gil_scoped_release nogil;
    polytope::find_interiors(batch, out);
  }
  return py::make_tuple(dimension, depth, point, equality);
}

Flags bounded(const Doubles& A, const Doubles& b, const Integers& offsets, double tolerance) {
  const Batch batch = batch_of(A, b, offsets, tolerance);
  Flags out(static_cast<py::ssize_t>(batch.count));
  bool* flags = out.mutable_data();
  {
    const py::gil_scoped_release nogil;
    polytope::are_bounded(batch, flags);
  }
  return out;
}

// (equations, d + 1) of one polytope: coefficients, then the right-hand side.
Doubles affine_hull(const Doubles& A, const Doubles& b, const Integers& offsets, double tolerance) {
  const Batch batch = batch_of(A, b, offsets, tolerance);
  if (batch.count != 1) throw py::value_error("affine_hull takes one polytope");
  std::vector<double> equations;
  {
    const py::gil_scoped_release nogil;
    equations = polytope::affine_hull(batch, 0);
  }
  Doubles out = doubles(equations.size() / (batch.dim + 1), batch.dim + 1);
  std::copy(equations.begin(), equations.end(), out.mutable_data());
  return out;
}

py::tuple bounding_boxes(const Doubles& A, const Doubles& b, const Integers& offsets, double tolerance) {
  const Batch batch = batch_of(A, b, offsets, tolerance);
  Doubles lo = doubles(batch.count, batch.dim), hi = doubles(batch.count, batch.dim);
  double *lows = lo.mutable_data(), *highs = hi.mutable_data();
  {
    const py::gil_scoped_release nogil;
    polytope::bounding_boxes(batch, lows, highs);
  }
  return py::make_tuple(lo, hi);
}

Flags minimal_rows(const Doubles& A, const Doubles& b, const Integers& offsets, double tolerance) {
  const Batch batch = batch_of(A, b, offsets, tolerance);
  Flags out(static_cast<py::ssize_t>(batch.total_rows()));
  bool* flags = out.mutable_data();
  {
    const py::gil_scoped_release nogil;
    polytope::minimal_rows(batch, flags);
  }
  return out;
}

Flags contains(const Doubles& A, const Doubles& upper, const Doubles& x) {
  const std::size_t rows = size(A.shape(0)), dim = size(A.shape(1)), count = rows_of("x", x, dim);
  if (upper.ndim() != 1 || size(upper.shape(0)) != rows)
    refuse_shape("upper", upper, "one number a row of A");
  Flags out(static_cast<py::ssize_t>(count));
  bool* flags = out.mutable_data();
  {
    const py::gil_scoped_release nogil;
    polytope::contains(A.data(), upper.data(), rows, dim, x.data(), count, flags);
  }
  return out;
}

}  // namespace

void bind_polytope(py::module_& module) {
  const auto define = [&module](const char* name, auto function, auto... more) {
    module.def(name, function, py::arg("A").noconvert(), py::arg("b").noconvert(),
               py::arg("offsets").noconvert(), py::arg("tolerance"), more...);
  };
  define("polytope_maximize", &maximize, py::arg("c").noconvert(), py::arg("start").noconvert() = py::none());
  define("polytope_chebyshev", &chebyshev);
  define("polytope_interiors", &interiors);
  define("polytope_bounded", &bounded);
  define("polytope_affine_hull", &affine_hull);
  define("polytope_bounding_boxes", &bounding_boxes);
  define("polytope_minimal_rows", &minimal_rows);
  module.def("polytope_contains", &contains, py::arg("A").noconvert(), py::arg("upper").noconvert(),
             py::arg("x").noconvert());
}

}  // namespace facetry::bindings
