#include "cuda/network/emulate.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

namespace facetry::cuda {
namespace {

// What block.cuh has for the device. Copies land when their thread waits for them, no sooner, and the shared
// memory starts as NaN, so that a value used too early shows.
template <class State>
class HostBlock {
 public:
  struct Copy {
    void* to;
    const void* from;
    std::size_t bytes;
  };
  struct Thread {
    int index = 0;
    State state;
    std::vector<Copy> copies;

    template <std::size_t Bytes>
    void copy(void* to, const void* from) {
      copies.push_back({to, from, Bytes});
    }
    void wait() {
      for (const Copy& c : copies) std::memcpy(c.to, c.from, c.bytes);
      copies.clear();
    }
  };

  HostBlock(int threads, std::size_t shared_bytes, bool reversed)
      : threads_(static_cast<std::size_t>(threads)), shared_(shared_bytes / sizeof(Vector<double>)) {
    for (int i = 0; i < threads; ++i) threads_[static_cast<std::size_t>(i)].index = i;
    if (reversed) std::reverse(threads_.begin(), threads_.end());
    std::memset(shared_.data(), 0xff, shared_bytes);
  }

  ~HostBlock() { barrier(); }
  HostBlock(const HostBlock&) = delete;
  HostBlock& operator=(const HostBlock&) = delete;

  // A thread runs all phases up to the next barrier before the next thread begins, so that a barrier that is
  // missing is missed.
  template <class F>
  void each(F&& f) {
    phases_.emplace_back(std::forward<F>(f));
  }
  void barrier() {
    for (Thread& thread : threads_)
      for (const auto& phase : phases_) phase(thread);
    phases_.clear();
  }
  template <class T>
  T* shared() {
    return reinterpret_cast<T*>(shared_.data());
  }

 private:
  std::vector<Thread> threads_;
  std::vector<std::function<void(Thread&)>> phases_;
  std::vector<Vector<double>> shared_;
};

template <class T>
struct HostLauncher {
  bool reversed;

  template <class Tile>
  void dense(std::int64_t blocks, const DenseCall<T>& call) {
    for (std::int64_t i = 0; i < blocks; ++i) {
      HostBlock<Sums<T>> block(Tile::kThreads, Tile::kSharedBytes, reversed);
      dense_block<Tile>(block, call, reversed ? blocks - 1 - i : i);
    }
  }
  void map(std::int64_t items, const MapCall<T>& call) {
    for (std::int64_t i = 0; i < items; ++i) map_thread(call, reversed ? items - 1 - i : i);
  }
  void copy(T* to, const T* from, std::int64_t count) { std::copy_n(from, count, to); }
};

}  // namespace

template <class T>
void emulate(const Packed<T>& packed, const Panel<T>& batch, std::int64_t panel_rows, bool reversed) {
  const std::int64_t buffer_size = panel_rows * packed.stride;
  std::vector<Vector<T>> buffers(packed.plan.buffers * static_cast<std::size_t>(buffer_size) /
                                 Vector<T>::kSize);
  std::vector<Vector<T>> parameters((packed.parameters.size() + Vector<T>::kSize - 1) / Vector<T>::kSize);
  std::copy(packed.parameters.begin(), packed.parameters.end(), parameters.data()->lane);
  for (Vector<T>& v : buffers) std::fill_n(v.lane, Vector<T>::kSize, std::numeric_limits<T>::quiet_NaN());
  HostLauncher<T> launcher{reversed};
  for (std::int64_t begin = 0; begin < batch.rows; begin += panel_rows)
    run_panel(packed, parameters.data()->lane, buffers.data()->lane, buffer_size,
              part(packed.plan, batch, begin, std::min(panel_rows, batch.rows - begin)), launcher);
}

template void emulate(const Packed<float>&, const Panel<float>&, std::int64_t, bool);
template void emulate(const Packed<double>&, const Panel<double>&, std::int64_t, bool);

}  // namespace facetry::cuda
