"""Networks on planes: frames, domains, and the call of the native sweep."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import memory_limit, numpy_array
from ..network import Network
from ..patterns import Patterns
from ._plane_complex import PlaneComplex

F64 = npt.NDArray[np.float64]

TOLERANCE = 1e-13
"""Times a neuron's scale: up to what magnitude a value counts as zero."""

_PARALLEL = 1e-9  # sine of the angle between two directions that span no plane


def plane_through(a: npt.ArrayLike, b: npt.ArrayLike, c: npt.ArrayLike) -> tuple[F64, F64, F64]:
    """Give the plane through three points, by Gram and Schmidt on b - a and c - a (Sattelberg 2026, Eq. 6.2).

    Parameters
    ----------
    a, b, c : (inputs,) arrays
        Any shape that flattens to it, images for example.

    Returns
    -------
    origin, u, v : (inputs,) float64 arrays
        ``a`` and two orthonormal directions. Point ``b`` has the coordinates (distance of a and b, 0), and
        the second coordinate of ``c`` is positive.

    Raises
    ------
    ValueError
        Where the points lie on one line, or are not finite.

    Examples
    --------
    >>> import facetry as ft
    >>> origin, u, v = ft.plane_through([1, 1, 1], [3, 1, 1], [2, 5, 1])
    >>> origin.tolist(), u.tolist(), v.tolist()
    ([1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])

    """
    points = [_vector(name, x) for name, x in (("a", a), ("b", b), ("c", c))]
    for name, point in zip("bc", points[1:], strict=True):
        if point.shape != points[0].shape:
            raise ValueError(f"{name} has {point.size} inputs, a has {points[0].size}")
    origin, ab, ac = points[0], points[1] - points[0], points[2] - points[0]
    length = float(np.linalg.norm(ab))
    if length == 0:
        raise ValueError("a and b are the same point: they span no plane with c")
    u = ab / length
    across = ac - (ac @ u) * u
    across -= (across @ u) * u  # once more: the first difference may have cancelled
    height = float(np.linalg.norm(across))
    if not height > _PARALLEL * np.linalg.norm(ac):
        raise ValueError("a, b and c lie on one line: they span no plane")
    return origin.copy(), u, across / height


def regions_on_plane(
    net: Network,
    origin: npt.ArrayLike,
    u: npt.ArrayLike,
    v: npt.ArrayLike,
    box: npt.ArrayLike = ((-1.0, 1.0), (-1.0, 1.0)),
    *,
    cut_output: bool = False,
    class_rule: str = "argmax",
    max_bytes: int | None = None,
) -> PlaneComplex:
    """Give all linear regions that meet a polygon of the plane ``origin + s u + t v``, as a planar complex.

    Exact but for rounding: the polygon is split by the zero lines of the neurons, layer by layer. All
    regions are found whose part in the plane has an inradius above the tolerance, and each face reported has
    an interior.

    Parameters
    ----------
    net : Network
        Float32 weights are taken as they are, in float64.
    origin, u, v : (inputs,) arrays
        Any shape that flattens to it. The directions need not be orthogonal or of unit length, but must not
        be parallel.
    box : (2, 2) or (k, 2) array
        The domain in the plane's coordinates: ``((s_low, s_high), (t_low, t_high))``, or the corners of a
        convex polygon, k >= 3, in order.
    cut_output : bool
        Also cut faces where two outputs tie for the largest one (the only output: where it is 0), so that
        each face has one class: the decision boundary is then made of edges.
    class_rule : "argmax" or "argmin"
        Which output names the class. The first of equal outputs wins.
    max_bytes : int, optional
        Memory for the work; what this process may use unless given.

    Raises
    ------
    ValueError
        For directions that are parallel, an empty or flat box, a polygon that is not convex, shapes that do
        not fit, or values that are not finite or overflow.
    MemoryError
        Where ``max_bytes`` does not do.

    Notes
    -----
    A value counts as 0 up to 1e-13 times the magnitude that its terms add up to, measured for each neuron
    once for the whole domain. A neuron that is 0 in this sense on a whole cell does not split it, and its bit
    there is 0 (in :meth:`Network.patterns`, rounding may make it 1). Where faces contradict each other at
    that tolerance, ten times as much is tried, up to 1e-10; ``.tolerance`` tells which was used.

    Faces, edges and vertices have the same numbers and bits whatever the number of threads; from one
    instruction set to another coordinates may differ in their last bits.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0, -1.0]])])
    >>> plane = ft.regions_on_plane(net, [0, 0], [1, 0], [0, 1])
    >>> len(plane), plane.f_vector, plane.areas.tolist()
    (4, (9, 12, 4), [1.0, 1.0, 1.0, 1.0])
    >>> plane.locate([[0.5, -0.5]]) == plane.locate([[0.9, -0.1]])
    array([ True])

    """
    frame = [_vector(name, x) for name, x in (("origin", origin), ("u", u), ("v", v))]
    if len({x.size for x in frame}) != 1:
        raise ValueError("origin, u and v have {}, {} and {} inputs".format(*(x.size for x in frame)))
    return _cut(net, np.stack(frame)[None], box, cut_output, class_rule, max_bytes)[0]


