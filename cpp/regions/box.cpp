#include "regions/box.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <mutex>
#include <utility>

#include "base/parallel.hpp"
#include "regions/box_geometry.hpp"

namespace facetry {
namespace {

// Until there are that many jobs they are short, then long enough to forget what a job costs.
constexpr std::size_t kFewJobs = 16;
constexpr std::size_t kJobsOfRound = 64;
constexpr double kShortJob = 1e5, kLongJob = 4e6;  // nanoseconds

class Collector : public BoxSink {
 public:
  Collector(const BoxLayers& layers, BoxRegions& regions) : layers_(layers), regions_(regions) {}

  void take(const BoxCell& cell, const std::uint64_t* bits) override {
    ++regions_.count;
    regions_.bits.insert(regions_.bits.end(), bits, bits + layers_.words);
    const std::size_t at = regions_.witnesses.size();
    regions_.witnesses.resize(at + layers_.space.inputs);
    center_of(layers_.space, cell, ~std::size_t{0}, regions_.witnesses.data() + at);
    for (std::size_t w = 0; w < cell.words; ++w)
      for (std::uint64_t rest = cell.used[w]; rest; rest &= rest - 1) {
        const std::size_t bit = 64 * w + static_cast<std::size_t>(std::countr_zero(rest));
        if (cell.facets[bit] < 0 || (cell.has_ties && !is_facet(layers_.space, cell, bit))) continue;
        regions_.facets.push_back(cell.facets[bit]);
      }
    regions_.ends.push_back(static_cast<std::int64_t>(regions_.facets.size()));
  }

 private:
  const BoxLayers& layers_;
  BoxRegions& regions_;
};

std::size_t bytes_of(const BoxRegions& r) {
  return 8 * (r.bits.size() + r.witnesses.size() + r.ends.size()) + 4 * r.facets.size();
}

}  // namespace

void BoxRegions::append(const BoxRegions& other) {
  const auto shift = static_cast<std::int64_t>(facets.size());
  count += other.count;
  bits.insert(bits.end(), other.bits.begin(), other.bits.end());
  witnesses.insert(witnesses.end(), other.witnesses.begin(), other.witnesses.end());
  facets.insert(facets.end(), other.facets.begin(), other.facets.end());
  for (const std::int64_t end : other.ends) ends.push_back(end + shift);
}

BoxSearch::BoxSearch(std::shared_ptr<const BoxProblem> problem, bool only_counts)
    : problem_(std::move(problem)), only_counts_(only_counts), counts_(problem_->layers.layers.size() + 1) {
  for (const BoxJob& root : problem_->roots) {
    BoxJob job;
    job.key = root.key;
    job.cell.copy(root.cell, problem_->layers.dimension());
    job.bits = root.bits;
    job.functions = AlignedArray<double>(root.functions.size());
    std::copy_n(root.functions.data(), root.functions.size(), job.functions.data());
    jobs_.emplace(root.key, std::move(job));
  }
}

void BoxSearch::run(std::uint64_t regions, double seconds) {
  const auto start = std::chrono::steady_clock::now();
  while (!jobs_.empty() && found() < regions) {
    round();
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() >= seconds) break;
  }
}

void BoxSearch::round() {
  const double budget = jobs_.size() < kFewJobs ? kShortJob : kLongJob;
  struct Item {
    BoxJob job;
    std::vector<BoxJob> rest;
    BoxRegions regions;
  };
  std::vector<Item> items(std::min(jobs_.size(), kJobsOfRound));
  for (Item& item : items) item.job = std::move(jobs_.extract(jobs_.begin()).mapped());
  std::mutex mutex;
  std::vector<std::uint64_t> counts(counts_.size());
  const BoxLayers& layers = problem_->layers;
  parallel_for(items.size(), budget * static_cast<double>(items.size()), [&]() -> Work {
    return [&](std::size_t i) {
      Item& item = items[i];
      Collector collector(layers, item.regions);
      BoxWalk walk(layers, only_counts_ ? nullptr : &collector);
      walk.run(item.job, budget, item.rest);
      const std::lock_guard lock(mutex);
      for (std::size_t l = 0; l < counts.size(); ++l) counts[l] += walk.counts()[l];
    };
  });
  for (std::size_t l = 0; l < counts.size(); ++l) counts_[l] += counts[l];
  for (Item& item : items) {
    Key key = item.job.key;
    key.push_back(0);
    for (BoxJob& job : item.rest) {
      ++key.back();
      job.key = key;
      jobs_.emplace(key, std::move(job));
    }
    if (item.regions.count == 0) continue;
    key.back() = 0;
    bytes_ += bytes_of(item.regions);
    regions_.emplace(key, std::move(item.regions));
  }
}

std::map<BoxSearch::Key, BoxRegions> BoxSearch::take_pieces() {
  bytes_ = 0;
  return std::exchange(regions_, {});
}

BoxRegions BoxSearch::take() {
  BoxRegions all;
  if (regions_.size() == 1) {
    all = std::move(regions_.begin()->second);
  } else {
    std::size_t rows = 0, facets = 0;
    for (const auto& [key, regions] : regions_) rows += regions.count, facets += regions.facets.size();
    all.bits.reserve(rows * problem_->layers.words);
    all.witnesses.reserve(rows * problem_->layers.space.inputs);
    all.ends.reserve(rows);
    all.facets.reserve(facets);
    for (auto& [key, regions] : regions_) {
      all.append(regions);
      regions = BoxRegions{};
    }
  }
  regions_.clear();
  bytes_ = 0;
  return all;
}

}  // namespace facetry
