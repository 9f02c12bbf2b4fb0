"""Pictures of planar complexes, with matplotlib, which is imported only when one is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import plot as colours
from ._plane_complex import OUTSIDE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._plane_complex import F64, PlaneComplex

_WALL = "#1b1b2f"
_CLASSES = (
    "#8ecae6", "#ffb703", "#b7e4c7", "#f4978e", "#cdb4db",
    "#e9c46a", "#90be6d", "#a9def9", "#f7a072", "#d0d1ff",
)  # fmt: skip
_LAYERS = ("#3a86ff", "#e76f51", "#2a9d8f", "#9b5de5", "#e9a820", "#264653", "#d62867", "#6a994e")
_LONG = 5.0  # sides in a greater ratio than this are not drawn to the same scale


def draw(
    plane: PlaneComplex,
    color: str | Callable[[PlaneComplex], npt.ArrayLike],
    boundary: bool,
    walls: bool,
    points: npt.ArrayLike | None,
    margins: bool,
    gradients: bool,
    rasterize_above: int,
    ax: Axes | None,
) -> Axes:
    """Draw a complex; see :meth:`PlaneComplex.plot`."""
    is_bitmap = len(plane) > rasterize_above
    low, high = plane.domain.min(axis=0), plane.domain.max(axis=0)
    ax = ax if ax is not None else _new_axes()
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    sides = high - low
    ax.set_aspect("equal" if sides.max() <= _LONG * sides.min() else "auto")
    _draw_faces(plane, color, ax, is_bitmap)
    if color == "layer":
        _draw_layers(plane, ax, is_bitmap)
    elif walls:
        inner = plane.edge_neurons >= 0
        _draw_edges(plane, np.flatnonzero(inner), ax, _WALL, _wall_width(plane), is_bitmap, alpha=0.45)
    if boundary and plane.classes is not None:
        _draw_edges(plane, plane.decision_boundary, ax, "white", 3.0, False, zorder=3)
        _draw_edges(plane, plane.decision_boundary, ax, "black", 1.5, False, zorder=3.1)
    if points is not None:
        _draw_points(plane, points, margins, gradients, ax)
    ax.set_xlabel("s")
    ax.set_ylabel("t")
    return ax


def _new_axes() -> Axes:
    from matplotlib.figure import Figure

    return Figure(figsize=(6.4, 6.0), layout="constrained").add_subplot()


def _wall_width(plane: PlaneComplex) -> float:
    """Thinner where there is less room: the faces' mean size falls with the root of their number."""
    return float(np.clip(20 / np.sqrt(len(plane)), 0.12, 0.8))


def _draw_faces(
    plane: PlaneComplex,
    color: str | Callable[[PlaneComplex], npt.ArrayLike],
    ax: Axes,
    is_bitmap: bool,
) -> None:
    from matplotlib.collections import PolyCollection

    if color == "layer":
        return
    style: dict[str, Any] = {"linewidths": 0.3, "edgecolors": "face"}  # no seams between faces
    faces = PolyCollection(
        np.split(plane.vertices[plane.face_vertices], plane.face_offsets[1:-1]),
        zorder=1,
        rasterized=is_bitmap,
        **style,
    )
    values, label = _face_values(plane, color)
    if values.ndim == 2:
        faces.set_facecolor(values.tolist())
        faces.set_edgecolor(values.tolist())
    else:
        faces.set_array(values)
        faces.set_cmap("cividis" if color == "slope" else "viridis")
    ax.add_collection(faces, autolim=False)
    if values.ndim == 1:
        _figure(ax).colorbar(faces, ax=ax, label=label, shrink=0.85, pad=0.02)
    if color == "class":
        _class_legend(plane, ax)


def _face_values(
    plane: PlaneComplex, color: str | Callable[[PlaneComplex], npt.ArrayLike]
) -> tuple[F64, str]:
    """Give a number or a colour a face, and what the numbers are."""
    if callable(color):
        values = np.asarray(color(plane), np.float64)
        if values.shape not in ((len(plane),), (len(plane), 3), (len(plane), 4)):
            raise ValueError(
                f"color gives an array of shape {values.shape}, expected ({len(plane)},) or ({len(plane)}, 3)"
            )
        return values, ""
    if color == "pattern":
        return colours.pattern_colours(plane.patterns), ""
    if color == "class":
        from matplotlib.colors import to_rgb

        palette = np.array([to_rgb(c) for c in _CLASSES])
        return palette[plane._need_classes() % len(palette)], ""
    if color == "slope":
        return slopes(plane), "largest slope in the plane"
    raise ValueError(f"color is {color!r}, expected 'pattern', 'class', 'slope', 'layer' or a callable")


def slopes(plane: PlaneComplex) -> F64:
    """Give the largest singular value of each face's Jacobian along the plane, by unit length in it."""
    whiten = np.linalg.inv(np.linalg.cholesky(plane.gram)).T
    values: F64 = np.linalg.norm(plane.affine_maps.jacobian @ whiten, ord=2, axis=(1, 2))
    return values


