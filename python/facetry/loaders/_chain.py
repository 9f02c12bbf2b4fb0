"""What the ONNX and the torch loader share: a chain of layers, built operation by operation.

The chain knows the shape of its value, for one example (batch size 1 in front). Operations that only rename
axes add no layer; those that would reorder the flat vector, repeat it or use it row by row are refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UnsupportedLayer
from ..layers import Dense, HardTanh, Layer, PReLU, ReLU, ReLU6, Scale
from ..network import Network

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
_LARGEST_BOUND = 65536.0  # HardTanh is right to one rounding of its box: 0.004 in float32


class Budget:
    """How many numbers may be held for a file, so that a small file cannot ask for much memory.

    Real files hold 4 bytes a weight and many weights a neuron. The floor is for weights that are used again.
    """

    def __init__(self, n_bytes: int, inputs: int) -> None:
        if inputs > max(n_bytes, 1 << 16):
            raise ValueError(f"it declares {inputs} inputs and has only {n_bytes} bytes")
        self._left = max(4 * n_bytes, 1 << 24)

    def spend(self, numbers: int) -> None:
        """Count numbers that are about to be held."""
        self._left -= numbers
        if self._left < 0:
            raise ValueError("its layers hold far more numbers than the file")


class Chain:
    """Layers so far, and the shape of their result."""

    def __init__(self, shape: Shape, strip_softmax: bool, budget: Budget | None = None) -> None:
        self.shape = shape
        self.layers: list[Layer] = []
        self._inputs = math.prod(shape)
        self._budget = budget
        self._strip_softmax = strip_softmax
        self._softmax = ""
        self._without_bias = False

    @property
    def width(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def network(self) -> Network:
        """Give the network of all layers."""
        if not self.layers:
            raise ValueError("the network has no layers")
        return Network(self.layers, input_dim=self._inputs)

    def spend(self, numbers: int) -> None:
        """Count numbers that are about to be held."""
        if self._budget:
            self._budget.spend(numbers)

    def append(self, layer: Layer) -> None:
        """Append a layer that keeps the shape."""
        if self._softmax:
            raise UnsupportedLayer(f"{self._softmax} before it is not the last layer")
        self.spend(self.width)
        self.layers.append(layer)
        self._without_bias = False

    def matmul(self, weight: Array, weight_first: bool = False) -> None:
        """Append ``x @ weight``, or ``weight @ x``."""
        if weight.ndim != 2:
            raise UnsupportedLayer(f"the weight has shape {weight.shape}, expected a matrix")
        if not self.shape:
            raise ValueError("the value is a scalar, expected a vector")
        column = weight_first and len(self.shape) > 1
        contracted = self.shape[-2] if column else self.shape[-1]
        if weight.shape[1 if weight_first else 0] != contracted:
            raise ValueError(f"shapes {self.shape} and {weight.shape} do not fit")
        if contracted != self.width:
            raise UnsupportedLayer(
                f"the value has shape {self.shape}: only a single vector can be multiplied, "
                "so a fixed batch size must be 1"
            )
        matrix = weight if weight_first else weight.T
        self.spend(weight.size)
        self.append(Dense(matrix))
        self._without_bias = True
        rows = matrix.shape[0]
        self.shape = (*self.shape[:-2], rows, 1) if column else (*self.shape[:-1], rows)

    def add(self, constant: Array) -> None:
        """Append ``x + constant``: the bias of a product just before it."""
        if self._without_bias:
            product = self.layers[-1]
            assert isinstance(product, Dense)
            self.layers[-1] = Dense(product.weight, self.broadcast(constant))
            self._without_bias = False
        else:
            shift = self.broadcast(constant)
            self.append(Scale(np.ones_like(shift), shift))

    def subtract_from(self, constant: Array) -> None:
        """Append ``constant - x``."""
        shift = self.broadcast(constant)
        self.append(Scale(-np.ones_like(shift), shift))

    def multiply(self, constant: Array) -> None:
        """Append ``x * constant``."""
        scale = self.broadcast(constant)
        self.append(Scale(scale, np.zeros_like(scale)))

    def divide(self, constant: Array) -> None:
        """Append ``x / constant``, as a product with the reciprocal."""
        if (constant == 0).any():
            raise ValueError("the divisor holds a zero")
        self.multiply(1 / widened(constant))

    def arithmetic(self, operator: str, constant: Array, constant_first: bool) -> None:
        """Append ``x + c``, ``x - c``, ``c - x``, ``x * c`` or ``x / c``."""
        if operator == "add":
            self.add(constant)
        elif operator == "sub":
            self.subtract_from(constant) if constant_first else self.add(-widened(constant))
        elif operator == "mul":
            self.multiply(constant)
        elif constant_first:
            raise UnsupportedLayer("the divisor is computed: only constants can divide")
        else:
            self.divide(constant)

    def prelu(self, slopes: Array) -> None:
        """Append a PReLU with slopes that broadcast to the value, or one slope."""
        self.append(PReLU(widened(slopes).reshape(1) if slopes.size == 1 else self.broadcast(slopes)))

    def clip(self, low: float, high: float) -> None:
        """Append ``min(max(x, low), high)``, either bound may be infinite."""
        if (low, high) == (-math.inf, math.inf):
            return
        if (low, high) == (0, math.inf):
            self.append(ReLU())
        elif (low, high) == (0, 6):
            self.append(ReLU6())
        elif math.isinf(low) or math.isinf(high):
            raise UnsupportedLayer(f"it clips to [{low}, {high}]: one bound alone must be a minimum of 0")
        elif max(abs(low), abs(high)) > _LARGEST_BOUND:
            raise UnsupportedLayer(
                f"it clips to [{low}, {high}]: HardTanh loses small values in so large a box"
            )
        else:
            self.append(HardTanh(low, high))

    def batch_norm(
        self, scale: Array | None, shift: Array | None, mean: Array, variance: Array, epsilon: float
    ) -> None:
        """Append a normalisation of axis 1 with fixed statistics, computed in float64 and rounded once."""
        if len(self.shape) < 2 or any(
            a is not None and a.shape != mean.shape for a in (scale, shift, variance)
        ):
            raise ValueError(f"the parameters do not fit each other, or the value of shape {self.shape}")
        spread = variance.astype(np.float64) + epsilon
        if not (spread > 0).all():
            raise ValueError("a variance is not positive")
        factor = (1.0 if scale is None else scale.astype(np.float64)) / np.sqrt(spread)
        offset = (0.0 if shift is None else shift.astype(np.float64)) - mean.astype(np.float64) * factor
        channels = (mean.size, *[1] * (len(self.shape) - 2))
        dtype = widened(mean).dtype
        factor, offset = factor.astype(dtype), offset.astype(dtype)
        self.append(Scale(self.broadcast(factor.reshape(channels)), self.broadcast(offset.reshape(channels))))

    def softmax(self, name: str) -> None:
        """Leave a final softmax out, or refuse it."""
        if not self._strip_softmax:
            raise UnsupportedLayer(
                f"{name} is not piecewise linear: pass strip_softmax=True for the logits before it"
            )
        self._softmax = name

    def reshape(self, shape: Sequence[int]) -> None:
        """Give the value another shape; one size may be -1."""
        known = math.prod(size for size in shape if size != -1)
        missing = [self.width // known] if shape.count(-1) == 1 and known > 0 else []
        result = tuple(missing[0] if size == -1 and missing else size for size in shape)
        if min(result, default=1) < 1 or math.prod(result) != self.width:
            raise ValueError(f"a value of shape {self.shape} cannot become {tuple(shape)}")
        self.shape = result

    def flatten(self, start: int, end: int = -1) -> None:
        """Join the axes from ``start`` to ``end``."""
        rank = len(self.shape)
        if not (-rank <= start < rank and -rank <= end < rank and start % rank <= end % rank):
            raise ValueError(f"axes {start} to {end} of a value of shape {self.shape}")
        start, end = start % rank, end % rank + 1
        self.shape = (*self.shape[:start], math.prod(self.shape[start:end]), *self.shape[end:])

    def transpose(self, order: Sequence[int]) -> None:
        """Reorder the axes where that leaves the order of the values."""
        if sorted(order) != list(range(len(self.shape))):
            raise ValueError(f"axes {tuple(order)} of a value of shape {self.shape}")
        long = [axis for axis in order if self.shape[axis] > 1]
        if long != sorted(long):
            raise UnsupportedLayer(
                f"axes {tuple(order)} of shape {self.shape} change the order of the values"
            )
        self.shape = tuple(self.shape[axis] for axis in order)

    def squeeze(self, axes: Sequence[int] | None) -> None:
        """Drop axes of size 1: all, or those given."""
        self.shape = squeezed(self.shape, axes)

    def unsqueeze(self, axes: Sequence[int]) -> None:
        """Insert axes of size 1."""
        self.shape = unsqueezed(self.shape, axes)

    def broadcast(self, constant: Array) -> Array:
        """Give a constant as one number a value, flat."""
        constant = widened(constant)
        try:
            shape = np.broadcast_shapes(self.shape, constant.shape)
        except ValueError:
            raise ValueError(f"shapes {self.shape} and {constant.shape} do not broadcast") from None
        if math.prod(shape) != self.width:
            raise UnsupportedLayer(
                f"a constant of shape {constant.shape} repeats the value of shape {self.shape}"
            )
        self.shape = shape
        return np.broadcast_to(constant, shape).reshape(-1)


def widened(constant: Array) -> Array:
    """Give float16 as float32 before anything is computed with it."""
    if constant.dtype.kind != "f":
        raise ValueError(f"a constant has dtype {constant.dtype}, expected floating point")
    return constant.astype(np.float32) if constant.dtype == np.float16 else constant


def squeezed(shape: Shape, axes: Sequence[int] | None) -> Shape:
    """Drop axes of size 1: all, or those given."""
    if axes is None:
        return tuple(size for size in shape if size != 1)
    dropped = positive_axes(axes, len(shape))
    if any(shape[axis] != 1 for axis in dropped):
        raise ValueError(f"axes {tuple(axes)} of shape {shape} are not of size 1")
    return tuple(size for axis, size in enumerate(shape) if axis not in dropped)


def unsqueezed(shape: Shape, axes: Sequence[int]) -> Shape:
    """Insert axes of size 1, numbered as in the result."""
    rank = len(shape) + len(axes)
    inserted = positive_axes(axes, rank)
    rest = iter(shape)
    return tuple(1 if axis in inserted else next(rest) for axis in range(rank))


def positive_axes(axes: Sequence[int], rank: int) -> set[int]:
    """Give axes counted from the front; ValueError if one is not there or there twice."""
    counted = {axis % rank for axis in axes if -rank <= axis < rank}
    if len(counted) != len(axes):
        raise ValueError(f"axes {tuple(axes)} of {rank} dimensions")
    return counted
