"""The .nnet text format of K. D. Julian (Stanford, 2016): fully connected ReLU networks with their input box.

Sizes are never trusted: rows are counted against the lines that the file has, so nothing larger is built.
"""

from __future__ import annotations

import itertools
import re

import numpy as np
import numpy.typing as npt

from ..layers import Dense, Layer, ReLU, Scale
from ..network import Network

_NUMBERS = re.compile(r"[0-9eE+\-., \t]*")


class _Lines:
    """The lines that hold numbers, one after the other, with their place in the file for messages."""

    def __init__(self, text: str) -> None:
        numbered = enumerate(map(str.strip, text.split("\n")), 1)
        self._lines = [(number, line) for number, line in numbered if line and not line.startswith("//")]
        self._next = 0

    @property
    def left(self) -> int:
        return len(self._lines) - self._next

    @property
    def number(self) -> int:
        """Line number of the row read last."""
        return self._lines[self._next - 1][0] if self._next else 1

    def row(self, what: str, count: int | None = None) -> npt.NDArray[np.float64]:
        """Read one line of numbers: ``count`` of them where that is known."""
        if not self.left:
            raise ValueError(f"the file ends after line {self.number}: {what} is missing")
        number, line = self._lines[self._next]
        self._next += 1
        fields = line.removesuffix(",").split(",")
        try:
            if not _NUMBERS.fullmatch(line):
                raise ValueError
            values = np.array(fields, dtype=np.float64)
        except ValueError:
            raise ValueError(f"line {number}: {what} must be numbers, is {line[:40]!r}") from None
        if count is not None and len(values) != count:
            raise ValueError(f"line {number}: {what} has {len(values)} numbers, expected {count}")
        if not np.isfinite(values).all():
            raise ValueError(f"line {number}: {what} holds a number that is too large for float64")
        return values

    def integers(self, what: str, count: int | None = None) -> list[int]:
        """Read one line of positive integers."""
        values = self.row(what, count)
        if (values < 1).any() or (values != np.floor(values)).any():
            raise ValueError(f"line {self.number}: {what} must be positive integers, is {values.tolist()}")
        return [int(value) for value in values]

    def matrix(self, what: str, rows: int, columns: int) -> npt.NDArray[np.float64]:
        """Read ``rows`` lines of ``columns`` numbers."""
        if rows > self.left:
            raise ValueError(
                f"the file ends {rows - self.left} lines early: {what} has {rows} rows, "
                f"{self.left} lines follow line {self.number}"
            )
        return np.array([self.row(f"row {i} of {what}", columns) for i in range(rows)])

    def require_end(self) -> None:
        """Refuse numbers that follow the last layer."""
        if self.left:
            raise ValueError(
                f"line {self.number}: the last layer ends here, but {self.left} more lines of numbers follow"
            )


def parse_nnet(data: bytes) -> Network:
    """Read a .nnet file as a float64 network; see :func:`facetry.load`."""
    lines = _Lines(data.decode("utf-8"))
    n_layers, inputs, outputs, _widest = lines.integers("the header", 4)
    widths = lines.integers("the layer sizes", n_layers + 1)
    if (widths[0], widths[-1]) != (inputs, outputs):
        raise ValueError(
            f"line {lines.number}: the layer sizes {widths} do not begin with {inputs} inputs and end with "
            f"{outputs} outputs, as the header says"
        )
    lines.row("the symmetry flag")  # not used by any reader
    box = np.stack([lines.row("the input minima", inputs), lines.row("the input maxima", inputs)], axis=1)
    if (box[:, 0] > box[:, 1]).any():
        raise ValueError(f"line {lines.number}: an input maximum is below its minimum")
    mean = lines.row("the means (one an input, one for the outputs)", inputs + 1)
    extent = lines.row("the ranges (one an input, one for the outputs)", inputs + 1)
    if (extent <= 0).any():
        raise ValueError(f"line {lines.number}: the ranges must be positive, are {extent.tolist()}")
    layers: list[Layer] = [Scale(1 / extent[:-1], -mean[:-1] / extent[:-1])]
    for i, (before, after) in enumerate(itertools.pairwise(widths)):
        weight = lines.matrix(f"the weight of layer {i}", after, before)
        bias = lines.matrix(f"the bias of layer {i}", after, 1)[:, 0]
        layers += [Dense(weight, bias), ReLU()]
    lines.require_end()
    normalised = layers[:-1]  # no ReLU after the last layer
    rescale = Scale(np.full(outputs, extent[-1]), np.full(outputs, mean[-1]))
    return Network([*normalised, rescale], input_box=box)
