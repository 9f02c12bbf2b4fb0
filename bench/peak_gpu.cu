// The rates of this card that the benchmarks are compared with: float32 FMA, and writing memory. Prints JSON.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int kThreads = 256, kSums = 16, kSteps = 4096, kRepeats = 15;

void check(cudaError_t error) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "CUDA: %s\n", cudaGetErrorString(error));
  std::exit(1);
}

__global__ void multiply_add(float w, float a, float* out) {
  float sums[kSums];
#pragma unroll
  for (int i = 0; i < kSums; ++i) sums[i] = static_cast<float>(threadIdx.x + i);
  for (int step = 0; step < kSteps; ++step) {
#pragma unroll
    for (int i = 0; i < kSums; ++i) sums[i] = __fmaf_rn(sums[i], w, a);
  }
  float total = 0;
#pragma unroll
  for (int i = 0; i < kSums; ++i) total += sums[i];
  if (total == 0.5f) *out = total;  // never, but the compiler cannot know
}

// Median seconds of what `work` asks of the default stream, after three unmeasured runs.
template <class Work>
double seconds(Work&& work) {
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  std::vector<float> times;
  for (int i = 0; i < kRepeats + 3; ++i) {
    check(cudaEventRecord(begin));
    work();
    check(cudaEventRecord(end));
    check(cudaEventSynchronize(end));
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin, end));
    if (i >= 3) times.push_back(milliseconds);
  }
  std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
  return times[kRepeats / 2] / 1e3;
}

}  // namespace

int main() {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0));
  const int blocks = 32 * properties.multiProcessorCount;
  const std::size_t bytes = std::min<std::size_t>(properties.totalGlobalMem / 4, std::size_t{16} << 30);
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes));
  const double fma = seconds([&] {
    multiply_add<<<blocks, kThreads>>>(0.999f, 0.001f, static_cast<float*>(memory));
    check(cudaGetLastError());
  });
  const double fill = seconds([&] { check(cudaMemsetAsync(memory, 1, bytes)); });
  const double flops = 2.0 * blocks * kThreads * kSums * kSteps / fma;
  std::printf("{\"name\": \"%s\", \"fma_flops\": %.6g, \"fill_bytes_per_second\": %.6g}\n", properties.name,
              flops, static_cast<double>(bytes) / fill);
  return 0;
}
