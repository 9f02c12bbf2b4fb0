#include "regions/box_layers.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include "network/program.hpp"

namespace facetry {
namespace {

using Kind = PlanStep<double>::Kind;

constexpr double kRelativeTolerance = 1e-13;
constexpr std::size_t kSamples = 256;
// Sampled activations are counted twice as large, and those never seen active as this part of what they could
// be.
constexpr double kUnseen = 1.0 / 64;

BoxLink identity(std::size_t width) {
  BoxLink link{width, width, std::vector<double>(width * width), std::vector<double>(width)};
  for (std::size_t i = 0; i < width; ++i) link.matrix[i * width + i] = 1;
  return link;
}

// A new kind of affine step is one more case here.
void follow(BoxLink& link, const PlanStep<double>& step) {
  if (step.kind == Kind::kScale) {
    for (std::size_t j = 0; j < step.width; ++j) {
      for (std::size_t i = 0; i < link.inputs; ++i) link.matrix[j * link.inputs + i] *= step.weight[j];
      link.shift[j] = std::fma(step.weight[j], link.shift[j], step.bias[j]);
    }
    return;
  }
  BoxLink next{link.inputs, step.width, std::vector<double>(step.width * link.inputs),
               std::vector<double>(step.bias, step.bias + step.width)};
  for (std::size_t j = 0; j < step.width; ++j)
    for (std::size_t k = 0; k < step.input_width; ++k) {
      const double weight = step.weight[j * step.input_width + k];
      next.shift[j] = std::fma(weight, link.shift[k], next.shift[j]);
      const double* from = link.matrix.data() + k * link.inputs;
      double* to = next.matrix.data() + j * link.inputs;
      for (std::size_t i = 0; i < link.inputs; ++i) to[i] = std::fma(weight, from[i], to[i]);
    }
  link = std::move(next);
}

// Values of a link at the activations of a sample, and the largest sums of absolute terms.
struct Magnitudes {
  std::vector<std::vector<double>> samples;  // activations
  std::vector<double> constant;              // what the shift is multiplied by at each sample
  std::vector<double> largest;               // activations
  std::vector<double> scales;                // of the layer's values

  void follow(const BoxLink& link, const std::vector<double>& slopes);
};

void Magnitudes::follow(const BoxLink& link, const std::vector<double>& slopes) {
  scales.assign(link.outputs, 0);
  for (std::size_t j = 0; j < link.outputs; ++j) {
    scales[j] = std::abs(link.shift[j]);
    for (std::size_t i = 0; i < link.inputs; ++i)
      scales[j] += std::abs(link.matrix[j * link.inputs + i]) * largest[i];
    if (!std::isfinite(scales[j])) throw std::domain_error("pre-activations overflow on the domain");
  }
  largest.assign(link.outputs, 0);
  for (std::size_t s = 0; s < samples.size(); ++s) {
    std::vector<double> next(link.outputs);
    for (std::size_t j = 0; j < link.outputs; ++j) {
      double z = link.shift[j] * constant[s];
      for (std::size_t i = 0; i < link.inputs; ++i) z += link.matrix[j * link.inputs + i] * samples[s][i];
      next[j] = z > 0 ? z : slopes[j] * z;
      largest[j] = std::max(largest[j], 2 * std::abs(next[j]));
    }
    samples[s] = std::move(next);
  }
  for (std::size_t j = 0; j < link.outputs; ++j)
    largest[j] = std::max(largest[j], kUnseen * scales[j] * std::max(1.0, std::abs(slopes[j])));
}

Magnitudes sample(const BoxSpace& space) {
  std::mt19937_64 random(1);
  Magnitudes magnitudes;
  magnitudes.largest = space.extent;
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  for (std::size_t s = 0; s < kSamples; ++s) {
    std::vector<double> point(space.inputs);
    const bool is_corner = s % 4 == 0;
    for (std::size_t i = 0; i < space.inputs; ++i) {
      const double u = 2 * uniform() - 1;
      point[i] = space.extent[i] * (is_corner ? std::copysign(1.0, u) : u);
    }
    magnitudes.samples.push_back(std::move(point));
    magnitudes.constant.push_back(space.is_homogeneous ? (is_corner ? 0.0 : uniform()) : 1.0);
  }
  return magnitudes;
}

}  // namespace

std::vector<BoxLink> box_links(const Network<double>& network) {
  const Plan<double>& plan = network.program().plan();
  std::vector<BoxLink> links;
  BoxLink link = identity(plan.input_width);
  for (const PlanStep<double>& step : plan.steps) {
    if (step.kind != Kind::kActivation) follow(link, step);
    if (step.layer == PlanStep<double>::kNone) continue;
    links.push_back(std::move(link));
    link = identity(step.width);
  }
  links.push_back(std::move(link));
  return links;
}

BoxLayers make_box_layers(const Network<double>& network, const std::vector<BoxLink>& links, BoxSpace space,
                          bool has_output) {
  const Plan<double>& plan = network.program().plan();
  BoxLayers made;
  made.kernels = &network.program().kernels().boxes.of[space.dimension()];
  made.words = plan.words + (has_output ? 1 : 0);
  Magnitudes magnitudes = sample(space);
  const std::size_t rows = space.dimension() + 1;
  const auto add = [&](std::size_t first_neuron, std::size_t first_word, std::vector<double> slopes) {
    const BoxLink& link = links[made.layers.size()];
    magnitudes.follow(link, slopes);
    BoxLayer layer;
    layer.width = link.outputs;
    layer.blocks = (layer.width + kBoxLanes - 1) / kBoxLanes;
    layer.first_neuron = first_neuron;
    layer.first_word = first_word;
    layer.slopes = std::move(slopes);
    layer.tolerances = AlignedArray<double>(layer.blocks * kBoxLanes);
    layer.base = AlignedArray<double>(layer.blocks * kBoxLanes * rows);
    const std::size_t stride = layer.blocks * kBoxLanes;
    layer.weights = AlignedArray<double>(link.inputs * stride);
    for (std::size_t j = 0; j < layer.width; ++j) {
      layer.tolerances[j] = kRelativeTolerance * magnitudes.scales[j];
      double* function = layer.base.data() + j / kBoxLanes * rows * kBoxLanes + j % kBoxLanes;
      function[space.inputs * kBoxLanes] = link.shift[j];
      for (std::size_t i = 0; i < link.inputs; ++i) {
        layer.weights[i * stride + j] = link.matrix[j * link.inputs + i];
        if (made.layers.empty()) function[i * kBoxLanes] = link.matrix[j * link.inputs + i];
      }
    }
    made.layers.push_back(std::move(layer));
  };
  for (const PlanStep<double>& step : plan.steps) {
    if (step.layer == PlanStep<double>::kNone) continue;
    std::vector<double> slopes(step.width);
    if (step.slopes) slopes.assign(step.slopes, step.slopes + step.width);
    add(step.first_neuron, step.first_word, std::move(slopes));
  }
  if (has_output) add(plan.neurons, plan.words, {0});
  made.space = std::move(space);
  return made;
}

}  // namespace facetry
