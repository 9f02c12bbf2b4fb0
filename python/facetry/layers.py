"""The layers of a network: what each one means, and how it is lowered to the operations of the core.

This is the one place where a kind of layer is added: a frozen dataclass with ``output_width`` and ``lower``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ._arrays import FloatArray, as_parameter


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


def _require_width(layer: str, input_width: int | None, expected: int) -> None:
    if input_width is not None and input_width != expected:
        raise ValueError(f"{layer} takes {expected} inputs, the layer before it gives {input_width}")


@dataclass(frozen=True, eq=False, repr=False)
class Dense(Layer):
    """``y = weight @ x + bias``.

    Parameters
    ----------
    weight : (outputs, inputs) array
    bias : (outputs,) array, optional
        Zero if left out.

    Float32 and float64 are kept, float16 becomes float32, integers float64 (exactly). NaN and infinity are
    refused. The arrays are copied.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Network([ft.Dense([[1.0, 2.0], [0.0, -1.0]], [0.5, 0.0])])([[1.0, 1.0]]).tolist()
    [[3.5, -1.0]]

    """

    weight: FloatArray
    bias: FloatArray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        weight = as_parameter("weight", self.weight, 2)
        bias = np.zeros(weight.shape[0], weight.dtype) if self.bias is None else self.bias
        bias = as_parameter("bias", bias, 1)
        if 0 in weight.shape:
            raise ValueError(
                f"weight has shape {weight.shape}: a layer needs at least one input and one output"
            )
        if bias.shape != weight.shape[:1]:
            raise ValueError(
                f"bias has shape {bias.shape}, expected {weight.shape[:1]} for weight {weight.shape}"
            )
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)

    def output_width(self, input_width: int | None) -> int:
        """See :meth:`Layer.output_width`."""
        _require_width(repr(self), input_width, self.weight.shape[1])
        return len(self.weight)

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        return builder.dense(node, self.weight, self.bias)

    def __repr__(self) -> str:
        return f"Dense({self.weight.shape[1]} -> {self.weight.shape[0]})"


@dataclass(frozen=True, eq=False, repr=False)
class Scale(Layer):
    """``y = scale * x + shift``, element by element, rounded once: normalisation of inputs or of channels.

    Parameters
    ----------
    scale, shift : (n,) arrays

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Network([ft.Scale([2.0, 0.5], [1.0, 0.0])])([[1.0, 1.0]]).tolist()
    [[3.0, 0.5]]

    """

    scale: FloatArray
    shift: FloatArray

    def __post_init__(self) -> None:
        scale, shift = as_parameter("scale", self.scale, 1), as_parameter("shift", self.shift, 1)
        if scale.shape != shift.shape or scale.size == 0:
            raise ValueError(
                f"scale has shape {scale.shape} and shift {shift.shape}: expected the same, not empty"
            )
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "shift", shift)

    def output_width(self, input_width: int | None) -> int:
        """See :meth:`Layer.output_width`."""
        _require_width(repr(self), input_width, self.scale.size)
        return self.scale.size

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        return builder.scale(node, self.scale, self.shift)

    def __repr__(self) -> str:
        return f"Scale({self.scale.size})"


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


@dataclass(frozen=True, eq=False, repr=False)
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

    def __post_init__(self) -> None:
        slopes = as_parameter("slopes", self.slopes, 1)
        if slopes.size == 0:
            raise ValueError("slopes is empty: expected one slope, or one an input")
        object.__setattr__(self, "slopes", slopes)

    def output_width(self, input_width: int | None) -> int | None:
        """See :meth:`Layer.output_width`."""
        if self.slopes.size == 1:
            return input_width
        _require_width(repr(self), input_width, self.slopes.size)
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


LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind for kind in (Dense, Scale, ReLU, LeakyReLU, PReLU, HardTanh, ReLU6, HardSigmoid, Abs)
}
"""Every kind of layer by name, for files."""
