// A block of threads on the host: what block.cuh has for the device. Copies land when their thread waits for
// them, no sooner, and shared memory starts as NaN, so that a value used too early shows.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "cuda/arithmetic.hpp"

namespace facetry::cuda {

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

  // With `reversed`, the threads run from the last to the first.
  HostBlock(int threads, std::size_t shared_bytes, bool reversed)
      : threads_(static_cast<std::size_t>(threads)), shared_(shared_bytes / sizeof(Vector<double>) + 1) {
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

}  // namespace facetry::cuda
