"""The rows of half-space polytopes: coercion, and the immutable data that every operation starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._arrays import as_parameter
from ._tolerance import DEFAULT_TOLERANCE, F64, check_tolerance, row_norms, row_sizes

if TYPE_CHECKING:
    from typing_extensions import Self


def read_only(array: F64) -> F64:
    """Forbid writing."""
    array.flags.writeable = False
    return array


def as_rows(A: object, b: object) -> tuple[F64, F64]:
    """Copy (m, d) and (m,) to read-only float64 arrays, without the rows of zeros."""
    rows = as_parameter("A", A, 2).astype(np.float64, copy=False)
    rhs = as_parameter("b", b, 1).astype(np.float64, copy=False)
    norms = check_rows(rows, rhs)
    return drop_trivial(read_only(rows), read_only(rhs), norms == 0)


def check_rows(A: F64, b: F64) -> F64:
    """Refuse rows that do not fit together or whose hyperplane float64 cannot place; give the norms."""
    if A.shape[1] == 0:
        raise ValueError(f"A has shape {A.shape}, expected at least one column (dimension)")
    if b.shape != A.shape[:1]:
        raise ValueError(f"b has shape {b.shape}, expected {A.shape[:1]}: one number a row of A")
    norms = row_norms(A)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        far = ~np.isfinite(b / norms) & (norms > 0) | np.isinf(norms)
    if far.any():
        i = int(np.flatnonzero(far)[0])
        raise ValueError(f"row {i} of A has norm {norms[i]:g} and b[{i}] is {b[i]:g}: out of float64's range")
    return norms


def drop_trivial(A: F64, b: F64, zero: npt.NDArray[np.bool_]) -> tuple[F64, F64]:
    """Drop rows 0 <= b; where b is negative, give the one row 0 <= -1 of the empty polytope."""
    if not zero.any():
        return A, b
    if (b[zero] < 0).any():
        return read_only(np.zeros((1, A.shape[1]))), read_only(np.array([-1.0]))
    return read_only(A[~zero]), read_only(b[~zero])


class Rows:
    """The half-spaces ``A x <= b`` of one polytope: what the groups of operations share."""

    _A: F64
    _b: F64
    _tolerance: float
    _cache: dict[str, Any]

    def __init__(self, A: npt.ArrayLike, b: npt.ArrayLike, *, tolerance: float = DEFAULT_TOLERANCE) -> None:
        self._set(*as_rows(A, b), check_tolerance(tolerance))

    def _set(self, A: F64, b: F64, tolerance: float) -> None:
        self._A, self._b, self._tolerance = A, b, tolerance
        self._cache = {}

    @classmethod
    def _of_checked(cls, A: F64, b: F64, tolerance: float) -> Self:
        """Wrap rows that are known to be finite, C-contiguous float64 and without rows of zeros; no copy."""
        made = object.__new__(cls)
        made._set(read_only(A.view()), read_only(b.view()), tolerance)
        return made

    @property
    def A(self) -> F64:  # noqa: N802 - the name that everyone writes
        """Normals of the rows, (m, d), read-only, without the rows of zeros that were given."""
        return self._A

    @property
    def b(self) -> F64:
        """Right-hand sides, (m,), read-only."""
        return self._b

    @property
    def dim(self) -> int:
        """The d of R^d, the space that the polytope lies in; its own dimension is :attr:`dimension`."""
        return int(self._A.shape[1])

    @property
    def n_rows(self) -> int:
        """Number of rows (half-spaces)."""
        return len(self._A)

    @property
    def tolerance(self) -> float:
        """The relative tolerance of every answer: a slack of at most tolerance * size counts as zero."""
        return self._tolerance

    @property
    def row_tolerances(self) -> F64:
        """The largest slack of every row that counts as zero, in units of ``b``, (m,)."""
        if "row_tolerances" not in self._cache:
            norms, sizes = row_sizes(self._A, self._b)
            self._cache["row_tolerances"] = read_only(self._tolerance * sizes * norms)
        result: F64 = self._cache["row_tolerances"]
        return result
