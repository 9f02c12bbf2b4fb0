"""Networks, losses and the oracle that the tests of facetry.torch share; torch must be there."""

import functools
import itertools
import math

import pytest
import torch
from torch import nn

from facetry.torch import margin_loss, roll_loss, tsvm_loss


def chain(widths, activation=nn.ReLU, bias=True, seed=0):
    torch.manual_seed(seed)
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs, bias=bias), activation()]
    return nn.Sequential(*layers[:-1])


def fixed_prelu(width):
    prelu = nn.PReLU(width)
    with torch.no_grad():
        prelu.weight.copy_(torch.linspace(-0.5, 1.5, width))
    return prelu.requires_grad_(False)


NETWORKS = {
    "three hidden": lambda: chain([20, 17, 16, 9, 4]),
    "few inputs": lambda: chain([3, 33, 31, 2]),
    "one hidden": lambda: chain([12, 15, 3]),
    "one neuron": lambda: chain([7, 1, 1]),
    "no biases": lambda: chain([20, 17, 16, 4], bias=False),
    "leaky": lambda: chain([20, 17, 16, 4], functools.partial(nn.LeakyReLU, 0.2)),
    "negative slope": lambda: chain([20, 17, 16, 4], functools.partial(nn.LeakyReLU, -0.7)),
    "prelu": lambda: nn.Sequential(
        nn.Linear(20, 9), fixed_prelu(9), nn.Linear(9, 8), fixed_prelu(1), nn.Linear(8, 2)
    ),
    "hardtanh": lambda: chain([20, 17, 16, 4], functools.partial(nn.Hardtanh, -0.3, 0.4)),
    "relu6 last": lambda: nn.Sequential(chain([9, 8, 7]), nn.ReLU6()),
    "two linear in a row": lambda: nn.Sequential(
        nn.Linear(20, 11), nn.Linear(11, 12), nn.ReLU(), nn.Linear(12, 13), nn.ReLU(), nn.Linear(13, 3)
    ),
}


LOSSES = {
    "roll": lambda model, x, **more: roll_loss(model, x, 0.8, **more),
    "roll, no hinge": lambda model, x, **more: roll_loss(model, x, 0, **more),
    "roll 1": lambda model, x, **more: roll_loss(model, x, 0.8, gamma=1, **more),
    "roll 25": lambda model, x, **more: roll_loss(model, x, 0.8, gamma=25, **more),
    "roll 50": lambda model, x, **more: roll_loss(model, x, 0.8, gamma=50, **more),
    "roll on axes": lambda model, x, **more: roll_loss(model, x, 0.8, axes=[2, 0], **more),
    "roll 50 on axes": lambda model, x, **more: roll_loss(model, x, 0.8, gamma=50, axes=[1], **more),
    "tsvm": lambda model, x, **more: tsvm_loss(model, x, 0.8, **more),
    "tsvm on axes": lambda model, x, **more: tsvm_loss(model, x, 0.8, axes=[2, 0], **more),
    "margin": margin_loss,
}


SOME = ["roll", "roll 25", "roll 50 on axes", "margin"]


def terms(model, x, axes=None):
    """Pre-activations and squared gradients of all neurons, by one backward pass a neuron."""
    x = x.detach().clone().requires_grad_()
    value, layers = x, []
    for part in (p for p in model.modules() if not isinstance(p, nn.Sequential)):
        if isinstance(part, (nn.ReLU, nn.LeakyReLU, nn.PReLU)):
            layers.append(value)
        elif isinstance(part, nn.Hardtanh):  # ReLU6 is one
            lower = value - part.min_val
            layers += [lower, (part.max_val - part.min_val) - lower.relu()]
        value = part(value)
    z = torch.cat(layers, 1)
    squares = []
    for j in range(z.shape[1]):
        (gradient,) = torch.autograd.grad(z[:, j].sum(), x, create_graph=True, allow_unused=True)
        gradient = torch.zeros_like(x) if gradient is None else gradient
        if axes is not None:
            gradient = gradient[:, list(axes)] * math.sqrt(x.shape[1] / len(axes))
        squares.append(gradient.square().sum(1))
    return z, torch.stack(squares, 1)


AXES = {"roll on axes": (2, 0), "roll 50 on axes": (1,), "tsvm on axes": (2, 0)}


GAMMA = {"roll 1": 1, "roll 25": 25, "roll 50": 50, "roll 50 on axes": 50}


def loss_of(name, z, squares):
    if name == "margin":
        norms = torch.where(squares > 0, squares, 1.0).sqrt()
        return -torch.where(squares > 0, z.abs() / norms, torch.inf).amin(1).mean()
    brackets = squares + (0 if name == "roll, no hinge" else 0.8) * (1 - z.abs()).relu()
    if name.startswith("tsvm"):
        return brackets.amax(1).mean()
    return brackets.topk(math.ceil(GAMMA.get(name, 100) * z.shape[1] / 100), dim=1).values.mean()


@functools.cache
def prepared(network, dtype, axes):
    """A network, its points and the terms of its neurons, which take long."""
    torch.manual_seed(0)
    model = NETWORKS[network]().to(dtype)
    x = points(model, dtype=dtype)
    return model, x, terms(model, x, axes)


def gradients(model, loss):
    parameters = [p for p in model.parameters() if p.requires_grad]
    found = torch.autograd.grad(loss, parameters, allow_unused=True, retain_graph=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]


def assert_close(model, loss, wanted, rtol):
    """The loss, and every parameter's gradient relative to the largest gradient of all."""
    assert loss.item() == pytest.approx(wanted.item(), rel=rtol)
    ours, theirs = gradients(model, loss), gradients(model, wanted)
    largest = max(g.norm().item() for g in theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).norm().item() <= rtol * max(b.norm().item(), 0.01 * largest)


def points(model, n=6, dtype=torch.float32):
    first = next(p for p in model.modules() if isinstance(p, nn.Linear))
    return torch.randn(n, first.in_features, dtype=dtype, generator=torch.Generator().manual_seed(1))
