// FACETRY_HD starts a function that the host compiler and nvcc both compile, so that the logic of a CUDA
// kernel is tested without a GPU. Such functions have internal linkage: a file compiled for one instruction
// set must not offer the linker an inline function for the others.
#pragma once

#if defined(__CUDACC__)
#define FACETRY_HD __host__ __device__ static inline
#else
#define FACETRY_HD static inline
#endif
