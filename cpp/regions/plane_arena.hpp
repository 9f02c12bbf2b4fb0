// Memory of a depth-first walk: taken piece by piece, given back down to a mark. Not zeroed, and never moved.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "base/aligned.hpp"

namespace facetry {

class Arena {
 public:
  struct Mark {
    std::size_t chunk = 0, used = 0;
  };

  template <class T>
  T* take(std::size_t count) {
    static_assert(std::is_trivial_v<T>);
    const std::size_t bytes = round_up(count * sizeof(T), kCacheLine);
    if (chunks_.empty() || at_.used + bytes > chunks_[at_.chunk].size) advance(bytes);
    std::byte* place = chunks_[at_.chunk].data.get() + at_.used;
    at_.used += bytes;
    return new (place) T[count];
  }

  Mark mark() const { return at_; }
  void rewind(Mark mark) { at_ = mark; }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t{kCacheLine}); }
  };
  struct Chunk {
    std::unique_ptr<std::byte, Free> data;
    std::size_t size = 0;
  };
  static constexpr std::size_t kFirstBytes = 16 * 1024;

  // Goes to the next chunk with room for so many bytes. Those past the present one are all free.
  void advance(std::size_t bytes) {
    std::size_t next = chunks_.empty() ? 0 : at_.chunk + 1;
    while (next < chunks_.size() && chunks_[next].size < bytes) ++next;
    if (next == chunks_.size()) {
      const std::size_t size = std::max({kFirstBytes, bytes_, bytes});
      auto* data = static_cast<std::byte*>(::operator new(size, std::align_val_t{kCacheLine}));
      chunks_.push_back({std::unique_ptr<std::byte, Free>(data), size});
      bytes_ += size;
    }
    at_ = {next, 0};
  }

  std::vector<Chunk> chunks_;
  Mark at_;
  std::size_t bytes_ = 0;
};

}  // namespace facetry
