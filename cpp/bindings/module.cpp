// The table of contents of facetry._core. The public, documented API is the Python package.
#include "bindings/arrays.hpp"

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
  facetry::bindings::bind_device(module);
  facetry::bindings::bind_network(module);
  facetry::bindings::bind_margins(module);
  facetry::bindings::bind_gradients(module);
  facetry::bindings::bind_slopes(module);
  facetry::bindings::bind_patterns(module);
  facetry::bindings::bind_box(module);
  facetry::bindings::bind_points(module);
  facetry::bindings::bind_plane(module);
  facetry::bindings::bind_polytope(module);
  facetry::bindings::bind_polytope_vertices(module);
  facetry::bindings::bind_roll(module);
  facetry::bindings::bind_segment(module);
  facetry::bindings::bind_cuda(module);
  facetry::bindings::bind_cuda_points(module);
}
