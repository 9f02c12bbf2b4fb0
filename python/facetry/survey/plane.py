"""Two-dimensional windows into the input space of a network, and which one a survey shows.

A window is named by two inputs, by three data points, or drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from .._classes import classify
from ..network import Network
from .sources import Box, DataPoints, SobolPoints

F64 = npt.NDArray[np.float64]

PlaneChoice = Literal["random"] | tuple[int, int] | tuple[int, int, int] | None
"""Which plane to show: a random one, of two inputs, through three data points; None chooses."""


@dataclass(frozen=True)
class Plane:
    """The points ``origin + s u + t v`` for s, t in a window.

    The directions u and v are (inputs,) arrays; ``v`` is None for a window on a line, where one input varies.
    """

    origin: F64
    u: F64
    v: F64 | None
    window: tuple[float, float, float, float]
    """Smallest and largest s, smallest and largest t."""
    kind: str
    """``"inputs"``, ``"random"`` or ``"points"``."""
    numbers: tuple[int, ...] = ()
    """The inputs that vary, or the data points on the plane."""
    marks: tuple[tuple[float, float], ...] = ()
    """The window's coordinates (s, t) of these data points."""

    @property
    def caption(self) -> str:
        """What the plane is, in words."""
        if self.kind == "inputs" and self.v is None:
            return f"the line of input {self.numbers[0]}"
        if self.kind == "inputs":
            others = ", the others at the middle of the box" if len(self.origin) > 2 else ""
            return f"inputs {self.numbers[0]} (across) and {self.numbers[1]} (up){others}"
        if self.kind == "random":
            return "a random plane through the middle of the box"
        return "the plane through the data points {}, {} and {}".format(*self.numbers)


def plane_of_inputs(box: Box, i: int, j: int | None) -> Plane:
    """Give the plane of two inputs (of one: a line) over the whole box, the others at their middle."""
    dim = len(box)
    numbers = (i,) if j is None else (i, j)
    for number in numbers:
        if not 0 <= number < dim:
            raise ValueError(f"the plane asks for input {number}, the network has inputs 0 to {dim - 1}")
        if box[number, 0] == box[number, 1]:
            raise ValueError(f"the plane asks for input {number}, which is constant in the box")
    if i == j:
        raise ValueError(f"the plane asks for input {i} twice")
    origin = box.mean(axis=1)
    origin[list(numbers)] = 0
    t_range = (0.0, 1.0) if j is None else (float(box[j, 0]), float(box[j, 1]))
    axes = np.eye(dim)
    window = (float(box[i, 0]), float(box[i, 1]), *t_range)
    return Plane(origin, axes[i], None if j is None else axes[j], window, "inputs", numbers)


def random_plane(box: Box, rng: np.random.Generator) -> Plane:
    """Give a random plane through the middle of the box, every input measured in widths of the box.

    The window is the largest square about the middle whose corners all lie in the box.
    """
    width = box[:, 1] - box[:, 0]
    if np.count_nonzero(width) < 2:
        raise ValueError("a random plane needs a box in which at least two inputs vary")
    q, _ = np.linalg.qr(rng.standard_normal((len(box), 2)) * (width > 0)[:, None])
    half = float(0.5 / np.abs(q).sum(axis=1).max())
    return Plane(box.mean(axis=1), q[:, 0] * width, q[:, 1] * width, (-half, half, -half, half), "random")


def plane_through(points: F64, numbers: tuple[int, int, int]) -> Plane:
    """Give the plane through three points A, B and C, (3, inputs): Gram and Schmidt on B - A and C - A.

    The window is the smallest upright square about the three points, and a third of its side on every side.
    """
    a, b, c = points
    ab, ac = b - a, c - a
    length = float(np.linalg.norm(ab))
    u = ab / length if length else ab
    along = float(ac @ u)
    across = ac - along * u
    height = float(np.linalg.norm(across))
    if length == 0 or height <= 1e-9 * np.linalg.norm(ac):
        raise ValueError("the data points {}, {} and {} lie on one line: they span no plane".format(*numbers))
    marks = ((0.0, 0.0), (length, 0.0), (along, height))
    low, high = np.min(marks, axis=0), np.max(marks, axis=0)
    middle, half = (low + high) / 2, float(np.max(high - low)) * 5 / 6
    s, t = map(float, middle)
    return Plane(
        a.copy(), u, across / height, (s - half, s + half, t - half, t + half), "points", numbers, marks
    )


def choose_plane(
    net: Network,
    source: SobolPoints | DataPoints,
    wanted: PlaneChoice,
    rng: np.random.Generator,
    rule: str,
) -> Plane | None:
    """Give the plane that a survey shows; None where every input is constant.

    Unless told, that is the box itself for up to two inputs that vary; else, for data, the plane through the
    first points of three different classes; else the plane of the two inputs along which patterns change most
    often, or, where more than 16 inputs vary, a random plane.
    """
    box = source.box
    if wanted == "random":
        return random_plane(box, rng)
    if isinstance(wanted, str):
        raise ValueError(f"plane is {wanted!r}, expected 'random', two inputs or three data points")
    if wanted is not None and len(wanted) == 2:
        return plane_of_inputs(box, *wanted)
    if wanted is not None:
        return _plane_of_data(source, tuple(wanted))
    free = np.flatnonzero(box[:, 0] < box[:, 1])
    if len(free) == 0:
        return None
    if len(free) == 1:
        return plane_of_inputs(box, int(free[0]), None)
    if len(free) > 2 and isinstance(source, DataPoints):
        found = _three_classes(net, source, rule)
        if found is not None:
            return found
    if len(free) > 16:
        return random_plane(box, rng)
    i, j = sorted(_busiest_inputs(net, box, free)[:2])
    return plane_of_inputs(box, i, j)


def _plane_of_data(source: SobolPoints | DataPoints, numbers: tuple[int, ...]) -> Plane:
    if not isinstance(source, DataPoints):
        raise ValueError("a plane through three points needs data")
    if len(numbers) != 3:
        raise ValueError(f"plane has {len(numbers)} numbers, expected two inputs or three data points")
    bad = [k for k in numbers if not 0 <= k < source.n]
    if bad:
        raise ValueError(f"the plane asks for data point {bad[0]}, there are points 0 to {source.n - 1}")
    a, b, c = numbers
    return plane_through(source.take(list(numbers)), (a, b, c))


def _three_classes(net: Network, source: DataPoints, rule: str) -> Plane | None:
    """Give the plane through the first points of three classes among the first 1000 points."""
    x = source.take(slice(0, 1000))
    classes = classify(net(x.astype(net.dtype)), rule)
    _, first = np.unique(classes, return_index=True)
    numbers = np.sort(first)[:3].tolist()
    if len(numbers) < 3:
        numbers = [0, source.n // 2, source.n - 1]
    try:
        return plane_through(source.take(numbers), (numbers[0], numbers[1], numbers[2]))
    except ValueError:  # on one line
        return None


def _busiest_inputs(net: Network, box: Box, free: npt.NDArray[np.int64]) -> list[int]:
    """Sort the inputs that vary by the distinct patterns on a line through the middle, most first."""
    steps = (np.arange(256) + 0.5) / 256
    x = np.tile(box.mean(axis=1), (len(free), 256, 1))
    for k, i in enumerate(free):
        x[k, :, i] = box[i, 0] + (box[i, 1] - box[i, 0]) * steps
    found = [len(set(net.patterns(line).hash().tolist())) for line in x.astype(net.dtype)]
    return [int(free[k]) for k in np.argsort(np.negative(found), kind="stable")]
