// Jobs as strings of bytes, for another process of the same byte order.
#include <cstring>
#include <stdexcept>

#include "regions/box.hpp"

namespace facetry {
namespace {

class Writer {
 public:
  template <class T>
  void put(const T* values, std::size_t count) {
    const std::uint64_t size = count;
    append(&size, sizeof size);
    append(values, count * sizeof(T));
  }
  template <class T>
  void put(const std::vector<T>& values) {
    put(values.data(), values.size());
  }
  void put(std::uint64_t value) { append(&value, sizeof value); }
  std::string text;

 private:
  void append(const void* from, std::size_t bytes) {
    if (bytes) text.append(static_cast<const char*>(from), bytes);
  }
};

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    read(&value, sizeof value);
    return value;
  }
  template <class T>
  std::vector<T> vector() {
    std::vector<T> values(size(sizeof(T)));
    read(values.data(), values.size() * sizeof(T));
    return values;
  }
  template <class T>
  AlignedArray<T> array(std::size_t spare = 0) {
    const std::size_t count = size(sizeof(T));
    AlignedArray<T> values(count + spare);
    read(values.data(), count * sizeof(T));
    return values;
  }
  bool is_at_end() const { return at_ == text_.size(); }

 private:
  std::size_t size(std::size_t each) {
    const std::uint64_t count = number();
    if (count > (text_.size() - at_) / each) fail();
    return count;
  }
  void read(void* to, std::size_t bytes) {
    if (bytes > text_.size() - at_) fail();
    if (bytes) std::memcpy(to, text_.data() + at_, bytes);
    at_ += bytes;
  }
  [[noreturn]] static void fail() { throw std::invalid_argument("this is no job of such a search"); }

  const std::string& text_;
  std::size_t at_ = 0;
};

std::string write(const BoxJob& job, std::size_t dimension) {
  Writer to;
  to.put(job.key);
  to.put(job.layer);
  to.put(job.is_whole);
  to.put(job.cell.words);
  to.put(job.cell.has_ties);
  to.put(job.cell.x.data(), job.cell.count * dimension);
  to.put(job.cell.masks.data(), job.cell.count * job.cell.words);
  to.put(job.cell.facets);
  to.put(job.bits);
  to.put(job.neurons);
  to.put(job.functions.data(), job.functions.size());
  to.put(job.next.data(), job.next.size());
  return std::move(to.text);
}

// Every size that the walk relies on is checked, so that bytes from elsewhere can be refused.
BoxJob read(const std::string& text, const BoxLayers& layers) {
  Reader from(text);
  BoxJob job;
  const std::size_t rows = layers.dimension() + 1;
  const auto require = [](bool is_right) {
    if (!is_right) throw std::invalid_argument("this is no job of such a search");
  };
  job.key = from.vector<std::uint32_t>();
  job.layer = static_cast<std::uint32_t>(from.number());
  job.is_whole = from.number() != 0;
  job.cell.words = from.number();
  job.cell.has_ties = from.number() != 0;
  job.cell.x = from.array<double>();
  job.cell.count = job.cell.x.size() / layers.dimension();
  require(!job.key.empty() && job.layer <= layers.layers.size() && job.cell.words > 0 && job.cell.count > 0);
  const auto masks = from.vector<std::uint64_t>();
  require(masks.size() == job.cell.count * job.cell.words);
  job.cell.masks = AlignedArray<std::uint64_t>(masks.size() + kBoxLanes * job.cell.words);
  std::memcpy(job.cell.masks.data(), masks.data(), masks.size() * sizeof masks[0]);
  job.cell.facets = from.vector<std::int32_t>();
  job.bits = from.vector<std::uint64_t>();
  job.neurons = from.vector<std::uint32_t>();
  job.functions = from.array<double>();
  job.next = from.array<double>();
  require(from.is_at_end() && job.cell.facets.size() == 64 * job.cell.words &&
          job.bits.size() == layers.words);
  job.cell.find_used();
  if (job.layer == layers.layers.size()) return job;
  const BoxLayer& layer = layers.layers[job.layer];
  if (job.is_whole) {
    require(job.functions.size() == layer.base.size());
    return job;
  }
  require(!job.neurons.empty() && job.functions.size() == round_up(job.neurons.size(), kBoxLanes) * rows);
  for (const std::uint32_t neuron : job.neurons) require(neuron < layer.width);
  if (job.layer + 1 < layers.layers.size())
    require(job.next.size() == layers.layers[job.layer + 1].base.size());
  return job;
}

}  // namespace

std::vector<std::string> BoxSearch::jobs() const {
  std::vector<std::string> all;
  for (const auto& [key, job] : jobs_) all.push_back(write(job, problem_->layers.dimension()));
  return all;
}

void BoxSearch::set_jobs(const std::vector<std::string>& jobs) {
  std::map<Key, BoxJob> read_jobs;
  for (const std::string& text : jobs) {
    BoxJob job = read(text, problem_->layers);
    Key key = job.key;
    read_jobs.emplace(std::move(key), std::move(job));
  }
  jobs_ = std::move(read_jobs);
}

}  // namespace facetry