def regions_on_planes(
    net: Network,
    origins: npt.ArrayLike,
    us: npt.ArrayLike,
    vs: npt.ArrayLike,
    box: npt.ArrayLike = ((-1.0, 1.0), (-1.0, 1.0)),
    *,
    cut_output: bool = False,
    class_rule: str = "argmax",
    max_bytes: int | None = None,
) -> list[PlaneComplex]:
    """Give :func:`regions_on_plane` of several planes, computed in parallel, with the same numbers and bits.

    Parameters
    ----------
    net : Network
        Its weights are taken in float64.
    origins, us, vs : (n, inputs) or (inputs,) arrays
        Planes ``origins[i] + s us[i] + t vs[i]``; an array of one dimension is every plane's.
    box, cut_output, class_rule, max_bytes
        As for one plane; the box is every plane's, the memory that of all of them.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 1.0, 1.0]]), ft.ReLU()])
    >>> [len(p) for p in ft.regions_on_planes(net, [[0, 0, 0], [0, 0, 5]], [1, 0, 0], [0, 1, 0])]
    [2, 1]

    """
    arrays = [_vectors(name, x) for name, x in (("origins", origins), ("us", us), ("vs", vs))]
    counts = {len(x) for x in arrays if x.ndim == 2}
    if len(counts) != 1:
        shapes = ", ".join(str(x.shape) for x in arrays)
        raise ValueError(f"origins, us and vs have shapes {shapes}: expected (n, inputs) with the same n")
    shape = (counts.pop(), net.input_dim)
    for name, x in zip(("origins", "us", "vs"), arrays, strict=True):
        if x.shape[-1] != net.input_dim:
            raise ValueError(f"{name} has shape {x.shape}, expected (n, {net.input_dim})")
    frames = np.stack([np.broadcast_to(x, shape) for x in arrays], axis=1)
    return _cut(net, frames, box, cut_output, class_rule, max_bytes)


def _cut(
    net: Network, frames: F64, box: npt.ArrayLike, cut_output: bool, class_rule: str, max_bytes: int | None
) -> list[PlaneComplex]:
    if not isinstance(net, Network):
        raise TypeError(f"net must be a facetry.Network, is {type(net).__name__}")
    net._require_host()
    if class_rule not in ("argmax", "argmin"):
        raise ValueError(f"class_rule is {class_rule!r}, expected 'argmax' or 'argmin'")
    if frames.shape[2] != net.input_dim:
        raise ValueError(f"origin, u and v have {frames.shape[2]} inputs, the network has {net.input_dim}")
    polygon = as_polygon(box)
    _require_planes(frames)
    center, half = _normal_box(polygon)
    local = frames.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        local[:, 0] += center[0] * frames[:, 1] + center[1] * frames[:, 2]
        local[:, 1] *= half[0]
        local[:, 2] *= half[1]
        reach = np.abs(local).sum(axis=1)
    if not np.isfinite(reach).all():
        raise ValueError(f"inputs overflow on plane {np.argwhere(~np.isfinite(reach))[0][0]} in this box")
    double = net._double()
    assert isinstance(double._core, _core.Network64)
    rule = "whole" if not cut_output else "sign" if net.output_dim == 1 else class_rule
    limit = memory_limit() if max_bytes is None else max_bytes
    try:
        found = _core.cut_planes(double._core, local, (polygon - center) / half, rule, TOLERANCE, limit)
    except MemoryError:
        raise MemoryError(
            f"the regions on this box need more than {limit:,} bytes: use a smaller box"
        ) from None
    return [
        _complex(double, frame, polygon, center, half, rule, parts)
        for frame, parts in zip(frames, found, strict=True)
    ]


