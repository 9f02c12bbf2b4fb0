#include "regions/plane_layers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "network/program.hpp"

namespace facetry {
namespace {

using Kind = PlanStep<double>::Kind;

// A neuron that no sample finds active counts with this part of what it could be.
constexpr double kUnseen = 1.0 / 64;

double* at(double* functions, std::size_t i) {
  return functions + i / kPlaneLanes * kPlaneBlock + i % kPlaneLanes;
}
const double* at(const double* functions, std::size_t i) { return at(const_cast<double*>(functions), i); }

void pack(PlaneLink& link) {
  if (link.steps.size() != 1 || link.steps[0]->kind != Kind::kDense) return;
  const PlanStep<double>& step = *link.steps[0];
  const std::size_t stride = link.blocks * kPlaneLanes;
  link.weights = AlignedArray<double>(link.inputs * stride);
  for (std::size_t j = 0; j < link.outputs; ++j)
    for (std::size_t k = 0; k < link.inputs; ++k)
      link.weights[k * stride + j] = step.weight[j * link.inputs + k];
  link.bias = AlignedArray<double>(std::max<std::size_t>(link.blocks, 1) * kPlaneBlock);
  for (std::size_t j = 0; j < link.outputs; ++j) at(link.bias.data(), j)[2 * kPlaneLanes] = step.bias[j];
}

double largest_sum(const double* weights, const double* magnitudes, std::size_t size, double start) {
  double sums[4] = {start, 0, 0, 0};
  for (std::size_t k = 0; k < size; ++k) sums[k % 4] += std::abs(weights[k]) * magnitudes[k];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Magnitudes of a link's inputs to those of its outputs.
std::vector<double> magnitudes_after(const PlaneLink& link, std::vector<double> magnitudes) {
  for (const PlanStep<double>* step : link.steps) {
    std::vector<double> next(step->width);
    for (std::size_t j = 0; j < step->width; ++j)
      next[j] = step->kind == Kind::kDense
                    ? largest_sum(step->weight + j * step->input_width, magnitudes.data(), step->input_width,
                                  std::abs(step->bias[j]))
                    : std::abs(step->weight[j]) * magnitudes[j] + std::abs(step->bias[j]);
    magnitudes = std::move(next);
  }
  return magnitudes;
}

}  // namespace

PlaneNetwork::PlaneNetwork(const Network<double>& network)
    : family_(network.program().kernels().gradients.of<double>()) {
  const Plan<double>& plan = network.program().plan();
  input_width = plan.input_width;
  output_width = plan.output_width;
  neurons = plan.neurons;
  words = plan.words;
  widest_ = std::max(plan.widest, input_width);
  PlaneLink link;
  link.inputs = input_width;
  const auto finish = [&](std::size_t outputs) {
    link.outputs = outputs;
    link.blocks = (outputs + kPlaneLanes - 1) / kPlaneLanes;
    if (!layers.empty()) pack(link);
    links.push_back(std::move(link));
    link = PlaneLink{};
    link.inputs = outputs;
  };
  for (const PlanStep<double>& step : plan.steps) {
    if (step.kind != Kind::kActivation) link.steps.push_back(&step);
    if (step.layer == PlanStep<double>::kNone) continue;
    finish(step.width);
    layers.push_back({step.width, links.back().blocks, step.first_neuron, step.first_word, step.slopes});
  }
  finish(output_width);
}

PlaneNetwork::Rows& PlaneNetwork::prepare(Rows& rows) const {
  if (rows.all.empty()) {
    rows.now = AlignedArray<double>(widest_ * family_.columns);
    rows.next = AlignedArray<double>(widest_ * family_.columns);
    rows.all.resize(widest_);
    std::iota(rows.all.begin(), rows.all.end(), 0u);
  }
  return rows;
}

void PlaneNetwork::enter(const PlaneFrame& frame, Rows& rows, double* functions) const {
  prepare(rows);
  for (std::size_t i = 0; i < input_width; ++i) {
    double* row = rows.now.data() + i * family_.columns;
    row[0] = frame.u[i];
    row[1] = frame.v[i];
    row[2] = frame.origin[i];
  }
  run(links.front(), rows, functions);
}

void PlaneNetwork::follow(std::size_t layer, const double* functions, const std::uint64_t* bits, Rows& rows,
                          double* next) const {
  prepare(rows);
  const PlaneLayer& neurons_of = layers[layer];
  for (std::size_t i = 0; i < neurons_of.width; ++i) {
    const bool is_active = (bits[neurons_of.first_word + i / 64] >> (i % 64)) & 1;
    const double factor = is_active ? 1 : neurons_of.slope(i);
    for (std::size_t k = 0; k < 3; ++k)
      rows.now[i * family_.columns + k] = factor * at(functions, i)[k * kPlaneLanes];
  }
  run(links[layer + 1], rows, next);
}

// The functions in rows.now through the steps of a link. A new kind of affine step is one more case here.
void PlaneNetwork::run(const PlaneLink& link, Rows& rows, double* functions) const {
  const std::size_t columns = family_.columns;
  for (const PlanStep<double>* step : link.steps) {
    if (step->kind == Kind::kDense) {
      family_.sweep({step->width, columns, step->weight, step->input_width, rows.all.data(),
                     step->input_width, rows.now.data(), columns, rows.next.data(), columns});
      std::swap(rows.now, rows.next);
    } else {
      for (std::size_t i = 0; i < step->width; ++i)
        for (std::size_t k = 0; k < 3; ++k) rows.now[i * columns + k] *= step->weight[i];
    }
    for (std::size_t i = 0; i < step->width; ++i) rows.now[i * columns + 2] += step->bias[i];
  }
  std::fill_n(functions, link.blocks * kPlaneBlock, 0.0);
  for (std::size_t i = 0; i < link.outputs; ++i)
    for (std::size_t k = 0; k < 3; ++k) at(functions, i)[k * kPlaneLanes] = rows.now[i * columns + k];
}

std::vector<AlignedArray<double>> PlaneNetwork::scales(const PlaneFrame& frame, std::size_t points,
                                                       const double* values) const {
  std::vector<double> magnitudes(input_width);
  for (std::size_t i = 0; i < input_width; ++i)
    magnitudes[i] = std::abs(frame.origin[i]) + std::abs(frame.u[i]) + std::abs(frame.v[i]);
  std::vector<AlignedArray<double>> scales;
  for (std::size_t s = 0; s < links.size(); ++s) {
    magnitudes = magnitudes_after(links[s], std::move(magnitudes));
    scales.emplace_back(links[s].blocks * kPlaneLanes);
    std::copy(magnitudes.begin(), magnitudes.end(), scales.back().data());
    if (s == layers.size()) break;
    const PlaneLayer& layer = layers[s];
    for (std::size_t i = 0; i < layer.width; ++i) {
      double largest = magnitudes[i] * kUnseen;
      for (std::size_t p = 0; p < points; ++p) {
        const double z = values[p * neurons + layer.first_neuron + i];
        largest = std::max(largest, std::abs(z > 0 ? z : layer.slope(i) * z));
      }
      magnitudes[i] = largest;
    }
  }
  return scales;
}

}  // namespace facetry
