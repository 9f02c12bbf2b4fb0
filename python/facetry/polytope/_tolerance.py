"""The one tolerance rule of polytopes: when a slack counts as zero.

A row is scaled to unit norm, ``a . x <= beta``, so that its slack ``beta - a . x`` at a point is the distance
to the row's hyperplane. Its size is ``max(|beta|, m)``, where m is the lower median of the non-zero
``|beta|`` of the polytope (1 where all are zero). **A slack counts as zero when it is at most tolerance *
size.** Scaling a row, or the whole polytope, changes no answer; one row far away makes no other row coarser.

- A point is in the polytope when no slack is below minus that.
- The polytope is empty when every point misses a row by more, lower-dimensional when no point has all slacks
  above.
- A row is redundant when the others keep its slack above minus that.
- A direction (of unit length) leaves no row when ``a . direction <= tolerance`` for all rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

DEFAULT_TOLERANCE = 1e-10


def check_tolerance(tolerance: float) -> float:
    """Refuse what no float64 computation can keep, and what would make every polytope flat."""
    value = float(tolerance)
    if not 1e-14 <= value <= 1e-2:
        raise ValueError(f"tolerance is {value!r}, expected a number from 1e-14 to 0.01")
    return value


def check_slack_tolerance(tolerance: float) -> float:
    """Refuse a tolerance for one comparison; 0 is allowed."""
    value = float(tolerance)
    if not 0 <= value <= 1e-2:
        raise ValueError(f"tolerance is {value!r}, expected a number from 0 to 0.01")
    return value


def row_norms(A: F64) -> F64:
    """Euclidean norm of every row, without overflow or underflow in the squares."""
    with np.errstate(over="ignore", under="ignore"):
        squares = np.einsum("ij,ij->i", A, A)
        if ((squares > 1e-200) & (squares < 1e200)).all():
            norms: F64 = np.sqrt(squares)
            return norms
        largest = np.abs(A).max(axis=1)
        largest[largest == 0] = 1
        scaled: F64 = largest * np.linalg.norm(A / largest[:, None], axis=1)
        return scaled


def row_sizes(A: F64, b: F64) -> tuple[F64, F64]:
    """Give the norm and the size of every row; a row of zeros has norm 0 and size 0."""
    norms = row_norms(A)
    distance = np.abs(np.divide(b, norms, out=np.zeros_like(b), where=norms > 0))
    positive = np.sort(distance[distance > 0])
    median = positive[(len(positive) - 1) // 2] if len(positive) else 1.0
    return norms, np.where(norms > 0, np.maximum(distance, median), 0.0)
