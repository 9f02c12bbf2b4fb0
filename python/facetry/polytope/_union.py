"""Finite unions of polytopes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ._polytope import Polytope
from ._tolerance import F64
from ._volume import Estimate


class PolytopeUnion:
    """The union of finitely many polytopes of one space. Immutable.

    Parameters
    ----------
    pieces : iterable of Polytope
        They may overlap; at least one (``Polytope.empty(d)`` for the empty set).

    Raises
    ------
    ValueError
        For no pieces, or pieces of different spaces.
    TypeError
        For anything but polytopes.

    Examples
    --------
    >>> import facetry as ft
    >>> left, right = ft.Polytope.box([0, 0], [2, 1]), ft.Polytope.box([1, 0], [3, 1])
    >>> both = ft.PolytopeUnion([left, right])
    >>> round(both.volume(), 12), both.simplify()
    (3.0, PolytopeUnion(1 piece, 2 dimensions))

    """

    def __init__(self, pieces: Iterable[Polytope]) -> None:
        self._pieces = tuple(pieces)
        if not self._pieces:
            raise ValueError("a union needs at least one polytope: Polytope.empty(d) is the empty set")
        for i, piece in enumerate(self._pieces):
            if not isinstance(piece, Polytope):
                raise TypeError(f"pieces[{i}] is a {type(piece).__name__}, expected a Polytope")
            if piece.dim != self.dim:
                raise ValueError(f"pieces[{i}] has {piece.dim} dimensions, expected {self.dim} as pieces[0]")

    @property
    def pieces(self) -> tuple[Polytope, ...]:
        """The polytopes."""
        return self._pieces

    @property
    def dim(self) -> int:
        """The d of R^d, the space that the pieces lie in."""
        return self._pieces[0].dim

    @property
    def is_empty(self) -> bool:
        """Whether all pieces are."""
        return all(piece.is_empty for piece in self._pieces)

    def __len__(self) -> int:
        return len(self._pieces)

    def __iter__(self) -> Iterator[Polytope]:
        return iter(self._pieces)

    def __getitem__(self, index: int) -> Polytope:
        return self._pieces[index]

    def __repr__(self) -> str:
        pieces = f"{len(self)} piece" + ("s" if len(self) != 1 else "")
        dims = f"{self.dim} dimension" + ("s" if self.dim != 1 else "")
        return f"PolytopeUnion({pieces}, {dims})"

    def contains(self, x: npt.ArrayLike) -> npt.NDArray[np.bool_] | bool:
        """Tell which points, (n, d) or (d,), are in a piece, up to its tolerance; see :class:`Polytope`.

        Examples
        --------
        >>> import facetry as ft
        >>> ends = ft.PolytopeUnion([ft.Polytope.box([0], [1]), ft.Polytope.box([2], [3])])
        >>> ends.contains([[0.5], [1.5], [2.5]]).tolist()
        [True, False, True]

        """
        inside = np.asarray(np.array([piece.contains(x) for piece in self._pieces]).any(axis=0))
        return inside if inside.ndim else bool(inside)

    def bounding_box(self) -> tuple[F64, F64]:
        """Give the least box around all pieces, (lo, hi): least lo and largest hi of theirs.

        (Matoba B.3.5 applies the constraints of all of them at once, which boxes their intersection.)
        Infinite where a piece is unbounded; lo = inf and hi = -inf of the empty set.

        Examples
        --------
        >>> import facetry as ft
        >>> ft.PolytopeUnion([ft.Polytope.box([0], [1]), ft.Polytope.box([2], [3])]).bounding_box()
        (array([0.]), array([3.]))

        """
        lo, hi = np.full(self.dim, np.inf), np.full(self.dim, -np.inf)
        for piece in self._pieces:
            if not piece.is_empty:
                low, high = piece.bounding_box()
                lo, hi = np.minimum(lo, low), np.maximum(hi, high)
        return lo, hi

    def __or__(self, other: Polytope | PolytopeUnion) -> PolytopeUnion:
        """Union: the pieces of both."""
        if not isinstance(other, Polytope | PolytopeUnion):
            return NotImplemented
        return PolytopeUnion([*self._pieces, *pieces_of(other)])

    def __and__(self, other: Polytope | PolytopeUnion) -> PolytopeUnion:
        """Intersection: of every piece with every piece of the other, where that is not empty."""
        if not isinstance(other, Polytope | PolytopeUnion):
            return NotImplemented
        theirs = pieces_of(other)
        self._require_space(theirs[0])
        return self._of(mine & piece for mine in self._pieces for piece in theirs)

    def __le__(self, other: Polytope | PolytopeUnion) -> bool:
        """Whether this set is inside the other one, up to leftovers of a lower dimension than their piece."""
        if not isinstance(other, Polytope | PolytopeUnion):
            return NotImplemented
        theirs = pieces_of(other)
        self._require_space(theirs[0])
        return all(
            any(piece <= single for single in theirs) or not subtract(piece, theirs) for piece in self._pieces
        )

    def __ge__(self, other: Polytope | PolytopeUnion) -> bool:
        """Whether the other set is inside this one."""
        if not isinstance(other, Polytope | PolytopeUnion):
            return NotImplemented
        # By name: a subclass on the right of <= would be asked for its >= first, without end.
        return PolytopeUnion.__le__(PolytopeUnion(pieces_of(other)), self)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same set, up to the tolerance."""
        if not isinstance(other, Polytope | PolytopeUnion):
            return NotImplemented
        return self.dim == other.dim and self <= other and self >= other

    __hash__ = None  # type: ignore[assignment]  # == is up to a tolerance

    def volume(
        self, method: str = "auto", *, precision: float = 0.05, seed: int | None = 0
    ) -> float | Estimate:
        """Give the volume: of pieces that do not overlap, the sum; others are split first.

        See :meth:`Polytope.volume`. The interval of a sum of estimates is the sum of their intervals; its
        confidence is what is left when each of them may miss.

        Examples
        --------
        >>> import facetry as ft
        >>> P = ft.Polytope.box([0, 0], [1, 1])
        >>> round(ft.PolytopeUnion([P, P, P.translate([0.5, 0])]).volume(), 12)
        1.5

        """
        parts = [part.volume(method, precision=precision, seed=seed) for part in self.disjoint()]
        estimates = [part for part in parts if isinstance(part, Estimate)]
        total = float(sum(part for part in parts if not isinstance(part, Estimate)))
        if not estimates:
            return total
        value, low, high, doubts = np.sum([(*e[:3], 1 - e.confidence) for e in estimates], axis=0)
        return Estimate(total + value, total + low, total + high, max(0.0, 1 - doubts))

    def disjoint(self) -> PolytopeUnion:
        """Give the same set, but for parts of lower dimension, as pieces that meet in boundaries alone."""
        pieces: list[Polytope] = []
        for piece in self._pieces:
            if piece.dimension == self.dim:
                pieces += subtract(piece, pieces)
        return self._of(pieces)

    def simplify(self) -> PolytopeUnion:
        """Drop empty pieces and those inside another, merge pairs whose union is convex, while there are any.

        Examples
        --------
        >>> import facetry as ft
        >>> quarters = [ft.Polytope.box([i, j], [i + 1, j + 1]) for i in (0, 1) for j in (0, 1)]
        >>> len(ft.PolytopeUnion(quarters).simplify())
        1

        """
        pieces = [piece for piece in self._pieces if not piece.is_empty]
        merged = True
        while merged:
            merged = False
            for i, j in combinations(range(len(pieces)), 2):
                if pieces[i].union_is_convex(pieces[j]):
                    union = pieces[i].envelope(pieces[j]).minimal()
                    pieces = [union, *(p for k, p in enumerate(pieces) if k not in (i, j))]
                    merged = True
                    break
        return self._of(pieces)

    def image(self, W: npt.ArrayLike, a: npt.ArrayLike | None = None) -> PolytopeUnion:
        """Give the images of the pieces; see :meth:`Polytope.image`."""
        return PolytopeUnion(piece.image(W, a) for piece in self._pieces)

    def preimage(self, W: npt.ArrayLike, a: npt.ArrayLike | None = None) -> PolytopeUnion:
        """Give the preimages of the pieces; see :meth:`Polytope.preimage`."""
        return PolytopeUnion(piece.preimage(W, a) for piece in self._pieces)

    def _of(self, pieces: Iterable[Polytope]) -> PolytopeUnion:
        kept = [piece for piece in pieces if not piece.is_empty]
        return PolytopeUnion(kept or [Polytope.empty(self.dim)])

    def _require_space(self, other: Polytope) -> None:
        if other.dim != self.dim:
            raise ValueError(f"the sets have {self.dim} and {other.dim} dimensions, expected the same")


def pieces_of(union: Polytope | PolytopeUnion) -> tuple[Polytope, ...]:
    """Give the pieces of a union, or the one polytope."""
    return (union,) if isinstance(union, Polytope) else union.pieces


def subtract(piece: Polytope, others: Iterable[Polytope]) -> list[Polytope]:
    """Give polytopes of the dimension of `piece` that fill what the others leave of it."""
    left = [piece] if not piece.is_empty else []
    for other in others:
        left = [part for whole in left for part in beyond(whole, other, piece.dimension)]
    return left


def beyond(whole: Polytope, other: Polytope, dimension: int) -> list[Polytope]:
    """Cut off what violates the first row of the other, then the second, ...; the rest is in the other."""
    if (whole & other).dimension < dimension:
        return [whole]
    parts = []
    inside = whole
    for a, b, slack in zip(other.A, other.b, other.row_tolerances, strict=True):
        if inside.maximize(a).value <= b + slack:
            continue
        cut = inside & Polytope(-a[None], [-b], tolerance=other.tolerance)
        if cut.dimension == dimension:
            parts.append(cut.minimal())
            inside = inside & Polytope(a[None], [b], tolerance=other.tolerance)
    return parts
