"""Margin balls of points of a plane, for its picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..network import Network
from .plane import F64, Plane

_GRID = 48  # points a side among which balls are chosen
_BALLS = 40


def plane_balls(net: Network, plane: Plane) -> F64:
    """Choose points of a plane whose margin balls do not meet there: (k, 3), s, t and the l2 radius.

    The plane's marked points first, whatever they meet, then points of a grid, the largest balls first.
    Nothing for a line or a network without neurons.
    """
    if plane.v is None or not net.n_neurons:
        return np.empty((0, 3))
    s0, s1, t0, t1 = plane.window
    steps = (np.arange(_GRID) + 0.5) / _GRID
    s, t = np.meshgrid(s0 + (s1 - s0) * steps, t0 + (t1 - t0) * steps)
    places = np.concatenate([np.reshape(plane.marks, (-1, 2)), np.stack([s.ravel(), t.ravel()], axis=1)])
    # Coordinates of the plane in which lengths are those of the input space.
    frame = np.linalg.qr(np.stack([plane.u, plane.v], axis=1), mode="r")
    flat = places @ np.asarray(frame).T
    points = plane.origin + places[:, :1] * plane.u + places[:, 1:] * plane.v
    radii = net.margins(points.astype(net.dtype)).radius
    radii = np.where(np.isfinite(radii), radii, 0)
    marks = len(plane.marks)
    chosen: list[int] = list(range(marks))
    order: npt.NDArray[np.int64] = marks + np.argsort(-radii[marks:], kind="stable")
    for k in order.tolist():
        if len(chosen) == marks + _BALLS or radii[k] == 0:
            break
        apart = np.linalg.norm(flat[chosen] - flat[k], axis=1) >= radii[chosen] + radii[k]
        if apart.all():
            chosen.append(k)
    return np.column_stack([places[chosen], radii[chosen]])
