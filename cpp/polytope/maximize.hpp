// Linear programmes over many polytopes: max c . x over A x <= b, with certificates in terms of the given
// rows.
#pragma once

#include "polytope/lp.hpp"
#include "polytope/polytope.hpp"

namespace facetry::polytope {

// The caller's arrays; polytope i has row i, and of the multipliers its rows.
struct Optima {
  Status* status;
  double* value;        // infinite for kUnbounded, minus infinity for kEmpty
  double* point;        // (count, dim); NaN for kEmpty
  double* ray;          // (count, dim); NaN save for kUnbounded
  double* multipliers;  // a number a row
  std::int64_t* basis;  // (count, dim): rows of the polytope, -1 where fewer are tight
};

// objectives and start (null: none) are (count, dim); start is a basis as it was given before.
void maximize(const Batch& batch, const double* objectives, const std::int64_t* start, const Optima& out);

}  // namespace facetry::polytope
