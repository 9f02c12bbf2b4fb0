"""What a layer is, and where it is lowered to."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray


class Builder(Protocol):
    """Where layers are lowered to: each call appends an operation and returns its node number."""

    def width(self, node: int) -> int:
        """Give the number of values of a node."""

    def dense(self, node: int, weight: FloatArray, bias: FloatArray) -> int:
        """Append ``weight @ a + bias``."""

    def scale(self, node: int, scale: FloatArray, shift: FloatArray) -> int:
        """Append ``scale * a + shift``, element by element."""

    def activation(self, node: int, slopes: FloatArray | None) -> int:
        """Append neurons: ``z if z > 0 else slopes * z``; None is ReLU."""


class Layer:
    """A layer of a :class:`facetry.Network`. Immutable; equal when its kind and its parameters are equal.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.LeakyReLU(0.5).parameters(), ft.ReLU() == ft.ReLU(), ft.ReLU() == ft.Abs()
    ({'slope': 0.5}, True, False)

    """

    def output_width(self, input_width: int | None) -> int | None:
        """Give the number of outputs for so many inputs (None: not known yet); ValueError if it cannot be."""
        return input_width

    def lower(self, builder: Builder, node: int) -> int:
        """Append this layer, applied to ``node``, to the builder; return the node of its result."""
        raise NotImplementedError

    def parameters(self) -> dict[str, Any]:
        """Give the constructor's arguments by name."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    def astype(self, dtype: npt.DTypeLike) -> Layer:
        """Give this layer with its arrays in another precision."""
        converted = {
            name: value.astype(dtype) if isinstance(value, np.ndarray) else value
            for name, value in self.parameters().items()
        }
        return type(self)(**converted)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        mine, theirs = self.parameters(), other.parameters()
        return all(
            np.array_equal(value, theirs[name])
            and getattr(value, "dtype", None) == getattr(theirs[name], "dtype", None)
            for name, value in mine.items()
        )

    def __hash__(self) -> int:
        values = self.parameters().values()
        return hash((type(self), *(v.tobytes() if isinstance(v, np.ndarray) else v for v in values)))


def require_width(layer: str, input_width: int | None, expected: int) -> None:
    """Refuse another number of inputs than a layer takes."""
    if input_width is not None and input_width != expected:
        raise ValueError(f"{layer} takes {expected} inputs, the layer before it gives {input_width}")
