#include "regions/plane.hpp"

#include <algorithm>

#include <deque>
#include <limits>
#include <new>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/parallel.hpp"
#include "network/program.hpp"
#include "regions/plane_merge.hpp"
#include "regions/plane_ties.hpp"

namespace facetry {
namespace {

// The first lines cut the domain into at least so many cells, if there are as many: the work of the threads.
// Always the same, so that numbers do not depend on the threads.
constexpr std::size_t kTasks = 128;
constexpr double kTurn = 30e6;  // nanoseconds that a task works before Ctrl-C and memory are looked at
constexpr double kTaskNanoseconds = 10e3;
constexpr int kAttempts = 4;  // each with ten times the tolerance of the one before

class PlaneJob {
 public:
  PlaneJob(const Network<double>& network, const PlaneNetwork& layers, const PlaneCall& call,
           std::size_t plane)
      : network_(network), layers_(layers), call_(call), plane_(plane) {
    const double* frame = call.frames + plane * 3 * layers.input_width;
    frame_ = {frame, frame + layers.input_width, frame + 2 * layers.input_width};
    for (std::size_t i = 0; i < call.corners; ++i)
      polygon_.push_back({call.polygon[2 * i], call.polygon[2 * i + 1]});
  }

  // Cuts the trunk and hands its cells out as tasks.
  void start(double tolerance) {
    tolerance_ = tolerance;
    trunk_ = CellWork{};
    tasks_.clear();
    is_inconsistent_ = false;
    cutter_.emplace(layers_, network_.program().kernels(), call_.outputs, tolerances());
    tasks_.reserve(2 * kTasks);  // a line cuts a cell at most once
    try {
      for (const Cell& cell : cut_trunk()) add_task(cell);
    } catch (const InconsistentCut&) {
      is_inconsistent_ = true;
      tasks_.clear();
    }
  }

  std::vector<CellTask>& tasks() { return tasks_; }

  // A task that has not begun takes the thread's scratch, one that is done gives it back.
  void turn(CellTask& task, CellScratch& scratch) {
    if (!task.has_begun) std::swap(task.work.scratch, scratch);
    task.has_begun = true;
    try {
      cutter_->run(task.work, kTurn);
    } catch (const InconsistentCut&) {
      task.is_inconsistent = true;
      task.work.stack.clear();
    }
    if (task.work.stack.empty()) std::swap(task.work.scratch, scratch);
  }

  std::size_t bytes() const {
    return std::transform_reduce(tasks_.begin(), tasks_.end(), trunk_.bytes(), std::plus<>(),
                                 [](const CellTask& task) { return task.work.bytes(); });
  }

  // Puts the tasks together; false where they contradict each other.
  bool finish(PlaneComplex& complex) {
    for (const CellTask& task : tasks_) is_inconsistent_ |= task.is_inconsistent;
    if (is_inconsistent_) return false;
    PlaneMerge merge(trunk_.mesh, tasks_, layers_, call_.outputs);
    try {
      merge.join();
      parallel_for(tasks_.size(), static_cast<double>(bytes()) / 10,
                   [&]() -> Work { return [&](std::size_t task) { merge.write(task); }; });
    } catch (const InconsistentCut&) {
      return false;
    }
    complex = merge.take();
    complex.tolerance = tolerance_;
    complex.zeros = cutter_->zeros();
    if (call_.outputs == PlaneOutputs::kLargest || call_.outputs == PlaneOutputs::kLowest)
      merge_ties(complex, call_.corners);
    trunk_ = CellWork{};
    tasks_.clear();
    return true;
  }

 private:
  // Pre-activations at the corners, between them, halfway to the middle and there.
  std::vector<AlignedArray<double>> tolerances() const {
    std::vector<PlanePoint> samples;
    PlanePoint middle;
    for (const PlanePoint& p : polygon_) {
      middle.x += p.x / static_cast<double>(polygon_.size());
      middle.y += p.y / static_cast<double>(polygon_.size());
    }
    for (std::size_t i = 0; i < polygon_.size(); ++i) {
      const PlanePoint p = polygon_[i], q = polygon_[(i + 1) % polygon_.size()];
      for (const PlanePoint& r : {p, PlanePoint{(p.x + q.x) / 2, (p.y + q.y) / 2}}) {
        samples.push_back(r);
        samples.push_back({(r.x + middle.x) / 2, (r.y + middle.y) / 2});
      }
    }
    samples.push_back(middle);
    std::vector<double> x(samples.size() * layers_.input_width), z(samples.size() * layers_.neurons);
    for (std::size_t s = 0; s < samples.size(); ++s)
      for (std::size_t i = 0; i < layers_.input_width; ++i)
        x[s * layers_.input_width + i] =
            frame_.origin[i] + samples[s].x * frame_.u[i] + samples[s].y * frame_.v[i];
    if (layers_.neurons > 0) {
      Batch<double> batch;
      batch.rows = samples.size();
      batch.x = x.data();
      batch.preactivations = z.data();
      network_.propagate(batch);
    }
    auto scales = layers_.scales(frame_, samples.size(), z.data());
    for (AlignedArray<double>& scale : scales)
      for (std::size_t i = 0; i < scale.size(); ++i) {
        if (!(scale[i] < std::numeric_limits<double>::max()))
          throw std::domain_error("values overflow on plane " + std::to_string(plane_));
        scale[i] *= tolerance_;
      }
    return scales;
  }

