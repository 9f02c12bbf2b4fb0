// The steps of a network as kernels, panel by panel of rows on the caller's stream.
#include "cuda/network/network.hpp"

#include <algorithm>

#include "cuda/block.cuh"
#include "cuda/device.cuh"

namespace facetry::cuda {
namespace {

constexpr int kMapThreads = 256;

// Two blocks of float32 fit a multiprocessor's registers, one of float64.
template <class Tile, class T>
__global__ void __launch_bounds__(Tile::kThreads, sizeof(T) == 4 ? 2 : 1)
    dense_kernel(const DenseCall<T> call) {
  DeviceBlock<Sums<T>> block;
  block.thread.index = static_cast<int>(threadIdx.x);
  dense_block<Tile>(block, call, blockIdx.x);
}

template <class T>
__global__ void __launch_bounds__(FusedTile<T>::kThreads, 2) fused_kernel(const FusedCall<T> call) {
  DeviceBlock<Sums<T>> block;
  block.thread.index = static_cast<int>(threadIdx.x);
  fused_block(block, call, blockIdx.x);
}

template <class T>
__global__ void __launch_bounds__(kMapThreads) map_kernel(const MapCall<T> call, std::int64_t items) {
  const std::int64_t item = static_cast<std::int64_t>(blockIdx.x) * kMapThreads + threadIdx.x;
  if (item < items) map_thread(call, item);
}

// Lowers *first to the index of the first NaN or infinity, counted from `begin`.
template <class T>
__global__ void __launch_bounds__(kMapThreads)
    first_nonfinite_kernel(const T* values, std::int64_t size, std::int64_t begin,
                           unsigned long long* first) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kMapThreads;
#pragma unroll 4
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kMapThreads + threadIdx.x; i < size;
       i += step)
    if (!is_finite(values[i])) atomicMin(first, static_cast<unsigned long long>(begin + i));
}

template <class T>
struct DeviceLauncher {
  cudaStream_t stream;

  template <class Tile>
  void dense(std::int64_t blocks, const DenseCall<T>& call) {
    dense_kernel<Tile, T>
        <<<static_cast<unsigned>(blocks), Tile::kThreads, Tile::kSharedBytes, stream>>>(call);
    check(cudaGetLastError());
  }
  void fused(const FusedCall<T>& call) {
    using Tile = FusedTile<T>;
    if (call.count == 0) return;
    const std::int64_t blocks = (call.rows + Tile::kRows - 1) / Tile::kRows;
    const auto shared = static_cast<std::size_t>(Tile::shared_bytes(call.words));
    fused_kernel<T><<<static_cast<unsigned>(blocks), Tile::kThreads, shared, stream>>>(call);
    check(cudaGetLastError());
  }
  void map(std::int64_t items, const MapCall<T>& call) {
    const std::int64_t blocks = (items + kMapThreads - 1) / kMapThreads;
    map_kernel<<<static_cast<unsigned>(blocks), kMapThreads, 0, stream>>>(call, items);
    check(cudaGetLastError());
  }
  void copy(T* to, const T* from, std::int64_t count) {
    check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(count) * sizeof(T), cudaMemcpyDeviceToDevice,
                          stream));
  }
};

// A panel's arrays on the device, for a batch in host memory.
template <class T>
class Staging {
 public:
  Staging(const Plan<T>& plan, const Panel<T>& batch, std::int64_t rows, const Pool& pool,
          cudaStream_t stream)
      : plan_(plan),
        stream_(stream),
        x_(size(rows, plan.input_width), pool, stream),
        outputs_(batch.outputs ? size(rows, plan.output_width) : 0, pool, stream),
        preactivations_(batch.preactivations ? size(rows, plan.neurons) : 0, pool, stream),
        patterns_(batch.patterns ? size(rows, plan.words) : 0, pool, stream) {}

  Panel<T> upload(const Panel<T>& host) const {
    check(cudaMemcpyAsync(x_.data(), host.x, size(host.rows, plan_.input_width) * sizeof(T),
                          cudaMemcpyHostToDevice, stream_));
    return {host.rows, x_.data(), outputs_.data(), preactivations_.data(), patterns_.data()};
  }
  void download(const Panel<T>& host) const {
    fetch(host.outputs, outputs_, size(host.rows, plan_.output_width));
    fetch(host.preactivations, preactivations_, size(host.rows, plan_.neurons));
    fetch(host.patterns, patterns_, size(host.rows, plan_.words));
  }

 private:
  static std::size_t size(std::int64_t rows, std::size_t width) {
    return static_cast<std::size_t>(rows) * width;
  }
  template <class U>
  void fetch(U* to, const Buffer<U>& from, std::size_t count) const {
    if (from.data())
      check(cudaMemcpyAsync(to, from.data(), count * sizeof(U), cudaMemcpyDeviceToHost, stream_));
  }

  const Plan<T>& plan_;
  cudaStream_t stream_;
  Buffer<T> x_, outputs_, preactivations_;
  Buffer<std::uint64_t> patterns_;
};

}  // namespace

