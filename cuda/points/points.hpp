// Sobol and Halton points written into the memory of a CUDA device, and the same by emulation into the
// host's.
#pragma once

#include <cstdint>

#include "cuda/points/halton.hpp"
#include "cuda/points/sobol.hpp"

namespace facetry::cuda {

// Points start .. start + n - 1, (n, dimensions), on `device` and `stream`. Waits for the end.
template <class T>
void sobol(const SobolPlan& plan, std::uint64_t start, std::int64_t n, T* out, int device, void* stream);
template <class T>
void emulate_sobol(const SobolPlan& plan, std::uint64_t start, std::int64_t n, T* out);

// Points start, start + leap, ...; of out's rows of `dimensions` numbers the plan's columns are written.
template <class T>
void halton(const HaltonPlan& plan, std::uint64_t start, std::uint64_t leap, std::int64_t n,
            std::int64_t dimensions, T* out, int device, void* stream);
template <class T>
void emulate_halton(const HaltonPlan& plan, std::uint64_t start, std::uint64_t leap, std::int64_t n,
                    std::int64_t dimensions, T* out);

// Tables in the memory of whoever computes.
template <class T>
SobolCall<T> sobol_call(const SobolPlan& plan, std::uint64_t start, std::int64_t n, const std::uint32_t* high,
                        const std::uint32_t* low, const std::uint32_t* keys, T* out) {
  SobolCall<T> call;
  call.start = start;
  call.n = n;
  call.dimensions = plan.dimensions;
  call.lanes_log2 = plan.lanes_log2;
  call.width = plan.width;
  call.stride = plan.stride;
  const std::uint64_t mask = ~std::uint64_t{0} << (64 - plan.bits);
  call.mask_high = static_cast<std::uint32_t>(mask >> 32);
  call.mask_low = static_cast<std::uint32_t>(mask);
  call.high = high;
  call.low = sizeof(T) == sizeof(double) && !plan.low.empty() ? low : nullptr;  // a float has 24 digits
  call.keys = plan.keys.empty() ? nullptr : keys;
  call.out = out;
  return call;
}

// Calls visit with what a call's threads are compiled for: std::bool_constant wide, owen.
template <class T, class Visit>
void visit_sobol(const SobolCall<T>& call, Visit&& visit) {
  if (call.low)
    call.keys ? visit(std::true_type{}, std::true_type{}) : visit(std::true_type{}, std::false_type{});
  else
    call.keys ? visit(std::false_type{}, std::true_type{}) : visit(std::false_type{}, std::false_type{});
}

template <class T>
HaltonCall<T> halton_call(const HaltonPlan& plan, std::uint64_t start, std::uint64_t leap, std::int64_t n,
                          std::int64_t dimensions, T* out) {
  HaltonCall<T> call;
  call.start = start;
  call.leap = leap;
  call.n = n;
  call.dimensions = dimensions;
  call.first = plan.begin;
  call.count = plan.end - plan.begin;
  call.scrambling = plan.scrambling;
  call.columns = plan.columns.data();
  call.inverse_powers = plan.inverse_powers.data();
  call.weights = plan.weights.data();
  call.permutations = plan.permutations.data();
  call.out = out;
  return call;
}

}  // namespace facetry::cuda
