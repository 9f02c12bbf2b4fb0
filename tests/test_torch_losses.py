"""facetry.torch: every loss against plain torch, which differentiates twice, neuron by neuron."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch, the oracle, is not installed")
from torch import nn  # noqa: E402
from torch_losses import (  # noqa: E402
    AXES,
    LOSSES,
    NETWORKS,
    assert_close,
    chain,
    gradients,
    loss_of,
    points,
    prepared,
    terms,
)

from facetry.torch import (  # noqa: E402
    roll_loss,
)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("network", NETWORKS)
def test_value_and_gradient_equal_double_backward(network, name, method):
    for dtype, rtol in ((torch.float32, 1e-5), (torch.float64, 1e-11)):
        model, x, (z, squares) = prepared(network, dtype, AXES.get(name))
        assert_close(model, LOSSES[name](model, x), loss_of(name, z, squares), rtol)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("network", NETWORKS)
def test_composed_equals_native(network, name):
    model = NETWORKS[network]().double()
    x = points(model, dtype=torch.float64)
    native, outputs = LOSSES[name](model, x, backend="native", return_outputs=True)
    composed, same = LOSSES[name](model, x, backend="composed", return_outputs=True)
    assert_close(model, native, composed, 1e-12)
    torch.testing.assert_close(outputs, same)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("activation", [nn.ReLU, functools.partial(nn.LeakyReLU, 0.3), nn.Hardtanh])
def test_gradcheck(activation, name, method):
    model = chain([4, 6, 5, 2], activation).double()
    x = points(model, 3, torch.float64).requires_grad_()
    names = [key for key, _ in model.named_parameters()]

    def loss_and_outputs(x, *values):
        for key, value in zip(names, values, strict=True):
            layer, _, last = key.partition(".")
            model[int(layer)]._parameters.pop(last, None)
            setattr(model[int(layer)], last, value)
        return LOSSES[name](model, x, return_outputs=True)

    values = [p.detach().clone().requires_grad_() for p in model.parameters()]
    if (
        name.startswith("roll 1")
        or name in ("tsvm", "tsvm on axes", "margin")
        or "50" in name
        or "25" in name
    ):
        values = values[:2]  # fewer evaluations: what is chosen does not depend on the parameter
    rest = [p.detach() for p in list(model.parameters())[len(values) :]]
    assert torch.autograd.gradcheck(
        lambda x, *some: loss_and_outputs(x, *some, *rest), (x, *values), eps=1e-7, atol=1e-6, rtol=1e-4
    )


@pytest.mark.parametrize("n_axes", [1, 3])
def test_sampled_axes_are_unbiased(n_axes, method):
    model = NETWORKS["three hidden"]().double()
    x = points(model, dtype=torch.float64)
    whole = roll_loss(model, x, 0.8)
    sets = [[k] for k in range(20)] if n_axes == 1 else [[k, (k + 1) % 20, (k + 7) % 20] for k in range(20)]
    mean = torch.stack([roll_loss(model, x, 0.8, axes=axes) for axes in sets]).mean()
    assert_close(model, mean, whole, 1e-12)


def test_axes_are_drawn_without_replacement():
    model = chain([5, 6, 2])
    x = points(model)
    every = roll_loss(model, x, 1, axes=5, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(every, roll_loss(model, x, 1))
    drawn = {
        roll_loss(model, x, 1, axes=1, generator=torch.Generator().manual_seed(s)).item() for s in range(60)
    }
    single = {roll_loss(model, x, 1, axes=[k]).item() for k in range(5)}
    assert drawn == single


def test_a_step_with_outputs_is_a_step_without():
    model = NETWORKS["leaky"]()
    x, labels = points(model), torch.arange(6) % 4
    loss, outputs = roll_loss(model, x, 1, return_outputs=True)
    together = gradients(model, nn.functional.cross_entropy(outputs, labels) + 0.5 * loss)
    apart = gradients(model, nn.functional.cross_entropy(model(x), labels) + 0.5 * roll_loss(model, x, 1))
    for a, b in zip(together, apart, strict=True):
        torch.testing.assert_close(a, b)


def test_weights_are_read_at_every_call():
    model = chain([4, 5, 2])
    x = points(model)
    before = roll_loss(model, x, 0.8).item()
    with torch.no_grad():
        model[0].weight.mul_(2)
    after = roll_loss(model, x, 0.8)
    assert after.item() != before
    assert_close(model, after, loss_of("roll", *terms(model, x)), 1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_backward_twice(name, method):
    model = chain([30, 5, 4, 2])
    loss, outputs = LOSSES[name](model, points(model), return_outputs=True)
    total = loss + outputs.sum()
    total.backward(retain_graph=True)
    once = [p.grad.clone() for p in model.parameters()]
    total.backward()
    for p, g in zip(model.parameters(), once, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), (2 * g).numpy())


def test_points_get_gradients():
    model = NETWORKS["three hidden"]().double()
    x = points(model, dtype=torch.float64).requires_grad_()
    results = []
    for backend in ("native", "composed"):
        loss, outputs = roll_loss(model, x, 1, backend=backend, return_outputs=True)
        results.append(torch.autograd.grad(loss + outputs.square().sum(), x)[0])
    torch.testing.assert_close(results[0], results[1])


def test_no_gradient_wanted(method):
    model = NETWORKS["three hidden"]()
    x = points(model)
    with torch.no_grad():
        loss = roll_loss(model, x, 1)
    assert not loss.requires_grad
    torch.testing.assert_close(loss, roll_loss(model, x, 1).detach(), rtol=1e-6, atol=0)
    model.requires_grad_(False)
    assert not roll_loss(model, x, 1).requires_grad


def test_parameters_that_are_not_trained(method):
    model = NETWORKS["three hidden"]()
    x = points(model)
    whole = {
        name: g
        for (name, _), g in zip(
            model.named_parameters(), gradients(model, roll_loss(model, x, 1)), strict=True
        )
    }
    model[0].requires_grad_(False)
    model[2].bias.requires_grad_(False)
    roll_loss(model, x, 1).backward()
    for name, parameter in model.named_parameters():
        if name in ("0.weight", "0.bias", "2.bias"):
            assert parameter.grad is None
        else:
            np.testing.assert_array_equal(parameter.grad.numpy(), whole[name].numpy())


def test_tied_and_strided_weights(method):
    torch.manual_seed(0)
    tied = nn.Linear(20, 20)
    model = nn.Sequential(nn.Linear(20, 20), nn.ReLU(), tied, nn.ReLU(), tied, nn.ReLU(), nn.Linear(20, 2))
    model[0].weight = nn.Parameter(torch.randn(20, 20).t() / 4)
    assert not model[0].weight.is_contiguous()
    x = torch.randn(5, 40)[:, ::2]
    assert_close(model, roll_loss(model, x, 0.8), roll_loss(model, x, 0.8, backend="composed"), 1e-5)
