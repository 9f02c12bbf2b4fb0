"""Many polytopes at once: ragged rows, the operations of one polytope under the same names, over threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import as_parameter, result_array
from ._boxes import ManyInnerBoxes
from ._contains import as_polytope_points
from ._lp import I64, STATUS, Optimum
from ._polytope import Polytope
from ._rows import check_rows, read_only
from ._tolerance import DEFAULT_TOLERANCE, F64, check_tolerance
from ._volume import ManyVolumes


class Polytopes(ManyVolumes, ManyInnerBoxes):
    """Many polytopes of one dimension. Immutable.

    The operations are those of :class:`Polytope`, over threads; they return arrays.

    Parameters
    ----------
    A : (k, m, d) array, (M, d) array or sequence of Polytope
        The rows: of k polytopes with m rows each; or stacked, with ``offsets``; or polytopes.
    b : (k, m) or (M,) array
        Right-hand sides; None for a sequence of polytopes.
    offsets : (k + 1,) integers, optional
        Polytope i has the rows ``offsets[i] : offsets[i + 1]`` of stacked A and b.
    tolerance : float, optional
        As for :class:`Polytope`; for a sequence of polytopes, theirs (which must agree) where not given.

    Notes
    -----
    ``len()``, iteration, an index and a slice of step 1 work without copying rows; other slices, arrays of
    indices and masks gather the rows.

    Examples
    --------
    >>> import facetry as ft
    >>> boxes = ft.Polytopes([ft.Polytope.box([0, 0], [1, 1]), ft.Polytope.simplex(2)])
    >>> boxes.chebyshev()[1].round(4).tolist()
    [0.5, 0.2929]

    """

    def __init__(
        self,
        A: npt.ArrayLike | Sequence[Polytope],
        b: npt.ArrayLike | None = None,
        offsets: npt.ArrayLike | None = None,
        *,
        tolerance: float | None = None,
    ) -> None:
        if b is None:
            A, b, offsets, tolerance = _stack(A, tolerance)
        self._tolerance = check_tolerance(DEFAULT_TOLERANCE if tolerance is None else tolerance)
        self._A, self._b, self._offsets = _drop_trivial(*_as_stacked(A, b, offsets))

    @classmethod
    def _of_checked(cls, A: F64, b: F64, offsets: I64, tolerance: float) -> Polytopes:
        made = object.__new__(cls)
        made._A, made._b = read_only(A.view()), read_only(b.view())
        made._offsets = offsets.view()
        made._offsets.flags.writeable = False
        made._tolerance = tolerance
        return made

    @property
    def A(self) -> F64:  # noqa: N802 - the name that everyone writes
        """All rows, stacked, (M, d), read-only."""
        return self._A

    @property
    def b(self) -> F64:
        """All right-hand sides, (M,), read-only."""
        return self._b

    @property
    def offsets(self) -> I64:
        """Polytope i has the rows ``offsets[i] : offsets[i + 1]``, (k + 1,), read-only."""
        return self._offsets

    @property
    def dim(self) -> int:
        """The d of R^d, the space that the polytopes lie in."""
        return int(self._A.shape[1])

    @property
    def tolerance(self) -> float:
        """The relative tolerance, as for :class:`Polytope`."""
        return self._tolerance

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> Polytope: ...
    @overload
    def __getitem__(self, index: slice | npt.NDArray[np.generic] | Sequence[int]) -> Polytopes: ...
    def __getitem__(
        self, index: int | slice | npt.NDArray[np.generic] | Sequence[int]
    ) -> Polytope | Polytopes:
        """Give one polytope, or some of them."""
        if isinstance(index, int | np.integer):
            if not -len(self) <= index < len(self):
                raise IndexError(f"polytope {index} of {len(self)}")
            lo, hi = self._offsets[index % len(self) :][:2]
            return Polytope._of_checked(self._A[lo:hi], self._b[lo:hi], self._tolerance)
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                offsets = self._offsets[start : max(stop, start) + 1]
                lo, hi = offsets[[0, -1]]
                return Polytopes._of_checked(self._A[lo:hi], self._b[lo:hi], offsets - lo, self._tolerance)
        chosen = np.arange(len(self))[index]
        counts = np.diff(self._offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(self._offsets[chosen] - offsets[:-1], counts)
        return Polytopes._of_checked(self._A[rows], self._b[rows], offsets, self._tolerance)

    def __iter__(self) -> Iterator[Polytope]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Polytopes({len(self)} of {self.dim} dimensions, {len(self._A)} rows)"

    @property
    def _batch(self) -> tuple[F64, F64, I64, float]:
        return self._A, self._b, self._offsets, self._tolerance

    def maximize(self, c: npt.ArrayLike, *, start: Optimum | None = None) -> Optimum:
        """Maximise c . x over each; ``c`` is (d,) for all or (k, d). See :meth:`Polytope.maximize`."""
        objectives = as_parameter("c", c, np.ndim(c) if np.ndim(c) in (1, 2) else 2).astype(np.float64)
        if objectives.shape not in ((self.dim,), (len(self), self.dim)):
            raise ValueError(
                f"c has shape {objectives.shape}, expected ({self.dim},) or ({len(self)}, {self.dim})"
            )
        each = np.ascontiguousarray(np.broadcast_to(objectives, (len(self), self.dim)))
        basis = None if start is None else start.basis
        status, value, point, ray, multipliers, at = _core.polytope_maximize(*self._batch, each, basis)
        return Optimum(STATUS[status], value, point, multipliers, ray, at)

    @property
    def depth(self) -> F64:
        """The slack of emptiness of each, (k,); see :attr:`Polytope.depth`."""
        return _core.polytope_interiors(*self._batch)[1]

    @property
    def dimension(self) -> I64:
        """Dimension of each, (k,), -1 for the empty ones."""
        return _core.polytope_interiors(*self._batch)[0]

    @property
    def is_empty(self) -> npt.NDArray[np.bool_]:
        """Which of them are empty, (k,)."""
        empty: npt.NDArray[np.bool_] = self.dimension < 0
        return empty

    @property
    def is_bounded(self) -> npt.NDArray[np.bool_]:
        """Which of them are bounded, (k,)."""
        return _core.polytope_bounded(*self._batch)

    def interior_point(self) -> F64:
        """Give a point of the relative interior of each, (k, d); NaN for the empty ones."""
        return _core.polytope_interiors(*self._batch)[2]

    def chebyshev(self) -> tuple[F64, F64]:
        """Give centres (k, d) and radii (k,) of largest balls; see :meth:`Polytope.chebyshev`."""
        return _core.polytope_chebyshev(*self._batch)

    def bounding_box(self) -> tuple[F64, F64]:
        """Give the smallest boxes, lo and hi (k, d); see :meth:`Polytope.bounding_box`."""
        return _core.polytope_bounding_boxes(*self._batch)

    def minimal_rows(self) -> npt.NDArray[np.bool_]:
        """Tell which of all rows the minimal descriptions keep, (M,); see :meth:`Polytope.minimal_rows`."""
        return _core.polytope_minimal_rows(*self._batch)

    def minimal(self) -> Polytopes:
        """Give the same polytopes with the rows of :meth:`minimal_rows` only."""
        kept = self.minimal_rows()
        offsets = np.concatenate([[0], np.cumsum(kept)])[self._offsets]
        return Polytopes._of_checked(self._A[kept], self._b[kept], offsets, self._tolerance)

    def contains(self, x: npt.ArrayLike, *, tolerance: float | None = None) -> npt.NDArray[np.bool_]:
        """Tell which points (n, d) are in which polytope, (k, n); see :meth:`Polytope.contains`."""
        points, single = as_polytope_points(x, self.dim)
        shape = (len(self), len(points))
        inside: npt.NDArray[np.bool_] = result_array(shape, np.bool_, "the table of membership")
        for i, polytope in enumerate(self):
            inside[i] = polytope.contains(points, tolerance=tolerance)
        return inside[:, 0] if single else inside


def _stack(
    polytopes: object, tolerance: float | None
) -> tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike, float]:
    given = list(polytopes) if isinstance(polytopes, Sequence) else []
    if not given or not all(isinstance(p, Polytope) for p in given):
        raise TypeError("Polytopes takes a sequence of at least one Polytope, or A and b")
    for i, p in enumerate(given):
        if p.dim != given[0].dim:
            raise ValueError(
                f"polytopes[{i}] has {p.dim} dimensions, expected {given[0].dim} as polytopes[0]"
            )
        if tolerance is None and p.tolerance != given[0].tolerance:
            raise ValueError(
                f"polytopes[{i}] has tolerance {p.tolerance:g}, polytopes[0] {given[0].tolerance:g}: "
                "say which with tolerance="
            )
    offsets = np.cumsum([0, *(p.n_rows for p in given)])
    rows, rhs = np.concatenate([p.A for p in given]), np.concatenate([p.b for p in given])
    return rows, rhs, offsets, given[0].tolerance if tolerance is None else tolerance


def _as_stacked(A: object, b: object, offsets: object) -> tuple[F64, F64, I64]:
    if offsets is None:
        rows = as_parameter("A", A, 3).astype(np.float64, copy=False)
        rhs = as_parameter("b", b, 2).astype(np.float64, copy=False)
        if rhs.shape != rows.shape[:2]:
            raise ValueError(f"b has shape {rhs.shape}, expected {rows.shape[:2]}: one number a row of A")
        starts = np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1]
        rows, rhs = rows.reshape(rhs.size, rows.shape[2]), rhs.reshape(-1)
    else:
        rows = as_parameter("A", A, 2).astype(np.float64, copy=False)
        rhs = as_parameter("b", b, 1).astype(np.float64, copy=False)
        given = np.asarray(offsets)
        if given.ndim != 1 or given.dtype.kind not in "iu" or len(given) < 1:
            raise ValueError(
                f"offsets has shape {given.shape} and dtype {given.dtype}, expected k + 1 integers"
            )
        starts = given.astype(np.int64)
        if starts[0] != 0 or starts[-1] != len(rows) or (np.diff(starts) < 0).any():
            raise ValueError(f"offsets must rise from 0 to {len(rows)}, the number of rows of A")
    check_rows(rows, rhs)
    return rows, rhs, starts


def _drop_trivial(A: F64, b: F64, offsets: I64) -> tuple[F64, F64, I64]:
    """Drop rows 0 <= b; a polytope with a row 0 <= negative keeps one such row alone."""
    zero = ~A.any(axis=1)
    if zero.any():
        k = len(offsets) - 1
        owner = np.repeat(np.arange(k), np.diff(offsets))
        impossible = np.zeros(k, dtype=bool)
        impossible[owner[zero & (b < 0)]] = True
        first = np.zeros(len(b), dtype=bool)
        bad = np.flatnonzero(zero & (b < 0))
        first[bad[np.unique(owner[bad], return_index=True)[1]]] = True
        kept = np.where(impossible[owner], first, ~zero)
        A, b = A[kept], np.where(first, -1.0, b)[kept]
        counts = np.bincount(owner[kept], minlength=k)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    offsets.flags.writeable = False
    return read_only(A), read_only(b), offsets
