"""Where the points of a survey come from: the points of a Sobol sequence in a box, or the rows of an array.

Points are made block by block, so that only a block of them is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray, is_exact, numpy_array
from .._core import num_threads
from ..layers import Dense
from ..network import Network

Box = npt.NDArray[np.float64]
"""Lower and upper bound of every input, (inputs, 2)."""

_BLOCK_WORK = 2.5e8  # multiplications a thread: 5 ms with AVX-512, 3 s where fma is emulated; progress moves
_BLOCK_VALUES = 2**22  # inputs a block: 32 MiB in float64


def block_rows(net: Network) -> int:
    """Give how many points to propagate at a time."""
    weights = sum(layer.weight.size for layer in net.layers if isinstance(layer, Dense))
    return int(
        max(64, min(65536, _BLOCK_WORK * num_threads() / max(weights, 1), _BLOCK_VALUES / net.input_dim))
    )


def as_box(box: npt.ArrayLike, net: Network) -> Box:
    """Check a box for a network: (inputs, 2), finite in the network's dtype, lower <= upper."""
    array = np.array(numpy_array("box", box), dtype=np.float64)
    if array.shape != (net.input_dim, 2):
        raise ValueError(
            f"box has shape {array.shape}, expected ({net.input_dim}, 2): lower and upper per input"
        )
    with np.errstate(over="ignore"):
        finite = np.isfinite(array.astype(net.dtype)).all(axis=1)
    bad = np.flatnonzero(~finite | ~(array[:, 0] <= array[:, 1]))
    if bad.size:
        low, high = array[bad[0]].tolist()
        raise ValueError(f"box has [{low}, {high}] for input {bad[0]}, expected finite lower <= upper")
    return array


@dataclass(frozen=True)
class SobolPoints:
    """The first n points u of the unscrambled Sobol sequence, as ``lo + (hi - lo) u``.

    That is computed in float64 and rounded to the network's dtype, so a coordinate may lie one rounding
    outside of the box. An input with lo = hi is constant.
    """

    n: int
    box: Box
    kind = "sobol"
    note = ""

    def blocks(self, net: Network) -> Iterator[FloatArray]:
        """Give the points in order, in blocks of the network's dtype."""
        from .. import sobol

        low, width = self.box[:, 0], self.box[:, 1] - self.box[:, 0]
        rows = block_rows(net)
        unit = np.empty((min(rows, self.n), len(self.box)))
        for begin in range(0, self.n, rows):
            count = min(rows, self.n - begin)
            x = sobol(count, len(self.box), skip=begin, out=unit[:count])
            x *= width
            x += low
            yield x.astype(net.dtype, copy=False)

    def pairs(self, rng: np.random.Generator, n: int) -> tuple[Box, Box]:
        """Give n pairs of independent uniform points of the box, float64."""
        low, width = self.box[:, 0], self.box[:, 1] - self.box[:, 0]
        a, b = rng.random((2, n, len(low)))
        return low + width * a, low + width * b


@dataclass(frozen=True)
class DataPoints:
    """The rows of an array of numbers, flattened in C order. uint8 data are divided by 255."""

    rows: npt.NDArray[Any]
    box: Box
    note: str
    kind = "data"

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.rows)

    def take(self, index: Any) -> Box:
        """Give some points in float64."""
        return _scaled(self.rows[index].reshape(-1, len(self.box)))

    def blocks(self, net: Network) -> Iterator[FloatArray]:
        """Give the points in order, in blocks of the network's dtype."""
        rows = block_rows(net)
        for begin in range(0, self.n, rows):
            yield self.take(slice(begin, begin + rows)).astype(net.dtype, copy=False)

    def pairs(self, rng: np.random.Generator, n: int) -> tuple[Box, Box]:
        """Give n pairs of different rows, float64."""
        first = rng.integers(self.n, size=n)
        second = (first + rng.integers(1, self.n, size=n)) % self.n
        return self.take(first), self.take(second)


def data_points(data: object, net: Network, n: int | None) -> DataPoints:
    """Check data for a network and find their bounding box; the first n rows, all if n is None.

    Raises
    ------
    ValueError
        For another width, fewer rows than n, or NaN or infinity (the message gives the first index).

    """
    array = numpy_array("data", data)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"data has dtype {array.dtype}, expected numbers")
    if array.ndim < 2 or int(np.prod(array.shape[1:])) != net.input_dim:
        raise ValueError(
            f"data has shape {array.shape}, expected (n, {net.input_dim}) or (n, ...) that flattens to it"
        )
    if n is not None and n > len(array):
        raise ValueError(f"data has {len(array):,} points, fewer than the {n:,} asked for")
    array = array[:n]
    if len(array) < 2:
        raise ValueError(f"data has {len(array)} points, a survey needs at least 2")
    notes = []
    if array.dtype == np.uint8:
        notes.append("uint8 values divided by 255")
    elif not is_exact(array.dtype, net.dtype):
        notes.append(f"{array.dtype} values rounded to {net.dtype}")
    box = np.stack([array.min(axis=0).ravel(), array.max(axis=0).ravel()], axis=1)
    if not np.isfinite(box).all():
        row, column = np.argwhere(~np.isfinite(array.reshape(len(array), -1)))[0].tolist()
        raise ValueError(f"data is not finite at index ({row}, {column})")
    return DataPoints(array, as_box(_scaled(box), net), "; ".join(notes))


def _scaled(values: npt.NDArray[Any]) -> Box:
    scaled = values.astype(np.float64)
    return scaled / 255 if values.dtype == np.uint8 else scaled
