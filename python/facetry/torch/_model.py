"""Reads a torch module as a chain of affine layers, each with the kinks after it; nothing is copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import UnsupportedLayer


@dataclass
class Affine:
    """``weight @ a + bias``, then kinks: none, slopes below 0 (a number or a tensor), or a clip."""

    path: str
    weight: Tensor
    bias: Tensor | None
    slopes: float | Tensor | None = None
    clip: tuple[float, float] | None = None

    @property
    def width(self) -> int:
        """Number of values."""
        return self.weight.shape[0]

    @property
    def neurons(self) -> int:
        """Number of kinks: a clip has two a value, as :class:`facetry.HardTanh`."""
        if self.clip is not None:
            return 2 * self.width
        return 0 if self.slopes is None else self.width


@dataclass
class Model:
    """The layers of a module, and whether the points are flattened before the first."""

    layers: list[Affine]
    flattens: bool = False

    @property
    def neurons(self) -> int:
        """Number of kinks of all layers."""
        return sum(layer.neurons for layer in self.layers)

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return self.layers[0].weight.shape[1]


def read_model(module: nn.Module) -> Model:
    """Read the layers as they are now, in their present mode.

    An nn.Sequential is walked; other modules are traced by torch.fx, every time, as their code may depend on
    anything.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"model is a {type(module).__name__}, expected a torch.nn.Module")
    model = Model([])
    _add_module(model, module, "")
    if not model.layers:
        raise UnsupportedLayer("the model has no Linear layer")
    return model


def _add_module(model: Model, module: nn.Module, path: str) -> None:
    name = f"{path!r} ({type(module).__name__})" if path else type(module).__name__
    if any(
        getattr(module, f"_{kind}hooks")
        for kind in ("forward_", "forward_pre_", "backward_", "backward_pre_")
    ):
        raise UnsupportedLayer(f"{name} has hooks, which a loss would not call: remove them")
    prefix = f"{path}." if path else ""
    if type(module) is nn.Sequential:
        for child_name, child in module._modules.items():  # named_children() leaves out what comes twice
            if child is not None:
                _add_module(model, child, prefix + child_name)
        return
    try:
        if type(module).__module__.startswith("torch.nn."):
            _add_leaf(model, module, path)
        else:
            _add_traced(model, module, prefix)
    except UnsupportedLayer as error:
        raise (
            error
            if str(error).startswith(("'", type(module).__name__))
            else UnsupportedLayer(f"{name}: {error}")
        ) from None


def _add_leaf(model: Model, module: nn.Module, path: str) -> None:
    kind = type(module)
    if kind is nn.Linear:
        model.layers.append(Affine(path, module.weight, module.bias))  # type: ignore[arg-type]
    elif kind is nn.ReLU:
        _add_kinks(model, slopes=0.0)
    elif kind is nn.LeakyReLU:
        _add_kinks(model, slopes=float(module.negative_slope))  # type: ignore[arg-type]
    elif kind is nn.PReLU:
        _add_kinks(model, slopes=module.weight)  # type: ignore[arg-type]
    elif kind in (nn.Hardtanh, nn.ReLU6):
        _add_kinks(model, clip=(float(module.min_val), float(module.max_val)))  # type: ignore[arg-type]
    elif kind is nn.Flatten:
        _add_flatten(model, module.start_dim, module.end_dim)  # type: ignore[arg-type]
    elif kind is nn.Dropout:
        _add_dropout(module.p, module.training)  # type: ignore[arg-type]
    elif kind is not nn.Identity:
        known = "Linear, ReLU, LeakyReLU, PReLU, Hardtanh, ReLU6, Flatten, Identity, Dropout in eval mode"
        raise UnsupportedLayer(f"the losses know no such module, they know {known}")


def _add_kinks(
    model: Model, slopes: float | Tensor | None = None, clip: tuple[float, float] | None = None
) -> None:
    if not model.layers or model.layers[-1].neurons:
        raise UnsupportedLayer("neurons must follow a Linear layer")
    if isinstance(slopes, Tensor) and slopes.numel() not in (1, model.layers[-1].width):
        raise UnsupportedLayer(f"it has {slopes.numel()} slopes for {model.layers[-1].width} values")
    model.layers[-1].slopes = slopes
    model.layers[-1].clip = clip


def _add_flatten(model: Model, start: int = 0, end: int = -1) -> None:
    if (start, end) != (1, -1):
        raise UnsupportedLayer(f"it flattens axes {start} to {end}, expected 1 to -1")
    model.flattens |= not model.layers


def _add_dropout(p: float = 0.5, training: bool = True) -> None:
    if training and p > 0:
        raise UnsupportedLayer("dropout is active: use eval mode, or p=0")


_FUNCTIONS: dict[Any, Any] = {
    "relu": lambda model, inplace=False: _add_kinks(model, slopes=0.0),
    "relu6": lambda model, inplace=False: _add_kinks(model, clip=(0.0, 6.0)),
    "leaky_relu": lambda model, negative_slope=0.01, inplace=False: _add_kinks(
        model, slopes=float(negative_slope)
    ),
    "hardtanh": lambda model, min_val=-1.0, max_val=1.0, inplace=False: _add_kinks(
        model, clip=(float(min_val), float(max_val))
    ),
    "flatten": lambda model, start_dim=0, end_dim=-1: _add_flatten(model, start_dim, end_dim),
    "dropout": lambda model, p=0.5, training=True, inplace=False: _add_dropout(p, training),
}


def _add_traced(model: Model, module: nn.Module, prefix: str) -> None:
    try:
        graph = torch.fx.Tracer().trace(module)
    except Exception as error:  # whatever the module's own code raises for torch.fx's stand-in
        raise UnsupportedLayer(f"torch.fx cannot trace it: {error}") from error
    latest: Any = None
    shapes: set[Any] = set()  # nodes that are shapes of values
    for node in graph.nodes:
        if node.op == "placeholder":
            if latest is not None:
                raise UnsupportedLayer("its forward takes more than one argument")
            latest = node
            continue
        if node.op == "output":
            if node.args != (latest,):
                raise UnsupportedLayer("its forward must return the value of the last layer")
            return
        name = _function_name(node)
        if name in ("size", "getattr", "getitem"):
            shapes.add(node)
            continue
        if not node.args or node.args[0] is not latest:
            raise UnsupportedLayer(
                f"{node.name} does not read the value just before it: only chains are known"
            )
        if node.op == "call_module":
            _add_module(model, module.get_submodule(node.target), prefix + node.target)
        elif name in ("view", "reshape") and len(node.args) == 3 and node.args[2] == -1:
            _add_flatten(model, 1)
        elif name in _FUNCTIONS:
            _FUNCTIONS[name](model, *node.args[1:], **node.kwargs)
        else:
            raise UnsupportedLayer(f"{node.name}: the losses know no such function")
        latest = node


def _function_name(node: Any) -> str:
    if node.op == "call_method":
        return str(node.target).removesuffix("_")
    if node.op != "call_function":
        return ""
    name = str(getattr(node.target, "__name__", ""))
    if name in ("getattr", "getitem"):
        return name
    known = any(getattr(home, name, None) is node.target for home in (torch, functional))
    return name.removesuffix("_") if known else ""
