// Networks cut on planes.
#include "regions/plane.hpp"

#include "bindings/arrays.hpp"

namespace facetry::bindings {
namespace {

PlaneOutputs outputs_of(const std::string& name) {
  if (name == "whole") return PlaneOutputs::kWhole;
  if (name == "sign") return PlaneOutputs::kSign;
  if (name == "argmax") return PlaneOutputs::kLargest;
  if (name == "argmin") return PlaneOutputs::kLowest;
  throw py::value_error("outputs is '" + name + "', expected 'whole', 'sign', 'argmax' or 'argmin'");
}

// Hands the memory over to NumPy.
template <class T>
py::array take(PlaneArray<T>& array, std::size_t rows, const std::vector<std::size_t>& row_shape = {}) {
  std::vector<std::size_t> shape{rows};
  shape.insert(shape.end(), row_shape.begin(), row_shape.end());
  T* data = array.data.release();
  const py::capsule owner(data, [](void* p) { delete[] static_cast<T*>(p); });
  return py::array_t<T>(shape, data, owner);
}

py::dict as_dict(PlaneComplex& complex, const Graph<double>& graph) {
  const std::size_t faces = complex.face_ends.size;
  py::dict result;
  result["vertices"] = take(complex.vertices, complex.vertices.size / 2, {2});
  result["edges"] = take(complex.edges, complex.edges.size / 2, {2});
  result["edge_faces"] = take(complex.edge_faces, complex.edges.size / 2, {2});
  result["edge_neurons"] = take(complex.edge_neurons, complex.edge_neurons.size);
  result["face_ends"] = take(complex.face_ends, complex.face_ends.size);
  result["face_corners"] = take(complex.face_corners, complex.face_corners.size);
  result["bits"] = take(complex.bits, faces, {graph.words()});
  result["outputs"] = take(complex.outputs, faces, {graph.output_width(), 3});
  result["classes"] = take(complex.classes, complex.classes.size);
  result["zeros"] = take(complex.zeros, complex.zeros.size);
  result["tolerance"] = complex.tolerance;
  return result;
}

py::list bind_cut_planes(const Network<double>& network, const Array<double>& frames,
                         const Array<double>& polygon, const std::string& outputs, double tolerance,
                         std::size_t max_bytes) {
  const Graph<double>& graph = network.graph();
  if (frames.ndim() != 3 || frames.shape(1) != 3 || size(frames.shape(2)) != graph.input_width())
    refuse_shape("frames", frames, "(planes, 3, " + std::to_string(graph.input_width()) + ")");
  PlaneCall call;
  call.planes = size(frames.shape(0));
  call.frames = frames.data();
  call.corners = rows_of("polygon", polygon, 2);
  if (call.corners < 3) refuse_shape("polygon", polygon, "at least 3 corners");
  call.polygon = polygon.data();
  call.outputs = outputs_of(outputs);
  call.tolerance = tolerance;
  call.max_bytes = max_bytes;
  std::vector<PlaneComplex> complexes;
  {
    const py::gil_scoped_release nogil;
    complexes = cut_planes(network, call);
  }
  py::list results;
  for (PlaneComplex& complex : complexes) results.append(as_dict(complex, graph));
  return results;
}

}  // namespace

void bind_plane(py::module_& module) {
  module.def("cut_planes", &bind_cut_planes, py::arg("network"), py::arg("frames").noconvert(),
             py::arg("polygon").noconvert(), py::arg("outputs"), py::arg("tolerance"), py::arg("max_bytes"));
}

}  // namespace facetry::bindings
