"""Exact preimages: all inputs of a domain that a network sends into a set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._progress import Progress
from ..network import Network
from ..patterns import Patterns
from ..polytope import Polytope, Polytopes, PolytopeUnion
from ._box import iter_regions_in_box
from ._box_search import Domain
from ._walls import facets_of

F64 = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
Rows = tuple[F64, F64]

_BLOCK_BYTES = 2**27  # of walls at a time


@dataclass(frozen=True)
class Classes:
    """The outputs whose largest element is the one of this number: a target of :func:`preimage`.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Classes(1)
    Classes(label=1)

    """

    label: int

    def rows(self, outputs: int) -> Rows:
        """Write it as ``A @ y <= b`` for so many outputs."""
        if not 0 <= self.label < outputs:
            raise ValueError(f"target is class {self.label}, the network has {outputs} outputs")
        if outputs < 2:
            raise ValueError("target is a class, but the network has one output: pass a Polytope")
        A = np.eye(outputs)[np.arange(outputs) != self.label]
        A[:, self.label] = -1
        return A, np.zeros(outputs - 1)


class Preimage(PolytopeUnion):
    """The inputs that a network sends into a set: polytopes with disjoint interiors.

    Made by :func:`preimage` and :func:`decision_regions`; a :class:`PolytopeUnion` whose pieces know the
    regions they lie in.

    Attributes
    ----------
    patterns : Patterns
        The activation pattern of each piece. None where the set is empty.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    >>> inside = ft.preimage(net, ft.Polytope.box([0.5], [2.0]), [[-1, 1]])
    >>> inside.patterns.to_bool().tolist(), inside.volume()
    ([[True]], 0.5)

    """

    def __init__(self, pieces: Iterable[Polytope], patterns: Patterns, dim: int) -> None:
        found = list(pieces)
        super().__init__(found or [Polytope.empty(dim)])
        self.patterns = patterns

    def __reduce__(self) -> tuple[object, ...]:
        return Preimage, (self.pieces if len(self.patterns) else (), self.patterns, self.dim)


def preimage(
    net: Network,
    target: Polytope | PolytopeUnion | Classes,
    domain: object = None,
    *,
    progress: bool | Progress | None = None,
) -> Preimage:
    """Find all inputs of a domain whose outputs lie in the target, exactly.

    One sweep over the linear regions of the domain; on each the preimage is the region cut with
    ``{x : T (J x + c) <= t}`` (Matoba, Lemma 3), so only feasible patterns are ever visited, where Matoba's
    backward recursion (Lemma 4) goes through all 2^n.

    Parameters
    ----------
    net : Network
        At most 8 inputs; see :func:`regions_in_box`.
    target : Polytope, PolytopeUnion or Classes
        In the space of outputs. The pieces of a union should not overlap, or the preimage's pieces do.
    domain : (inputs, 2) array, Polytope, or None
        As for :func:`regions_in_box`.
    progress : bool or callable, optional
        True counts regions on standard error.

    Returns
    -------
    Preimage
        Full-dimensional pieces, one or none for a region and a piece of the target. Pieces of lower dimension
        are left out.

    Raises
    ------
    TypeError, ValueError
        For another target, one of another dimension than the outputs, and what :func:`regions_in_box`
        refuses.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [-1.0]]), ft.ReLU(), ft.Dense([[1.0, 1.0]])])  # |x|
    >>> ft.preimage(net, ft.Polytope.box([1], [2]), [[-3, 3]]).volume()
    2.0

    """
    return preimages(net, [target], domain, progress=progress)[0]


def decision_regions(
    net: Network, domain: object = None, *, progress: bool | Progress | None = None
) -> list[Preimage]:
    """Find where each output is the largest: one preimage a class, in one sweep.

    Arguments and errors as for :func:`preimage`. Ties, where they fill a region, belong to all classes that
    tie.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0, 0.0], [0.0, 1.0]])])
    >>> [round(one.volume(), 9) for one in ft.decision_regions(net, [[0, 1], [0, 1]])]
    [0.5, 0.5]

    """
    return preimages(net, [Classes(k) for k in range(net.output_dim)], domain, progress=progress)


def preimages(
    net: Network,
    targets: Sequence[Polytope | PolytopeUnion | Classes],
    domain: object = None,
    *,
    progress: bool | Progress | None = None,
) -> list[Preimage]:
    """Find the preimage of every target in one sweep; see :func:`preimage`.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    >>> low, high = ft.preimages(net, [ft.Polytope.box([-1], [1]), ft.Polytope.box([1], [3])], [[0, 2]])
    >>> low.volume(), high.volume()
    (1.0, 1.0)

    """
    rows = [_rows_of(target, net.output_dim) for target in targets]
    around = Domain.of(domain, net.input_dim)
    limits = (around.A, around.b) if around.box is None else _box_rows(around.box)
    step = max(_BLOCK_BYTES // (8 * max(net.n_neurons * net.input_dim, 1)), 1)
    pieces: list[list[Polytope]] = [[] for _ in targets]
    bits: list[list[Patterns]] = [[] for _ in targets]
    for block in iter_regions_in_box(net, domain, progress=progress):
        for begin in range(0, len(block.patterns), step):
            patterns = block.patterns[begin : begin + step]
            regions = Regions(net, patterns, limits)
            for number, target in enumerate(rows):
                for A, b in target:
                    found, which = regions.cut(A, b)
                    pieces[number] += found
                    bits[number].append(patterns[which])
    none = net.patterns(np.empty((0, net.input_dim), net.dtype))
    return [
        Preimage(one, Patterns.concatenate([none, *seen]), net.input_dim)
        for one, seen in zip(pieces, bits, strict=True)
    ]


class Regions:
    """Regions of some patterns within a domain: their facets and affine maps, ready to be cut."""

    def __init__(self, net: Network, patterns: Patterns, limits: Rows) -> None:
        A, b = net._region_rows(patterns)
        count = len(patterns)
        A = np.concatenate([A, np.broadcast_to(limits[0], (count, *limits[0].shape))], axis=1)
        b = np.concatenate([b, np.broadcast_to(limits[1], (count, len(limits[1])))], axis=1)
        self.facets, _ = facets_of(A, b)
        self.jacobian, self.offset = net._double().affine_map_of(patterns)

    def cut(self, A: F64, b: F64) -> tuple[list[Polytope], Int64Array]:
        """Give the full-dimensional parts sent into ``A @ y <= b``, and of which regions they are."""
        count, dim = len(self.offset), self.jacobian.shape[2]
        rows, right = A @ self.jacobian, b - self.offset @ A.T
        offsets = self.facets.offsets + len(b) * np.arange(count + 1)
        place = np.repeat(offsets[:-1] + np.diff(self.facets.offsets), len(b)) + np.tile(
            np.arange(len(b)), count
        )
        is_cut = np.zeros(offsets[-1], bool)
        is_cut[place] = True
        all_rows, all_right = np.empty((offsets[-1], dim)), np.empty(offsets[-1])
        all_rows[is_cut], all_rows[~is_cut] = rows.reshape(-1, dim), self.facets.A
        all_right[is_cut], all_right[~is_cut] = right.ravel(), self.facets.b
        parts = Polytopes(all_rows, all_right, offsets)
        which = np.flatnonzero(parts.dimension == dim)
        return list(parts[which].minimal()) if len(which) else [], which


def _rows_of(target: Polytope | PolytopeUnion | Classes, outputs: int) -> list[Rows]:
    if isinstance(target, Classes):
        return [target.rows(outputs)]
    if not isinstance(target, Polytope | PolytopeUnion):
        raise TypeError(f"target is a {type(target).__name__}, expected Polytope, PolytopeUnion or Classes")
    if target.dim != outputs:
        raise ValueError(f"target has {target.dim} dimensions, the network has {outputs} outputs")
    pieces = target.pieces if isinstance(target, PolytopeUnion) else (target,)
    return [(piece.A, piece.b) for piece in pieces]


def _box_rows(box: F64) -> Rows:
    unit = np.eye(len(box))
    return np.concatenate([unit, -unit]), np.concatenate([box[:, 1], -box[:, 0]])
