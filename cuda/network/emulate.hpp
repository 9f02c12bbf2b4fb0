// The device's blocks, run one after the other on the host: for tests of their indices, order and barriers on
// machines without a device.
#pragma once

#include <cstdint>

#include "cuda/network/packed.hpp"

namespace facetry::cuda {

// `batch` in host memory, `panel_rows` at a time, a narrow network as one kernel if `fuse`. With `reversed`,
// the threads of a block run from the last to the first between two barriers: a missing barrier changes the
// result of one order or the other.
template <class T>
void emulate(const Packed<T>& packed, const Panel<T>& batch, std::int64_t panel_rows, bool fuse,
             bool reversed);

extern template void emulate(const Packed<float>&, const Panel<float>&, std::int64_t, bool, bool);
extern template void emulate(const Packed<double>&, const Panel<double>&, std::int64_t, bool, bool);

}  // namespace facetry::cuda
