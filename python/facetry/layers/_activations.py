"""Layers of neurons: piecewise-linear functions of each value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray, as_parameter
from ._layer import Builder, Layer, require_width


@dataclass(frozen=True, eq=False)
class ReLU(Layer):
    """``max(x, 0)``; its derivative at 0 is 0. One neuron an input.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Network([ft.ReLU()], input_dim=2)([[-3.0, 2.0]]).tolist()
    [[0.0, 2.0]]

    """

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        return builder.activation(node, None)


@dataclass(frozen=True, eq=False)
class LeakyReLU(Layer):
    """``x if x > 0 else slope * x``, for any finite slope. One neuron an input.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Network([ft.LeakyReLU(0.25)], input_dim=2)([[-4.0, 2.0]]).tolist()
    [[-1.0, 2.0]]

    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", _finite("slope", self.slope))

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        return builder.activation(node, np.full(builder.width(node), self.slope))


@dataclass(frozen=True, eq=False, repr=False, init=False)
class PReLU(Layer):
    """``x if x > 0 else slopes * x``: a slope an input, or one for all. Slopes may be negative or above 1.

    Parameters
    ----------
    slopes : (n,) or (1,) array

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Network([ft.PReLU([0.5, -1.0, 2.0])])([[-3.0, -3.0, -3.0]]).tolist()
    [[-1.5, 3.0, -6.0]]

    """

    slopes: FloatArray

    def __init__(self, slopes: npt.ArrayLike) -> None:
        slopes = as_parameter("slopes", slopes, 1)
        if slopes.size == 0:
            raise ValueError("slopes is empty: expected one slope, or one an input")
        object.__setattr__(self, "slopes", slopes)

    def output_width(self, input_width: int | None) -> int | None:
        """See :meth:`Layer.output_width`."""
        if self.slopes.size == 1:
            return input_width
        require_width(repr(self), input_width, self.slopes.size)
        return self.slopes.size

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        return builder.activation(node, np.broadcast_to(self.slopes, builder.width(node)))

    def __repr__(self) -> str:
        return f"PReLU({self.slopes.size} slopes)"


@dataclass(frozen=True, eq=False)
class HardTanh(Layer):
    """``min(max(x, low), high)``: two neurons an input, in two layers, ``x > low`` and then ``x < high``.

    Matoba (section 1.2.2) writes it as ``low + ReLU(x - low) - ReLU(x - high)``, which loses all digits where
    x is large: in float32 it gives -1 for x = 1e8 and the bounds -1 and 1. Lowered is the equal
    ``high - ReLU((high - low) - ReLU(x - low))``, which stays within a few roundings of the larger bound:
    bounds of 1e6 leave a float32 value near 1 an error of 0.06.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.HardTanh()], input_dim=3)
    >>> net([[-2.0, 0.5, 2.0]]).tolist(), net.layer_widths
    ([[-1.0, 0.5, 1.0]], (3, 3))

    """

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", _finite("low", self.low))
        object.__setattr__(self, "high", _finite("high", self.high))
        if not self.low < self.high:
            raise ValueError(f"low is {self.low}, high is {self.high}: expected low < high")

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        return _clip(builder, node, self.low, self.high)


@dataclass(frozen=True, eq=False)
class ReLU6(Layer):
    """``min(max(x, 0), 6)``: a :class:`HardTanh` of 0 and 6.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Network([ft.ReLU6()], input_dim=3)([[-1.0, 2.0, 7.0]]).tolist()
    [[0.0, 2.0, 6.0]]

    """

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        return _clip(builder, node, 0.0, 6.0)


@dataclass(frozen=True, eq=False)
class HardSigmoid(Layer):
    """``min(max(slope * x + offset, 0), 1)``; PyTorch has slope 1/6 and offset 1/2, ONNX slope 0.2.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Network([ft.HardSigmoid(0.25)], input_dim=3)([[-3.0, 1.0, 3.0]]).tolist()
    [[0.0, 0.75, 1.0]]

    """

    slope: float = 1 / 6
    offset: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", _finite("slope", self.slope))
        object.__setattr__(self, "offset", _finite("offset", self.offset))

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        width = builder.width(node)
        node = builder.scale(node, np.full(width, self.slope), np.full(width, self.offset))
        return _clip(builder, node, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Abs(Layer):
    """``|x|``. One neuron an input, slope -1 where it is not active.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Network([ft.Abs()], input_dim=2)([[-3.0, 2.0]]).tolist()
    [[3.0, 2.0]]

    """

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        return builder.activation(node, np.full(builder.width(node), -1.0))


def _finite(name: str, value: object) -> float:
    number = float(value)  # type: ignore[arg-type]
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, is {number}")
    return number


def _clip(builder: Builder, node: int, low: float, high: float) -> int:
    ones = np.ones(builder.width(node))
    if low != 0:
        node = builder.scale(node, ones, -low * ones)
    node = builder.activation(node, None)
    node = builder.scale(node, -ones, (high - low) * ones)
    node = builder.activation(node, None)
    return builder.scale(node, -ones, high * ones)
