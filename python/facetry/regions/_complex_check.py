"""The check of a Complex from scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ._complex_parts import Cells

if TYPE_CHECKING:
    from ._complex import Complex

_SLACK = 1e5  # tolerances: how far a vertex may be on the wrong side


class Verification(NamedTuple):
    """What :meth:`Complex.verify` counted: regions or facets that failed each test, and sums.

    Attributes
    ----------
    wrong_witnesses : int
        Witnesses whose evaluated pattern is not the region's.
    smallest_slack : float
        Over witnesses and neurons that are not 0 on the whole region: ``|z|`` over the neuron's tolerance.
    wrong_vertices : int
        Regions with a vertex on the wrong side of a neuron by more than 1e5 tolerances.
    repeated_patterns : int
    unmatched_facets : int
        Facets without a region across, or whose region across does not know them; 0 where neighbours were not
        asked for.
    volume, domain_volume : float
        Of all regions together, and of the domain; NaN where that is unbounded.
    complete : bool

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -1.0]), ft.ReLU()])
    >>> ft.regions_in_box(net, [[-1, 3]]).verify().ok
    True

    """

    wrong_witnesses: int
    smallest_slack: float
    wrong_vertices: int
    repeated_patterns: int
    unmatched_facets: int
    volume: float
    domain_volume: float
    complete: bool

    @property
    def ok(self) -> bool:
        """Whether nothing failed, and the volumes of a complete search add up to the domain's (to 1e-9)."""
        failed = (
            self.wrong_witnesses
            + self.wrong_vertices
            + self.repeated_patterns
            + (self.unmatched_facets if self.complete else 0)
        )
        gap = abs(self.volume - self.domain_volume)
        tiles = not self.complete or np.isnan(gap) or gap <= 1e-9 * self.domain_volume
        return failed == 0 and bool(tiles)


def verify(regions: Complex) -> Verification:
    """Evaluate the network at witnesses and vertices, and compare patterns, facets and volumes."""
    x = regions.witnesses
    values, tolerances = regions._signed(x), regions._tolerances(x)
    wrong = np.any(np.where(_active(regions), values <= 0, values > tolerances), axis=1)
    slack = np.abs(values) / np.maximum(tolerances, 1e-300)
    wrong_vertices, volume, begin = 0, 0.0, 0
    for cells in regions._blocks():
        wrong_vertices += _wrong_vertices(regions, begin, cells)
        volume += float(cells.volumes.sum())
        begin += len(cells.volumes)
    return Verification(
        wrong_witnesses=int(wrong.sum()),
        smallest_slack=float(slack[slack > 1].min(initial=np.inf)),
        wrong_vertices=wrong_vertices,
        repeated_patterns=len(regions) - len(regions._index),
        unmatched_facets=_unmatched(regions) if regions.has_neighbors else 0,
        volume=volume,
        domain_volume=_domain_volume(regions),
        complete=regions.complete,
    )


def _active(regions: Complex, which: slice = slice(None)) -> npt.NDArray[np.bool_]:
    active = regions.patterns[which].to_bool()
    return active if regions.classes is None else np.column_stack([active, regions.classes[which] > 0])


def _wrong_vertices(regions: Complex, begin: int, cells: Cells) -> int:
    points, at_infinity = cells.points()
    counts = np.diff(cells.vertex_ends, prepend=0)
    owner = np.repeat(np.arange(len(counts)), counts)[~at_infinity]
    values = regions._signed(np.ascontiguousarray(points))
    active = _active(regions, slice(begin, begin + len(counts)))[owner]
    allowed = _SLACK * regions._tolerances(points)
    bad = np.any(np.where(active, -values, values) > allowed, axis=1)
    return len(np.unique(owner[bad])) + int((counts == 0).sum())


def _unmatched(regions: Complex) -> int:
    rows, across = regions._rows_of_facets(), regions.facets.indices
    a, b = rows[across >= 0], across[across >= 0]
    unanswered = ~np.isin(b * len(regions) + a, a * len(regions) + b)
    return int((across < 0).sum()) + int(unanswered.sum())


def _domain_volume(regions: Complex) -> float:
    box = regions.domain.box
    if box is not None:
        return float(np.prod(box[:, 1] - box[:, 0]))
    if regions._problem.is_homogeneous:
        return float("nan")
    from ..polytope import Polytope

    volume = Polytope(regions.domain.A, regions.domain.b).volume()
    return volume if isinstance(volume, float) else volume.value
