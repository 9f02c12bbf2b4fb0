"""Torch modules that are a chain of piecewise-linear layers, traced with torch.fx in eval mode.

What is known of torch's functions and modules is in _torch_functions.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedLayer
from ..network import Network
from ._chain import Chain, Shape
from ._torch_functions import FUNCTIONS, MODULES, SHAPES, TWO_SIDED, Converter, Value, function_name


def convert_module(module: Any, shape: Shape, strip_softmax: bool) -> Network:
    """Convert a module; see :func:`facetry.from_torch`."""
    try:
        import torch
    except ImportError as error:
        raise ImportError("from_torch needs torch: pip install 'facetry[torch]'") from error
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module is a {type(module).__name__}, expected a torch.nn.Module")
    if not shape or any(not isinstance(size, int) or size < 1 for size in shape):
        raise ValueError(f"input_shape must be positive integers, without the batch, is {shape}")
    parameters = list(module.named_parameters())
    for name, tensor in [*parameters, *module.named_buffers()]:
        if tensor.device.type != "cpu" or tensor.layout != torch.strided:
            raise TypeError(
                f"{name} is on {tensor.device} ({tensor.layout}), expected a dense tensor on the CPU: "
                "use module.cpu()"
            )
    double = any(tensor.dtype == torch.float64 for _, tensor in parameters)
    with torch.no_grad(), np.errstate(all="ignore"):  # layers refuse what becomes infinite or NaN
        root = _traced(module)
        return _Reader(
            root, (1, *shape), np.dtype(np.float64 if double else np.float32), strip_softmax
        ).network()


def _traced(module: Any) -> Any:
    """Trace in eval mode, and leave every part of the module in the mode it was in."""
    import torch

    modes = [(part, part.training) for part in module.modules()]
    leaf = type(module).__module__.startswith("torch.nn") and not isinstance(module, torch.nn.Sequential)
    hooked = (
        module._forward_hooks or module._forward_pre_hooks
    )  # torch.fx ignores those of the outermost module
    try:
        module.eval()
        return torch.fx.symbolic_trace(torch.nn.Sequential(module) if leaf or hooked else module)
    except Exception as error:  # whatever the module's own code raises for torch.fx's stand-in
        raise UnsupportedLayer(f"torch.fx cannot trace {type(module).__name__}: {error}") from error
    finally:
        for part, mode in modes:
            part.training = mode


class _Reader:
    """Walks the nodes of a traced module, with all constants and the one value that depends on the input."""

    def __init__(self, root: Any, shape: Shape, dtype: np.dtype[Any], strip_softmax: bool) -> None:
        self._root = root
        self._chain = Chain(shape, strip_softmax)
        self._converter = Converter(self._chain, dtype)
        self._known: dict[Any, Any] = {}
        self._latest: Any = None

    def network(self) -> Network:
        for index, node in enumerate(self._root.graph.nodes):
            what, name = self._describe(node)
            try:
                self._known[node] = self._step(node)
            except UnsupportedLayer as error:
                raise UnsupportedLayer(f"node {index} ({what} {name!r}): {error}") from None
            except ValueError as error:
                raise ValueError(f"node {index} ({what} {name!r}): {error}") from error
        return self._chain.network()

    def _describe(self, node: Any) -> tuple[str, str]:
        if node.op == "call_module":
            return type(self._root.get_submodule(node.target)).__name__, node.target
        return getattr(node.target, "__name__", str(node.target)), node.name

    def _step(self, node: Any) -> Any:
        from torch.fx.node import map_arg

        args, kwargs = map_arg(node.args, self._look_up), dict(map_arg(node.kwargs, self._look_up))
        if node.op == "placeholder":
            return self._placeholder(node, args)
        if node.op == "get_attr":
            return functools.reduce(getattr, node.target.split("."), self._root)
        if node.op == "output":
            if len(args) != 1 or args[0] is not self._latest:
                raise UnsupportedLayer(
                    "the module must return the result of its last layer, and nothing else"
                )
            return None
        if not args and "input" in kwargs:
            args = (kwargs.pop("input"),)
        values = [argument for argument in [*args, *kwargs.values()] if isinstance(argument, Value)]
        if node.op == "call_module":
            name, args, kwargs = self._call_of_module(node.target, args, kwargs)
        else:
            name = function_name(node)
        if not values:
            return self._fold(node, args, kwargs)
        if name in SHAPES:
            return SHAPES[name](values[0].shape, *args[1:])
        if name not in FUNCTIONS:
            raise UnsupportedLayer("facetry has no such layer")
        if len(values) > 1:
            raise UnsupportedLayer("it joins two branches of the graph")
        if values[0] is not self._latest:
            raise UnsupportedLayer("it reads a value that another layer reads too: the graph has branches")
        if args[:1] != (values[0],) and name not in TWO_SIDED:
            raise UnsupportedLayer("only its first argument may be computed")
        self._apply(FUNCTIONS[name], args, kwargs)
        self._latest = Value(self._chain.shape)
        return self._latest

    def _look_up(self, node: Any) -> Any:
        return self._known[node]

    def _placeholder(self, node: Any, default: tuple[Any, ...]) -> Any:
        if self._latest is None:
            self._latest = Value(self._chain.shape)
            return self._latest
        if not default:
            raise UnsupportedLayer("the module has more than one input")
        return default[0]

    def _call_of_module(
        self, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        module = self._root.get_submodule(path)
        if module._forward_hooks or module._forward_pre_hooks:
            raise UnsupportedLayer("it has forward hooks (an old weight_norm or spectral_norm?)")
        kind = type(module)
        given = MODULES.get(kind.__name__) if kind.__module__.startswith("torch.nn.modules.") else None
        if given is None or kwargs or len(args) != 1:
            raise UnsupportedLayer("facetry has no such layer")
        name, arguments = given
        return name, args, arguments(module)

    def _fold(self, node: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute what depends on constants only, as the module itself would."""
        if node.op == "call_function":
            return node.target(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], node.target)(*args[1:], **kwargs)
        raise UnsupportedLayer("it computes with constants only")

    def _apply(self, function: Callable[..., None], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            bound = inspect.signature(function).bind(self._converter, *args, **kwargs)
        except TypeError as error:
            raise UnsupportedLayer(f"with these arguments: {error}") from None
        function(*bound.args, **bound.kwargs)