  // All cells are cut by a line before any is cut by the next one: then what is left to do on both sides of a
  // seam is the same.
  std::vector<Cell> cut_trunk() {
    std::vector<Cell> cells{cutter_->root(polygon_, frame_, trunk_)};
    while (cells.size() < kTasks) {
      std::uint32_t line = kNoId;
      for (const Cell& cell : cells) line = std::min(line, cutter_->next_line(cell));
      if (line == kNoId) break;
      std::vector<Cell> next;
      for (const Cell& cell : cells) {
        if (cutter_->next_line(cell) != line) {
          next.push_back(cell);
          continue;
        }
        Cell positive = cell;
        Cell negative = cutter_->cut(positive, trunk_);
        for (Cell* part : {&negative, &positive}) {
          cutter_->settle(*part, trunk_);
          next.push_back(*part);
        }
      }
      cells = std::move(next);
    }
    return cells;
  }

  void add_task(Cell cell) {
    CellTask& task = tasks_.emplace_back();
    if (!cell.is_face) task.work.reserve(layers_.words, layers_.output_width);
    const Polygon outline = cell.polygon;
    const auto size = static_cast<std::uint32_t>(outline.size);
    cell.polygon.corners = trunk_.scratch.arena.take<PlaneCorner>(size);
    for (std::uint32_t i = 0; i < size; ++i) {
      const PlaneCorner& corner = outline.corners[i];
      const std::uint32_t next = (i + 1) % size, reversed = corner.edge % 2;
      task.trunk_vertices.push_back(corner.vertex);
      task.trunk_edges.push_back(corner.edge);
      task.work.mesh.add_vertex(corner.x, corner.y);
      const std::uint32_t edge = task.work.mesh.add_edge(reversed ? next : i, reversed ? i : next,
                                                         trunk_.mesh.edges[corner.edge / 2].line);
      cell.polygon.corners[i] = {corner.x, corner.y, i, 2 * edge + reversed};
    }
    cell.mark = {};
    task.work.stack.push_back(cell);
  }

  const Network<double>& network_;
  const PlaneNetwork& layers_;
  const PlaneCall& call_;
  const std::size_t plane_;
  PlaneFrame frame_;
  std::vector<PlanePoint> polygon_;
  double tolerance_ = 0;
  std::optional<CellCutter> cutter_;
  CellWork trunk_;
  std::vector<CellTask> tasks_;
  bool is_inconsistent_ = false;
};

// Turns of all tasks of all planes until none has work left.
void run_tasks(std::deque<PlaneJob>& jobs, std::size_t max_bytes) {
  for (;;) {
    std::vector<std::pair<PlaneJob*, CellTask*>> open;
    std::size_t bytes = 0;
    double cells = 0;
    for (PlaneJob& job : jobs) {
      bytes += job.bytes();
      for (CellTask& task : job.tasks()) {
        if (task.work.stack.empty()) continue;
        open.emplace_back(&job, &task);
        cells += task.work.stack.front().is_face ? 0.01 : 1;
      }
    }
    if (bytes > max_bytes) throw std::bad_alloc();
    if (open.empty()) return;
    parallel_for(open.size(), cells * kTaskNanoseconds, [&]() -> Work {
      auto scratch = std::make_shared<CellScratch>();
      return [&, scratch](std::size_t i) { open[i].first->turn(*open[i].second, *scratch); };
    });
  }
}

}  // namespace

std::vector<PlaneComplex> cut_planes(const Network<double>& network, const PlaneCall& call) {
  const PlaneNetwork layers(network);
  std::vector<PlaneComplex> complexes(call.planes);
  std::vector<std::size_t> open(call.planes);
  std::iota(open.begin(), open.end(), std::size_t{0});
  double tolerance = call.tolerance;
  for (int attempt = 0; attempt < kAttempts && !open.empty(); ++attempt, tolerance *= 10) {
    std::deque<PlaneJob> jobs;
    for (const std::size_t plane : open) jobs.emplace_back(network, layers, call, plane);
    parallel_for(jobs.size(), 100e3 * static_cast<double>(jobs.size()),
                 [&]() -> Work { return [&](std::size_t i) { jobs[i].start(tolerance); }; });
    run_tasks(jobs, call.max_bytes);
    std::vector<std::uint8_t> is_done(jobs.size(), 0);
    parallel_for(jobs.size(), 100e3 * static_cast<double>(jobs.size()), [&]() -> Work {
      return [&](std::size_t i) { is_done[i] = jobs[i].finish(complexes[open[i]]); };
    });
    std::vector<std::size_t> again;
    for (std::size_t i = 0; i < open.size(); ++i)
      if (!is_done[i]) again.push_back(open[i]);
    open = std::move(again);
  }
  if (!open.empty())
    throw std::domain_error("the faces of plane " + std::to_string(open.front()) +
                            " contradict each other at every tolerance up to " +
                            std::to_string(tolerance / 10));
  return complexes;
}

}  // namespace facetry
