"""Linear programmes of more dimensions than the own method is made for, by HiGHS through scipy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._tolerance import F64

MOST_DIMENSIONS = 256
"""The dense simplex method takes 0.2 s here (2000 rows), 18 s in 784 dimensions, and is not interrupted."""


def maximize_highs(A: F64, b: F64, c: F64) -> tuple[str, float, F64, F64, F64]:
    """Give status, value, point, multipliers and ray of max c . x over A x <= b."""
    try:
        from scipy.optimize import linprog
    except ImportError:
        raise ImportError(
            f"a linear programme in {A.shape[1]} dimensions (above {MOST_DIMENSIONS}) needs scipy: "
            "pip install 'facetry[lp]'"
        ) from None
    nothing = np.full(A.shape[1], np.nan)
    answer: Any = linprog(-c, A_ub=A, b_ub=b, bounds=(None, None), method="highs")
    if answer.status == 0:
        multipliers = np.maximum(-answer.ineqlin.marginals, 0)
        return "optimal", float(-answer.fun), answer.x, multipliers, nothing
    if answer.status not in (2, 3, 4):
        raise RuntimeError(f"HiGHS did not solve the linear programme: {answer.message}")
    # Which of the two it is, and its certificate, by programmes that have an optimum (Farkas).
    m = len(b)
    proof = _solve(linprog, b, A_eq=A.T, b_eq=np.zeros(len(c)), bounds=[(0, 1)] * m)
    if proof.fun < -1e-9 * max(1.0, float(np.abs(b).max(initial=0.0))):
        return "empty", -np.inf, nothing, proof.x, nothing
    point = _solve(linprog, np.zeros_like(c), A_ub=A, b_ub=b, bounds=(None, None)).x
    ray = _solve(linprog, -c, A_ub=A, b_ub=np.zeros(m), bounds=(-1, 1)).x
    return "unbounded", np.inf, point, np.zeros(m), ray


def _solve(linprog: Any, c: F64, **rows: Any) -> Any:
    answer = linprog(c, method="highs", **rows)
    if answer.status != 0:
        raise RuntimeError(f"HiGHS did not solve the linear programme: {answer.message}")
    return answer
