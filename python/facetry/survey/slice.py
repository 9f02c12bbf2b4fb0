"""The linear regions in a survey's plane: all of them, where they are not too many to draw."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..network import Network
from ..patterns import Patterns
from ..regions import PlaneComplex, regions_on_plane
from .balls import plane_balls
from .plane import F64, Plane

_MAX_BYTES = 2**26  # for the work: some 100,000 faces, which take seconds to draw


@dataclass(frozen=True)
class Slice:
    """All linear regions that meet a window of a plane."""

    plane: Plane
    regions: PlaneComplex
    """Cut where the class changes too."""
    balls: F64
    """Points (s, t) and their l2 margins, (k, 3); see :func:`facetry.survey.balls.plane_balls`."""

    @cached_property
    def patterns(self) -> Patterns:
        """The distinct patterns."""
        return self.regions.patterns.unique()

    @property
    def seen_classes(self) -> list[int]:
        """The classes that there are."""
        assert self.regions.classes is not None
        return [int(k) for k in np.unique(self.regions.classes)]


def cut_slice(net: Network, plane: Plane, rule: str) -> Slice | None:
    """Find all regions in a plane's window; None where they are too many, or the window is on a line."""
    if plane.v is None:
        return None
    s0, s1, t0, t1 = plane.window
    try:
        regions = regions_on_plane(
            net,
            plane.origin,
            plane.u,
            plane.v,
            ((s0, s1), (t0, t1)),
            cut_output=True,
            class_rule="argmin" if rule == "argmin" else "argmax",
            max_bytes=_MAX_BYTES,
        )
    except MemoryError:
        return None
    return Slice(plane, regions, plane_balls(net, plane))
