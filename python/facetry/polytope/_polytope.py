"""One polytope. Its operations come in groups, one module and one class a group, each built on ``Rows``:

- ``_rows.Rows``: A, b, the tolerance, a cache.
- ``_contains.Membership``: contains, slack.
- ``_lp.LinearProgramming``: maximize, emptiness, dimension, boundedness, chebyshev, bounding_box.
- ``_redundancy.Redundancy`` (on top of the linear programmes): minimal.
- ``_vertices.Vertices``: vertices, rays, edges, from_vertices.
- ``_volume.Volumes``, ``_sampling.Sampling``: volume and centroid, random points.
- ``_boxes.InnerBox``, ``_maps.Maps``, ``_pairs.Pairs``: boxes inside, affine maps, two polytopes.

A group reads ``self._A``, ``self._b``, ``self._tolerance``, makes polytopes with ``type(self)``, keeps what
is worth keeping in ``self._cache``, and knows no other group save through methods. ``Polytope`` inherits them
all and adds the constructors; ``Polytopes`` in ``_polytopes.py`` has the same names for many at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._boxes import InnerBox
from ._contains import Membership
from ._maps import Maps
from ._pairs import Pairs
from ._redundancy import Redundancy
from ._sampling import Sampling
from ._tolerance import DEFAULT_TOLERANCE, F64


class Polytope(Pairs, Maps, Sampling, InnerBox, Redundancy, Membership):
    """The polytope {x : A x <= b}, bounded or not. Immutable; calls from several threads are safe.

    Parameters
    ----------
    A : (m, d) array
        Normals of the half-spaces; m may be 0 (all of R^d), d is at least 1. Kept as float64.
    b : (m,) array
        Right-hand sides. A row of zeros is dropped where b >= 0; where b < 0 the polytope becomes the empty
        one, {x : 0 <= -1}.
    tolerance : float
        Rows are scaled to unit norm; a slack of at most ``tolerance * max(|b|, m)`` counts as zero, where m
        is the lower median of the non-zero |b|. From 1e-14 to 0.01.

    Raises
    ------
    ValueError
        For NaN or infinity (with the first index), shapes that do not fit, or no columns.

    Examples
    --------
    >>> import facetry as ft
    >>> triangle = ft.Polytope([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    >>> triangle
    Polytope(2 dimensions, 3 rows, bounded)
    >>> triangle.contains([[0.2, 0.2], [0.9, 0.9]]).tolist()
    [True, False]

    """

    @classmethod
    def box(cls, lo: npt.ArrayLike, hi: npt.ArrayLike, *, tolerance: float = DEFAULT_TOLERANCE) -> Polytope:
        """The box lo <= x <= hi; an infinite bound gives no row. lo > hi is a ValueError.

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope.box([0, 0], [1, float("inf")])
        Polytope(2 dimensions, 3 rows, unbounded)

        """
        low, high = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (lo, hi))
        if low.ndim != 1 or low.shape != high.shape:
            raise ValueError(f"lo has shape {low.shape} and hi {high.shape}, expected (d,) twice")
        bad = np.flatnonzero(~(low <= high) | np.isposinf(low) | np.isneginf(high))
        if bad.size:
            i = bad[0]
            raise ValueError(f"lo[{i}] is {low[i]:g} and hi[{i}] is {high[i]:g}, expected lo <= hi")
        A = np.concatenate([np.eye(len(low)), -np.eye(len(low))])
        b = np.concatenate([high, -low])
        return cls(A[np.isfinite(b)], b[np.isfinite(b)], tolerance=tolerance)

    @classmethod
    def simplex(cls, d: int) -> Polytope:
        """The simplex {x >= 0, sum(x) <= 1} of R^d; its volume is 1/d!."""
        require_dimension(d)
        return cls(np.concatenate([-np.eye(d), np.ones((1, d))]), np.append(np.zeros(d), 1.0))

    @classmethod
    def cross_polytope(cls, d: int) -> Polytope:
        """The cross-polytope {sum |x_i| <= 1} of R^d, 2^d rows; its volume is 2^d/d!. d is at most 20."""
        require_dimension(d)
        if d > 20:
            raise ValueError(f"d is {d}, expected at most 20: the cross-polytope has 2**d rows")
        signs = 1.0 - 2.0 * ((np.arange(2**d)[:, None] >> np.arange(d)) & 1)
        return cls(signs, np.ones(2**d))

    @classmethod
    def empty(cls, d: int) -> Polytope:
        """The empty polytope {x : 0 <= -1} of R^d."""
        require_dimension(d)
        return cls(np.zeros((1, d)), np.array([-1.0]))

    @classmethod
    def all(cls, d: int) -> Polytope:
        """All of R^d, without a row."""
        require_dimension(d)
        return cls(np.zeros((0, d)), np.zeros(0))

    def __repr__(self) -> str:
        rows = f"{self.n_rows} row" + ("s" if self.n_rows != 1 else "")
        dims = f"{self.dim} dimension" + ("s" if self.dim != 1 else "")
        extent = "empty" if self.is_empty else "bounded" if self.is_bounded else "unbounded"
        return f"Polytope({dims}, {rows}, {extent})"

    def __copy__(self) -> Polytope:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Polytope:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._A, self._b, self._tolerance)


def _rebuild(A: F64, b: F64, tolerance: float) -> Polytope:
    return Polytope(A, b, tolerance=tolerance)


def require_dimension(d: int) -> None:
    """Refuse a space without a dimension."""
    if isinstance(d, bool) or not isinstance(d, int | np.integer):
        raise TypeError(f"d is a {type(d).__name__}, expected an integer")
    if d < 1:
        raise ValueError(f"d is {d}, expected at least 1")
