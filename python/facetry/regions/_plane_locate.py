"""Which face a point of a plane lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .._classes import classify
from ._plane_complex import OUTSIDE, numbered

if TYPE_CHECKING:
    from ._plane_complex import F64, I64, PlaneComplex


def locate(plane: PlaneComplex, points: F64) -> I64:
    """Look up patterns, and where that does not do, polygons."""
    bad = np.argwhere(~np.isfinite(points))
    if len(bad):
        raise ValueError(f"points is not finite at index {tuple(bad[0].tolist())}")
    faces = np.full(len(points), OUTSIDE, np.int64)
    inside = np.flatnonzero(_in_domain(plane, points))
    faces[inside] = _by_pattern(plane, points[inside])
    lost = inside[faces[inside] == OUTSIDE]
    for i in lost:
        faces[i] = _by_polygon(plane, points[i])
    return faces


def _in_domain(plane: PlaneComplex, points: F64) -> npt.NDArray[np.bool_]:
    inside = np.ones(len(points), bool)
    for a, b in zip(plane.domain, np.roll(plane.domain, -1, axis=0), strict=True):
        (ds, dt), offset = b - a, points - a
        inside &= ds * offset[:, 1] - dt * offset[:, 0] >= 0
    return inside


def _by_pattern(plane: PlaneComplex, points: F64) -> I64:
    keys, wanted = numbered(plane.patterns, plane._bits_at(points))
    if plane.classes is not None:
        assert plane.class_rule is not None
        count = max(plane.net.output_dim, 2)
        keys = keys * count + plane.classes
        wanted = wanted * count + classify(plane.net(plane.inputs(points)), plane.class_rule)
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    found = order[place]
    return np.where(keys[found] == wanted, found, OUTSIDE)


def _by_polygon(plane: PlaneComplex, point: F64) -> int:
    """Give the face that the point is deepest in, by the distance from the lines of its edges."""
    corners = plane.vertices[plane.face_vertices]
    sides = corners[plane._next_corner] - corners
    offset = point - corners
    lengths = np.maximum(np.hypot(sides[:, 0], sides[:, 1]), np.finfo(float).tiny)
    depth = (sides[:, 0] * offset[:, 1] - sides[:, 1] * offset[:, 0]) / lengths
    return int(np.argmax(np.minimum.reduceat(depth, plane.face_offsets[:-1])))
