"""The planar complex of a network's regions: vertices, edges, faces, and what is known of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import as_points, require_memory
from ..network import AffineMaps, Network
from ..patterns import Patterns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._plane_check import PlaneCheck

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]

BOUNDARY = -1
"""As the neuron and layer of an edge: the boundary of the domain."""
TIE = -2
"""As the neuron of an edge: two outputs tie there, or the only one is 0."""
OUTSIDE = -1
"""As the face of an edge: there is none."""

_BLOCK_VALUES = 2**22  # pre-activations at a time: 32 MiB


@dataclass(frozen=True, eq=False, repr=False)
class PlaneComplex:
    """The regions of a network on a polygon of a plane, as :func:`facetry.regions_on_plane` finds them.

    Its length is the number of faces. Points of the plane have the coordinates (s, t) and are the inputs
    ``origin + s u + t v``.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0]]), ft.ReLU(), ft.Dense([[2.0]])])
    >>> plane = ft.regions_on_plane(net, [0, 0], [1, 0], [0, 1])
    >>> plane.f_vector, plane.face(0).tolist()
    ((6, 7, 2), [[-1.0, -1.0], [0.0, -1.0], [0.0, 1.0], [-1.0, 1.0]])
    >>> plane.affine_maps.jacobian[1].tolist(), plane.verify().ok
    ([[2.0, 0.0]], True)

    """

    net: Network
    """The network in float64."""
    origin: F64
    u: F64
    v: F64
    domain: F64
    """Corners of the domain, (k, 2), counterclockwise."""
    vertices: F64
    """(vertices, 2); the corners of the domain come first."""
    edges: I32
    """The two vertices of each edge, (edges, 2)."""
    edge_faces: I32
    """The faces to the left and to the right of each edge, (edges, 2); -1 outside of the domain."""
    edge_neurons: I32
    """The neuron that is 0 on the edge, (edges,): of several the first; -1 on the domain's boundary, -2 where
    the edge is there only because two outputs tie."""
    face_offsets: I64
    """Face i has the vertices ``face_vertices[face_offsets[i]:face_offsets[i + 1]]``, (faces + 1,)."""
    face_vertices: I32
    """Counterclockwise."""
    patterns: Patterns
    """The activation pattern inside each face."""
    maps: F64
    """Output k on face i is ``maps[i, k] @ (s, t, 1)``, (faces, outputs, 3)."""
    class_rule: str | None
    """``"sign"``, ``"argmax"`` or ``"argmin"``; None where outputs are not cut."""
    classes: I32 | None
    """The class of each face, where outputs are cut; by sign 1 where the output is positive, else 0."""
    zeros: F64
    """Up to what magnitude the value of each neuron counts as 0, (n_neurons,)."""
    tolerance: float
    """The factor that was used for it; 1e-13 unless rounding errors made more of it necessary."""

    def __len__(self) -> int:
        return len(self.face_offsets) - 1

    def __repr__(self) -> str:
        v, e, f = self.f_vector
        return f"PlaneComplex({f} faces, {e} edges, {v} vertices, of {self.net.n_neurons} neurons)"

    @property
    def f_vector(self) -> tuple[int, int, int]:
        """Numbers of vertices, edges and faces."""
        return len(self.vertices), len(self.edges), len(self)

    def face(self, i: int) -> F64:
        """Give the corners of a face, (k, 2), counterclockwise."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"face {i} of {len(self)}")
        i %= len(self)
        corners: F64 = self.vertices[self.face_vertices[self.face_offsets[i] : self.face_offsets[i + 1]]]
        return corners

    def inputs(self, points: npt.ArrayLike) -> F64:
        """Give the network's inputs at points (s, t) of the plane, (n, inputs)."""
        st = as_points(points, 2, np.dtype(np.float64), "points")
        require_memory(len(st) * self.net.input_dim * 8, "the inputs")
        return np.asarray(self.origin + st[:, :1] * self.u + st[:, 1:] * self.v)

    @cached_property
    def areas(self) -> F64:
        """Area of each face in the plane's coordinates, (faces,); see ``area_unit``."""
        return self._moments[0]

    @property
    def area_unit(self) -> float:
        """Area in the input space of a unit square of the plane's coordinates: 1 if u, v are orthonormal."""
        return float(np.sqrt(np.linalg.det(self.gram)))

    @property
    def gram(self) -> F64:
        """Inner products of u and v, (2, 2)."""
        frame = np.stack([self.u, self.v])
        return np.asarray(frame @ frame.T)

    @cached_property
    def centroids(self) -> F64:
        """The centroid of each face, (faces, 2): an interior point, the witness that ``verify`` uses."""
        return self._moments[1]

    @property
    def witnesses(self) -> F64:
        """The centroids as inputs of the network, (faces, inputs)."""
        return self.inputs(self.centroids)

    @property
    def affine_maps(self) -> AffineMaps:
        """The affine map of each face by (s, t): (faces, outputs, 2) and (faces, outputs)."""
        return AffineMaps(self.maps[:, :, :2], self.maps[:, :, 2])

    @cached_property
    def edge_layers(self) -> I64:
        """The layer of each edge's neuron, (edges,): -1 on the domain's boundary, the number of layers for a
        tie of outputs.
        """
        first = np.cumsum((0, *self.net.layer_widths))
        layers = np.searchsorted(first, self.edge_neurons, side="right") - 1
        layers[self.edge_neurons == BOUNDARY] = BOUNDARY
        layers[self.edge_neurons == TIE] = len(self.net.layer_widths)
        return layers

    @cached_property
    def edge_outputs(self) -> I32:
        """The classes to the left and to the right of each edge where they differ, else -1; (edges, 2)."""
        classes = self._need_classes()
        pairs = np.full((len(self.edges), 2), -1, np.int32)
        inner = np.flatnonzero(np.all(self.edge_faces != OUTSIDE, axis=1))
        pairs[inner] = classes[self.edge_faces[inner]]
        pairs[pairs[:, 0] == pairs[:, 1]] = -1
        return pairs

    @property
    def decision_boundary(self) -> I64:
        """The edges between two classes."""
        return np.flatnonzero(self.edge_outputs[:, 0] >= 0)

    @property
    def class_areas(self) -> dict[int, float]:
        """The area of every class that there is."""
        classes = self._need_classes()
        sums = np.bincount(classes, self.areas)
        return {int(k): float(sums[k]) for k in np.unique(classes)}

    @property
    def adjacency(self) -> I32:
        """The pairs of faces that share an edge, (pairs, 2); the edge is the row's of ``inner_edges``."""
        return np.asarray(self.edge_faces[self.inner_edges])

    @property
    def inner_edges(self) -> I64:
        """The edges with a face on both sides."""
        return np.flatnonzero(np.all(self.edge_faces != OUTSIDE, axis=1))

    def locate(self, points: npt.ArrayLike) -> I64:
        """Give the face of each point (s, t), (n,): for a point on an edge one of them, -1 off the domain.

        Found by the pattern at the point; where that is of no face, as rounding may make it, by the polygons.
        """
        from ._plane_locate import locate

        return locate(self, np.asarray(as_points(points, 2, np.dtype(np.float64), "points"), np.float64))

    def raster(self, pixels: int) -> I64:
        """Give the face at the middle of each pixel of the domain's bounding box, (pixels, pixels).

        Row 0 has the smallest t; -1 is outside of the domain. Takes time in proportion to the pixels, as
        patterns are looked up by their hash: the labels of Sattelberg 2026, section 6.3, without comparing
        neighbours up to a tolerance.
        """
        if pixels < 1:
            raise ValueError(f"pixels must be at least 1, is {pixels}")
        (s0, t0), (s1, t1) = self.domain.min(axis=0), self.domain.max(axis=0)
        middles = (np.arange(pixels) + 0.5) / pixels
        s, t = np.meshgrid(s0 + (s1 - s0) * middles, t0 + (t1 - t0) * middles)
        return self.locate(np.stack([s.ravel(), t.ravel()], axis=1)).reshape(pixels, pixels)

    def verify(self) -> PlaneCheck:
        """Check everything that is claimed, from scratch; see :class:`facetry.PlaneCheck`."""
        from ._plane_check import check

        return check(self)

    def plot(
        self,
        color: str | Callable[[PlaneComplex], npt.ArrayLike] = "pattern",
        *,
        boundary: bool = True,
        walls: bool = True,
        points: npt.ArrayLike | None = None,
        margins: bool = True,
        gradients: bool = True,
        rasterize_above: int = 5000,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the faces with matplotlib, into ``ax`` or a new figure; returns the axes.

        Parameters
        ----------
        color : "pattern", "class", "slope", "layer" or callable
            What faces are coloured by: their pattern (similar ones in similar hues), their class (needs
            ``cut_output=True``), the largest slope of the outputs in the plane; "layer" leaves the faces
            white and colours the walls. A callable takes the complex and gives (faces,) numbers or
            (faces, 3) colours.
        boundary : bool
            Draw the decision boundary, where outputs are cut.
        walls : bool
            Draw the edges between faces, thin.
        points : (n, 2) array, optional
            Points of the plane to mark, as in Lee et al. 2019, Fig. 1.
        margins : bool
            Draw a ball about each point that reaches the nearest wall of its region within the plane.
        gradients : bool
            Draw an arrow along the gradient within the plane of the only output, or of the largest one's lead
            over the next.
        rasterize_above : int
            With more faces than this, faces and walls are pixels in an SVG or PDF, which keeps it small;
            the boundary, points and labels stay lines.
        ax : matplotlib axes, optional
            Where to draw; its limits and aspect are set, equal unless the domain is longer than 5 to 1.

        """
        from ._plane_plot import draw

        return draw(self, color, boundary, walls, points, margins, gradients, rasterize_above, ax)

    def _need_classes(self) -> I32:
        if self.classes is None:
            raise ValueError("faces have classes only where outputs are cut: use cut_output=True")
        return self.classes

    @cached_property
    def _next_corner(self) -> I64:
        """For each place of ``face_vertices`` the place of the face's next corner."""
        following = np.arange(1, len(self.face_vertices) + 1)
        following[self.face_offsets[1:] - 1] = self.face_offsets[:-1]
        return following

    @cached_property
    def _moments(self) -> tuple[F64, F64]:
        """Areas and centroids, of triangles about each face's first corner: small faces keep their digits."""
        begins = self.face_offsets[:-1]
        sizes = np.diff(self.face_offsets)
        first = self.vertices[self.face_vertices[begins]]
        corners = self.vertices[self.face_vertices] - np.repeat(first, sizes, axis=0)
        following = corners[self._next_corner]
        cross = corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]
        area = np.add.reduceat(cross, begins) / 2
        sums = np.add.reduceat(cross[:, None] * (corners + following), begins, axis=0)
        mean = np.add.reduceat(corners, begins, axis=0) / sizes[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            center = np.where(area[:, None] > 0, sums / (6 * area[:, None]), mean)
        return area, first + center

    def _bits_at(self, points: F64) -> Any:
        """Patterns of points by the sweep's rule: active where the value is above what counts as 0."""
        parts = [np.empty((0, self.patterns.bits.shape[1]), np.uint64)]
        step = max(1, _BLOCK_VALUES // max(self.net.n_neurons, self.net.input_dim, 1))
        for begin in range(0, len(points), step):
            values = self.net.preactivations(self.inputs(points[begin : begin + step]))
            parts.append(Patterns.from_bool(values > self.zeros, self.net.layer_widths).bits)
        return np.concatenate(parts)


def numbered(faces: Patterns, bits: Any) -> tuple[I64, I64]:
    """Number the patterns of faces and of other rows of bits alike."""
    seen = _core.PatternSet(bits.shape[1])
    of_faces, _ = seen.add(faces.bits, max_bytes=2**62, want_numbers=True)
    others, _ = seen.add(bits, max_bytes=2**62, want_numbers=True)
    assert of_faces is not None
    assert others is not None
    return of_faces, others
