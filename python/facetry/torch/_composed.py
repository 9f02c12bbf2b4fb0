"""The losses as plain torch operations, which autograd differentiates, where native code does not serve.

J_1 = W_1, J_{l+1} = W_{l+1} D J_l (Lee et al. 2019, Appendix D) holds n * width * axes numbers a layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ._model import Affine, Model
from ._request import Request
from ._slope_state import SlopeState


@dataclass
class _Kinks:
    """Of one layer: its values after the kinks, their derivative, and its neurons' z and dz / d(value)."""

    values: Tensor
    derivative: Tensor
    z: list[Tensor]
    slopes: list[Tensor]


def _bend(layer: Affine, value: Tensor) -> _Kinks:
    one = torch.ones_like(value)
    if layer.clip is not None:
        low, high = layer.clip
        lower = value - low
        upper = (high - low) - lower.relu()
        is_above = (lower > 0).to(value.dtype)
        derivative = is_above * (upper > 0)
        return _Kinks(high - upper.relu(), derivative, [lower, upper], [one, -is_above])
    if layer.slopes is None:
        return _Kinks(value, one, [], [])
    slopes = torch.as_tensor(layer.slopes, dtype=value.dtype, device=value.device)
    bent = torch.where(value > 0, value, slopes * value)
    return _Kinks(bent, torch.where(value > 0, one, slopes), [value], [one])


def neuron_loss(model: Model, x: Tensor, request: Request) -> tuple[Tensor, Tensor]:
    """Give the loss and the outputs."""
    axes = request.axes or list(range(model.inputs))
    scale = model.inputs / len(axes)
    values = x
    gradients: Tensor | None = None
    preactivations, squares = [], []
    for layer in model.layers:
        before = functional.linear(values, layer.weight, layer.bias)
        if gradients is None:
            gradients = layer.weight[:, axes].expand(len(x), -1, -1)
        else:
            gradients = layer.weight @ gradients
        kinks = _bend(layer, before)
        square = scale * gradients.square().sum(-1)
        preactivations += kinks.z
        squares += [square * slope.square() for slope in kinks.slopes]
        gradients = kinks.derivative.unsqueeze(-1) * gradients
        values = kinks.values
    if not preactivations or len(x) == 0:
        return (values * 0).sum(), values
    return _mean_of_terms(torch.cat(preactivations, 1), torch.cat(squares, 1), request), values


def _mean_of_terms(z: Tensor, squares: Tensor, request: Request) -> Tensor:
    if request.is_margin:
        has_gradient = squares > 0
        norms = torch.where(has_gradient, squares, torch.ones_like(squares)).sqrt()
        margins = torch.where(has_gradient, z.abs() / norms, torch.full_like(z, torch.inf))
        least = margins.gather(1, margins.argmin(1, keepdim=True))
        return -torch.where(least.isinf(), torch.zeros_like(least), least).mean()
    terms = squares + request.hinge * (1 - z.abs()).relu()
    if request.kept < terms.shape[1]:
        order = terms.detach().sort(dim=1, descending=True, stable=True).indices
        terms = terms.gather(1, order[:, : request.kept])
    return terms.mean()


def slope_loss(model: Model, x: Tensor, iterations: int, state: SlopeState) -> tuple[Tensor, Tensor]:
    """Give the mean slope and the outputs; the state's vectors are replaced."""
    values, derivatives = x, []
    for layer in model.layers:
        kinks = _bend(layer, functional.linear(values, layer.weight, layer.bias))
        derivatives.append(kinks.derivative)
        values = kinks.values

    def forward(v: Tensor) -> Tensor:
        for layer, derivative in zip(model.layers, derivatives, strict=True):
            v = derivative * functional.linear(v, layer.weight)
        return v

    def backward(u: Tensor) -> Tensor:
        for layer, derivative in zip(reversed(model.layers), reversed(derivatives), strict=True):
            u = (derivative * u) @ layer.weight
        return u

    assert state.vectors is not None
    with torch.no_grad():
        vectors = functional.normalize(state.vectors, eps=0)
        for _ in range(iterations):
            pulled = backward(functional.normalize(forward(vectors)))
            moved = pulled.norm(dim=1, keepdim=True) > 0
            vectors = torch.where(moved, functional.normalize(pulled, eps=1e-30), vectors)
    image = forward(vectors)
    slopes = image.norm(dim=1)
    with torch.no_grad():
        rest = backward(functional.normalize(image, eps=1e-30)) - slopes[:, None] * vectors
        state.residuals = torch.where(slopes > 0, rest.norm(dim=1) / slopes, torch.zeros_like(slopes))
    state.vectors, state.slopes = vectors, slopes.detach()
    return (slopes.mean() if len(x) else (values * 0).sum()), values
