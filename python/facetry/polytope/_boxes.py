"""The largest box inside."""

from __future__ import annotations

import numpy as np

from .. import _core
from ._lp import I64, LinearProgramming
from ._tolerance import F64


class InnerBox(LinearProgramming):
    """The group of operations on boxes inside."""

    def inner_box(self) -> tuple[F64, F64]:
        """Give the box of largest volume inside, ``(lo, hi)``, (d,) each (Matoba, Eq. B.6).

        It is lo = x, hi = x + y with sum(log(y)) largest subject to A x + max(A, 0) y <= b: unique, its
        volume largest up to a factor of 1 - 1e-9. It lies inside in float64 up to the rounding of one row.

        Returns
        -------
        lo, hi : (d,) arrays
            Of a lower-dimensional polytope, lo = hi = :meth:`interior_point`: no box in it has a volume. NaN
            for the empty polytope.

        Raises
        ------
        ValueError
            For an unbounded polytope, which has boxes of any volume.

        References
        ----------
        A. Bemporad, C. Filippi and F. D. Torrisi, Computational Geometry 27, 151-178 (2004).

        Examples
        --------
        >>> import facetry as ft
        >>> lo, hi = ft.Polytope.simplex(2).inner_box()
        >>> abs(lo).round(9).tolist(), hi.round(9).tolist()
        ([0.0, 0.0], [0.5, 0.5])

        """
        if not self.is_bounded:
            raise ValueError("the polytope is unbounded: boxes in it have any volume")
        lo, hi = inner_boxes(self)
        return lo[0], hi[0]


def inner_boxes(polytopes: InnerBox) -> tuple[F64, F64]:
    """Give lo and hi of each polytope of a batch; interior points where there is no volume."""
    A, b, offsets, _ = polytopes._batch
    centres, radii = _core.polytope_chebyshev(*polytopes._batch)
    dimension, _, points, _ = _core.polytope_interiors(*polytopes._batch)
    flat = dimension < A.shape[1]
    lo, hi = points.copy(), points.copy()
    _core.polytope_inner_boxes(A, b, offsets, centres, np.where(flat, 0.0, radii), lo, hi)
    return lo, hi


class ManyInnerBoxes:
    """Boxes in many polytopes; see :class:`Polytopes`."""

    @property
    def _batch(self) -> tuple[F64, F64, I64, float]:
        raise NotImplementedError

    def inner_box(self) -> tuple[F64, F64]:
        """Give the largest box in each, (k, d) twice, infinite in unbounded ones; see :class:`Polytope`."""
        lo, hi = inner_boxes(self)  # type: ignore[arg-type]
        unbounded = ~_core.polytope_bounded(*self._batch)
        lo[unbounded], hi[unbounded] = -np.inf, np.inf
        return lo, hi
