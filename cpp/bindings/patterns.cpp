// Packed activation patterns: rows of uint64 words.
#include "network/patterns.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays.hpp"

namespace facetry::bindings {
namespace {

std::span<const std::uint64_t> span_of(const Words& rows) { return {rows.data(), size(rows.size())}; }

// Numbers of the rows in the set, or None, and how many rows were refused for want of memory.
py::tuple add(PatternSet& set, const Words& rows, std::size_t max_bytes, bool want_numbers) {
  const std::size_t count = rows_of("rows", rows, set.words());
  Array<std::int64_t> numbers(want_numbers ? static_cast<py::ssize_t>(count) : 0);
  const std::span<std::int64_t> out{numbers.mutable_data(), size(numbers.size())};
  std::size_t refused = 0;
  {
    const py::gil_scoped_release nogil;
    refused = set.add(span_of(rows), count, out, max_bytes);
  }
  return py::make_tuple(want_numbers ? py::object(numbers) : py::none(), refused);
}

Words rows_of_set(const PatternSet& set) {
  Words rows({set.size(), set.words()});
  std::copy(set.rows().begin(), set.rows().end(), rows.mutable_data());
  return rows;
}

Array<std::uint64_t> hashes(const Words& rows) {
  Array<std::uint64_t> out(rows.shape(0));
  hash_patterns(rows.data(), size(rows.shape(0)), size(rows.shape(1)), out.mutable_data());
  return out;
}

Array<std::int32_t> pairwise(const Words& a, const Words& b) {
  const std::size_t n = size(a.shape(0));
  const std::size_t words = size(a.shape(1));
  const std::size_t m = rows_of("b", b, words);
  Array<std::int32_t> out({a.shape(0), b.shape(0)});
  std::int32_t* distances = out.mutable_data();
  {
    const py::gil_scoped_release nogil;
    hamming_pairwise(a.data(), n, b.data(), m, words, distances);
  }
  return out;
}

Array<std::int32_t> elementwise(const Words& a, const Words& b) {
  const std::size_t rows = size(a.shape(0));
  const std::size_t words = size(a.shape(1));
  if (rows_of("b", b, words) != rows) refuse_shape("b", b, shape_of(a));
  Array<std::int32_t> out(a.shape(0));
  std::int32_t* distances = out.mutable_data();
  {
    const py::gil_scoped_release nogil;
    hamming_elementwise(a.data(), b.data(), rows, words, distances);
  }
  return out;
}

Array<std::int64_t> active(const Words& rows) {
  const std::size_t count = size(rows.shape(0));
  const std::size_t words = size(rows.shape(1));
  Array<std::int64_t> out(static_cast<py::ssize_t>(64 * words));
  std::int64_t* counts = out.mutable_data();
  {
    const py::gil_scoped_release nogil;
    count_active(rows.data(), count, words, counts);
  }
  return out;
}

}  // namespace

void bind_patterns(py::module_& module) {
  py::class_<PatternSet>(module, "PatternSet")
      .def(py::init<std::size_t>(), py::arg("words"))
      .def("__len__", &PatternSet::size)
      .def_property_readonly("nbytes", &PatternSet::bytes)
      .def("add", &add, py::arg("rows").noconvert(), py::arg("max_bytes"), py::arg("want_numbers"))
      .def("rows", &rows_of_set);
  module.def("hash_patterns", &hashes, py::arg("rows").noconvert());
  module.def("hamming_pairwise", &pairwise, py::arg("a").noconvert(), py::arg("b").noconvert());
  module.def("hamming_elementwise", &elementwise, py::arg("a").noconvert(), py::arg("b").noconvert());
  module.def("count_active", &active, py::arg("rows").noconvert());
}

}  // namespace facetry::bindings
