// Pieces on segments.
#include "regions/segment.hpp"

#include <memory>
#include <utility>

#include "bindings/arrays.hpp"

namespace facetry::bindings {
namespace {

using Numbers = Array<std::int64_t>;

// The vector's memory as an array that owns it.
template <class T>
Array<T> take(std::vector<T>&& values, std::vector<py::ssize_t> shape) {
  auto owned = std::make_unique<std::vector<T>>(std::move(values));
  T* data = owned->data();
  const py::capsule owner(owned.release(), [](void* p) { delete static_cast<std::vector<T>*>(p); });
  return Array<T>(std::move(shape), data, owner);
}

template <class T>
py::ssize_t length(const std::vector<T>& values) {
  return static_cast<py::ssize_t>(values.size());
}

py::tuple pieces(const Network<double>& network, const Array<double>& a, const Array<double>& b,
                 double t_begin, double t_end, bool values, std::size_t max_bytes) {
  SegmentCall call;
  call.segments = rows_of("a", a, network.graph().input_width());
  if (rows_of("b", b, network.graph().input_width()) != call.segments) refuse_shape("b", b, shape_of(a));
  call.a = a.data();
  call.b = b.data();
  call.t_begin = t_begin;
  call.t_end = t_end;
  call.wants_values = values;
  call.max_bytes = max_bytes;
  SegmentPieces found;
  {
    const py::gil_scoped_release nogil;
    found = segment_pieces(network, call);
  }
  const auto outputs = static_cast<py::ssize_t>(network.graph().output_width());
  const auto words = static_cast<py::ssize_t>(network.graph().words());
  const py::ssize_t offsets = length(found.offsets), t = length(found.t), flips = length(found.flip_offsets);
  const py::ssize_t neurons = length(found.neurons), knots = length(found.values) / outputs;
  return py::make_tuple(take(std::move(found.offsets), {offsets}), take(std::move(found.t), {t}),
                        take(std::move(found.flip_offsets), {flips}),
                        take(std::move(found.neurons), {neurons}),
                        take(std::move(found.values), {knots, outputs}),
                        take(std::move(found.first_bits), {offsets - 1, words}));
}

void patterns(const Network<double>& network, const Numbers& offsets, const Numbers& flip_offsets,
              const Numbers& neurons, const Words& first_bits, Words out) {
  const std::size_t segments = rows_of("first_bits", first_bits, network.graph().words());
  const std::size_t breakpoints = size(flip_offsets.size()) - 1;
  require_output("out", out, segments + breakpoints, network.graph().words());
  std::uint64_t* bits = out.mutable_data();
  const py::gil_scoped_release nogil;
  expand_patterns(network, segments, offsets.data(), flip_offsets.data(), neurons.data(), first_bits.data(),
                  bits);
}

}  // namespace

void bind_segment(py::module_& module) {
  module.def("segment_pieces", &pieces, py::arg("network"), py::arg("a").noconvert(),
             py::arg("b").noconvert(), py::arg("t_begin"), py::arg("t_end"), py::arg("values"),
             py::arg("max_bytes"));
  module.def("segment_patterns", &patterns, py::arg("network"), py::arg("offsets").noconvert(),
             py::arg("flip_offsets").noconvert(), py::arg("neurons").noconvert(),
             py::arg("first_bits").noconvert(), py::arg("out").noconvert());
}

}  // namespace facetry::bindings
