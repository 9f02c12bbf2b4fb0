// Marks functions that run on the host and on a CUDA device alike, so that a machine without one tests them.
#pragma once

#if defined(__CUDACC__)
#define FACETRY_HD __host__ __device__
#else
#define FACETRY_HD
#endif
