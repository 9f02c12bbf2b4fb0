"""ONNX models that are a chain of piecewise-linear layers.

The onnx package only parses the file: no external data, no model functions, no shape inference. An operator
is added in one place, ``_OPERATORS``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedLayer
from ..layers import Abs, HardSigmoid, LeakyReLU, ReLU
from ..network import Network
from ._chain import Array, Budget, Chain, squeezed, unsqueezed
from ._protobuf import Arguments, array, attribute, float_type, input_type, integer_type, python_array


def parse_onnx(data: bytes, strip_softmax: bool) -> Network:
    """Read an ONNX model; see :func:`facetry.load`."""
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "reading .onnx files needs the onnx package: pip install 'facetry[onnx]'"
        ) from error
    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise ValueError(f"not an ONNX model, or a truncated one: {error}") from None
    if not model.graph.node or not model.opset_import:
        raise ValueError("not an ONNX model, or a truncated one: it has no graph or no opset")
    return _Reader(model.graph, len(data), strip_softmax).network()


class _Reader:
    """Walks the nodes that the output needs, with the constants so far and the one value that is computed."""

    def __init__(self, graph: Any, n_bytes: int, strip_softmax: bool) -> None:
        self._graph = graph
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._constants: dict[str, Array] = {}
        inputs = [value for value in graph.input if value.name not in self._tensors]
        if len(inputs) != 1:
            names = ", ".join(repr(value.name) for value in inputs)
            raise UnsupportedLayer(f"the graph has {len(inputs)} inputs ({names}), expected one")
        shape, self.dtype = input_type(inputs[0])
        self.chain = Chain(shape, strip_softmax, Budget(n_bytes, math.prod(shape)))
        self._value = inputs[0].name
        self._computed = {self._value}

    def network(self) -> Network:
        for index in self._needed():
            node = self._graph.node[index]
            place = f"node {index} ({node.op_type} {(node.name or next(iter(node.output), ''))!r})"
            try:
                self._step(node)
            except UnsupportedLayer as error:
                raise UnsupportedLayer(f"{place}: {error}") from None
            except ValueError as error:
                raise ValueError(f"{place}: {error}") from error
        outputs = [value.name for value in self._graph.output]
        if len(outputs) != 1:
            raise UnsupportedLayer(
                f"the graph has {len(outputs)} outputs ({', '.join(map(repr, outputs))}), expected one"
            )
        if outputs[0] != self._value:
            raise ValueError(f"output {outputs[0]!r} is not the result of the last layer, {self._value!r}")
        return self.chain.network()

    def _needed(self) -> list[int]:
        """Give the nodes that the outputs depend on."""
        wanted = {value.name for value in self._graph.output}
        needed = []
        for index in reversed(range(len(self._graph.node))):
            node = self._graph.node[index]
            if wanted.intersection(node.output):
                needed.append(index)
                wanted.update(filter(None, node.input))
        return needed[::-1]

    def _step(self, node: Any) -> None:
        if node.domain not in ("", "ai.onnx"):
            raise UnsupportedLayer(f"operator of the domain {node.domain!r}")
        if node.op_type not in _OPERATORS:
            raise UnsupportedLayer("facetry has no such layer")
        apply, known = _OPERATORS[node.op_type]
        attributes = {a.name: attribute(a) for a in node.attribute}
        for name in attributes:
            if name not in known.split():
                raise UnsupportedLayer(f"attribute {name!r}")
        for name in node.input:
            self._look_up(name)
        if not node.output or node.output[0] in ("", *self._computed, *self._constants, *self._tensors):
            raise ValueError("it computes nothing, or what has been computed before")
        positions = [i for i, name in enumerate(node.input) if name == self._value]
        inputs = [self._constants.get(name) for name in node.input]
        arguments = Arguments(inputs, attributes, positions[0] if positions else None, self.dtype)
        if not positions:
            self._constants[node.output[0]] = _fold(node.op_type, arguments, self.chain)
            return
        if len(positions) > 1:
            raise UnsupportedLayer("it joins two branches of the graph")
        if positions != [0] and node.op_type not in _TWO_SIDED:
            raise UnsupportedLayer(f"its input {positions[0]} is computed, must be constant")
        apply(self, arguments)
        self._value = node.output[0]
        self._computed.add(self._value)

    def _look_up(self, name: str) -> None:
        if name in ("", self._value) or name in self._constants:
            return
        if name in self._tensors:
            self._constants[name] = array(self._tensors[name])
        elif name in self._computed:
            raise UnsupportedLayer(f"it reads {name!r}, which another node reads too: the graph has branches")
        else:
            raise ValueError(f"it reads {name!r}, which nothing before it computes")


def _gemm(reader: _Reader, node: Arguments) -> None:
    weight, chain = node.weights(1), reader.chain
    if len(chain.shape) != 2 or weight.ndim != 2 or node.integer("transA", 0):
        raise UnsupportedLayer(f"it multiplies shapes {chain.shape} and {weight.shape}, or has transA=1")
    weight = weight.T if node.integer("transB", 0) else weight
    chain.matmul(weight * weight.dtype.type(node.number("alpha", 1)))
    if node.optional(2) is not None:
        bias = node.weights(2)
        chain.add(bias * bias.dtype.type(node.number("beta", 1)))


def _matmul(reader: _Reader, node: Arguments) -> None:
    reader.chain.matmul(node.operand(), weight_first=node.position == 1)


def _arithmetic(operator: str) -> Callable[[_Reader, Arguments], None]:
    def apply(reader: _Reader, node: Arguments) -> None:
        reader.chain.arithmetic(operator, node.operand(), constant_first=node.position == 1)

    return apply


def _clip(reader: _Reader, node: Arguments) -> None:
    largest = float(np.finfo(np.float32).max)  # what exporters write for "no bound"
    bounds = []
    for index, name, none in ((1, "min", -math.inf), (2, "max", math.inf)):
        as_input = node.optional(index) is not None
        bound = float(node.weights(index).reshape(())) if as_input else node.number(name, none)
        is_open = abs(bound) == largest and not (as_input and reader.dtype == np.float64)
        bounds.append(none if is_open else bound)
    reader.chain.clip(*bounds)


def _batch_norm(reader: _Reader, node: Arguments) -> None:
    if node.integer("training_mode", 0) or not node.integer("spatial", 1):
        raise UnsupportedLayer("training_mode=1 or spatial=0")
    scale, shift, mean, variance = (node.weights(i) for i in (1, 2, 3, 4))
    reader.chain.batch_norm(scale, shift, mean, variance, node.number("epsilon", 1e-5))


def _dropout(reader: _Reader, node: Arguments) -> None:
    training = node.optional(2)
    if training is not None and training.any():
        raise UnsupportedLayer("training_mode is true")


def _cast(reader: _Reader, node: Arguments) -> None:
    if float_type(node.integer("to", 0)) != reader.dtype:
        raise UnsupportedLayer(f"it changes {reader.dtype} to type {node.integer('to', 0)}")


def _flatten(reader: _Reader, node: Arguments) -> None:
    shape, axis = reader.chain.shape, node.integer("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise ValueError(f"axis {axis} of a value of shape {shape}")
    axis += len(shape) if axis < 0 else 0
    reader.chain.reshape([math.prod(shape[:axis]), math.prod(shape[axis:])])


def _reshape(reader: _Reader, node: Arguments) -> None:
    wanted, shape = node.integers("shape", 1), reader.chain.shape
    if wanted is None:
        raise ValueError("its shape is missing")
    keep = not node.integer("allowzero", 0)
    reader.chain.reshape(
        [shape[i] if n == 0 and keep and i < len(shape) else n for i, n in enumerate(wanted)]
    )


def _unsqueeze(reader: _Reader, node: Arguments) -> None:
    reader.chain.unsqueeze(node.integers("axes", 1) or [])


def _transpose(reader: _Reader, node: Arguments) -> None:
    order = node.integers("perm", 1)
    reader.chain.transpose(range(len(reader.chain.shape))[::-1] if order is None else order)


def _fold(operator: str, node: Arguments, chain: Chain) -> Array:
    """Compute a node that depends on constants only."""
    if operator == "Constant":
        value = node.any_of("value", "value_float", "value_floats", "value_int", "value_ints")
        if value is None:
            raise ValueError("it has no value")
        return python_array(value)
    value = node.constant(0)
    chain.spend(value.size)
    if operator == "Identity":
        return value
    if operator == "Cast":
        dtype = float_type(node.integer("to", 0)) or integer_type(node.integer("to", 0))
        if dtype is None:
            raise UnsupportedLayer(f"to type {node.integer('to', 0)}")
        return value.astype(dtype)
    if operator == "Squeeze":
        return value.reshape(squeezed(value.shape, node.integers("axes", 1)))
    if operator == "Unsqueeze":
        return value.reshape(unsqueezed(value.shape, node.integers("axes", 1) or []))
    if operator == "Transpose":
        transposed: Array = value.transpose(node.integers("perm", 1))
        return transposed
    raise UnsupportedLayer("it computes with constants only")


_OPERATORS: dict[str, tuple[Callable[[_Reader, Arguments], None], str]] = {
    "Gemm": (_gemm, "alpha beta transA transB broadcast"),
    "MatMul": (_matmul, ""),
    "Add": (_arithmetic("add"), ""),
    "Sub": (_arithmetic("sub"), ""),
    "Mul": (_arithmetic("mul"), ""),
    "Div": (_arithmetic("div"), ""),
    "Relu": (lambda reader, _: reader.chain.append(ReLU()), ""),
    "LeakyRelu": (lambda reader, node: reader.chain.append(LeakyReLU(node.number("alpha", 0.01))), "alpha"),
    "PRelu": (lambda reader, node: reader.chain.prelu(node.weights(1)), ""),
    "Clip": (_clip, "min max"),
    "HardSigmoid": (
        lambda reader, node: reader.chain.append(
            HardSigmoid(node.number("alpha", 0.2), node.number("beta", 0.5))
        ),
        "alpha beta",
    ),
    "Abs": (lambda reader, _: reader.chain.append(Abs()), ""),
    "BatchNormalization": (_batch_norm, "epsilon momentum training_mode spatial"),
    "Flatten": (_flatten, "axis"),
    "Reshape": (_reshape, "shape allowzero"),
    "Squeeze": (lambda reader, node: reader.chain.squeeze(node.integers("axes", 1)), "axes"),
    "Unsqueeze": (_unsqueeze, "axes"),
    "Transpose": (_transpose, "perm"),
    "Identity": (lambda reader, _: None, ""),
    "Dropout": (_dropout, "ratio seed is_test"),
    "Cast": (_cast, "to saturate round_mode"),
    "Constant": (lambda reader, _: None, "value value_float value_floats value_int value_ints"),
    "Softmax": (lambda reader, _: reader.chain.softmax("Softmax"), "axis"),
    "LogSoftmax": (lambda reader, _: reader.chain.softmax("LogSoftmax"), "axis"),
}
_TWO_SIDED = ("MatMul", "Add", "Sub", "Mul", "Div")
