"""Volume, centroid: exact through pyramids up to eight dimensions, estimated with an interval beyond."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import _core
from .._arrays import memory_limit
from ._tolerance import F64
from ._vertices import ManyVertices, Vertices

if TYPE_CHECKING:
    from typing_extensions import Self

EXACT_DIMENSIONS = 8  # beyond, vertices and faces are too many as a rule


class Estimate(NamedTuple):
    """A number known from random samples: the true one is in [low, high] with the stated confidence.

    Attributes
    ----------
    value : float
        The estimate.
    low, high : float
        Ends of the interval.
    confidence : float
        In how many of all runs, with other seeds, such an interval holds the true value.

    Examples
    --------
    >>> import facetry as ft
    >>> volume = ft.Polytope.box([0] * 10, [1] * 10).volume(seed=1)
    >>> volume.low < 1 < volume.high, volume.confidence
    (True, 0.99)

    """

    value: float
    low: float
    high: float
    confidence: float = 0.99


class Volumes(Vertices):
    """The group of operations on volume."""

    def volume(
        self, method: str = "auto", *, precision: float = 0.05, seed: int | None = 0
    ) -> float | Estimate:
        """Give the d-dimensional volume.

        Parameters
        ----------
        method : "auto", "exact" or "sample"
            "auto" is "exact" up to 8 dimensions and "sample" beyond. "exact" in more dimensions works where
            there are not too many faces (the cube of 12 dimensions, say).
        precision : float
            "sample" goes on until the interval is within so much of the estimate, or 64 times the first
            number of points is used up: look at the interval.
        seed : int, optional
            Of "sample": the estimate is a function of it. None takes one from the operating system.

        Returns
        -------
        float or Estimate
            "exact": a float, correct up to rounding; only positive terms are added. "sample": an
            :class:`Estimate`. Empty and lower-dimensional polytopes have volume 0.0, unbounded ones inf, by
            both methods.

        Raises
        ------
        ValueError
            For an unknown method, a precision that is not between 0 and 1, a seed out of range.
        MemoryError
            Where there are so many faces that half of this machine's memory does not hold them.
        RuntimeError
            As for :meth:`vertices`.

        Notes
        -----
        "exact": a face F of dimension k is cut into pyramids over its facets F_j, with one of its vertices p
        as apex, vol(F) = 1/k sum_j height_j(p) vol(F_j), every face once (Lasserre 1983 with an apex in
        place of the origin; Bueler, Enge and Fukuda 2000 compare the methods). "sample": multiphase Monte
        Carlo (Dyer, Frieze and Kannan 1991): the ratios of volumes of P cut with larger and larger balls, by
        hit-and-run. Runs that do not depend on each other give the interval, by Student's t.

        Examples
        --------
        >>> import facetry as ft
        >>> round(ft.Polytope.cross_polytope(4).volume() * 24, 9)  # 2**d / d!
        16.0

        """
        if method not in ("auto", "exact", "sample"):
            raise ValueError(f"method is {method!r}, expected 'auto', 'exact' or 'sample'")
        if method == "exact" or (method == "auto" and self.dim <= EXACT_DIMENSIONS):
            return float(_core.polytope_volumes(*self._batch, max_bytes=memory_limit() // 2)[0])
        from ._sampling import estimate_volume

        return estimate_volume(self, precision, seed)

    def centroid(self) -> F64:
        """Give the centre of mass, (d,): of the polytope within its affine hull where that is less than R^d.

        Exact, in any dimension, where faces are not too many; the mean of :meth:`sample` estimates it
        elsewhere.

        Raises
        ------
        ValueError
            For an empty or unbounded polytope.
        MemoryError, RuntimeError
            As for :meth:`volume`.

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope.box([0, 0], [2, 4]).centroid().round(12).tolist()
        [1.0, 2.0]

        """
        solid, basis, origin = self._solid()
        centre: F64 = origin + (solid.centroid() @ basis if solid is not None else 0)
        return centre

    def _solid(self) -> tuple[_core.PolytopeSolid | None, F64, F64]:
        """The polytope in coordinates of its affine hull, x = origin + y @ basis; no solid for a point."""
        if "solid" not in self._cache:
            relative, basis, origin = self._relative()
            if relative is None:
                solid = None
            else:
                A, b, _, tolerance = relative._batch
                solid = _core.PolytopeSolid(A, b, tolerance, max_bytes=memory_limit() // 2)
            self._cache["solid"] = solid, basis, origin
        result: tuple[_core.PolytopeSolid | None, F64, F64] = self._cache["solid"]
        return result

    def _relative(self) -> tuple[Self | None, F64, F64]:
        """A polytope of full dimension with P = origin + Q @ basis; None in place of Q for a point."""
        require_bounded(self)
        if self.dimension == self.dim:
            return self, np.eye(self.dim), np.zeros(self.dim)
        origin = self.interior_point()
        E, _ = self.affine_hull()
        basis = np.linalg.svd(E, full_matrices=True)[2][len(E) :]
        if not len(basis):
            return None, basis, origin
        A, norms = self._A @ basis.T, np.linalg.norm(self._A, axis=1)
        across = np.linalg.norm(A, axis=1) > math.sqrt(self._tolerance) * norms
        rhs = (self._b - self._A @ origin)[across]
        return type(self)(A[across], rhs, tolerance=self._tolerance), basis, origin


def require_bounded(polytope: Vertices) -> None:
    """Refuse what has no centre and no uniform points."""
    if polytope.is_empty:
        raise ValueError("the polytope is empty")
    if not polytope.is_bounded:
        raise ValueError("the polytope is unbounded: cut it with a box, P & Polytope.box(lo, hi)")


class ManyVolumes(ManyVertices):
    """Volumes of many polytopes; see :class:`Polytopes`."""

    def volume(self) -> F64:
        """Give the volume of each, (k,), exact in any dimension; see :meth:`Polytope.volume`."""
        return _core.polytope_volumes(*self._batch, max_bytes=memory_limit() // 2)