template <class T>
struct Network<T>::State {
  State(const Plan<T>& plan, int device)
      : packed(plan), parameters(device, packed.parameters.size() * sizeof(T)), pool(device) {
    const OnDevice guard(device);
    check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
    if (parameters.bytes() > 0)
      check(cudaMemcpy(parameters.data(), packed.parameters.data(), parameters.bytes(),
                       cudaMemcpyHostToDevice));
    packed.parameters = {};
    // More than 48 KiB must be asked for, and some devices have less than a tile takes.
    int most = 0;
    check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
    const int wanted = FusedTile<T>::shared_bytes(kFusedWords);
    fuses = packed.is_narrow && wanted <= most;
    if (fuses)
      check(cudaFuncSetAttribute(fused_kernel<T>, cudaFuncAttributeMaxDynamicSharedMemorySize, wanted));
  }

  // Whole waves of blocks, as many as keep a buffer near the second-level cache's size; fewer rows where the
  // buffers, and the copies of arrays that are on the host, would take more than half a gigabyte.
  std::int64_t panel_rows(const Panel<T>& batch, bool on_host) const {
    constexpr std::int64_t kNearCache = 32 << 20, kMost = 512 << 20;
    const Plan<T>& plan = packed.plan;
    const std::int64_t wave = 256 * static_cast<std::int64_t>(multiprocessors);
    const auto bytes = static_cast<std::int64_t>(sizeof(T)) * packed.stride;
    std::int64_t rows = std::max<std::int64_t>(1, kNearCache / (wave * bytes)) * wave;
    std::size_t per_row = (fuses ? 0 : plan.buffers) * static_cast<std::size_t>(bytes) + 1;
    if (fuses) rows = kNearCache / static_cast<std::int64_t>(sizeof(T) * plan.input_width);
    if (on_host)
      per_row += sizeof(T) * (plan.input_width + (batch.outputs ? plan.output_width : 0) +
                              (batch.preactivations ? plan.neurons : 0)) +
                 (batch.patterns ? 8 * plan.words : 0);
    rows = std::min(rows, std::max<std::int64_t>(kMost / static_cast<std::int64_t>(per_row), 256));
    return std::min(rows, batch.rows);
  }

  Packed<T> packed;
  Memory parameters;
  Pool pool;
  int multiprocessors = 0;
  bool fuses = false;
};

template <class T>
Network<T>::Network(const Plan<T>& plan, int device) : state_(std::make_unique<State>(plan, device)) {}

template <class T>
Network<T>::~Network() = default;

template <class T>
int Network<T>::device() const {
  return state_->parameters.device();
}

template <class T>
void Network<T>::propagate(const Panel<T>& batch, bool on_host, void* stream_pointer,
                           void (*between_panels)()) const {
  if (batch.rows == 0) return;
  require_device(device());
  const OnDevice guard(device());
  const auto stream = static_cast<cudaStream_t>(stream_pointer);
  const Packed<T>& packed = state_->packed;
  const auto width = static_cast<std::int64_t>(packed.plan.input_width);
  const std::int64_t rows = state_->panel_rows(batch, on_host);
  const auto buffer_size = static_cast<std::size_t>(rows * packed.stride);
  const Pool& pool = state_->pool;
  const Buffer<T> buffers((state_->fuses ? 0 : packed.plan.buffers) * buffer_size, pool, stream);
  const Buffer<unsigned long long> bad(1, pool, stream);
  check(cudaMemsetAsync(bad.data(), 0xff, sizeof(unsigned long long), stream));
  const Staging<T> staging(packed.plan, on_host ? batch : Panel<T>{}, on_host ? rows : 0, pool, stream);
  DeviceLauncher<T> launcher{stream};
  for (std::int64_t begin = 0; begin < batch.rows; begin += rows) {
    const Panel<T> theirs = part(packed.plan, batch, begin, std::min(rows, batch.rows - begin));
    const Panel<T> panel = on_host ? staging.upload(theirs) : theirs;
    const int blocks = 8 * state_->multiprocessors;
    first_nonfinite_kernel<<<blocks, kMapThreads, 0, stream>>>(panel.x, panel.rows * width, begin * width,
                                                               bad.data());
    check(cudaGetLastError());
    const auto* const parameters = static_cast<const T*>(state_->parameters.data());
    if (state_->fuses)
      launcher.fused(fused_call(packed, parameters, panel));
    else
      run_panel(packed, parameters, buffers.data(), buffer_size, panel, launcher);
    if (on_host) staging.download(theirs);
    if (between_panels) between_panels();
  }
  unsigned long long first = 0;
  check(cudaMemcpyAsync(&first, bad.data(), sizeof first, cudaMemcpyDeviceToHost, stream));
  check(cudaStreamSynchronize(stream));
  if (first != ~0ULL)
    throw std::invalid_argument("x is not finite at index (" +
                                std::to_string(first / static_cast<unsigned long long>(width)) + ", " +
                                std::to_string(first % static_cast<unsigned long long>(width)) + ")");
}

template class Network<float>;
template class Network<double>;

}  // namespace facetry::cuda
