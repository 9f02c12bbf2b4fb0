"""Membership of points in the half-spaces."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import as_points, numpy_array
from ._rows import Rows
from ._tolerance import F64, check_slack_tolerance, row_sizes


class Membership(Rows):
    """The group of operations that look at given points."""

    def contains(self, x: npt.ArrayLike, *, tolerance: float | None = None) -> npt.NDArray[np.bool_] | bool:
        """Tell which points are in the polytope (Matoba, B.3.3: A x <= b).

        Parameters
        ----------
        x : (n, d) array, or (d,) for one point
            Any dtype that is exact in float64.
        tolerance : float, optional
            A row holds where ``A_i . x <= b_i + tolerance * size_i * |A_i|``; the polytope's own unless
            given. 0 compares ``A x <= b`` as it is computed: products and sums in the order of the columns,
            without fma, the same bits on every machine.

        Returns
        -------
        (n,) bool array, or bool for one point

        Raises
        ------
        ValueError
            For another shape, NaN or infinity.

        Examples
        --------
        >>> import facetry as ft
        >>> cube = ft.Polytope.box([0, 0, 0], [1, 1, 1])
        >>> cube.contains([1.0, 0.5, 0.0]), cube.contains([[2.0, 0.5, 0.5]]).tolist()
        (True, [False])

        """
        points, single = as_polytope_points(x, self.dim)
        relative = self._tolerance if tolerance is None else check_slack_tolerance(tolerance)
        upper = self._b + relative / self._tolerance * self.row_tolerances if relative else self._b
        inside = _core.polytope_contains(self._A, upper, points)
        return bool(inside[0]) if single else inside

    def slack(self, x: npt.ArrayLike) -> F64 | float:
        """Give the smallest slack of each point, in units of the row's size: what ``contains`` compares.

        Returns
        -------
        (n,) array, or float for one point
            ``min_i (b_i - A_i . x) / (size_i |A_i|)``; inf without rows. A point is in the polytope where
            this is at least minus the tolerance.

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope.box([0, 0], [4, 4]).slack([1, 3])
        0.25

        """
        points, single = as_polytope_points(x, self.dim)
        slack = np.full(len(points), np.inf)
        if self.n_rows:
            norms, sizes = row_sizes(self._A, self._b)
            units = np.where(norms > 0, norms * sizes, 1.0)
            block = max(1, 2**22 // self.n_rows)  # 32 MiB of products at a time
            for i in range(0, len(points), block):
                slack[i : i + block] = ((self._b - points[i : i + block] @ self._A.T) / units).min(axis=1)
        return float(slack[0]) if single else slack


def as_polytope_points(x: object, dim: int) -> tuple[F64, bool]:
    """Coerce (n, d) or (d,) points to (n, d) float64; tell whether it was one point."""
    array = numpy_array("x", x)
    if not hasattr(x, "dtype") and array.dtype.kind in "iub":
        array = array.astype(np.float64)  # a list of Python numbers has no precision of its own
    single = array.ndim == 1
    points = as_points(array[None] if single else array, dim, np.dtype(np.float64))
    return points.astype(np.float64, copy=False), single
