#include "cuda/network/emulate.hpp"

#include <algorithm>
#include <limits>

#include "cuda/host_block.hpp"

namespace facetry::cuda {
namespace {

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
  void fused(const FusedCall<T>& call) {
    using Tile = FusedTile<T>;
    if (call.count == 0) return;
    for (std::int64_t i = 0; i * Tile::kRows < call.rows; ++i) {
      HostBlock<Sums<T>> block(Tile::kThreads, static_cast<std::size_t>(Tile::shared_bytes(call.words)),
                               reversed);
      fused_block(block, call, i);
    }
  }
  void map(std::int64_t items, const MapCall<T>& call) {
    for (std::int64_t i = 0; i < items; ++i) map_thread(call, reversed ? items - 1 - i : i);
  }
  void copy(T* to, const T* from, std::int64_t count) { std::copy_n(from, count, to); }
};

}  // namespace

template <class T>
void emulate(const Packed<T>& packed, const Panel<T>& batch, std::int64_t panel_rows, bool fuse,
             bool reversed) {
  const auto buffer_size = static_cast<std::size_t>(std::min(panel_rows, batch.rows) * packed.stride);
  std::vector<Vector<T>> buffers(packed.plan.buffers * buffer_size / Vector<T>::kSize + 1);
  std::vector<Vector<T>> parameters(packed.parameters.size() / Vector<T>::kSize + 1);
  std::copy(packed.parameters.begin(), packed.parameters.end(), parameters.data()->lane);
  for (Vector<T>& v : buffers) std::fill_n(v.lane, Vector<T>::kSize, std::numeric_limits<T>::quiet_NaN());
  HostLauncher<T> launcher{reversed};
  for (std::int64_t begin = 0; begin < batch.rows; begin += panel_rows) {
    const Panel<T> panel = part(packed.plan, batch, begin, std::min(panel_rows, batch.rows - begin));
    if (fuse && packed.is_narrow)
      launcher.fused(fused_call(packed, parameters.data()->lane, panel));
    else
      run_panel(packed, parameters.data()->lane, buffers.data()->lane, buffer_size, panel, launcher);
  }
}

template void emulate(const Packed<float>&, const Panel<float>&, std::int64_t, bool, bool);
template void emulate(const Packed<double>&, const Panel<double>&, std::int64_t, bool, bool);

}  // namespace facetry::cuda
