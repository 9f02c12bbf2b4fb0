"""Rasters: the activation pattern and the class at the middle of every pixel of a plane.

A raster sees what its samples hit: a region smaller than a pixel can be missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import _core
from .._classes import classify, lead
from ..network import Network
from ..patterns import Patterns
from .balls import plane_balls
from .plane import F64, Plane
from .sources import block_rows


@dataclass(frozen=True)
class Raster:
    """What samples at the middles of a plane's pixels saw; row 0 has the smallest t."""

    plane: Plane
    regions: npt.NDArray[np.int64]
    """Index into ``patterns`` of every pixel, (rows, columns)."""
    patterns: Patterns
    """The distinct patterns seen, in the order of their first pixel."""
    classes: npt.NDArray[np.int64]
    """The class of every pixel; for one output 1 where it is positive, else 0."""
    leads: F64
    """By how much the class of a pixel leads before the next one; for one output its magnitude."""
    balls: F64
    """Points (s, t) and their l2 margins, (k, 3); see :func:`facetry.survey.balls.plane_balls`."""

    @property
    def seen_classes(self) -> list[int]:
        """The classes that were seen."""
        return [int(k) for k in np.unique(self.classes)]


def raster(
    net: Network,
    plane: Plane,
    rule: str,
    *,
    pixels: int = 600,
    progress: Callable[[int, int], None] | None = None,
) -> Raster:
    """Sample a plane in ``pixels`` x ``pixels`` points, the middles of the pixels (one row for a line).

    Points are computed in float64 and rounded to the network's dtype. ``rule`` is one of
    :func:`facetry._classes.rule_of`.
    """
    if pixels < 2:
        raise ValueError(f"pixels must be at least 2, is {pixels}")
    s0, s1, t0, t1 = plane.window
    rows = 1 if plane.v is None else pixels
    across = plane.origin + (s0 + (s1 - s0) * (np.arange(pixels) + 0.5) / pixels)[:, None] * plane.u
    up = t0 + (t1 - t0) * (np.arange(rows) + 0.5) / rows
    seen = _core.PatternSet(net._core.words)
    regions = np.empty((rows, pixels), np.int64)
    classes = np.empty((rows, pixels), np.int64)
    leads = np.empty((rows, pixels))
    step = min(rows, max(1, block_rows(net) // pixels))
    points = np.empty((step, pixels, net.input_dim))
    x = np.empty((step * pixels, net.input_dim), net.dtype)
    outputs = np.empty((len(x), net.output_dim), net.dtype)
    bits = np.empty((len(x), net._core.words), np.uint64)
    for row in range(0, rows, step):
        block = slice(row, min(row + step, rows))
        shape = regions[block].shape
        count = shape[0] * pixels
        lift = 0.0 if plane.v is None else up[block, None, None] * plane.v
        np.add(across, lift, out=points[: shape[0]])
        x[:count] = points[: shape[0]].reshape(count, -1)
        net._core.propagate(x[:count], outputs=outputs[:count], patterns=bits[:count])
        numbers, _ = seen.add(bits[:count], max_bytes=2**62, want_numbers=True)
        assert numbers is not None
        regions[block] = numbers.reshape(shape)
        classes[block] = classify(outputs[:count], rule).reshape(shape)
        leads[block] = lead(outputs[:count], rule).reshape(shape)
        if progress:
            progress(block.stop, rows)
    return Raster(
        plane, regions, Patterns(seen.rows(), net.layer_widths), classes, leads, plane_balls(net, plane)
    )
