"""facetry.torch: every loss against plain torch, which differentiates twice, neuron by neuron."""

import functools
import itertools
import math

import numpy as np
import pytest

import facetry as ft

torch = pytest.importorskip("torch", reason="torch, the oracle, is not installed")
from torch import nn  # noqa: E402

import facetry.torch as ft_torch  # noqa: E402
from facetry.torch import SlopeState, margin_loss, roll_loss, slope_penalty, tsvm_loss  # noqa: E402
from facetry.torch import _losses as losses_module  # noqa: E402
from facetry.torch._request import Request  # noqa: E402


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
METHODS = ["auto", "tangents", "gram"]


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


@pytest.fixture(params=METHODS)
def method(request, monkeypatch):
    """Find squared gradients along axes, or by Gram matrices."""
    monkeypatch.setattr(losses_module, "Request", functools.partial(Request, method=request.param))
    return request.param


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


def test_a_weight_changed_before_backward_is_refused():
    model = chain([4, 5, 2])
    loss = roll_loss(model, points(model), 1)
    with torch.no_grad():
        model[0].weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


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


def test_second_derivatives_are_refused():
    model = chain([4, 5, 2])
    x = points(model)
    for loss in (roll_loss(model, x, 1), slope_penalty(model, x)):
        with pytest.raises(RuntimeError, match=r"can be differentiated once: .* backend='composed'"):
            torch.autograd.grad(loss, model[0].weight, create_graph=True)
    composed = roll_loss(model, x, 1, backend="composed")
    (gradient,) = torch.autograd.grad(composed, model[0].weight, create_graph=True)
    gradient.square().sum().backward()
    assert model[0].weight.grad.norm() > 0


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


