// Regions in a box, a polytope or all of space.
#include "regions/box.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays.hpp"

namespace facetry::bindings {
namespace {

// A problem points into nothing of the network, so it may outlive it.
class Problem {
 public:
  std::shared_ptr<const BoxProblem> made;
};

template <class T>
Array<T> give(std::vector<T>&& values, py::ssize_t columns = 0) {
  auto* kept = new std::vector<T>(std::move(values));
  const py::capsule owner(kept, [](void* p) { delete static_cast<std::vector<T>*>(p); });
  const auto count = static_cast<py::ssize_t>(kept->size());
  if (columns == 0) return Array<T>({count}, kept->data(), owner);
  return Array<T>({count / columns, columns}, kept->data(), owner);
}

std::vector<double> values(const Array<double>& array) { return {array.data(), array.data() + array.size()}; }

Problem make(const Network<double>& network, const std::optional<Array<double>>& box,
             const Array<double>& rows, const Array<double>& right, bool has_output) {
  const std::size_t inputs = network.graph().input_width();
  if (inputs < 1 || inputs + (box ? 0 : 1) > kBoxMaxDimension)
    throw py::value_error("the network has " + std::to_string(inputs) + " inputs, expected at most 8");
  if (has_output && network.graph().output_width() != 1)
    throw py::value_error("a cut by the output needs one output, the network has " +
                          std::to_string(network.graph().output_width()));
  BoxDomain domain;
  if (box) {
    if (rows_of("box", *box, 2) != inputs) refuse_shape("box", *box, "(inputs, 2)");
    for (std::size_t k = 0; k < inputs; ++k) {
      domain.lo.push_back(box->data()[2 * k]);
      domain.hi.push_back(box->data()[2 * k + 1]);
    }
  }
  if (rows_of("rows", rows, inputs) != size(right.size())) refuse_shape("right", right, "one number a row");
  domain.rows = values(rows);
  domain.right = values(right);
  const py::gil_scoped_release nogil;
  return {std::make_shared<const BoxProblem>(make_box_problem(network, domain, has_output))};
}

py::tuple arrays_of(BoxRegions&& regions, const BoxLayers& layers) {
  const auto count = static_cast<py::ssize_t>(regions.count);
  const auto words = static_cast<py::ssize_t>(layers.words);
  Words bits = words ? give(std::move(regions.bits), words) : Words({count, words});
  return py::make_tuple(bits,
                        give(std::move(regions.witnesses), static_cast<py::ssize_t>(layers.space.inputs)),
                        give(std::move(regions.ends)), give(std::move(regions.facets)));
}

py::tuple take(BoxSearch& search) {
  BoxRegions regions;
  {
    const py::gil_scoped_release nogil;
    regions = search.take();
  }
  return arrays_of(std::move(regions), search.problem().layers);
}

py::list take_pieces(BoxSearch& search) {
  py::list all;
  for (auto& [key, regions] : search.take_pieces())
    all.append(py::make_tuple(key) + arrays_of(std::move(regions), search.problem().layers));
  return all;
}

// Of every neuron, the output's last where there is a cut by it.
std::vector<double> tolerances(const Problem& problem) {
  std::vector<double> all;
  for (const BoxLayer& layer : problem.made->layers.layers)
    all.insert(all.end(), layer.tolerances.data(), layer.tolerances.data() + layer.width);
  return all;
}

py::tuple cells(const Problem& problem, const Words& bits, bool has_faces) {
  const BoxLayers& layers = problem.made->layers;
  const std::size_t count = rows_of("bits", bits, layers.words);
  BoxCells made;
  {
    const py::gil_scoped_release nogil;
    made = box_cells(*problem.made, {bits.data(), size(bits.size())}, count, has_faces);
  }
  return py::make_tuple(give(std::move(made.vertex_ends)),
                        give(std::move(made.vertices), static_cast<py::ssize_t>(layers.dimension())),
                        give(std::move(made.facet_ends)), give(std::move(made.facets)),
                        give(std::move(made.facet_points), static_cast<py::ssize_t>(layers.space.inputs)),
                        give(std::move(made.volumes)),
                        give(std::move(made.face_shares), static_cast<py::ssize_t>(layers.space.inputs) + 1));
}

Array<std::int64_t> neighbors(const Words& bits, const Array<std::int64_t>& ends,
                              const Array<std::int32_t>& facets, const Array<std::uint32_t>& bit_of_neuron) {
  if (bits.ndim() != 2 || bits.shape(0) != ends.size()) refuse_shape("bits", bits, "a row a region");
  if (ends.size() > 0 && ends.data()[ends.size() - 1] != facets.size())
    refuse_shape("facets", facets, "as many as the last of ends");
  for (py::ssize_t i = 0; i < ends.size(); ++i)
    if (ends.data()[i] < (i ? ends.data()[i - 1] : 0)) throw py::value_error("ends must not descend");
  for (py::ssize_t i = 0; i < facets.size(); ++i)
    if (facets.data()[i] < 0 || facets.data()[i] >= bit_of_neuron.size())
      throw py::index_error("facets holds a neuron that there is not");
  for (py::ssize_t i = 0; i < bit_of_neuron.size(); ++i)
    if (bit_of_neuron.data()[i] >= 64 * bits.shape(1)) throw py::index_error("bit_of_neuron is too large");
  Array<std::int64_t> out(facets.size());
  std::int64_t* to = out.mutable_data();
  {
    const py::gil_scoped_release nogil;
    find_neighbors({bits.data(), size(bits.size())}, size(bits.shape(1)), {ends.data(), size(ends.size())},
                   {facets.data(), size(facets.size())}, {bit_of_neuron.data(), size(bit_of_neuron.size())},
                   to);
  }
  return out;
}

std::vector<py::bytes> jobs(const BoxSearch& search) {
  std::vector<py::bytes> all;
  for (const std::string& job : search.jobs()) all.emplace_back(job);
  return all;
}

}  // namespace

void bind_box(py::module_& module) {
  py::class_<Problem>(module, "BoxProblem")
      .def(py::init(&make), py::arg("network"), py::arg("box").noconvert(), py::arg("rows").noconvert(),
           py::arg("right").noconvert(), py::arg("has_output"))
      .def_property_readonly("is_homogeneous",
                             [](const Problem& p) { return p.made->layers.space.is_homogeneous; })
      .def_property_readonly("words", [](const Problem& p) { return p.made->layers.words; })
      .def_property_readonly("tolerances", &tolerances)
      .def("cells", &cells, py::arg("bits").noconvert(), py::arg("has_faces"));
  py::class_<BoxSearch>(module, "BoxSearch")
      .def(py::init([](const Problem& p, bool only_counts) {
             return std::make_unique<BoxSearch>(p.made, only_counts);
           }),
           py::arg("problem"), py::arg("only_counts"))
      .def("run", &BoxSearch::run, py::arg("regions"), py::arg("seconds"),
           py::call_guard<py::gil_scoped_release>())
      .def("take", &take)
      .def("take_pieces", &take_pieces)
      .def("jobs", &jobs)
      .def("set_jobs", &BoxSearch::set_jobs, py::arg("jobs"))
      .def_property_readonly("is_done", &BoxSearch::is_done)
      .def_property_readonly("job_count", &BoxSearch::job_count)
      .def_property_readonly("found", &BoxSearch::found)
      .def_property_readonly("bytes", &BoxSearch::bytes)
      .def_property_readonly("counts", &BoxSearch::counts);
  module.def("box_neighbors", &neighbors, py::arg("bits").noconvert(), py::arg("ends").noconvert(),
             py::arg("facets").noconvert(), py::arg("bit_of_neuron").noconvert());
}

}  // namespace facetry::bindings
