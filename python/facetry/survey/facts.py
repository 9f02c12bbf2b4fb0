"""What a survey measures, as dataclasses of plain numbers, and the layout of ``survey.json``.

Everything is measured at points, so every number is about the points seen: a neuron that is never active
there may well be active elsewhere in the box.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from .raster import Raster
from .slice import Slice

SCHEMA = 1
"""Version of :meth:`Survey.to_dict`; it grows when a key changes its meaning or goes away."""


@dataclass(frozen=True)
class NetworkFacts:
    """What was surveyed."""

    name: str
    file: str | None
    description: str
    layers: tuple[str, ...]
    inputs: int
    outputs: int
    neurons: int
    parameters: int
    dtype: str


@dataclass(frozen=True)
class PointFacts:
    """Where the points came from.

    ``kind`` is ``"sobol"`` for points of the box, ``"data"`` where the box is the bounding box of the points.
    """

    kind: str
    origin: str
    count: int
    note: str
    box: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class PatternFacts:
    """Distinct activation patterns: lower bounds where ``complete`` is False, since memory was full."""

    distinct: int
    complete: bool
    curve: tuple[tuple[int, int], ...]
    """(points, distinct patterns among them) for 1, 2, 4, ... points and for all of them."""


@dataclass(frozen=True)
class LayerFacts:
    """A layer of neurons, at the points seen."""

    neurons: int
    always_active: int
    never_active: int
    split: int
    mean_active: float
    """Mean over neurons and points of active (1) or not (0)."""
    activity: tuple[int, ...]
    """Neurons by the share of points at which they are active, in 20 equal bins of [0, 1]."""
    near: float
    far: float
    """Mean Hamming distance in this layer, of near and of far pairs."""


@dataclass(frozen=True)
class HammingFacts:
    """Neurons that differ between the two points of a pair.

    Far pairs: independent uniform points of the box, or two different rows of the data. Near pairs: the first
    point of every far pair and that point moved by 1 % of the diagonal of the box in a uniformly random
    direction, every input measured in widths of the box, then clipped to the box.
    """

    pairs: int
    near_step: float
    bin_width: int
    near: tuple[int, ...]
    far: tuple[int, ...]
    """Pairs by distance: bin k holds distances from ``k * bin_width`` to below ``(k + 1) * bin_width``."""
    near_mean: float
    far_mean: float
    near_same: float
    far_same: float
    """Share of pairs with equal patterns."""


@dataclass(frozen=True)
class MarginFacts:
    """Margins of the first points: the largest l_p ball around each in which no neuron changes.

    Not certified: right up to rounding in float64.
    """

    points: int
    percentiles: tuple[int, ...]
    radii: dict[str, tuple[float | None, ...]]
    """By norm, ``"1"``, ``"2"`` and ``"inf"``: the radius at each percentile, None where it is infinite.

    A radius that occurs: the least one that so many per cent of the points do not exceed.
    """
    on_a_wall: int
    """Points with margin 0."""
    unbounded: int
    """Points whose region has no walls."""
    overflowing: int
    """Points where a value overflows: in no percentile."""
    edges: tuple[float, ...]
    """Of the histogram's bins; empty where no margin is positive and finite."""
    counts: dict[str, tuple[int, ...]]
    """By norm, ``"2"`` and ``"inf"``: points in each bin; smaller positive margins are in the first."""


@dataclass(frozen=True)
class ClassFacts:
    """How many points have which class; the rule is ``"argmax"``, ``"argmin"`` or ``"sign"`` (one output)."""

    rule: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Survey:
    """What :func:`survey` measured; ``to_dict`` gives the content of ``survey.json``."""

    network: NetworkFacts
    points: PointFacts
    patterns: PatternFacts
    layers: tuple[LayerFacts, ...]
    hamming: HammingFacts
    margins: MarginFacts | None
    """None for a network without neurons."""
    classes: ClassFacts
    picture: Slice | Raster | None
    """None where every input is constant."""
    seconds: dict[str, float]
    """Of loading, making, propagating and counting the points, pairs, margins and the picture."""
    environment: dict[str, Any]
    seed: int
    """Of the random pairs and of a random plane; the Sobol points are not random."""

    @property
    def points_per_second(self) -> float:
        """Points made, propagated and counted in a second."""
        return self.points.count / max(sum(self.seconds[k] for k in ("sample", "propagate", "count")), 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """Give plain numbers, strings, lists and dicts, without NaN; ``schema`` is the layout's version.

        The keys are the fields of the dataclasses above. ``picture`` has the plane (origin, directions,
        window) and the numbers of regions and patterns in it; ``columns`` and ``rows`` where it is a raster.
        """
        facts: dict[str, Any] = {"schema": SCHEMA}
        for name in ("network", "points", "patterns", "hamming", "classes"):
            facts[name] = asdict(getattr(self, name))
        facts["margins"] = None if self.margins is None else asdict(self.margins)
        facts["layers"] = [asdict(layer) for layer in self.layers]
        facts["picture"] = None if self.picture is None else _picture_facts(self.picture)
        facts["seconds"] = self.seconds
        facts["points_per_second"] = self.points_per_second
        facts["seed"] = self.seed
        facts["environment"] = self.environment
        return facts

    def to_json(self) -> str:
        """Give ``to_dict()`` as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"


def _picture_facts(picture: Slice | Raster) -> dict[str, Any]:
    plane = picture.plane
    rows, columns = picture.regions.shape if isinstance(picture, Raster) else (None, None)
    return {
        "kind": plane.kind,
        "numbers": list(plane.numbers),
        "origin": plane.origin.tolist(),
        "u": plane.u.tolist(),
        "v": None if plane.v is None else plane.v.tolist(),
        "window": list(plane.window),
        "marks": [list(mark) for mark in plane.marks],
        "columns": columns,
        "rows": rows,
        "faces": None if isinstance(picture, Raster) else len(picture.regions),
        "patterns": len(picture.patterns),
        "classes": picture.seen_classes,
        "balls": picture.balls.tolist(),
    }
