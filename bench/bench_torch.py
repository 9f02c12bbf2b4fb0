"""A training step with a loss on neurons' gradients beside the step without (Lee et al. 2019, Table 2)."""

import itertools

import numpy as np
import pytest
from conftest import THREADS, points

WIDTHS = [784, 300, 300, 300, 300, 10]
BATCH = 64


@pytest.fixture
def steps():
    """Give a maker of training steps on one batch; the loss is made of the model, the points and labels."""
    torch = pytest.importorskip("torch", reason="the training loop is torch's")
    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((points(BATCH), WIDTHS[0]), dtype=np.float32))
    labels = torch.from_numpy(rng.integers(0, 10, len(x)))

    def make(loss):
        torch.manual_seed(0)
        layers = []
        for inputs, outputs in itertools.pairwise(WIDTHS):
            layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.5, nesterov=True)

        def step():
            optimizer.zero_grad()
            value = loss(model, x, labels)
            value.backward()
            optimizer.step()
            return value.item()

        return step

    return make


def vanilla(model, x, labels):
    from torch.nn.functional import cross_entropy

    return cross_entropy(model(x), labels)


def with_roll(**options):
    from torch.nn.functional import cross_entropy

    from facetry.torch import roll_loss

    def loss(model, x, labels):
        roll, outputs = roll_loss(model, x, C=0.25, return_outputs=True, **options)
        return cross_entropy(outputs, labels) + 0.1 * roll

    return loss


@pytest.mark.parametrize(("axes", "most"), [(None, 5), (3, 1.4)])
def test_roll_step(race, steps, axes, most):
    name = "all inputs" if axes is None else f"{axes} sampled axes"
    race(
        f"training step with ROLL, {name}, batch {points(BATCH)}, 784-300x4-10 float32",
        "the step without ROLL (torch)",
        1 / most,
        steps(with_roll(axes=axes)),
        steps(vanilla),
    )


def test_roll_step_against_plain_torch(race, steps):
    ours, peer = steps(with_roll()), steps(with_roll(backend="composed"))
    assert ours() == pytest.approx(peer(), rel=1e-5)
    race(
        f"training step with ROLL, batch {points(BATCH)}, 784-300x4-10 float32",
        "the same in torch operations (J by dynamic programming)",
        1,
        ours,
        peer,
    )
