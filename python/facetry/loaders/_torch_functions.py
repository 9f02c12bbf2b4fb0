"""The functions and modules of torch that facetry knows, as operations on a chain.

A function is added in one place, ``FUNCTIONS``: its parameters are those of torch's function of that name. A
module becomes a call of the function that it stands for, in ``MODULES``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedLayer
from ..layers import Abs, HardSigmoid, LeakyReLU, ReLU, ReLU6
from ._chain import Array, Chain, Shape


class Value:
    """Stands for the computed value among the arguments of a function."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


class Converter:
    """The chain, and how constants of the module become arrays."""

    def __init__(self, chain: Chain, dtype: np.dtype[Any]) -> None:
        self.chain = chain
        self._dtype = dtype

    def array(self, constant: Any) -> Array:
        """Give a tensor or a number of the module as an array; whole numbers in the dtype of its weights."""
        import torch

        tensor = torch.as_tensor(constant)
        if tensor.is_complex() or tensor.is_quantized:
            raise UnsupportedLayer(f"a constant is {tensor.dtype}")
        if not isinstance(constant, torch.Tensor) or not tensor.is_floating_point():
            return np.asarray(tensor.numpy(), self._dtype)
        half = tensor.dtype in (torch.float16, torch.bfloat16)
        return np.asarray((tensor.float() if half else tensor).detach().numpy())


def function_name(node: Any) -> str:
    """Give the name of a function of torch or of a method; "" for any other function."""
    import torch

    if node.op == "call_method":
        return str(node.target).removesuffix("_")
    name = getattr(node.target, "__name__", "")
    homes = (torch, torch.nn.functional, operator)
    if not any(getattr(home, name, None) is node.target for home in homes) and node.target is not getattr:
        return ""
    return _ALIASES.get(name, name.removesuffix("_"))


_ALIASES = {
    "truediv": "div",
    "iadd": "add",
    "isub": "sub",
    "imul": "mul",
    "itruediv": "div",
    "imatmul": "matmul",
}
TWO_SIDED = ("add", "sub", "mul", "div", "matmul")
SHAPES: dict[str, Callable[..., Any]] = {
    "size": lambda shape, axis=None: shape if axis is None else shape[axis],
    "dim": len,
    "getattr": lambda shape, name: _attribute(shape, name),
}


def _attribute(shape: Shape, name: str) -> Any:
    if name not in ("shape", "ndim"):
        raise UnsupportedLayer(f"attribute {name!r}")
    return shape if name == "shape" else len(shape)


def _linear(net: Converter, x: Value, weight: Any, bias: Any = None) -> None:
    net.chain.matmul(net.array(weight).T)
    if bias is not None:
        net.chain.add(net.array(bias))


def _matmul(net: Converter, a: Any, other: Any) -> None:
    first = isinstance(other, Value)
    net.chain.matmul(net.array(a if first else other), weight_first=first)


def _arithmetic(name: str) -> Callable[[Converter, Any, Any], None]:
    def apply(net: Converter, a: Any, other: Any) -> None:
        first = isinstance(other, Value)
        net.chain.arithmetic(name, net.array(a if first else other), constant_first=first)

    return apply


def _prelu(net: Converter, x: Value, weight: Any) -> None:
    slopes, rank = net.array(weight), len(net.chain.shape)
    net.chain.prelu(slopes.reshape(-1, *[1] * (rank - 2)) if slopes.size > 1 and rank > 2 else slopes)


def _leaky_relu(net: Converter, x: Value, negative_slope: float = 0.01, inplace: bool = False) -> None:
    net.chain.append(LeakyReLU(negative_slope))


def _hardtanh(
    net: Converter, x: Value, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> None:
    net.chain.clip(min_val, max_val)


def _clamp(net: Converter, x: Value, min: Any = None, max: Any = None) -> None:
    bounds = (-math.inf if min is None else float(min), math.inf if max is None else float(max))
    net.chain.clip(*bounds)


def _batch_norm(
    net: Converter,
    x: Value,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> None:
    if training or running_mean is None or running_var is None:
        raise UnsupportedLayer("it normalises by the batch, not by fixed statistics")
    scale, shift = (None if given is None else net.array(given) for given in (weight, bias))
    net.chain.batch_norm(scale, shift, net.array(running_mean), net.array(running_var), eps)


def _dropout(net: Converter, x: Value, p: float = 0.5, training: bool = True, inplace: bool = False) -> None:
    if training:
        raise UnsupportedLayer("training is True: pass training=self.training")


def _reshape(net: Converter, x: Value, *shape: Any) -> None:
    net.chain.reshape(shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)


def _squeeze(net: Converter, x: Value, dim: Any = None) -> None:
    shape, axes = net.chain.shape, (dim,) if isinstance(dim, int) else dim
    net.chain.squeeze(axes if axes is None else [a for a in axes if shape[a] == 1])  # torch keeps longer axes


def _softmax(net: Converter, x: Value, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> None:
    net.chain.softmax("softmax")


FUNCTIONS: dict[str, Callable[..., None]] = {
    "relu": lambda net, x, inplace=False: net.chain.append(ReLU()),
    "relu6": lambda net, x, inplace=False: net.chain.append(ReLU6()),
    "leaky_relu": _leaky_relu,
    "prelu": _prelu,
    "hardtanh": _hardtanh,
    "clamp": _clamp,
    "clip": _clamp,
    "hardsigmoid": lambda net, x, inplace=False: net.chain.append(HardSigmoid()),
    "abs": lambda net, x: net.chain.append(Abs()),
    "neg": lambda net, x: net.chain.multiply(net.array(-1.0)),
    "linear": _linear,
    "matmul": _matmul,
    **{name: _arithmetic(name) for name in ("add", "sub", "mul", "div")},
    "batch_norm": _batch_norm,
    "dropout": _dropout,
    "flatten": lambda net, x, start_dim=0, end_dim=-1: net.chain.flatten(start_dim, end_dim),
    "reshape": _reshape,
    "view": _reshape,
    "squeeze": _squeeze,
    "unsqueeze": lambda net, x, dim: net.chain.unsqueeze([dim]),
    "contiguous": lambda net, x: None,
    "softmax": _softmax,
    "log_softmax": _softmax,
}

MODULES: dict[str, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    "Linear": ("linear", lambda m: {"weight": m.weight, "bias": m.bias}),
    "ReLU": ("relu", lambda m: {}),
    "ReLU6": ("relu6", lambda m: {}),
    "LeakyReLU": ("leaky_relu", lambda m: {"negative_slope": m.negative_slope}),
    "PReLU": ("prelu", lambda m: {"weight": m.weight}),
    "Hardtanh": ("hardtanh", lambda m: {"min_val": m.min_val, "max_val": m.max_val}),
    "Hardsigmoid": ("hardsigmoid", lambda m: {}),
    "BatchNorm1d": (
        "batch_norm",
        lambda m: {
            name: getattr(m, name) for name in ("running_mean", "running_var", "weight", "bias", "eps")
        },
    ),
    "Flatten": ("flatten", lambda m: {"start_dim": m.start_dim, "end_dim": m.end_dim}),
    "Identity": ("contiguous", lambda m: {}),
    "Dropout": ("contiguous", lambda m: {}),
    "Softmax": ("softmax", lambda m: {}),
    "LogSoftmax": ("log_softmax", lambda m: {}),
}
