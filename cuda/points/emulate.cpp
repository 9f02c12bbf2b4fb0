#include "cuda/host_block.hpp"
#include "cuda/points/points.hpp"

namespace facetry::cuda {
namespace {

struct NoState {};

}  // namespace

template <class T>
void emulate_sobol(const SobolPlan& plan, std::uint64_t start, std::int64_t n, T* out) {
  if (n == 0) return;
  // Threads read vectors of 16 bytes, to which a std::vector is not aligned by contract.
  const auto aligned = [](const std::vector<std::uint32_t>& words) {
    std::vector<Quad> quads(words.size() / kQuad);
    for (std::size_t i = 0; i < words.size(); ++i) quads[i / kQuad].lane[i % kQuad] = words[i];
    return quads;
  };
  const auto high = aligned(plan.high), low = aligned(plan.low), keys = aligned(plan.keys);
  const auto words = [](const std::vector<Quad>& quads) {
    return quads.empty() ? nullptr : quads.data()->lane;
  };
  const SobolCall<T> call = sobol_call(plan, start, n, words(high), words(low), words(keys), out);
  visit_sobol(call, [&](auto wide, auto owen) {
    for (std::int64_t i = 0; i < call.threads(); ++i) sobol_thread<T, wide.value, owen.value>(call, i);
  });
}

template <class T>
void emulate_halton(const HaltonPlan& plan, std::uint64_t start, std::uint64_t leap, std::int64_t n,
                    std::int64_t dimensions, T* out) {
  const HaltonCall<T> call = halton_call(plan, start, leap, n, dimensions, out);
  for (std::int64_t i = 0; i < HaltonTile::blocks(n, call.count); ++i) {
    HostBlock<NoState> block(HaltonTile::kThreads, HaltonTile::kRows * HaltonTile::kStride * sizeof(T),
                             false);
    halton_block(block, call, i);
  }
}

template void emulate_sobol(const SobolPlan&, std::uint64_t, std::int64_t, float*);
template void emulate_sobol(const SobolPlan&, std::uint64_t, std::int64_t, double*);
template void emulate_halton(const HaltonPlan&, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t,
                             float*);
template void emulate_halton(const HaltonPlan&, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t,
                             double*);

}  // namespace facetry::cuda
