"""What a loss is asked for, checked: arguments, dtypes, devices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ._model import Model, read_model


@dataclass
class Request:
    """A loss over the neurons of a model: which one, and along which axes of the input (none: all)."""

    is_margin: bool = False
    hinge: float = 0.0
    kept: int = 0
    axes: list[int] = field(default_factory=list)
    method: str = "auto"  # or "tangents", "gram"


def read_call(model: nn.Module, x: Tensor) -> tuple[Model, Tensor]:
    """Read a model and its points, flattened to (n, inputs)."""
    read = read_model(model)
    if not isinstance(x, Tensor):
        raise TypeError(f"x is a {type(x).__name__}, expected a torch tensor")
    first = read.layers[0].weight
    for layer in read.layers:
        for name, tensor in (("weight", layer.weight), ("bias", layer.bias), ("slopes", layer.slopes)):
            if isinstance(tensor, Tensor):
                _require_alike(f"the {name} of {layer.path!r}", tensor, first)
    _require_alike("x", x, first)
    if x.ndim < 1 or (x.ndim != 2 and not read.flattens):
        raise ValueError(f"x has shape {tuple(x.shape)}, expected (n, {read.inputs})")
    width = math.prod(x.shape[1:])
    if width != read.inputs:
        raise ValueError(f"x has shape {tuple(x.shape)}, expected (n, {read.inputs})")
    for before, after in zip(read.layers, read.layers[1:], strict=False):
        if after.weight.shape[1] != before.width:
            raise ValueError(
                f"the weight of {after.path!r} has shape {tuple(after.weight.shape)}, "
                f"expected ({after.width}, {before.width})"
            )
    return read, x.reshape(len(x), width)


def _require_alike(name: str, tensor: Tensor, first: Tensor) -> None:
    if tensor.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} is {tensor.dtype}, expected float32 or float64")
    if tensor.dtype != first.dtype:
        raise TypeError(f"{name} is {tensor.dtype}, expected {first.dtype} as the first weight")
    if tensor.device != first.device:
        raise ValueError(f"{name} is on {tensor.device}, expected {first.device} as the first weight")
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} is {tensor.layout}, expected a dense tensor")


def require_finite(model: Model, x: Tensor) -> None:
    """Refuse NaN and infinity, as native code does."""
    tensors: list[tuple[str, Tensor | float | None]] = [("x", x)]
    for layer in model.layers:
        tensors += [
            (f"the weight of {layer.path!r}", layer.weight),
            (f"the bias of {layer.path!r}", layer.bias),
            (f"the slopes after {layer.path!r}", layer.slopes),
        ]
    for name, tensor in tensors:
        if isinstance(tensor, Tensor) and not tensor.detach().isfinite().all():
            index = tuple((~tensor.detach().isfinite()).nonzero()[0].tolist())
            raise ValueError(f"{name} is not finite at index {index}")


def kept_neurons(gamma: float, neurons: int) -> int:
    """Give how many neurons are the top gamma percent: rounded up, at least one."""
    if not 0 < gamma <= 100:
        raise ValueError(f"gamma must be above 0 and at most 100 (percent), is {gamma}")
    return min(max(math.ceil(gamma * neurons / 100), 1), neurons)


def require_hinge(c: float) -> float:
    """Check C of the losses."""
    if not (math.isfinite(c) and c >= 0):
        raise ValueError(f"C must be finite and at least 0, is {c}")
    return float(c)


def chosen_axes(
    axes: int | Sequence[int] | None, inputs: int, generator: torch.Generator | None
) -> list[int]:
    """Give the axes of a call: none for all, so many drawn without replacement, or those given."""
    if axes is None:
        return []
    if isinstance(axes, bool) or not isinstance(axes, (int, Sequence)):
        raise TypeError(f"axes is a {type(axes).__name__}, expected a number of axes or a sequence of them")
    if isinstance(axes, int):
        if not 1 <= axes <= inputs:
            raise ValueError(f"axes must be from 1 to {inputs}, is {axes}")
        device = "cpu" if generator is None else generator.device
        drawn: list[int] = torch.randperm(inputs, generator=generator, device=device)[:axes].tolist()
        return drawn
    given = [int(axis) for axis in axes]
    for i, axis in enumerate(given):
        if not 0 <= axis < inputs:
            raise ValueError(f"axes[{i}] is {axis}, expected 0 to {inputs - 1}")
    if not given:
        raise ValueError("axes is empty, expected at least one axis")
    if len(set(given)) != len(given):
        raise ValueError(f"axes holds an axis twice: {given}")
    return given
