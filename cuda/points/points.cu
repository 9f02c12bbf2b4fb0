// Sobol and Halton points as kernels. Tables are uploaded for each call: they take microseconds.
#include "cuda/points/points.hpp"

#include "cuda/block.cuh"
#include "cuda/device.cuh"

namespace facetry::cuda {
namespace {

constexpr int kSobolThreads = 256;

template <class T, bool kWide, bool kOwen>
__global__ void __launch_bounds__(kSobolThreads) sobol_kernel(const SobolCall<T> call, std::int64_t threads) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * kSobolThreads + threadIdx.x;
  if (index < threads) sobol_thread<T, kWide, kOwen>(call, index);
}

struct NoState {};

template <class T>
__global__ void __launch_bounds__(HaltonTile::kThreads) halton_kernel(const HaltonCall<T> call) {
  DeviceBlock<NoState> block;
  block.thread.index = static_cast<int>(threadIdx.x);
  halton_block(block, call, blockIdx.x);
}

// A table on the device. cudaMemcpyAsync from pageable memory returns when the source may be changed.
template <class U>
class Table {
 public:
  Table(const std::vector<U>& host, const Pool& pool, cudaStream_t stream)
      : buffer_(host.size(), pool, stream) {
    if (!host.empty())
      check(cudaMemcpyAsync(buffer_.data(), host.data(), host.size() * sizeof(U), cudaMemcpyHostToDevice,
                            stream));
  }
  const U* data() const { return buffer_.data(); }

 private:
  Buffer<U> buffer_;
};

}  // namespace

template <class T>
void sobol(const SobolPlan& plan, std::uint64_t start, std::int64_t n, T* out, int device,
           void* stream_pointer) {
  if (n == 0) return;
  require_device(device);
  const OnDevice guard(device);
  const auto stream = static_cast<cudaStream_t>(stream_pointer);
  const Pool pool(device);
  const Table<std::uint32_t> high(plan.high, pool, stream), low(plan.low, pool, stream),
      keys(plan.keys, pool, stream);
  const SobolCall<T> call = sobol_call(plan, start, n, high.data(), low.data(), keys.data(), out);
  const auto blocks = static_cast<unsigned>((call.threads() + kSobolThreads - 1) / kSobolThreads);
  visit_sobol(call, [&](auto wide, auto owen) {
    sobol_kernel<T, decltype(wide)::value, decltype(owen)::value>
        <<<blocks, kSobolThreads, 0, stream>>>(call, call.threads());
  });
  check(cudaGetLastError());
  check(cudaStreamSynchronize(stream));
}

template <class T>
void halton(const HaltonPlan& plan, std::uint64_t start, std::uint64_t leap, std::int64_t n,
            std::int64_t dimensions, T* out, int device, void* stream_pointer) {
  if (n == 0) return;
  require_device(device);
  const OnDevice guard(device);
  const auto stream = static_cast<cudaStream_t>(stream_pointer);
  const Pool pool(device);
  const Table<HaltonBase> columns(plan.columns, pool, stream);
  const Table<double> powers(plan.inverse_powers, pool, stream);
  const Table<points::DigitWeight> weights(plan.weights, pool, stream);
  const Table<std::uint32_t> permutations(plan.permutations, pool, stream);
  HaltonCall<T> call = halton_call(plan, start, leap, n, dimensions, out);
  call.columns = columns.data();
  call.inverse_powers = powers.data();
  call.weights = weights.data();
  call.permutations = permutations.data();
  const auto blocks = static_cast<unsigned>(HaltonTile::blocks(n, call.count));
  halton_kernel<<<blocks, HaltonTile::kThreads, HaltonTile::kRows * HaltonTile::kStride * sizeof(T),
                  stream>>>(call);
  check(cudaGetLastError());
  check(cudaStreamSynchronize(stream));
}

template void sobol(const SobolPlan&, std::uint64_t, std::int64_t, float*, int, void*);
template void sobol(const SobolPlan&, std::uint64_t, std::int64_t, double*, int, void*);
template void halton(const HaltonPlan&, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t, float*, int,
                     void*);
template void halton(const HaltonPlan&, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t, double*,
                     int, void*);

}  // namespace facetry::cuda
