// FACETRY_HD marks a function that the host compiler and nvcc both compile, so that the logic of a CUDA
// kernel is tested without a GPU. Where kernels of an instruction set include it too, write FACETRY_HD static
// inline: an inline function of external linkage would be offered to the other instruction sets.
#pragma once

#if defined(__CUDACC__)
#define FACETRY_HD __host__ __device__
#else
#define FACETRY_HD
#endif
