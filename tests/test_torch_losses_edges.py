"""The losses' bits, sizes around registers, ties, and nets where there is little to lose."""

import numpy as np
import pytest

import facetry as ft

torch = pytest.importorskip("torch", reason="torch, the oracle, is not installed")
from torch import nn  # noqa: E402
from torch_losses import (  # noqa: E402
    LOSSES,
    NETWORKS,
    SOME,
    assert_close,
    chain,
    gradients,
    loss_of,
    points,
    terms,
)

from facetry.torch import (  # noqa: E402
    margin_loss,
    roll_loss,
)


def test_outputs_and_patterns_are_those_of_the_network(isa, threads):
    model = chain([40, 33, 31, 5])
    x = points(model, 50)
    _, outputs = roll_loss(model, x, 1, return_outputs=True)
    np.testing.assert_array_equal(outputs.detach().numpy(), ft.from_torch(model, 40)(x.numpy()))
    torch.testing.assert_close(outputs, model(x))


@pytest.mark.parametrize("name", LOSSES)
def test_same_bits_on_every_instruction_set(name, method):
    model = chain([40, 33, 31, 5])
    x = points(model, 37)
    before, results = ft.isa(), []
    for isa in ft.available_isas():
        ft.use_isa(isa)
        loss = LOSSES[name](model, x)
        results.append([loss.detach(), *gradients(model, loss)])
    ft.use_isa(before)
    for result in results[1:]:
        for a, b in zip(results[0], result, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("name", SOME)
def test_same_bits_in_every_run(name, method, threads):
    model = chain([40, 33, 31, 5])
    x = points(model, 67)
    first, second = (LOSSES[name](model, x) for _ in range(2))
    assert first.item() == second.item()
    for a, b in zip(gradients(model, first), gradients(model, second), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("n", [1, 15, 16, 17, 40])
def test_batch_sizes(n, name, method):
    model = NETWORKS["three hidden"]().double()
    x = points(model, n, torch.float64)
    assert_close(model, LOSSES[name](model, x), LOSSES[name](model, x, backend="composed"), 1e-12)


@pytest.mark.parametrize("width", [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65])
def test_widths_around_registers(width, method, isa):
    model = chain([width + 1, width, width + 2, width, 2]).double()
    x = points(model, 5, torch.float64)
    assert_close(model, roll_loss(model, x, 1), roll_loss(model, x, 1, backend="composed"), 1e-12)
    model.float()
    x = x.float()
    assert_close(model, roll_loss(model, x, 1, 30), roll_loss(model, x, 1, 30, backend="composed"), 1e-5)


@pytest.mark.parametrize("backend", ["native", "composed"])
@pytest.mark.parametrize("name", LOSSES)
def test_no_points(name, backend):
    model = NETWORKS["three hidden"]()
    loss, outputs = LOSSES[name](model, torch.empty(0, 20), return_outputs=True, backend=backend)
    assert loss.item() == 0
    assert outputs.shape == (0, 4)
    assert all((g == 0).all() for g in gradients(model, loss))


@pytest.mark.parametrize("backend", ["native", "composed"])
@pytest.mark.parametrize("name", LOSSES)
def test_no_neurons(name, backend):
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    x = torch.randn(5, 3)
    loss, outputs = LOSSES[name](model, x, return_outputs=True, backend=backend)
    assert loss.item() == 0
    assert all((g == 0).all() for g in gradients(model, loss))
    (loss + outputs.sum()).backward()
    torch.testing.assert_close(model[1].bias.grad, torch.full((2,), 5.0))


def test_dead_neurons_have_no_wall(method):
    """Where the first layer is dead, later neurons have zero gradients and constant values."""
    model = chain([3, 4, 5, 2])
    with torch.no_grad():
        model[0].bias.fill_(-100)
    x = points(model)
    assert_close(model, margin_loss(model, x), loss_of("margin", *terms(model, x)), 1e-5)
    with torch.no_grad():
        model[0].weight.zero_()
    assert margin_loss(model, x).item() == 0
    assert all((g == 0).all() for g in gradients(model, margin_loss(model, x)))


@pytest.mark.parametrize("backend", ["native", "composed"])
def test_of_equal_neurons_the_first_is_kept(backend, method):
    model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.0], [3.0, 4.0], [4.0, -3.0]]))
    x = torch.tensor([[10.0, 10.0]])
    loss = roll_loss(model, x, 1, gamma=30, backend=backend)
    assert loss.item() == 25
    np.testing.assert_array_equal(gradients(model, loss)[0].numpy(), [[0, 0], [6, 8], [0, 0]])
    loss = margin_loss(model, torch.tensor([[0.0, 0.0]]), backend=backend)
    assert loss.item() == 0


def test_hinge_has_derivative_zero_at_its_kinks():
    model = nn.Sequential(nn.Linear(1, 4), nn.ReLU())
    with torch.no_grad():
        model[0].weight.fill_(1)
        model[0].bias.copy_(torch.tensor([0.0, 1.0, -1.0, 0.5]))
    for backend in ("native", "composed"):
        loss = roll_loss(model, torch.zeros(1, 1), 4, backend=backend)
        assert loss.item() == (4 + 4 * 1.5) / 4
        np.testing.assert_array_equal(gradients(model, loss)[1].numpy(), [0, 0, 0, -1])


@pytest.mark.parametrize("common", [10, 1000])
def test_ill_conditioned_first_layer(common):
    """A large common part of all rows, which Gram matrices must not let swamp the rest."""
    torch.manual_seed(0)
    model = chain([300, 60, 50, 40, 3]).double()
    with torch.no_grad():
        model[0].weight += common * torch.randn(300) / 300
    x = points(model, 20, torch.float64)
    wanted = {
        name: LOSSES[name](model, x, backend="composed") for name in ("roll", "roll 25", "tsvm", "margin")
    }
    truth = {name: [loss.item(), gradients(model, loss)] for name, loss in wanted.items()}
    model.float()
    for name, (value, slopes) in truth.items():
        # The composed float32 loss is the yardstick where the problem itself is that ill-conditioned.
        plain = LOSSES[name](model, x.float(), backend="composed")
        loss = LOSSES[name](model, x.float())
        allowed = max(1e-5, 10 * abs(plain.item() - value) / abs(value))
        assert loss.item() == pytest.approx(value, rel=allowed), name
        for ours, theirs, exact in zip(gradients(model, loss), gradients(model, plain), slopes, strict=True):
            allowed = max(1e-5 * exact.norm(), 10 * (theirs - exact).norm())
            assert (ours - exact).norm() <= allowed + 1e-12, name
