"""Boxes about points: the l_inf ball cut with the domain, whose every sample must lie inside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray, numpy_array
from ..network import Network

F64 = npt.NDArray[np.float64]


def as_radius(radius: float) -> float:
    """Check the radius of a ball."""
    if not 0 < radius < np.inf:
        raise ValueError(f"radius is {radius}, expected a positive number")
    return float(radius)


def as_domain(net: Network, domain: npt.ArrayLike | None, points: FloatArray) -> tuple[F64, F64]:
    """Coerce a domain to lower and upper bounds, (inputs,), that hold all the points."""
    box = net.input_box if domain is None else np.asarray(numpy_array("domain", domain), np.float64)
    if box is None:
        box = np.array([-np.inf, np.inf])
    if box.shape not in ((2,), (net.input_dim, 2)):
        raise ValueError(
            f"domain has shape {box.shape}, expected (2,) or ({net.input_dim}, 2): lower and upper per input"
        )
    low, high = np.broadcast_to(box, (net.input_dim, 2)).T.copy()
    bad = np.flatnonzero(~(low <= high))
    if bad.size:
        k = bad[0]
        raise ValueError(f"domain is [{low[k]}, {high[k]}] for input {k}, expected lower <= upper")
    outside = np.argwhere((points < low) | (points > high))
    if len(outside):
        i, k = outside[0]
        raise ValueError(f"x[{i}, {k}] is {points[i, k]}, outside of the domain [{low[k]}, {high[k]}]")
    return low, high


class Ball:
    """The points of the network's dtype in the l_inf ball of a radius about a point, cut with the domain."""

    def __init__(self, point: FloatArray, radius: float, low: F64, high: F64) -> None:
        centre = point.astype(np.float64)
        # The sums are rounded: one number inwards is inside in exact arithmetic, and the centre always is.
        below = np.minimum(np.nextafter(centre - radius, np.inf), centre)
        above = np.maximum(np.nextafter(centre + radius, -np.inf), centre)
        self._low, self._high = np.maximum(below, low), np.minimum(above, high)
        self._dtype = point.dtype
        self.low = _round(self._low, point.dtype, np.inf)
        self.high = _round(self._high, point.dtype, -np.inf)

    def sample(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Give uniform points, (count, inputs)."""
        points = rng.random((count, len(self._low)))
        points *= self._high - self._low
        points += self._low
        return self.project(points)

    def project(self, points: F64) -> FloatArray:
        """Give the nearest points of the ball, in the network's dtype."""
        return np.clip(points.astype(self._dtype), self.low, self.high)


def _round(values: F64, dtype: np.dtype[np.floating], toward: float) -> FloatArray:
    """Round to a dtype in one direction."""
    rounded = values.astype(dtype)
    wrong = rounded < values if toward > 0 else rounded > values
    return np.where(wrong, np.nextafter(rounded, dtype.type(toward)), rounded)
