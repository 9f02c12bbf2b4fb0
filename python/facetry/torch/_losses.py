"""The losses that users call."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Literal, overload

import torch
from torch import Tensor, nn

from . import _composed, _native
from ._model import Model, read_model
from ._request import Request, chosen_axes, kept_neurons, read_call, require_finite, require_hinge
from ._slope_state import SlopeState

Backend = Literal["auto", "native", "composed"]
Loss = Tensor | tuple[Tensor, Tensor]


def why_not(model: nn.Module) -> str:
    """Tell why the losses of this model do not run in native code; "" where they do.

    Parameters
    ----------
    model : torch.nn.Module
        Any module that the losses take.

    Returns
    -------
    str
        Where it is not empty, ``backend="auto"`` computes with plain torch operations on the model's device
        (nothing is copied to the host) and ``backend="native"`` raises a RuntimeError with this text.

    Examples
    --------
    >>> import torch
    >>> import facetry.torch
    >>> facetry.torch.why_not(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()))
    ''
    >>> facetry.torch.why_not(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.PReLU()))
    "the slopes of the PReLU after '0' are trained, which native code does not do"

    """
    return _native.why_not(read_model(model))


@overload
def roll_loss(
    model: nn.Module,
    x: Tensor,
    C: float,
    gamma: float = ...,
    axes: int | Sequence[int] | None = ...,
    *,
    generator: torch.Generator | None = ...,
    return_outputs: Literal[False] = ...,
    backend: Backend = ...,
) -> Tensor: ...
@overload
def roll_loss(
    model: nn.Module,
    x: Tensor,
    C: float,
    gamma: float = ...,
    axes: int | Sequence[int] | None = ...,
    *,
    generator: torch.Generator | None = ...,
    return_outputs: Literal[True],
    backend: Backend = ...,
) -> tuple[Tensor, Tensor]: ...
def roll_loss(
    model: nn.Module,
    x: Tensor,
    C: float,
    gamma: float = 100,
    axes: int | Sequence[int] | None = None,
    *,
    generator: torch.Generator | None = None,
    return_outputs: bool = False,
    backend: Backend = "auto",
) -> Loss:
    """Mean of ``|grad z|^2 + C max(0, 1 - |z|)`` over batch and neurons (Lee et al. 2019, Eq. 9, 10).

    Small where every neuron's wall is far: the distance to it is ``|z| / |grad z|``. Of each point the top
    ``gamma`` percent of the neurons by that bracket are kept (rounded up, at least one; of equal ones those
    that come first in the network). The derivative of ``max(0, 1 - |z|)`` is 0 at 0 and at its kinks.

    Parameters
    ----------
    model : torch.nn.Module
        Linear, ReLU, LeakyReLU, PReLU, Hardtanh, ReLU6 (two neurons a value, as :class:`facetry.HardTanh`),
        Flatten, Identity, and Dropout in eval mode, in an nn.Sequential or a chain that torch.fx can trace
        (traced at every call). All float32 or all float64. Its weights are
        read where they lie, at every call. Gradients flow to all parameters that require them; the activation
        pattern counts as fixed.
    x : (n, inputs) tensor
        Points, finite; of any shape with inputs numbers a point where the model flattens first. Gradients
        flow to it through ``z`` and through the outputs.
    C : float
        Weight of the hinge, at least 0.
    gamma : float
        Percent of the neurons kept, above 0 up to 100.
    axes : int, sequence of int, or None
        None: the whole gradient. A number: so many axes of the input, drawn anew without replacement, with
        ``|grad z|^2`` estimated as inputs / axes times the sum over them; unbiased for ``gamma=100``
        (Eq. 10). A sequence: these axes.
    generator : torch.Generator, optional
        Draws the axes.
    return_outputs : bool
        Give also the model's outputs, with gradients, from the same pass: a training step needs no other.
    backend : "auto", "native" or "composed"
        Native code, or plain torch operations; "auto" takes native code unless :func:`why_not` gives a
        reason.

    Returns
    -------
    () tensor, or ((), (n, outputs)) tensors
        0 where the model has no neurons or ``x`` no points. Twice differentiable only when composed. On one
        number of threads (:func:`facetry.set_num_threads`) always the same bits.

    Raises
    ------
    UnsupportedLayer
        For another module, active dropout, or hooks; names the module.
    TypeError, ValueError
        For other dtypes, shapes, devices and ranges, and where ``x`` or a weight is not finite.

    Examples
    --------
    >>> import torch
    >>> from facetry.torch import roll_loss
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.ReLU(), torch.nn.Linear(1, 1))
    >>> with torch.no_grad():
    ...     _ = model[0].weight.copy_(torch.tensor([[3.0, 4.0]])), model[0].bias.zero_()
    >>> loss = roll_loss(model, torch.tensor([[0.1, 0.05]]), C=2)  # |grad z|^2 = 25, z = 0.5
    >>> loss.item()
    26.0
    >>> loss.backward()
    >>> model[0].bias.grad
    tensor([-2.])

    """
    read, points = read_call(model, x)
    request = Request(
        hinge=require_hinge(C),
        kept=kept_neurons(gamma, read.neurons),
        axes=chosen_axes(axes, read.inputs, generator),
    )
    return _answer(read, points, request, return_outputs, backend)


def tsvm_loss(
    model: nn.Module,
    x: Tensor,
    C: float,
    axes: int | Sequence[int] | None = None,
    *,
    generator: torch.Generator | None = None,
    return_outputs: bool = False,
    backend: Backend = "auto",
) -> Loss:
    """Mean of ``max |grad z|^2 + C max(0, 1 - |z|)``, the maximum over neurons (Lee et al. 2019, Eq. 7).

    Arguments, result and errors as for :func:`roll_loss`, of which this keeps one neuron a point.

    Examples
    --------
    >>> import torch
    >>> from facetry.torch import tsvm_loss
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), torch.nn.ReLU())
    >>> with torch.no_grad():
    ...     _ = model[0].weight.copy_(torch.tensor([[3.0, 4.0], [0.0, 2.0]]))
    >>> tsvm_loss(model, torch.tensor([[4.0, 0.0]]), C=22.0).item()  # 25 and 4 + 22
    26.0

    """
    read, points = read_call(model, x)
    request = Request(
        hinge=require_hinge(C), kept=min(read.neurons, 1), axes=chosen_axes(axes, read.inputs, generator)
    )
    return _answer(read, points, request, return_outputs, backend)


def margin_loss(
    model: nn.Module, x: Tensor, *, return_outputs: bool = False, backend: Backend = "auto"
) -> Loss:
    """Minus the mean of the points' l2 margins, ``min |z| / |grad z|`` (Lee et al. 2019, Eq. 4).

    Arguments, result and errors as for :func:`roll_loss`. Neurons without a gradient have no wall; a point
    that has no other counts as 0.

    Examples
    --------
    >>> import torch
    >>> from facetry.torch import margin_loss
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False), torch.nn.ReLU())
    >>> with torch.no_grad():
    ...     _ = model[0].weight.copy_(torch.tensor([[3.0, 4.0]]))
    >>> margin_loss(model, torch.tensor([[1.0, 0.5]])).item()
    -1.0

    """
    read, points = read_call(model, x)
    return _answer(read, points, Request(is_margin=True, kept=min(read.neurons, 1)), return_outputs, backend)


def slope_penalty(
    model: nn.Module,
    x: Tensor,
    iterations: int = 1,
    state: SlopeState | None = None,
    *,
    return_outputs: bool = False,
    backend: Backend = "auto",
) -> Loss:
    """Mean of the slope ``|W_R|_2``, the largest singular value of the Jacobian (Johansson, paper IV).

    A power iteration estimates it from below, forward and backward through the network with the pattern of
    each point fixed; W_R is never formed. The gradient is that of ``|W_R v|`` with the vectors v as
    constants: exact when they have converged, which ``state.residuals`` tells.

    Parameters
    ----------
    model, x, return_outputs, backend
        As for :func:`roll_loss`.
    iterations : int
        At least 0; each costs a pass forward and a pass backward.
    state : SlopeState, optional
        Keeps the vectors from call to call, so that one iteration a step will do. None begins anew.

    Returns
    -------
    () tensor, or ((), (n, outputs)) tensors

    Examples
    --------
    >>> import torch
    >>> from facetry.torch import SlopeState, slope_penalty
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False))
    >>> with torch.no_grad():
    ...     _ = model[0].weight.copy_(torch.diag(torch.tensor([3.0, 1.0])))
    >>> state = SlopeState(torch.Generator().manual_seed(1))
    >>> round(slope_penalty(model, torch.zeros(1, 2), iterations=20, state=state).item(), 4)
    3.0

    """
    read, points = read_call(model, x)
    if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 0:
        raise ValueError(f"iterations must be a whole number, at least 0, is {iterations!r}")
    if state is None:
        state = SlopeState()
    elif not isinstance(state, SlopeState):
        raise TypeError(f"state is a {type(state).__name__}, expected a SlopeState")
    state.prepare(points)
    path = _path(read, points, backend)
    loss, outputs = path.slope_loss(read, points, iterations, state)
    return (loss, outputs) if return_outputs else loss


def _answer(model: Model, points: Tensor, request: Request, return_outputs: bool, backend: Backend) -> Loss:
    path = _path(model, points, backend)
    loss, outputs = path.neuron_loss(model, points, request)
    return (loss, outputs) if return_outputs else loss


def _path(model: Model, points: Tensor, backend: str) -> ModuleType:
    if backend not in ("auto", "native", "composed"):
        raise ValueError(f"backend must be 'auto', 'native' or 'composed', is {backend!r}")
    reason = _native.why_not(model)
    if backend == "native" and reason:
        raise RuntimeError(reason)
    if backend != "composed" and not reason:
        return _native
    require_finite(model, points)
    return _composed
