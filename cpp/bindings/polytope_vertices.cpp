// Vertices, volumes and points of half-space polytopes, one or many: rows stacked, offsets where each begins.
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "bindings/arrays.hpp"
#include "polytope/inner_box.hpp"
#include "polytope/sampling.hpp"
#include "polytope/vertices.hpp"
#include "polytope/volume.hpp"

namespace facetry::bindings {
namespace {

using polytope::HalfSpaces;
using polytope::Pyramids;
using polytope::Skeleton;
using polytope::SkeletonOptions;
using Doubles = Array<double>;
using Offsets = Array<std::int64_t>;

HalfSpaces half_spaces(const Doubles& A, const Doubles& b) {
  if (A.ndim() != 2) refuse_shape("A", A, "(m, d)");
  if (b.ndim() != 1 || b.shape(0) != A.shape(0)) refuse_shape("b", b, "one number a row of A");
  return {A.data(), b.data(), size(A.shape(0)), size(A.shape(1))};
}

std::span<const std::int64_t> offsets_of(const Offsets& offsets, const HalfSpaces& rows) {
  const std::span<const std::int64_t> all{offsets.data(), size(offsets.size())};
  if (all.empty() || all.front() < 0 || all.back() > static_cast<std::int64_t>(rows.count) ||
      !std::is_sorted(all.begin(), all.end()))
    throw py::value_error("offsets must ascend within the rows of A");
  return all;
}

// What ran out is memory; pybind11 makes a ValueError of std::length_error.
template <class F>
auto without_gil(F&& work) {
  try {
    const py::gil_scoped_release nogil;
    return work();
  } catch (const std::length_error& error) {
    PyErr_SetString(PyExc_MemoryError, error.what());
    throw py::error_already_set();
  }
}

template <class T>
Array<T> array_of(std::vector<T> values) {
  auto* owner = new std::vector<T>(std::move(values));
  const py::capsule free(owner, [](void* p) { delete static_cast<std::vector<T>*>(p); });
  return Array<T>(static_cast<py::ssize_t>(owner->size()), owner->data(), free);
}

py::dict vertex_forms(const Doubles& A, const Doubles& b, const Offsets& offsets, double tolerance,
                      bool faces, std::size_t max_bytes) {
  const HalfSpaces rows = half_spaces(A, b);
  const auto parts = offsets_of(offsets, rows);
  auto forms =
      without_gil([&] { return polytope::vertex_forms(rows, parts, faces, {tolerance, max_bytes}); });
  py::dict result;
  result["vertices"] = array_of(std::move(forms.vertices));
  result["rays"] = array_of(std::move(forms.rays));
  result["vertex_offsets"] = array_of(std::move(forms.vertex_offsets));
  result["ray_offsets"] = array_of(std::move(forms.ray_offsets));
  result["incidence"] = array_of(std::move(forms.incidence));
  result["incidence_offsets"] = array_of(std::move(forms.incidence_offsets));
  result["edges"] = array_of(std::move(forms.edges));
  result["edge_offsets"] = array_of(std::move(forms.edge_offsets));
  return result;
}

Doubles volumes(const Doubles& A, const Doubles& b, const Offsets& offsets, double tolerance,
                std::size_t max_bytes) {
  const HalfSpaces rows = half_spaces(A, b);
  const auto parts = offsets_of(offsets, rows);
  Doubles out(static_cast<py::ssize_t>(parts.size() - 1));
  double* numbers = out.mutable_data();
  without_gil([&] { polytope::volumes(rows, parts, {tolerance, max_bytes}, numbers); });
  return out;
}

// The pyramids of one bounded polytope of full dimension.
struct Solid {
  Skeleton skeleton;
  Pyramids pyramids;
};

std::unique_ptr<Solid> make_solid(const Doubles& A, const Doubles& b, double tolerance,
                                  std::size_t max_bytes) {
  const HalfSpaces rows = half_spaces(A, b);
  return without_gil([&] {
    auto solid = std::make_unique<Solid>();
    polytope::build_solid(rows, {tolerance, max_bytes}, solid->skeleton, solid->pyramids);
    return solid;
  });
}

Doubles centroid(const Solid& solid) {
  Doubles out(static_cast<py::ssize_t>(solid.skeleton.dimension()));
  solid.pyramids.centroid(out.mutable_data());
  return out;
}

void sample(const Solid& solid, std::uint64_t seed, Doubles out) {
  require_output("out", out, size(out.shape(0)), solid.skeleton.dimension());
  double* points = out.mutable_data();
  const std::size_t n = size(out.shape(0));
  const py::gil_scoped_release nogil;
  solid.pyramids.sample(seed, n, points);
}

// A walk of 2^40 steps would take a day, and sizes are multiplied by it.
void require_steps(std::size_t steps) {
  if (steps > std::size_t{1} << 40) throw py::value_error("that are more than 2**40 steps");
}

void hit_and_run(const Doubles& A, const Doubles& b, std::uint64_t seed, std::size_t burn_in,
                 std::size_t thinning, Doubles out) {
  const HalfSpaces rows = half_spaces(A, b);
  if (out.ndim() != 3 || size(out.shape(2)) != rows.dimension) refuse_shape("out", out, "(chains, n, d)");
  const std::size_t chains = size(out.shape(0)), n = size(out.shape(1));
  require_steps(burn_in);
  require_steps(thinning);
  double* points = out.mutable_data();
  const py::gil_scoped_release nogil;
  polytope::hit_and_run(rows, seed, chains, burn_in, n, thinning, points);
}

Doubles ball_shares(const Doubles& A, const Doubles& b, const Doubles& radii, std::uint64_t seed,
                    std::size_t runs, std::size_t steps) {
  const HalfSpaces rows = half_spaces(A, b);
  require_steps(steps);
  const std::span<const double> balls{radii.data(), size(radii.size())};
  Doubles out({static_cast<py::ssize_t>(runs), radii.size()});
  double* shares = out.mutable_data();
  {
    const py::gil_scoped_release nogil;
    polytope::ball_shares(rows, balls, seed, runs, steps, shares);
  }
  return out;
}

void inner_boxes(const Doubles& A, const Doubles& b, const Offsets& offsets, const Doubles& centres,
                 const Doubles& radii, Doubles lo, Doubles hi) {
  const HalfSpaces rows = half_spaces(A, b);
  const auto parts = offsets_of(offsets, rows);
  if (rows_of("centres", centres, rows.dimension) != parts.size() - 1 ||
      size(radii.size()) != parts.size() - 1)
    refuse_shape("centres", centres, "one row a polytope");
  require_output("lo", lo, parts.size() - 1, rows.dimension);
  require_output("hi", hi, parts.size() - 1, rows.dimension);
  double *low = lo.mutable_data(), *high = hi.mutable_data();
  const py::gil_scoped_release nogil;
  polytope::inner_boxes(rows, parts, centres.data(), radii.data(), low, high);
}

}  // namespace

void bind_polytope_vertices(py::module_& module) {
  module.def("polytope_vertex_forms", &vertex_forms, py::arg("A").noconvert(), py::arg("b").noconvert(),
             py::arg("offsets").noconvert(), py::arg("tolerance"), py::arg("faces"), py::arg("max_bytes"));
  module.def("polytope_volumes", &volumes, py::arg("A").noconvert(), py::arg("b").noconvert(),
             py::arg("offsets").noconvert(), py::arg("tolerance"), py::arg("max_bytes"));
  module.def("polytope_hit_and_run", &hit_and_run, py::arg("A").noconvert(), py::arg("b").noconvert(),
             py::arg("seed"), py::arg("burn_in"), py::arg("thinning"), py::arg("out").noconvert());
  module.def("polytope_ball_shares", &ball_shares, py::arg("A").noconvert(), py::arg("b").noconvert(),
             py::arg("radii").noconvert(), py::arg("seed"), py::arg("runs"), py::arg("steps"));
  module.def("polytope_inner_boxes", &inner_boxes, py::arg("A").noconvert(), py::arg("b").noconvert(),
             py::arg("offsets").noconvert(), py::arg("centres").noconvert(), py::arg("radii").noconvert(),
             py::arg("lo").noconvert(), py::arg("hi").noconvert());
  py::class_<Solid>(module, "PolytopeSolid")
      .def(py::init(&make_solid), py::arg("A").noconvert(), py::arg("b").noconvert(), py::arg("tolerance"),
           py::arg("max_bytes"))
      .def_property_readonly("volume", [](const Solid& solid) { return solid.pyramids.volume(); })
      .def("centroid", &centroid)
      .def("sample", &sample, py::arg("seed"), py::arg("out").noconvert());
}

}  // namespace facetry::bindings
