"""Half-spaces of the hull of points and directions: the vertices of its polar."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import as_parameter, memory_limit
from ._rows import read_only
from ._tolerance import F64

I64 = npt.NDArray[np.int64]
ROUNDING = 2.0**-46


class VertexForm(NamedTuple):
    """Vertices, rays and how they hang together, as the native code gives them."""

    vertices: F64
    rays: F64
    incidence: npt.NDArray[np.int32]
    incidence_offsets: I64
    edges: npt.NDArray[np.int32] | None


def as_directions(rays: object, dim: int) -> F64:
    """Copy rays, (l, dim), scaled to length 1."""
    if rays is None:
        return np.zeros((0, dim))
    directions = as_parameter("rays", rays, 2).astype(np.float64)
    if directions.shape[1] != dim:
        raise ValueError(f"rays has shape {directions.shape}, expected (l, {dim}) as V has {dim} columns")
    largest = np.abs(directions).max(axis=1, initial=0)
    if (largest == 0).any():
        raise ValueError(f"rays[{int(np.flatnonzero(largest == 0)[0])}] has length 0")
    directions = directions / largest[:, None]
    unit: F64 = directions / np.linalg.norm(directions, axis=1)[:, None]
    return unit


def hull_rows(points: F64, directions: F64, tolerance: float) -> tuple[F64, F64, VertexForm | None]:
    """Give A, b of conv(points) + cone(directions), at least one point, directions of length 1.

    And which of the points are vertices, where there are no directions.
    """
    middle = points.mean(axis=0)
    scale = float(np.abs(points - middle).max(initial=0))
    if scale <= tolerance * np.abs(middle).max():  # one point, up to the tolerance
        scale = float(np.abs(middle).max()) or 1.0
        spread = np.zeros_like(points)
    else:
        spread = (points - middle) / scale
    _, sizes, axes = np.linalg.svd(np.concatenate([spread, directions]), full_matrices=True)
    rank = int((sizes > tolerance * max(sizes.max(initial=0), 1.0)).sum())
    inside, across = axes[:rank], axes[rank:]
    level = without_rounding(across @ middle, np.abs(across) @ np.abs(middle) + scale)
    A, b = np.concatenate([across, -across]), np.concatenate([level, -level])
    if rank == 0:
        return A, b, None
    y, r = spread @ inside.T, directions @ inside.T
    centre = y.mean(axis=0) + (r.mean(axis=0) if len(r) else 0)
    outer = np.flatnonzero(np.abs(y - centre).max(axis=1) > tolerance)  # a point in the middle is no vertex
    polar = np.concatenate([y[outer] - centre, r])
    rhs = np.concatenate([np.ones(len(outer)), np.zeros(len(r))])
    forms = _core.polytope_vertex_forms(
        np.ascontiguousarray(polar),
        rhs,
        np.array([0, len(polar)]),
        tolerance,
        faces=True,
        max_bytes=memory_limit() // 2,
    )
    facets = forms["vertices"].reshape(-1, rank)
    lengths = np.linalg.norm(facets, axis=1)
    kept = lengths > tolerance * lengths.max(initial=0)  # 0 stands for the facet at infinity
    normals = facets[kept] / lengths[kept, None] @ inside
    near, far = (1 + facets[kept] @ centre) / lengths[kept] * scale, normals @ middle
    terms = scale / lengths[kept] + scale * np.linalg.norm(centre) + np.abs(normals) @ np.abs(middle)
    rhs = without_rounding(near + far, terms)
    A, b = np.concatenate([normals, A]), np.concatenate([rhs, b])
    return A, b, None if len(r) else corners(points[outer], forms, 2 * len(across))


def without_rounding(rhs: F64, terms: F64 | float) -> F64:
    """Set to 0 what may be the rounding of a sum of terms so large: sizes are taken from right-hand sides."""
    return np.where(np.abs(rhs) <= ROUNDING * terms, 0.0, rhs)


def corners(points: F64, polar: dict[str, Any], equations: int) -> VertexForm:
    """Give the vertices of a hull: points on facets that are not all facets of another point too."""
    offsets = polar["incidence_offsets"]
    facets = len(offsets) - 1
    on = np.zeros((len(points), facets + equations), dtype=bool)
    on[polar["incidence"], np.repeat(np.arange(facets), np.diff(offsets))] = True
    count = on.sum(axis=1)
    kept = np.zeros(len(points), dtype=bool)
    for i in np.argsort(-count, kind="stable"):
        if count[i]:
            rows = np.flatnonzero(on[i])
            near = np.flatnonzero(on[:, rows[0]] & kept)
            kept[i] = not on[np.ix_(near, rows)].all(axis=1).any()
    on[:, facets:] = True
    on = on[kept]
    return VertexForm(
        read_only(points[kept]),
        read_only(np.zeros((0, points.shape[1]))),
        np.nonzero(on)[1].astype(np.int32),
        np.concatenate([[0], np.cumsum(on.sum(axis=1))]).astype(np.int64),
        None,
    )


def edges_between(on: npt.NDArray[np.bool_], dimension: int) -> npt.NDArray[np.int32]:
    """Give the pairs of vertices such that no third is on all facets that both are on."""
    common = on.astype(np.int32) @ on.T.astype(np.int32)
    pairs = np.argwhere(np.triu(common >= dimension - 1, 1))
    joined = [(on[:, on[i] & on[j]].all(axis=1)).sum() == 2 for i, j in pairs]
    edges: npt.NDArray[np.int32] = pairs[np.array(joined, dtype=bool)].astype(np.int32)
    return edges
