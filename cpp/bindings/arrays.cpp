#include "bindings/arrays.hpp"

namespace facetry::bindings {

std::string shape_of(const py::array& array) {
  std::string text = "(";
  for (py::ssize_t i = 0; i < array.ndim(); ++i)
    text += std::to_string(array.shape(i)) + (i + 1 < array.ndim() ? ", " : "");
  return text + (array.ndim() == 1 ? ",)" : ")");
}

void refuse_shape(const char* name, const py::array& array, const std::string& expected) {
  throw py::value_error(std::string(name) + " has shape " + shape_of(array) + ", expected " + expected);
}

std::size_t rows_of(const char* name, const py::array& array, std::size_t columns) {
  if (array.ndim() != 2 || size(array.shape(1)) != columns)
    refuse_shape(name, array, "(n, " + std::to_string(columns) + ")");
  return size(array.shape(0));
}

void require_output(const char* name, const py::array& array, std::size_t rows, std::size_t columns) {
  if (array.ndim() != 2 || size(array.shape(0)) != rows || size(array.shape(1)) != columns)
    refuse_shape(name, array, "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")");
  if (!array.writeable()) throw py::value_error(std::string(name) + " is read-only");
}

}  // namespace facetry::bindings
