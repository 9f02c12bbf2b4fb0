"""Which modules, tensors and arguments the losses take, and how they refuse the others."""

import math

import numpy as np
import pytest

import facetry as ft

torch = pytest.importorskip("torch", reason="torch, the oracle, is not installed")
from torch import nn  # noqa: E402
from torch_losses import LOSSES, assert_close, chain, loss_of, points, terms  # noqa: E402

import facetry.torch as ft_torch  # noqa: E402
from facetry.torch import roll_loss, slope_penalty  # noqa: E402


def test_a_weight_changed_before_backward_is_refused():
    model = chain([4, 5, 2])
    loss = roll_loss(model, points(model), 1)
    with torch.no_grad():
        model[0].weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


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


def test_more_memory_than_there_is(monkeypatch):
    from facetry import _arrays

    monkeypatch.setattr(_arrays, "memory_limit", lambda: 2**26)
    model = chain([4, 100, 2])
    with pytest.raises(MemoryError, match=r"the loss needs [0-9,]+ bytes, this machine has"):
        roll_loss(model, torch.zeros(60_000, 4), 1)


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
