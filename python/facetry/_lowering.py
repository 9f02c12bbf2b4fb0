"""What layers are lowered to: the core's graph of operations, and the standard form."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from ._arrays import FloatArray
from .layers import Dense, Layer, ReLU


class CoreGraph:
    """Builds the native graph; see :class:`facetry.layers.Builder`."""

    def __init__(self, input_width: int, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._graph = (_core.Graph32 if dtype == np.float32 else _core.Graph64)(input_width)
        self._widths = [input_width]

    def width(self, node: int) -> int:
        """Give the number of values of a node."""
        return self._widths[node]

    def dense(self, node: int, weight: FloatArray, bias: FloatArray) -> int:
        """Append ``weight @ a + bias``."""
        return self._append(self._graph.dense(node, self._cast(weight), self._cast(bias)), len(bias))

    def scale(self, node: int, scale: FloatArray, shift: FloatArray) -> int:
        """Append ``scale * a + shift``."""
        return self._append(self._graph.scale(node, self._cast(scale), self._cast(shift)), len(scale))

    def activation(self, node: int, slopes: FloatArray | None) -> int:
        """Append neurons."""
        given = np.empty(0) if slopes is None else slopes
        return self._append(self._graph.activation(node, self._cast(given)), self._widths[node])

    def finish(self) -> _core.Network32 | _core.Network64:
        """Give the network of all nodes so far; its output is the last one."""
        if isinstance(self._graph, _core.Graph32):
            return _core.Network32(self._graph)
        return _core.Network64(self._graph)

    def _cast(self, values: FloatArray) -> FloatArray:
        return np.ascontiguousarray(values, dtype=self._dtype)

    def _append(self, node: int, width: int) -> int:
        self._widths.append(width)
        return node


class StandardForm:
    """Multiplies affine operations out, in float64; each node is an affine map of the last ReLU's outputs."""

    def __init__(self, input_width: int) -> None:
        self._layers: list[Layer] = []
        self._weight = np.eye(input_width)
        self._bias = np.zeros(input_width)

    def width(self, node: int) -> int:
        """Give the number of values of the latest node."""
        return len(self._bias)

    def dense(self, node: int, weight: FloatArray, bias: FloatArray) -> int:
        """Multiply ``weight @ a + bias`` into the affine map."""
        self._bias = weight.astype(np.float64) @ self._bias + bias
        self._weight = weight.astype(np.float64) @ self._weight
        return 0

    def scale(self, node: int, scale: FloatArray, shift: FloatArray) -> int:
        """Multiply ``scale * a + shift`` into the affine map."""
        self._bias = self._bias * scale + shift
        self._weight = self._weight * scale.astype(np.float64)[:, None]
        return 0

    def activation(self, node: int, slopes: FloatArray | None) -> int:
        """Append ReLUs: ``z if z > 0 else s z`` is ReLU(z) - s ReLU(-z)."""
        width = len(self._bias)
        leaky = np.empty(0, int) if slopes is None else np.flatnonzero(slopes)
        weight = np.vstack([self._weight, -self._weight[leaky]])
        self._layers += [Dense(weight, np.concatenate([self._bias, -self._bias[leaky]])), ReLU()]
        self._weight = np.eye(width, width + len(leaky))
        if slopes is not None:
            self._weight[leaky, width + np.arange(len(leaky))] = -slopes[leaky]
        self._bias = np.zeros(width)
        return 0

    def finish(self) -> list[Layer]:
        """Give the layers, ending with the pending affine map."""
        return [*self._layers, Dense(self._weight, self._bias)]


def propagate_width(layers: tuple[Layer, ...], input_dim: int | None) -> tuple[int, int]:
    """Find the number of inputs and outputs, checking that the layers fit together."""
    if input_dim is not None and input_dim < 1:
        raise ValueError(f"input_dim must be at least 1, is {input_dim}")
    first = input_dim
    width = input_dim
    for i, layer in enumerate(layers):
        try:
            after = layer.output_width(width)
        except ValueError as error:
            raise ValueError(f"layers[{i}]: {error}") from None
        if first is None:
            first = layer.weight.shape[1] if isinstance(layer, Dense) else after
        width = after
    if first is None or width is None:
        raise ValueError("no layer tells the number of inputs: pass input_dim=")
    return first, width


def build_core(
    layers: tuple[Layer, ...], input_dim: int, dtype: np.dtype[Any]
) -> _core.Network32 | _core.Network64:
    """Lower layers to a native network."""
    graph = CoreGraph(input_dim, dtype)
    node = 0
    for layer in layers:
        node = layer.lower(graph, node)
    return graph.finish()
