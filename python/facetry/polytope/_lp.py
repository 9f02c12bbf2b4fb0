"""What follows from linear programmes: optima, emptiness, dimension, boundedness, the largest ball."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import as_parameter
from ._highs import MOST_DIMENSIONS, maximize_highs
from ._rows import Rows, read_only
from ._tolerance import F64

I64 = npt.NDArray[np.int64]
STATUS = np.array(["optimal", "unbounded", "empty"])


@dataclass(frozen=True)
class Optimum:
    """Answer of a linear programme max c . x over {x : A x <= b}, with its certificate.

    For many programmes (:meth:`Polytopes.maximize`) every field has one more axis in front, save
    ``multipliers``, which has one number a row of the stacked ``A``, and ``status`` is an array of strings.

    Attributes
    ----------
    status : str
        ``"optimal"``, ``"unbounded"`` or ``"empty"``.
    value : float
        The maximum; inf where unbounded, -inf where empty.
    point : (d,) array
        A vertex where it is reached, where there is one; a point of the polytope where unbounded; NaN where
        empty.
    multipliers : (m,) array
        y >= 0. Optimal: ``A.T @ y = c`` and ``b @ y = value``, which proves that no point has more. Empty:
        ``A.T @ y = 0`` and ``b @ y < 0``, which proves that there is no point (Farkas). Unbounded: zeros.
    ray : (d,) array
        Unbounded: a direction with ``A @ ray <= 0`` and ``c @ ray > 0``; otherwise NaN.
    basis : (d,) integers
        Rows of A that are tight at the point, -1 where fewer are: pass the optimum as ``start=`` to begin
        there.

    Examples
    --------
    >>> import facetry as ft
    >>> best = ft.Polytope.box([0, 0], [1, 2]).maximize([1, 1])
    >>> best.status, best.value, best.point.tolist(), best.multipliers.tolist()
    ('optimal', 3.0, [1.0, 2.0], [1.0, 1.0, 0.0, 0.0])

    """

    status: Any
    value: Any
    point: F64
    multipliers: F64
    ray: F64
    basis: I64


class LinearProgramming(Rows):
    """The group of operations that linear programmes answer."""

    @property
    def _batch(self) -> tuple[F64, F64, I64, float]:
        """The arguments by which the native functions know a batch of one."""
        return self._A, self._b, np.array([0, len(self._A)], np.int64), self._tolerance

    def maximize(self, c: npt.ArrayLike, *, start: Optimum | None = None) -> Optimum:
        """Maximise c . x over the polytope by the dual simplex method; above 256 dimensions by HiGHS (scipy).

        Parameters
        ----------
        c : (d,) array
            The objective.
        start : Optimum, optional
            An earlier answer on the same rows (other right-hand sides and objectives are fine): its basis is
            where the search begins.

        Returns
        -------
        Optimum
            Value, point, status and certificate. A polytope that the tolerance calls flat is widened by just
            as much as makes it non-empty. HiGHS works to its own tolerance of 1e-7 and gives no basis.

        Raises
        ------
        ValueError
            For another shape, NaN or infinity in ``c``.
        RuntimeError
            Where rounding kept the method from ending within its limit of steps.
        ImportError
            Above 256 dimensions without scipy (the extra ``facetry[lp]``).

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope([[-1.0]], [0.0]).maximize([1.0]).status
        'unbounded'

        """
        objective = as_objective(c, self.dim)
        if self.dim > MOST_DIMENSIONS:
            return Optimum(*maximize_highs(self._A, self._b, objective), np.full(self.dim, -1))
        basis = None if start is None else start.basis[None]
        parts = _core.polytope_maximize(*self._batch, objective[None], basis)
        status, value, point, ray, multipliers, at = parts
        return Optimum(str(STATUS[status[0]]), float(value[0]), point[0], multipliers, ray[0], at[0])

    def _interior(self) -> tuple[int, float, F64, npt.NDArray[np.bool_]]:
        """Dimension, depth, a point of the relative interior, and the rows that hold with equality."""
        if "interior" not in self._cache:
            dimension, depth, point, equality = _core.polytope_interiors(*self._batch)
            self._cache["interior"] = int(dimension[0]), float(depth[0]), read_only(point[0]), equality
        result: tuple[int, float, F64, npt.NDArray[np.bool_]] = self._cache["interior"]
        return result

    @property
    def depth(self) -> float:
        """The largest ``slack / size`` that all rows have at one point, at most 1: the slack of emptiness.

        Below -tolerance the polytope is empty, above tolerance it has dimension d, between them it is flat.
        """
        return self._interior()[1]

    @property
    def is_empty(self) -> bool:
        """Whether there is no point (``depth < -tolerance``).

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope([[1.0], [-1.0]], [0.0, -1.0]).is_empty
        True

        """
        return self.dimension < 0

    @property
    def dimension(self) -> int:
        """Dimension of the polytope itself, -1 for the empty one (Matoba, Eq. B.4).

        Where no point has all slacks above the tolerance, the rows that can have none are fixed to equality
        and the rest is tried again.

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope([[1, 1], [-1, -1], [1, 0], [-1, 0]], [1, -1, 1, 0]).dimension
        1

        """
        return self._interior()[0]

    @property
    def is_bounded(self) -> bool:
        """Whether every direction leaves the polytope; the empty one is bounded."""
        if "bounded" not in self._cache:
            self._cache["bounded"] = bool(_core.polytope_bounded(*self._batch)[0])
        result: bool = self._cache["bounded"]
        return result

    def interior_point(self) -> F64:
        """Give a point of the relative interior, (d,); NaN for the empty polytope."""
        return self._interior()[2]

    def affine_hull(self) -> tuple[F64, F64]:
        """Give the affine hull {x : E x = f}, E (d - dimension, d) with orthonormal rows.

        The empty polytope has one equation, 0 = 1.

        Examples
        --------
        >>> import facetry as ft
        >>> E, f = ft.Polytope([[0, 2], [0, -2]], [6, -6]).affine_hull()
        >>> abs(E).tolist(), abs(f).tolist()
        ([[0.0, 1.0]], [3.0])

        """
        equations = _core.polytope_affine_hull(*self._batch)
        return np.ascontiguousarray(equations[:, :-1]), equations[:, -1].copy()

    def chebyshev(self) -> tuple[F64, float]:
        """Give centre and radius of a largest ball inside: max r such that A x + r |A_i| <= b.

        Returns
        -------
        centre : (d,) array
            Not unique in general. Where balls of every size fit, an interior point.
        radius : float
            0 up to rounding for a flat polytope, inf where balls of every size fit. Negative for an empty
            polytope: every point is outside some row by as much or more; -inf (with a centre of NaN) after 0
            <= negative.

        Examples
        --------
        >>> import facetry as ft
        >>> centre, radius = ft.Polytope.box([0, 0], [2, 2]).chebyshev()
        >>> centre.tolist(), radius
        ([1.0, 1.0], 1.0)

        """
        centre, radius = _core.polytope_chebyshev(*self._batch)
        return centre[0], float(radius[0])

    def bounding_box(self) -> tuple[F64, F64]:
        """Give the smallest box around the polytope (Matoba, Eqs. B.7 and B.8): 2 d linear programmes.

        Returns
        -------
        lo, hi : (d,) arrays
            Infinite where unbounded. Of the empty polytope lo is +inf and hi -inf.

        Examples
        --------
        >>> import facetry as ft
        >>> [side.tolist() for side in ft.Polytope([[1, 1], [-1, 0], [0, -1]], [1, 0, 0]).bounding_box()]
        [[0.0, 0.0], [1.0, 1.0]]

        """
        lo, hi = _core.polytope_bounding_boxes(*self._batch)
        return lo[0], hi[0]


def as_objective(c: object, dim: int, name: str = "c") -> F64:
    """Copy a vector of the polytope's space."""
    vector = as_parameter(name, c, 1).astype(np.float64, copy=False)
    if len(vector) != dim:
        raise ValueError(f"{name} has shape {vector.shape}, expected ({dim},)")
    return vector
