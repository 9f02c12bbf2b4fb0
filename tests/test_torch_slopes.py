"""The slope penalty against singular values of the Jacobian."""

import itertools

import pytest

torch = pytest.importorskip("torch", reason="torch, the oracle, is not installed")
from torch_losses import NETWORKS, assert_close, chain, gradients, points  # noqa: E402

from facetry.torch import SlopeState, slope_penalty  # noqa: E402


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
