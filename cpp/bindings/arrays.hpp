// NumPy arrays at the border: exact dtype, C order, no conversion behind the caller's back. The Python layer
// coerces; what arrives here with the wrong shape is refused with both shapes in the message.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <vector>

namespace facetry::bindings {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;
using Words = Array<std::uint64_t>;

inline std::size_t size(py::ssize_t n) { return static_cast<std::size_t>(n); }

std::string shape_of(const py::array& array);
[[noreturn]] void refuse_shape(const char* name, const py::array& array, const std::string& expected);

// The number of rows of a two-dimensional array that must have `columns` columns.
std::size_t rows_of(const char* name, const py::array& array, std::size_t columns);
// Refuses an output array of another shape, and one that cannot be written.
void require_output(const char* name, const py::array& array, std::size_t rows, std::size_t columns);

// Throws KeyboardInterrupt after a Ctrl-C; for the calling thread, which dropped the GIL for the work.
void check_interrupt();

// The functions that module.cpp lists.
void bind_device(py::module_& module);
void bind_margins(py::module_& module);
void bind_network(py::module_& module);
void bind_gradients(py::module_& module);
void bind_slopes(py::module_& module);
void bind_patterns(py::module_& module);
void bind_box(py::module_& module);
void bind_points(py::module_& module);
void bind_plane(py::module_& module);
void bind_polytope(py::module_& module);
void bind_polytope_vertices(py::module_& module);
void bind_roll(py::module_& module);
void bind_segment(py::module_& module);
void bind_cuda(py::module_& module);
void bind_cuda_points(py::module_& module);

}  // namespace facetry::bindings
