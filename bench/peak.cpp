// The FMA peak of one instruction set on this machine: independent chains of fma in registers, no memory.
// Prints GFLOP/s of all threads together. bench/peak.py compiles and runs it.
#include <immintrin.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
using Vector = __m512;
static Vector broadcast(float x) { return _mm512_set1_ps(x); }
static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
constexpr int kChains = 24;
#else
using Vector = __m256;
static Vector broadcast(float x) { return _mm256_set1_ps(x); }
static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
constexpr int kChains = 12;
#endif
constexpr int kLanes = sizeof(Vector) / sizeof(float);

static void run(long iterations) {
  Vector chain[kChains];
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) chain[i] = broadcast(1.0f + static_cast<float>(i));
  const Vector factor = broadcast(0.999f), term = broadcast(0.001f);
  for (long t = 0; t < iterations; ++t) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; ++i) chain[i] = fma(chain[i], factor, term);
  }
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) asm volatile("" : : "v"(chain[i]));  // the results are wanted
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const long iterations = 400'000'000L / (kChains * kLanes) * 8;
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    {
      std::vector<std::jthread> workers;
      for (int i = 0; i < threads; ++i) workers.emplace_back(run, iterations);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const double flops = 2.0 * kChains * kLanes * static_cast<double>(iterations) * threads;
    best = std::max(best, flops / seconds.count() / 1e9);
  }
  std::printf("%.1f\n", best);
}