class Traced(nn.Module):
    """Its forward is code."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.first, self.second = nn.Linear(8, 6), nn.Linear(6, 3)
        for name, part in parts.items():
            setattr(self, name, part)
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


F = nn.functional
FORWARDS = {
    "function": lambda m, x: m.second(F.relu(m.first(x))),
    "method": lambda m, x: m.second(m.first(x).relu()),
    "leaky": lambda m, x: m.second(F.leaky_relu(m.first(x), 0.3)),
    "hardtanh": lambda m, x: m.second(F.hardtanh(m.first(x), -0.5, max_val=0.2)),
    "view": lambda m, x: m.second(torch.relu(m.first(x.view(x.size(0), -1)))),
    "flatten": lambda m, x: m.second(F.relu6(m.first(torch.flatten(x, 1)))),
    "idle dropout": lambda m, x: m.second(F.dropout(m.first(x).relu(), 0.5, training=False)),
}


@pytest.mark.parametrize("name", FORWARDS)
def test_modules_with_a_forward_of_their_own(name):
    torch.manual_seed(0)
    model = Traced(FORWARDS[name])
    x = torch.randn(5, 2, 4) if name in ("view", "flatten") else torch.randn(5, 8)
    loss, outputs = roll_loss(model, x, 0.8, return_outputs=True)
    torch.testing.assert_close(outputs, model(x))
    assert_close(model, loss, roll_loss(model, x, 0.8, backend="composed"), 1e-5)


def hooked(kind):
    model = chain([4, 3, 2])
    getattr(model[1], f"register_{kind}hook")(lambda *given: None)
    return model


REFUSED = {
    "unknown module": (lambda: nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.Tanh())), r"'1.0' \(Tanh\)"),
    "batch norm": (lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), r"'1' \(BatchNorm1d\)"),
    "softmax": (lambda: nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)), r"'1' \(Softmax\)"),
    "dropout": (
        lambda: nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.1)),
        r"'1' \(Dropout\): dropout is active",
    ),
    "no layer": (nn.Sequential, "no Linear layer"),
    "neurons first": (
        lambda: nn.Sequential(nn.ReLU(), nn.Linear(4, 3)),
        r"'0' \(ReLU\): neurons must follow",
    ),
    "neurons twice": (lambda: nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.ReLU()), r"'2' \(ReLU\)"),
    "slopes": (lambda: nn.Sequential(nn.Linear(4, 3), nn.PReLU(2)), r"'1' \(PReLU\): it has 2 slopes for 3"),
    "flatten": (
        lambda: nn.Sequential(nn.Flatten(2), nn.Linear(4, 3)),
        r"'0' \(Flatten\): it flattens axes 2",
    ),
    "forward hook": (lambda: hooked("forward_"), r"'1' \(ReLU\) has hooks"),
    "forward pre-hook": (lambda: hooked("forward_pre_"), r"'1' \(ReLU\) has hooks"),
    "backward hook": (lambda: hooked("full_backward_"), r"'1' \(ReLU\) has hooks"),
    "weight norm": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))),
        r"'0' \(ParametrizedLinear\)",
    ),
    "branches": (lambda: Traced(lambda m, x: m.first(x) + m.first(x)), "Traced: .*only chains"),
    "function": (lambda: Traced(lambda m, x: torch.sin(m.first(x))), "Traced: sin: the losses know no such"),
    "two arguments": (lambda: TwoArguments(), "more than one argument"),
    "no trace": (lambda: Traced(lambda m, x: m.first(x) if x.sum() > 0 else x), "torch.fx cannot trace it"),
    "active F.dropout": (lambda: Traced(lambda m, x: F.dropout(m.first(x))), "dropout is active"),
    "nested": (
        lambda: nn.Sequential(Traced(lambda m, x: m.inner(m.first(x)), inner=nn.Tanh())),
        r"'0.inner' \(Tanh\)",
    ),
}


class TwoArguments(nn.Module):
    def forward(self, x, y):
        return x + y


@pytest.mark.parametrize("name", REFUSED)
def test_unsupported_modules_are_named(name):
    build, message = REFUSED[name]
    model = build()
    for loss in (*LOSSES.values(), slope_penalty):
        with pytest.raises(ft.UnsupportedLayer, match=message):
            loss(model, torch.zeros(2, 4))
    with pytest.raises(ft.UnsupportedLayer, match=message):
        ft_torch.why_not(model)


def test_dropout_in_eval_mode_and_identity():
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(6, 5), nn.Dropout(), nn.Identity(), nn.ReLU(), nn.Dropout(0), nn.Linear(5, 2)
    ).eval()
    x = torch.randn(4, 2, 3)
    loss, outputs = roll_loss(model, x, 1, return_outputs=True)
    torch.testing.assert_close(outputs, model(x))
    assert loss.item() == roll_loss(nn.Sequential(model[1], nn.ReLU(), model[6]), x.flatten(1), 1).item()


def model_with(change):
    model = chain([4, 3, 2])
    change(model)
    return model


BAD = {
    "half": (
        lambda: (chain([4, 3, 2]).half(), torch.zeros(2, 4).half()),
        TypeError,
        "weight of '0' is torch.float16",
    ),
    "bfloat16": (
        lambda: (chain([4, 3, 2]).bfloat16(), torch.zeros(2, 4)),
        TypeError,
        "is torch.bfloat16, expected",
    ),
    "mixed": (
        lambda: (model_with(lambda m: m[2].double()), torch.zeros(2, 4)),
        TypeError,
        "weight of '2' is torch.float64",
    ),
    "x dtype": (
        lambda: (chain([4, 3, 2]), torch.zeros(2, 4).double()),
        TypeError,
        "x is torch.float64, expected torch.float32",
    ),
    "x integer": (
        lambda: (chain([4, 3, 2]), torch.zeros(2, 4, dtype=torch.int32)),
        TypeError,
        "x is torch.int32",
    ),
    "x array": (
        lambda: (chain([4, 3, 2]), np.zeros((2, 4), "f4")),
        TypeError,
        "x is a ndarray, expected a torch tensor",
    ),
    "x vector": (
        lambda: (chain([4, 3, 2]), torch.zeros(4)),
        ValueError,
        r"x has shape \(4,\), expected \(n, 4\)",
    ),
    "x image": (
        lambda: (chain([4, 3, 2]), torch.zeros(2, 2, 2)),
        ValueError,
        r"x has shape \(2, 2, 2\), expected \(n, 4\)",
    ),
    "x width": (
        lambda: (chain([4, 3, 2]), torch.zeros(2, 5)),
        ValueError,
        r"x has shape \(2, 5\), expected \(n, 4\)",
    ),
    "no module": (
        lambda: (lambda x: x, torch.zeros(2, 4)),
        TypeError,
        "model is a function, expected a torch.nn.Module",
    ),
    "other device": (
        lambda: (model_with(lambda m: m[2].to("meta")), torch.zeros(2, 4)),
        ValueError,
        "weight of '2' is on meta, expected cpu",
    ),
    "x elsewhere": (
        lambda: (chain([4, 3, 2]), torch.zeros(2, 4, device="meta")),
        ValueError,
        "x is on meta, expected cpu",
    ),
    "shapes": (
        lambda: (nn.Sequential(nn.Linear(4, 3), nn.Linear(2, 2)), torch.zeros(2, 4)),
        ValueError,
        r"weight of '1' has shape \(2, 2\), expected \(2, 3\)",
    ),
    "nan point": (
        lambda: (chain([4, 3, 2]), torch.tensor([[0, 0, 0, 0], [0, torch.nan, 0, 0]])),
        ValueError,
        r"x is not finite at index \(1, 1\)",
    ),
    "infinite weight": (
        lambda: (model_with(lambda m: m[2].weight.data[1].fill_(torch.inf)), torch.zeros(2, 4)),
        ValueError,
        r"the weight of '2' is not finite at index \(1, 0\)",
    ),
    "nan bias": (
        lambda: (model_with(lambda m: m[0].bias.data[2].fill_(torch.nan)), torch.zeros(2, 4)),
        ValueError,
        r"the bias of '0' is not finite at index \(2,\)",
    ),
}


@pytest.mark.parametrize("backend", ["auto", "composed"])
@pytest.mark.parametrize("name", BAD)
def test_bad_models_and_points(name, backend):
    build, error, message = BAD[name]
    model, x = build()
    for loss in (*LOSSES.values(), slope_penalty):
        with pytest.raises(error, match=message):
            loss(model, x, backend=backend)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"C": -1}, ValueError, "C must be finite and at least 0, is -1"),
        ({"C": math.nan}, ValueError, "C must be finite"),
        ({"gamma": 0}, ValueError, "gamma must be above 0 and at most 100"),
        ({"gamma": 101}, ValueError, "gamma must be above 0"),
        ({"axes": 0}, ValueError, "axes must be from 1 to 4, is 0"),
        ({"axes": 5}, ValueError, "axes must be from 1 to 4, is 5"),
        ({"axes": 1.5}, TypeError, "axes is a float"),
        ({"axes": True}, TypeError, "axes is a bool"),
        ({"axes": []}, ValueError, "axes is empty"),
        ({"axes": [0, 4]}, ValueError, r"axes\[1\] is 4, expected 0 to 3"),
        ({"axes": [-1]}, ValueError, r"axes\[0\] is -1"),
        ({"axes": [2, 1, 2]}, ValueError, r"axes holds an axis twice: \[2, 1, 2\]"),
        ({"backend": "cuda"}, ValueError, "backend must be 'auto', 'native' or 'composed', is 'cuda'"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        roll_loss(chain([4, 3, 2]), torch.zeros(2, 4), **({"C": 1} | arguments))


@pytest.mark.parametrize(
    ("gamma", "neurons", "kept"), [(100, 7, 7), (1, 7, 1), (50, 7, 4), (7, 100, 7), (30, 10, 3)]
)
def test_top_percent_is_rounded_up(gamma, neurons, kept):
    from facetry.torch._request import kept_neurons

    assert kept_neurons(gamma, neurons) == kept


def test_trained_slopes_are_composed_and_say_so():
    model = nn.Sequential(nn.Linear(6, 5), nn.PReLU(5), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))
    assert "the slopes of the PReLU after '0' are trained" in ft_torch.why_not(model)
    x = torch.randn(3, 6)
    with pytest.raises(RuntimeError, match="slopes of the PReLU after '0'"):
        roll_loss(model, x, 1, backend="native")
    assert_close(model, roll_loss(model, x, 0.8), loss_of("roll", *terms(model, x)), 1e-5)
    model[1].requires_grad_(False)
    assert ft_torch.why_not(model) == ""


def jacobians(model, x):
    return torch.func.vmap(torch.func.jacrev(lambda row: model(row)))(x)


@pytest.mark.parametrize("backend", ["native", "composed"])
@pytest.mark.parametrize("network", ["three hidden", "few inputs", "leaky", "hardtanh", "relu6 last"])
def test_slope_is_the_largest_singular_value(network, backend):
    model = NETWORKS[network]().double()
    x = points(model, 20, torch.float64)
    state = SlopeState(torch.Generator().manual_seed(0))
    penalty, outputs = slope_penalty(model, x, 2000, state, backend=backend, return_outputs=True)
    torch.testing.assert_close(outputs, model(x))
    exact = torch.linalg.matrix_norm(jacobians(model, x), 2)
    done = state.residuals < 1e-9
    assert done.float().mean() >= 0.8  # two singular values may be close
    torch.testing.assert_close(state.slopes[done], exact[done], rtol=1e-10, atol=1e-12)
    assert (state.slopes <= exact * (1 + 1e-12)).all()
    assert penalty.item() == pytest.approx(state.slopes.mean().item(), rel=1e-12)
    if done.all():
        assert_close(model, penalty, exact.mean(), 1e-6)


@pytest.mark.parametrize("network", ["three hidden", "leaky", "hardtanh"])
@pytest.mark.parametrize("iterations", [0, 1, 5])
def test_slope_gradient_is_that_with_fixed_vectors(network, iterations):
    model = NETWORKS[network]().double()
    x = points(model, dtype=torch.float64)
    states = [SlopeState(torch.Generator().manual_seed(4)) for _ in range(2)]
    native = slope_penalty(model, x, iterations, states[0], backend="native")
    composed = slope_penalty(model, x, iterations, states[1], backend="composed")
    assert_close(model, native, composed, 1e-11)
    for name in ("vectors", "slopes", "residuals"):
        torch.testing.assert_close(getattr(states[0], name), getattr(states[1], name))
    v = states[0].vectors
    torch.testing.assert_close(v.norm(dim=1), torch.ones(6, dtype=torch.float64))
    torch.testing.assert_close((jacobians(model, x) @ v[:, :, None]).norm(dim=1).mean(), native)


@pytest.mark.parametrize("backend", ["native", "composed"])
def test_slope_state_is_kept_and_fits_the_batch(backend):
    model = NETWORKS["three hidden"]()
    x = points(model)
    state = SlopeState(torch.Generator().manual_seed(0))
    seen = [slope_penalty(model, x, 1, state, backend=backend).item() for _ in range(50)]
    assert all(b >= a * (1 - 1e-6) for a, b in itertools.pairwise(seen))
    at_once = slope_penalty(model, x, 50, SlopeState(torch.Generator().manual_seed(0)), backend=backend)
    assert seen[-1] == pytest.approx(at_once.item(), rel=1e-5)
    slope_penalty(model, x[:2], 1, state, backend=backend)
    assert state.vectors.shape == (2, 20)
    slope_penalty(model.double(), x[:2].double(), 1, state, backend=backend)
    assert state.vectors.dtype == torch.float64


@pytest.mark.parametrize("backend", ["native", "composed"])
def test_slope_of_a_flat_piece_is_zero(backend):
    model = chain([4, 3, 2])
    with torch.no_grad():
        model[0].bias.fill_(-100)
    state = SlopeState()
    loss = slope_penalty(model, torch.zeros(2, 4), 3, state, backend=backend)
    assert loss.item() == 0
    assert (state.residuals == 0).all()
    if backend == "native":  # torch's norm has no derivative at 0
        assert all((g == 0).all() for g in gradients(model, loss))
    empty = slope_penalty(model, torch.zeros(0, 4), 3, SlopeState(), backend=backend)
    assert empty.item() == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"iterations": -1}, ValueError, "iterations must be a whole number, at least 0, is -1"),
        ({"iterations": 1.0}, ValueError, "iterations must be a whole number"),
        ({"state": {}}, TypeError, "state is a dict, expected a SlopeState"),
    ],
)
def test_bad_arguments_of_slope_penalty(arguments, error, message):
    with pytest.raises(error, match=message):
        slope_penalty(chain([4, 3, 2]), torch.zeros(2, 4), **arguments)


@pytest.mark.gpu
def test_cuda_tensors_stay_there():
    if not torch.cuda.is_available():
        pytest.skip("needs torch with a CUDA device")
    model = chain([6, 5, 4, 2]).cuda()
    x = torch.randn(3, 6, device="cuda")
    assert "the model is on cuda:0" in ft_torch.why_not(model)
    loss, outputs = roll_loss(model, x, 0.8, return_outputs=True)
    assert loss.device == outputs.device == x.device
    assert_close(model, loss, loss_of("roll", *terms(model, x)), 1e-5)


def test_another_device_is_composed_and_says_so():
    """A meta tensor has a device and no values: a copy to the host would raise."""
    model = chain([6, 5, 2]).to("meta")
    assert "the model is on meta" in ft_torch.why_not(model)
    with pytest.raises(RuntimeError, match="the model is on meta"):
        roll_loss(model, torch.zeros(3, 6, device="meta"), 1, backend="native")


def test_it_is_not_in_the_way_of_torch():
    assert ft_torch.__name__ == "facetry.torch"
    assert torch.__name__ == "torch"
    assert ft.from_torch(chain([4, 3, 2]), 4).input_dim == 4


@pytest.mark.parametrize("name", ft_torch.__all__)
def test_public_docstrings(name):
    text = getattr(ft_torch, name).__doc__
    assert ">>> " in text
    assert text.split("\n")[0].rstrip().endswith((".", ":"))
