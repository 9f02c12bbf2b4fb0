// Training losses, once for float32 and once for float64.
#include "network/roll.hpp"

#include <pybind11/stl.h>

#include <optional>

#include "bindings/arrays.hpp"

namespace facetry::bindings {
namespace {

// The layers of a network whose weights stay the caller's; they are read while a RollPass is made.
template <class T>
struct Layers {
  std::vector<AffineLayer<T>> layers;
  std::vector<Array<T>> arrays;

  const T* hold(const char* name, const Array<T>& array, std::size_t expected) {
    if (size(array.size()) != expected) refuse_shape(name, array, "(" + std::to_string(expected) + ",)");
    arrays.push_back(array);
    return array.data();
  }

  AffineLayer<T>& append(const std::string& name, const Array<T>& weight,
                         const std::optional<Array<T>>& bias) {
    AffineLayer<T> layer;
    layer.name = name;
    if (weight.ndim() != 2) refuse_shape("weight", weight, "(width, inputs)");
    layer.width = size(weight.shape(0));
    layer.inputs = size(weight.shape(1));
    if (!layers.empty() && layers.back().width != layer.inputs)
      refuse_shape("weight", weight, "(width, " + std::to_string(layers.back().width) + ")");
    layer.weight = weight.data();
    arrays.push_back(weight);
    if (bias) layer.bias = hold("bias", *bias, layer.width);
    return layers.emplace_back(layer);
  }
};

template <class T>
T* output(const char* name, std::optional<Array<T>>& array, std::size_t rows, std::size_t columns) {
  if (!array) return nullptr;
  require_output(name, *array, rows, columns);
  return array->mutable_data();
}

template <class T>
void backward(RollPass<T>& pass, T factor, const std::optional<Array<T>>& outputs,
              std::vector<std::optional<Array<T>>> weights, std::vector<std::optional<Array<T>>> biases,
              std::optional<Array<T>> x) {
  const RowPass<T>& rows = pass.rows();
  LossGradients<T> gradients;
  if (weights.size() != rows.depth() || biases.size() != rows.depth())
    throw std::invalid_argument("expected one gradient of a weight and of a bias a layer");
  for (std::size_t l = 0; l < rows.depth(); ++l) {
    const auto& layer = rows.layer(l);
    gradients.weights.push_back(output("weight", weights[l], layer.width, layer.inputs));
    gradients.biases.push_back(output("bias", biases[l], 1, layer.width));
  }
  gradients.x = output("x", x, rows.points(), rows.inputs());
  if (outputs && rows_of("outputs", *outputs, rows.layer(rows.depth() - 1).width) != rows.points())
    refuse_shape("outputs", *outputs, "one row a point");
  const T* cotangents = outputs ? outputs->data() : nullptr;
  const py::gil_scoped_release nogil;
  pass.backward(factor, cotangents, gradients);
}

template <class T>
double roll(RollPass<T>& pass, bool is_margin, double hinge, std::size_t kept, std::vector<std::size_t> axes,
            bool by_gram, bool has_gradient) {
  for (const std::size_t axis : axes)
    if (axis >= pass.rows().inputs()) throw std::invalid_argument("axis " + std::to_string(axis));
  RollOptions options{.is_margin = is_margin,
                      .hinge = hinge,
                      .kept = kept,
                      .axes = std::move(axes),
                      .by_gram = by_gram,
                      .has_gradient = has_gradient};
  const py::gil_scoped_release nogil;
  return pass.roll(options);
}

template <class T>
double slope(RollPass<T>& pass, std::size_t iterations, Array<T> directions, Array<T> slopes,
             Array<T> residuals) {
  const std::size_t points = pass.rows().points();
  require_output("directions", directions, points, pass.rows().inputs());
  require_output("slopes", slopes, 1, points);
  require_output("residuals", residuals, 1, points);
  T* const to[] = {directions.mutable_data(), slopes.mutable_data(), residuals.mutable_data()};
  const py::gil_scoped_release nogil;
  return pass.slope(iterations, to[0], to[1], to[2]);
}

template <class T>
void bind_roll_of(py::module_& module, const std::string& bits) {
  py::class_<Layers<T>>(module, ("RollLayers" + bits).c_str())
      .def(py::init<>())
      .def(
          "affine",
          [](Layers<T>& self, const std::string& name, const Array<T>& weight,
             const std::optional<Array<T>>& bias) { self.append(name, weight, bias); },
          py::arg("name"), py::arg("weight").noconvert(), py::arg("bias").noconvert())
      .def(
          "slopes",
          [](Layers<T>& self, const std::optional<Array<T>>& slopes) {
            AffineLayer<T>& layer = self.layers.at(self.layers.size() - 1);
            layer.kink = Kink::kSlopes;
            if (slopes) layer.slopes = self.hold("slopes", *slopes, layer.width);
          },
          py::arg("slopes").noconvert())
      .def(
          "clip",
          [](Layers<T>& self, T low, T high) {
            AffineLayer<T>& layer = self.layers.at(self.layers.size() - 1);
            layer.kink = Kink::kClip;
            layer.low = low;
            layer.high = high;
          },
          py::arg("low"), py::arg("high"));
  py::class_<RollPass<T>>(module, ("RollPass" + bits).c_str())
      .def(py::init([](const Layers<T>& layers, const Array<T>& x) {
             if (layers.layers.empty()) throw std::invalid_argument("no layers");
             const std::size_t points = rows_of("x", x, layers.layers.front().inputs);
             const T* data = x.data();
             const py::gil_scoped_release nogil;
             return std::make_unique<RollPass<T>>(layers.layers, data, points);
           }),
           py::arg("layers"), py::arg("x").noconvert())
      .def_property_readonly("neurons", &RollPass<T>::neurons)
      .def(
          "outputs",
          [](const RollPass<T>& pass, Array<T> to) {
            const RowPass<T>& rows = pass.rows();
            require_output("out", to, rows.points(), rows.layer(rows.depth() - 1).width);
            pass.outputs(to.mutable_data());
          },
          py::arg("out").noconvert())
      .def("roll", &roll<T>, py::kw_only(), py::arg("is_margin"), py::arg("hinge"), py::arg("kept"),
           py::arg("axes"), py::arg("by_gram"), py::arg("has_gradient"))
      .def("slope", &slope<T>, py::arg("iterations"), py::arg("directions").noconvert(),
           py::arg("slopes").noconvert(), py::arg("residuals").noconvert())
      .def("backward", &backward<T>, py::arg("factor"), py::arg("outputs").noconvert(), py::arg("weights"),
           py::arg("biases"), py::arg("x").noconvert());
}

}  // namespace

void bind_roll(py::module_& module) {
  bind_roll_of<float>(module, "32");
  bind_roll_of<double>(module, "64");
}

}  // namespace facetry::bindings