def _class_legend(plane: PlaneComplex, ax: Axes) -> None:
    from matplotlib.patches import Patch

    names = {0: "output ≤ 0", 1: "output > 0"} if plane.class_rule == "sign" else {}
    classes = np.unique(plane._need_classes())
    handles = [
        Patch(color=_CLASSES[k % len(_CLASSES)], label=names.get(k, f"class {k}")) for k in classes.tolist()
    ]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, borderaxespad=0)


def _draw_edges(
    plane: PlaneComplex, edges: Any, ax: Axes, color: str, width: float, is_bitmap: bool, **style: Any
) -> Any:
    from matplotlib.collections import LineCollection

    lines = LineCollection(
        list(plane.vertices[plane.edges[edges]]),
        colors=color,
        linewidths=width,
        rasterized=is_bitmap,
        capstyle="round",
        **{"zorder": 2, **style},
    )
    ax.add_collection(lines, autolim=False)
    return lines


def _draw_layers(plane: PlaneComplex, ax: Axes, is_bitmap: bool) -> None:
    """Colour the walls by layer, the first one on top and widest."""
    from matplotlib.lines import Line2D

    width = 2 * _wall_width(plane)
    handles = []
    for layer in range(len(plane.net.layer_widths)):
        edges = np.flatnonzero(plane.edge_layers == layer)
        if len(edges) == 0:
            continue
        color = _LAYERS[layer % len(_LAYERS)]
        _draw_edges(
            plane, edges, ax, color, width * (1 if layer else 1.6), is_bitmap, zorder=2 - 0.01 * layer
        )
        handles.append(Line2D([], [], color=color, lw=2, label=f"layer {layer}"))
    if handles:
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, borderaxespad=0)


def _draw_points(
    plane: PlaneComplex, points: npt.ArrayLike, margins: bool, gradients: bool, ax: Axes
) -> None:
    st = np.asarray(points, np.float64)
    faces = plane.locate(st)
    st, faces = st[faces != OUTSIDE], faces[faces != OUTSIDE]
    if margins:
        _draw_margins(plane, st, faces, ax)
    if gradients and plane.net.output_dim:
        arrows = _gradients(plane, st, faces)
        length = np.hypot(*arrows.T).max(initial=0)
        if length > 0:
            reach = 0.09 * float(np.ptp(plane.domain, axis=0).min())
            ax.quiver(
                *st.T, *(arrows * (reach / length)).T, angles="xy", scale_units="xy", scale=1, width=0.004,
                color="black", zorder=4.2,
            )  # fmt: skip
    ax.plot(*st.T, "o", ms=4.5, mfc="white", mec="black", mew=0.9, zorder=4.5)


def wall_distances(plane: PlaneComplex, st: F64, faces: Any) -> F64:
    """Give the distance, in the input space, of points from the walls of their faces within the plane."""
    walls = np.zeros((len(plane.edges), 2), bool)
    walls[plane.edge_neurons >= 0] = True
    inverse = np.linalg.inv(plane.gram)
    distances = np.full(len(st), np.inf)
    for i, (point, face) in enumerate(zip(st, faces, strict=True)):
        edges = np.flatnonzero(np.any((plane.edge_faces == face) & walls, axis=1))
        if len(edges) == 0:
            continue
        a, b = plane.vertices[plane.edges[edges, 0]], plane.vertices[plane.edges[edges, 1]]
        normals = np.stack([a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]], axis=1)
        lengths = np.sqrt(np.einsum("ei,ij,ej->e", normals, inverse, normals))
        distances[i] = np.min(np.abs(np.sum(normals * (point - a), axis=1)) / lengths)
    return distances


def _draw_margins(plane: PlaneComplex, st: F64, faces: Any, ax: Axes) -> None:
    """Draw the balls, which are ellipses where u and v are not orthonormal."""
    from matplotlib.collections import PolyCollection

    angles = np.linspace(0, 2 * np.pi, 97)[:-1]
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ np.linalg.inv(np.linalg.cholesky(plane.gram))
    radii = wall_distances(plane, st, faces)
    finite = np.isfinite(radii)
    balls = st[finite, None] + radii[finite, None, None] * unit
    ax.add_collection(
        PolyCollection(list(balls), facecolors=(1, 1, 1, 0.35), edgecolors="black", linewidths=0.8, zorder=4),
        autolim=False,
    )


def _gradients(plane: PlaneComplex, st: F64, faces: Any) -> F64:
    """Give the gradients by (s, t) within the plane: of the only output, or of the first over the second."""
    jacobian = plane.affine_maps.jacobian[faces]
    if jacobian.shape[1] == 1:
        slope = jacobian[:, 0]
    else:
        values = np.einsum("fok,fk->fo", plane.maps[faces], np.c_[st, np.ones(len(st))])
        order = np.argsort(-values, axis=1, kind="stable")
        rows = np.arange(len(st))
        slope = jacobian[rows, order[:, 0]] - jacobian[rows, order[:, 1]]
    return np.asarray(slope @ np.linalg.inv(plane.gram))


def _figure(ax: Axes) -> Any:
    return ax.figure
