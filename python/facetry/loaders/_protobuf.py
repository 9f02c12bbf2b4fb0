"""ONNX's tensors, attributes, types and node arguments as NumPy arrays and Python values.

Every declared size is checked against the bytes that are there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import UnsupportedLayer
from ._chain import Array, Shape, widened

_BFLOAT16 = 16
# TensorProto.DataType: dtype of raw_data, or else the field with the numbers and the dtype of each
_STORAGE = {
    1: ("<f4", "float_data", "<f4"),
    6: ("<i4", "int32_data", "<i4"),
    7: ("<i8", "int64_data", "<i8"),
    9: ("?", "int32_data", "?"),
    10: ("<f2", "int32_data", "<u2"),
    11: ("<f8", "double_data", "<f8"),
    _BFLOAT16: ("<u2", "int32_data", "<u2"),
}
_UNKNOWN_BATCH = 1


def array(tensor: Any) -> Array:
    """Give a tensor's values; bfloat16 as the equal float32."""
    if tensor.data_location or tensor.external_data:
        raise UnsupportedLayer(
            f"tensor {tensor.name!r} is in another file: save the model with its data inside"
        )
    if tensor.data_type not in _STORAGE or tensor.HasField("segment"):
        raise UnsupportedLayer(f"tensor {tensor.name!r} has the unknown data type {tensor.data_type}")
    raw, field, item = _STORAGE[tensor.data_type]
    shape = tuple(tensor.dims)
    n_bytes = len(tensor.raw_data)
    if not tensor.HasField("raw_data"):
        n_bytes = len(getattr(tensor, field)) * np.dtype(raw).itemsize
    if min(shape, default=0) < 0 or math.prod(shape) * np.dtype(raw).itemsize != n_bytes:
        raise ValueError(f"tensor {tensor.name!r} is declared {shape} of {raw}, but holds {n_bytes} bytes")
    if tensor.HasField("raw_data"):
        values = np.frombuffer(tensor.raw_data, raw)
    else:
        values = np.array(getattr(tensor, field)).astype(item).view(raw)
    if tensor.data_type == _BFLOAT16:
        values = (values.astype("<u4") << 16).view("<f4")
    return values.reshape(shape).astype(values.dtype.newbyteorder("="), copy=False)


def attribute(given: Any) -> Any:
    """Give an attribute's value: float, int, bytes, array, or a list."""
    kinds = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints"}
    if given.type not in kinds:
        raise UnsupportedLayer(f"attribute {given.name!r} of type {given.type}")
    value = getattr(given, kinds[given.type])
    if given.type == 4:
        return array(value)
    return list(value) if given.type > 4 else value


def python_array(value: Any) -> Array:
    """Give the value of a Constant node: numbers in attributes are float32 or int64."""
    if isinstance(value, np.ndarray):
        return value
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, int | float):
        raise UnsupportedLayer("its value is not a number")
    return np.array(value, np.float32 if isinstance(first, float) else np.int64)


def float_type(data_type: int) -> np.dtype[Any] | None:
    """Give the dtype of a floating-point TensorProto.DataType, as :func:`array` gives it."""
    names = {1: "f4", 10: "f2", 11: "f8", _BFLOAT16: "f4"}
    return np.dtype(names[data_type]) if data_type in names else None


def integer_type(data_type: int) -> np.dtype[Any] | None:
    """Give the dtype of an integer TensorProto.DataType."""
    return np.dtype({6: "i4", 7: "i8"}[data_type]) if data_type in (6, 7) else None


def input_type(value: Any) -> tuple[Shape, np.dtype[Any]]:
    """Give the shape of one example and the dtype of a graph's input; an open batch size counts as 1."""
    tensor = value.type.tensor_type
    dtype = float_type(tensor.elem_type)
    if dtype is None:
        raise UnsupportedLayer(f"input {value.name!r} has type {tensor.elem_type}, expected floating point")
    if not tensor.HasField("shape"):
        raise UnsupportedLayer(f"input {value.name!r} has no shape")
    shape = [dim.dim_value for dim in tensor.shape.dim]
    if shape and shape[0] < 1:
        shape[0] = _UNKNOWN_BATCH
    if min(shape, default=0) < 1:
        raise UnsupportedLayer(f"input {value.name!r} has a size that is not fixed: {shape} (0: open)")
    return tuple(shape), dtype


class Arguments:
    """Inputs (None: the computed value, or left out) and attributes of a node, with checked types.

    ``position`` is the input that is the computed value, ``dtype`` the value's type.
    """

    def __init__(
        self,
        inputs: list[Array | None],
        attributes: dict[str, Any],
        position: int | None,
        dtype: np.dtype[Any],
    ) -> None:
        self._inputs = inputs
        self._attributes = attributes
        self._dtype = dtype
        self.position = position

    def optional(self, index: int) -> Array | None:
        """Give an input that may be left out."""
        return self._inputs[index] if index < len(self._inputs) else None

    def constant(self, index: int) -> Array:
        """Give an input that must be there."""
        value = self.optional(index)
        if value is None:
            raise ValueError(f"its input {index} is missing")
        return value

    def operand(self) -> Array:
        """Give the constant one of two inputs."""
        return self.weights(0 if self.position else 1)

    def weights(self, index: int) -> Array:
        """Give a constant of the type of the value; float16 is widened before it is used."""
        value = self.constant(index)
        if value.dtype != self._dtype:
            raise ValueError(f"its input {index} has dtype {value.dtype}, the value {self._dtype}")
        return widened(value)

    def integers(self, name: str, index: int) -> list[int] | None:
        """Give a list that is an attribute in old versions of an operator and an input in new ones."""
        value = self.optional(index)
        if value is not None:
            if value.dtype.kind != "i" or value.ndim > 1:
                raise ValueError(f"{name} must be a list of integers")
            return [int(i) for i in value.reshape(-1)]
        given: list[int] | None = self._get(name, list, None)
        if given and not isinstance(given[0], int):
            raise ValueError(f"{name} must be a list of integers")
        return given

    def integer(self, name: str, default: int) -> int:
        """Give an attribute."""
        return int(self._get(name, int, default))

    def number(self, name: str, default: float) -> float:
        """Give an attribute; those are float32."""
        return float(self._get(name, float, np.float32(default)))

    def any_of(self, *names: str) -> Any:
        """Give the first attribute there is."""
        return next((self._attributes[name] for name in names if name in self._attributes), None)

    def _get(self, name: str, kind: type, default: Any) -> Any:
        value = self._attributes.get(name, default)
        if name in self._attributes and not isinstance(value, kind):
            raise ValueError(f"attribute {name!r} must be a {kind.__name__}")
        return value