def _complex(
    net: Network, frame: F64, polygon: F64, center: F64, half: F64, rule: str, parts: dict[str, Any]
) -> PlaneComplex:
    """Go back from the coordinates of the sweep, where the domain fills [-1, 1]^2, to the plane's."""
    vertices, maps = parts["vertices"], parts["outputs"]
    if not (np.all(center == 0) and np.all(half == 1)):
        vertices *= half
        vertices += center
        maps[:, :, :2] /= half
        maps[:, :, 2] -= maps[:, :, :2] @ center
    vertices[: len(polygon)] = polygon
    for array in parts.values():
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return PlaneComplex(
        net=net,
        origin=frame[0],
        u=frame[1],
        v=frame[2],
        domain=polygon,
        vertices=vertices,
        edges=parts["edges"],
        edge_faces=parts["edge_faces"],
        edge_neurons=parts["edge_neurons"],
        face_offsets=np.concatenate([np.zeros(1, np.int64), parts["face_ends"]]),
        face_vertices=parts["face_corners"],
        patterns=Patterns(parts["bits"], net.layer_widths),
        maps=maps,
        class_rule=None if rule == "whole" else rule,
        classes=None if rule == "whole" else parts["classes"],
        zeros=parts["zeros"],
        tolerance=parts["tolerance"],
    )


def as_polygon(box: npt.ArrayLike) -> F64:
    """Check a domain: a box ((s0, s1), (t0, t1)) or a convex polygon; give its corners counterclockwise."""
    array = numpy_array("box", box).astype(np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < 2:
        raise ValueError(
            f"box has shape {array.shape}, expected (2, 2), or (k, 2) for a polygon of k corners"
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(f"box is not finite at index {tuple(bad[0].tolist())}")
    if len(array) == 2:
        (s0, s1), (t0, t1) = array.tolist()
        if not (s0 < s1 and t0 < t1):
            raise ValueError(f"box is {array.tolist()}, which is empty or flat: expected low < high twice")
        return np.array([[s0, t0], [s1, t0], [s1, t1], [s0, t1]])
    return _convex(array)


def _convex(corners: F64) -> F64:
    spread = corners.max(axis=0) - corners.min(axis=0)
    if not np.all(spread > 0):
        raise ValueError("the polygon of box is flat: its area is 0")
    scaled = (corners - corners.min(axis=0)) / spread
    sides = np.roll(scaled, -1, axis=0) - scaled
    if not np.all(np.abs(sides).max(axis=1) > 0):
        raise ValueError("the polygon of box has the same corner twice in a row")
    area = float(np.sum(scaled[:, 0] * sides[:, 1] - scaled[:, 1] * sides[:, 0])) / 2
    if abs(area) <= _PARALLEL:
        raise ValueError("the polygon of box is flat: its area is 0")
    if area < 0:
        return _convex(corners[::-1].copy())
    before = np.roll(sides, 1, axis=0)
    turns = np.arctan2(
        before[:, 0] * sides[:, 1] - before[:, 1] * sides[:, 0], np.sum(before * sides, axis=1)
    )
    if np.any(turns < -1e-9) or abs(turns.sum() - 2 * np.pi) > 1e-6:
        raise ValueError("the polygon of box is not convex, or its corners are not in order")
    return corners


def _normal_box(polygon: F64) -> tuple[F64, F64]:
    """Give the middle of a polygon's bounding box and half its sides, rounded up to powers of two."""
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    center = low / 2 + high / 2
    half = np.exp2(np.ceil(np.log2(np.maximum(high - center, center - low))))
    if not np.all(half > 0) or not np.isfinite(half).all():
        raise ValueError(f"box spans {low.tolist()} to {high.tolist()}, which float64 cannot resolve")
    return center, half


def _require_planes(frames: F64) -> None:
    units = []
    for k, name in ((1, "u"), (2, "v")):
        largest = np.abs(frames[:, k]).max(axis=1, keepdims=True)
        if not np.all(largest > 0):
            raise ValueError(f"{name} is zero: it spans no plane")
        scaled = frames[:, k] / largest  # the square of a large number overflows
        units.append(scaled / np.linalg.norm(scaled, axis=1, keepdims=True))
    u, v = units
    across = v - np.sum(u * v, axis=1)[:, None] * u
    if not np.all(np.linalg.norm(across, axis=1) > _PARALLEL):
        raise ValueError("u and v are parallel: they span no plane")


def _vectors(name: str, value: npt.ArrayLike) -> F64:
    array = numpy_array(name, value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} has shape {array.shape}, expected (n, inputs) or (inputs,)")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(f"{name} is not finite at index {tuple(bad[0].tolist())}")
    return array.astype(np.float64)


def _vector(name: str, value: npt.ArrayLike) -> F64:
    return _vectors(name, numpy_array(name, value).reshape(-1))
