// Directions as tangents: one pass forward with the point's pattern gives the derivative of every neuron
// along them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "base/parallel.hpp"
#include "network/forward_panel.hpp"
#include "network/walls.hpp"

namespace facetry {

void directional_margins(const Network<double>& network, const DirectionCall& call) {
  const Program<double>& program = network.program();
  const Plan64& plan = program.plan();
  const std::size_t inputs = plan.input_width;
  const std::size_t block = std::min(call.directions, program.panel_rows());  // of directions
  const std::size_t blocks = (call.directions + block - 1) / block;
  const std::size_t together = blocks > 1 ? 1 : program.panel_rows() / block;  // points of an item
  const std::size_t items = (call.rows + together - 1) / together * blocks;
  double work = 0;
  for (const Step64& step : plan.steps)
    work += static_cast<double>(step.width) * static_cast<double>(step.input_width);
  const double nanoseconds = work / program.kernels().dense.f64.speed * static_cast<double>(call.rows) *
                             static_cast<double>(call.directions + blocks);

  struct Scratch {
    ForwardPanel<double> points;
    Program<double>::Scratch panel;
    std::vector<double> vectors, derivatives;
    Scratch(const Network<double>& of, std::size_t points_of, std::size_t rows)
        : points(of, points_of),
          panel(of.program().scratch(rows)),
          vectors(rows * of.graph().input_width()),
          derivatives(rows * of.graph().neurons()) {}
  };
  parallel_for(items, nanoseconds, [&]() -> Work {
    auto scratch = std::make_shared<Scratch>(network, together, together * block);
    return [&, scratch](std::size_t item) {
      const std::size_t first = item / blocks * together;
      const std::size_t count = std::min(together, call.rows - first);
      const std::size_t begin = item % blocks * block;
      const std::size_t width = std::min(block, call.directions - begin);
      scratch->points.run(call.x, first, count);
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t own = call.has_own ? (first + i) * call.directions : 0;
        std::copy_n(call.vectors + (own + begin) * inputs, width * inputs,
                    scratch->vectors.data() + i * width * inputs);
      }
      Batch<double> batch;
      batch.rows = count * width;
      batch.x = scratch->vectors.data();
      batch.preactivations = scratch->derivatives.data();
      batch.frozen = scratch->points.bits(0);
      batch.repeat = width;
      batch.is_tangent = true;
      program.run_panel(batch, 0, batch.rows, scratch->panel);
      for (std::size_t row = 0; row < batch.rows; ++row) {
        const double* z = scratch->points.z(row / width);
        const double* dz = scratch->derivatives.data() + row * plan.neurons;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t j = 0; j < plan.neurons; ++j) {
          const double approach = z[j] > 0 ? -dz[j] : dz[j];
          if (approach > 0) least = std::min(least, std::abs(z[j]) / approach);
        }
        call.out[(first + row / width) * call.directions + begin + row % width] = least;
      }
    };
  });
}

}  // namespace facetry
