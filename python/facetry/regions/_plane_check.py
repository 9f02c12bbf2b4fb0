"""What is claimed of a planar complex, checked from scratch by forward evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._classes import classify
from ._plane_complex import BOUNDARY, OUTSIDE, numbered

if TYPE_CHECKING:
    from ._plane_complex import PlaneComplex

_SLACK = 1e-9  # of areas and values, relative


@dataclass(frozen=True)
class PlaneCheck:
    """What :meth:`PlaneComplex.verify` finds.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 2.0], [2.0, 4.0]]), ft.ReLU()])
    >>> check = ft.regions_on_plane(net, [0, 0], [1, 0], [0, 1]).verify()
    >>> check.ok, check.faces, check.wrong_patterns
    (True, 2, 0)

    """

    faces: int
    euler: int
    """Vertices - edges + faces: 1 for a complex that fills a polygon."""
    wrong_edges: int
    """Edges that are not in the boundary of the faces named, or have one face inside of the domain."""
    flat_faces: int
    """Faces without area, or that turn right somewhere."""
    wrong_patterns: int
    """Faces whose centroid has another pattern, by a neuron that is not 0 on the whole face, or class."""
    zero_neurons: int
    """Bits of centroids that differ only because the neuron is 0 on the whole face, up to the tolerance."""
    repeated_patterns: int
    """Faces with the pattern (and class) of an earlier face."""
    worst_side: float
    """How far a neuron is on the wrong side at a vertex of a face: in multiples of what counts as 0."""
    area_error: float
    """Of the sum of all faces' areas, relative to the domain's."""
    value_error: float
    """Of the affine maps at the centroids, relative to the largest output."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, sides are within 100 times what counts as 0, and errors below 1e-9."""
        counts = (self.wrong_edges, self.flat_faces, self.wrong_patterns, self.repeated_patterns)
        return (
            self.euler == 1
            and not any(counts)
            and self.worst_side < 100
            and max(self.area_error, self.value_error) < _SLACK
        )


def check(plane: PlaneComplex) -> PlaneCheck:
    """Check a complex."""
    vertices, edges, faces = plane.f_vector
    wrong, zero = _patterns(plane)
    return PlaneCheck(
        faces=faces,
        euler=vertices - edges + faces,
        wrong_edges=_wrong_edges(plane),
        flat_faces=_flat_faces(plane),
        wrong_patterns=wrong,
        zero_neurons=zero,
        repeated_patterns=_repeated(plane),
        worst_side=_worst_side(plane),
        area_error=_area_error(plane),
        value_error=_value_error(plane),
    )


def _wrong_edges(plane: PlaneComplex) -> int:
    """Compare the sides of all faces, as pairs of vertices, with the edges' own vertices and faces."""
    sizes = np.diff(plane.face_offsets)
    owner = np.repeat(np.arange(len(plane)), sizes)
    sides = np.stack([plane.face_vertices, plane.face_vertices[plane._next_corner], owner], axis=1)
    (a, b), (left, right) = plane.edges.T, plane.edge_faces.T
    told = np.concatenate([np.stack([a, b, left], axis=1), np.stack([b, a, right], axis=1)])
    told = told[told[:, 2] != OUTSIDE]
    inner = (left != OUTSIDE) & (right != OUTSIDE)
    one_sided = int(np.sum(inner == (plane.edge_neurons == BOUNDARY)))
    if told.shape != sides.shape:
        return max(one_sided, abs(len(told) - len(sides)))
    differ = _sorted_rows(told) != _sorted_rows(sides)
    return one_sided + int(np.sum(np.any(differ, axis=1)))


def _sorted_rows(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T[::-1])]


def _flat_faces(plane: PlaneComplex) -> int:
    corners = plane.vertices[plane.face_vertices]
    sides = corners[plane._next_corner] - corners
    following = sides[plane._next_corner]
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    # A vertex is rounded to the float grid of its coordinates, which tilts a short side.
    grid = 16 * np.finfo(float).eps * np.abs(plane.domain).max()
    bent = turns < -grid * (lengths + lengths[plane._next_corner])
    any_bent = np.logical_or.reduceat(bent, plane.face_offsets[:-1])
    return int(np.sum(any_bent | ~(plane.areas > 0)))


def _patterns(plane: PlaneComplex) -> tuple[int, int]:
    bits = plane._bits_at(plane.centroids)
    differ = np.flatnonzero(np.any(bits != plane.patterns.bits, axis=1))
    wrong = np.zeros(len(plane), bool)
    zero = 0
    for face in differ:
        at = plane.net.preactivations(plane.inputs(plane.face(int(face))))
        seen = plane.net.preactivations(plane.inputs(plane.centroids[face : face + 1]))[0]
        told = plane.patterns[int(face)].to_bool()[0]
        other = (seen > plane.zeros) != told
        is_zero = np.all(np.abs(at) <= 10 * plane.zeros, axis=0)
        wrong[face] = np.any(other & ~is_zero)
        zero += int(np.sum(other & is_zero))
    if plane.classes is not None:
        assert plane.class_rule is not None
        outputs = plane.net(plane.witnesses)
        wrong |= classify(outputs, plane.class_rule) != plane.classes
    return int(wrong.sum()), zero


def _repeated(plane: PlaneComplex) -> int:
    keys, _ = numbered(plane.patterns, plane.patterns.bits[:0])
    if plane.classes is not None:
        keys = keys * (int(plane.classes.max()) + 1) + plane.classes
    return len(keys) - len(np.unique(keys))


def _worst_side(plane: PlaneComplex) -> float:
    """Evaluate all neurons at all vertices of the faces, a block of faces at a time."""
    worst = 0.0
    step = max(1, 2**20 // max(plane.net.n_neurons, 1))
    for begin in range(0, len(plane), step):
        end = min(begin + step, len(plane))
        offsets = plane.face_offsets[begin : end + 1]
        corners = plane.face_vertices[offsets[0] : offsets[-1]]
        used, place = np.unique(corners, return_inverse=True)
        values = plane.net.preactivations(plane.inputs(plane.vertices[used]))[place.ravel()]
        active = np.repeat(plane.patterns[begin:end].to_bool(), np.diff(offsets), axis=0)
        excess = np.where(active, -values, values)
        with np.errstate(divide="ignore", invalid="ignore"):
            multiples = np.where(excess > 0, excess / plane.zeros, 0.0)
        worst = max(worst, float(multiples.max(initial=0.0)))
    return worst


def _area_error(plane: PlaneComplex) -> float:
    a, b = plane.domain - plane.domain[0], np.roll(plane.domain, -1, axis=0) - plane.domain[0]
    domain = float(np.sum(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])) / 2
    return abs(float(plane.areas.sum()) - domain) / domain


def _value_error(plane: PlaneComplex) -> float:
    expected = plane.net(plane.witnesses)
    linear = np.concatenate([plane.centroids, np.ones((len(plane), 1))], axis=1)
    values = np.einsum("fok,fk->fo", plane.maps, linear)
    return float(np.abs(values - expected).max(initial=0) / max(np.abs(expected).max(initial=0), 1e-300))
