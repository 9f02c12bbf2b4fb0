"""The losses in native code, as functions that autograd knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _core
from .._arrays import require_memory
from ._model import Affine, Model
from ._request import Request
from ._slope_state import SlopeState


def why_not(model: Model) -> str:
    """Tell why native code cannot serve; "" where it can."""
    device = model.layers[0].weight.device
    if device.type != "cpu":
        return f"the model is on {device}, and the native losses are on the CPU"
    for layer in model.layers:
        if isinstance(layer.slopes, Tensor) and layer.slopes.requires_grad:
            return f"the slopes of the PReLU after {layer.path!r} are trained, which native code does not do"
    return ""


def neuron_loss(model: Model, x: Tensor, request: Request) -> tuple[Tensor, Tensor]:
    """Give the loss and the outputs."""
    axes = len(request.axes) or model.inputs
    if request.method == "auto":
        request = replace(request, method="gram" if _prefers_gram(model, axes) else "tangents")
    _require_memory(model, x, None if request.method == "gram" else axes)
    result: tuple[Tensor, Tensor] = _Loss.apply(  # type: ignore[no-untyped-call]
        model, request, torch.is_grad_enabled(), x, *_tensors(model)
    )
    return result


def slope_loss(model: Model, x: Tensor, iterations: int, state: SlopeState) -> tuple[Tensor, Tensor]:
    """Give the mean slope and the outputs; the state's vectors are replaced."""
    result: tuple[Tensor, Tensor] = _Slope.apply(  # type: ignore[no-untyped-call]
        model, iterations, state, x, *_tensors(model)
    )
    return result


def _prefers_gram(model: Model, axes: int) -> bool:
    """Whether Gram matrices are faster than a tangent an axis.

    Tangents cost about 3 axes * width^2 a layer and point, Gram matrices 4 (width / 2)^3 where half of the
    neurons are active.
    """
    width = max((layer.width for layer in model.layers if layer.neurons), default=0)
    return 6 * axes > width + 12


def _require_memory(model: Model, x: Tensor, axes: int | None) -> None:
    """Refuse what cannot fit: rows of tangents, or the Gram matrices of every thread."""
    widths = [layer.width for layer in model.layers]
    rows = 6 * len(x) * (model.inputs + sum(widths))
    if axes is None:
        more = 10 * _core.num_threads() * sum(width * width for width in widths)
    else:
        more = 4 * len(x) * axes * sum(widths)
    require_memory((rows + more) * x.element_size(), "the loss")


def _tensors(model: Model) -> list[Tensor | None]:
    return [tensor for layer in model.layers for tensor in (layer.weight, layer.bias)]


def _array(tensor: Tensor) -> Any:
    """Give a view; a copy only of what is not contiguous."""
    return tensor.detach().contiguous().numpy()


def _native_pass(model: Model, x: Tensor) -> Any:
    double = x.dtype == torch.float64
    layers: Any = (_core.RollLayers64 if double else _core.RollLayers32)()
    for layer in model.layers:
        layers.affine(layer.path, _array(layer.weight), None if layer.bias is None else _array(layer.bias))
        if layer.clip is not None:
            layers.clip(*layer.clip)
        elif layer.slopes is not None:
            layers.slopes(_slopes(layer, x.dtype))
    return (_core.RollPass64 if double else _core.RollPass32)(layers, _array(x))


def _slopes(layer: Affine, dtype: torch.dtype) -> Any:
    given = layer.slopes
    if isinstance(given, float) and given == 0:
        return None
    if not isinstance(given, Tensor):
        return np.full(layer.width, given, np.float64 if dtype == torch.float64 else np.float32)
    return _array(given.expand(layer.width))


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, model: Model, request: Request, has_gradient: bool, x: Tensor, *tensors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        native = _native_pass(model, x)
        value = native.roll(
            is_margin=request.is_margin,
            hinge=request.hinge,
            kept=request.kept,
            axes=request.axes,
            by_gram=request.method == "gram",
            has_gradient=has_gradient and any(ctx.needs_input_grad),
        )
        return _finish_forward(ctx, native, x, tensors, value)

    @staticmethod
    def backward(ctx: Any, loss: Tensor | None, outputs: Tensor | None) -> tuple[Any, ...]:
        return None, None, None, *_gradients(ctx, loss, outputs)


class _Slope(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, model: Model, iterations: int, state: SlopeState, x: Tensor, *tensors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        native = _native_pass(model, x)
        assert state.vectors is not None
        vectors = state.vectors.clone(memory_format=torch.contiguous_format)
        slopes, residuals = x.new_empty(1, len(x)), x.new_empty(1, len(x))
        value = native.slope(iterations, vectors.numpy(), slopes.numpy(), residuals.numpy())
        state.vectors, state.slopes, state.residuals = vectors, slopes[0], residuals[0]
        return _finish_forward(ctx, native, x, tensors, value)

    @staticmethod
    def backward(ctx: Any, loss: Tensor | None, outputs: Tensor | None) -> tuple[Any, ...]:
        return None, None, None, *_gradients(ctx, loss, outputs)


def _finish_forward(
    ctx: Any, native: Any, x: Tensor, tensors: tuple[Tensor | None, ...], value: float
) -> tuple[Tensor, Tensor]:
    last = next(tensor for tensor in tensors[-2::-2] if tensor is not None)
    outputs = x.new_empty(len(x), len(last))
    native.outputs(outputs.numpy())
    ctx.native = native
    ctx.save_for_backward(x, *tensors)  # so that torch refuses a backward after a weight was changed in place
    ctx.set_materialize_grads(False)
    return x.new_tensor(value), outputs


def _gradients(ctx: Any, loss: Tensor | None, outputs: Tensor | None) -> tuple[Tensor | None, ...]:
    """Gradients of the points and of every weight and bias."""
    if torch.is_grad_enabled():
        raise RuntimeError(
            "the native losses can be differentiated once: for create_graph use backend='composed'"
        )
    tensors = ctx.saved_tensors
    needed = ctx.needs_input_grad[3:]
    results = [
        torch.empty_like(tensor, memory_format=torch.contiguous_format) if wanted else None
        for tensor, wanted in zip(tensors, needed, strict=True)
    ]
    arrays = [None if result is None else result.numpy() for result in results]
    ctx.native.backward(
        0.0 if loss is None else loss.item(),
        None if outputs is None else _array(outputs),
        weights=arrays[1::2],
        biases=[None if array is None else array.reshape(1, -1) for array in arrays[2::2]],
        x=arrays[0],
    )
    return tuple(results)
