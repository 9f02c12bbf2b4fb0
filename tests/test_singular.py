"""The law of ranks and the bound of what a wall changes (Johansson 2022, section 2.2)."""

from itertools import pairwise

import numpy as np
import pytest
from reference import frozen, random_network
from test_gradients import every_kind, points

import facetry as ft
from facetry.gradients import expected_rank, initial_unit_bound, initial_wall_bound, wall_bound


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("widths", [[9, 6, 3, 7, 5], [4, 12, 12, 8], [2, 30, 30, 9], [8, 4, 4, 1]])
def test_the_law_of_ranks_on_random_networks(widths, seed):
    """Eq. 2.3: the least of inputs, outputs and active neurons of any layer."""
    net = random_network(widths, seed=seed, dtype="float64")
    x = points(net, 80, seed)
    patterns = net.patterns(x).to_bool()
    parts = np.split(patterns, np.cumsum(net.layer_widths)[:-1], axis=1)
    wanted = np.min([[net.input_dim] * 80, [net.output_dim] * 80, *[p.sum(axis=1) for p in parts]], axis=0)
    assert expected_rank(net, x).tolist() == wanted.tolist() == net.rank(x).tolist()


def test_inactive_neurons_that_pass_count():
    leaky = random_network([5, 4, 3], dtype="float64", activation=lambda: ft.LeakyReLU(0.3))
    x = points(leaky, 20)
    assert expected_rank(leaky, x).tolist() == leaky.rank(x).tolist() == [3] * 20
    net = ft.Network([ft.Scale([1.0, 0.0, 2.0], [0.0, 0.0, 0.0]), ft.Abs(), ft.ReLU()])
    x = points(net, 10)
    assert expected_rank(net, x).tolist() == net.rank(x).tolist() == [2] * 10


def test_the_law_bounds_every_rank_from_above():
    net = every_kind()
    x = points(net, 200)
    assert (net.rank(x) <= expected_rank(net, x)).all()
    twice = ft.Network([ft.Dense([[1.0, 1.0], [2.0, 2.0]]), ft.ReLU(), ft.Dense(np.eye(2))])
    assert twice.rank([[1.0, 1.0]]).tolist() == [1]
    assert expected_rank(twice, [[1.0, 1.0]]).tolist() == [2]


def neighbours(net, seed):
    """Pairs of patterns on the two sides of a wall, met on the way between random points."""
    a, b = np.random.default_rng(seed).standard_normal((2, net.input_dim))
    path = a + np.linspace(0, 1, 4001)[:, None] * (b - a)
    patterns = net.patterns(path.astype(net.dtype))
    flips = patterns[1:].hamming(patterns[:-1])
    return [(patterns[int(i)], patterns[int(i) + 1]) for i in np.flatnonzero(flips == 1)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bound_holds_across_walls(dtype):
    """Eq. 2.7 on pairs of neighbouring patterns; some changes are more than half of their bound."""
    tight, pairs = [], 0
    for seed in range(4):
        net = random_network([5, 14, 14, 6], seed=seed, dtype=dtype)
        for here, there in neighbours(net, seed):
            neuron = int(np.flatnonzero(here.to_bool()[0] != there.to_bool()[0])[0])
            own, other = (frozen(net, p.to_bool()[0])[1][0] for p in (here, there))
            change, bound = wall_bound(net, here, neuron)
            s, t = (np.linalg.svd(j, compute_uv=False) for j in (own, other))
            assert change[0] == pytest.approx(np.linalg.norm(s - t), abs=1e-12)
            assert bound[0] == pytest.approx(np.linalg.norm(own - other), rel=1e-12)
            assert change[0] <= bound[0] * (1 + 1e-12)
            tight.append(change[0] > 0.5 * bound[0])
            pairs += 1
    assert pairs > 30
    assert any(tight)


def test_one_hidden_layer_has_the_printed_identity():
    """Eq. 2.8, with W2's columns: its k-th neuron has the weights W2[j, k] out and W1[k, i] in."""
    net = random_network([5, 9, 4], dtype="float64")
    w1, w2 = net.layers[0].weight, net.layers[2].weight
    patterns = net.patterns(points(net, 6))
    for k in range(9):
        square = sum(w2[j, k] ** 2 * w1[k, i] ** 2 for i in range(5) for j in range(4))
        np.testing.assert_allclose(wall_bound(net, patterns, k).bound ** 2, square, rtol=1e-11)
    np.testing.assert_array_equal(wall_bound(net, patterns, -1).bound, wall_bound(net, patterns, 8).bound)


def test_new_networks_keep_the_closed_forms():
    """Eq. 2.9-2.13: the mean of the bound's square is C^2 outputs / hidden, and bounds the mean change."""
    rng = np.random.default_rng(0)
    squares, changes = [], []
    for _ in range(600):
        layers = []
        for inputs, outputs in pairwise([6, 20, 5]):
            limit = 1 / np.sqrt(inputs)  # of PyTorch: variance 1 / (3 fan-in)
            layers += [ft.Dense(rng.uniform(-limit, limit, (outputs, inputs))), ft.ReLU()]
        net = ft.Network(layers[:-1])
        change, bound = wall_bound(net, net.patterns(rng.standard_normal((1, 6))), 0)
        squares.append(bound[0] ** 2)
        changes.append(change[0] ** 2)
    wanted = initial_wall_bound(hidden=20, outputs=5)
    assert wanted == pytest.approx(5 / 9 / 20)
    assert abs(np.mean(squares) - wanted) < 4 * np.std(squares) / np.sqrt(600)
    assert np.mean(changes) < wanted


def test_slopes_at_distance_one_stay_below_the_estimate():
    """Eq. 2.18 on new networks of one input and one output."""
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(300):
        hidden = ft.Dense(rng.uniform(-1, 1, (30, 1)), rng.uniform(-1, 1, 30))
        limit = 1 / np.sqrt(30)
        net = ft.Network([hidden, ft.ReLU(), ft.Dense(rng.uniform(-limit, limit, (1, 30)))])
        slopes = net.slopes([[-0.5], [0.5]]).value
        differences.append((slopes[0] - slopes[1]) ** 2)
    assert 0 < np.mean(differences) < initial_unit_bound(hidden=30)


def test_no_patterns():
    net = every_kind()
    assert wall_bound(net, net.patterns(np.empty((0, 5))), 0).bound.shape == (0,)
    assert expected_rank(net, np.empty((0, 5))).shape == (0,)


def test_bad_input_is_named():
    net = every_kind()
    patterns = net.patterns(points(net, 1))
    with pytest.raises(ValueError, match="neuron is 119, the network has 119"):
        wall_bound(net, patterns, 119)
    with pytest.raises(TypeError, match=r"pattern must be facetry.Patterns, is ndarray"):
        wall_bound(net, np.zeros((1, 5)), 0)
    with pytest.raises(ValueError, match="hidden must be at least 1, is 0"):
        initial_wall_bound(0, 3)
    with pytest.raises(ValueError, match="outputs must be at least 1, is 0"):
        initial_wall_bound(3, 0)
    with pytest.raises(ValueError, match="variance is -1, expected a positive number"):
        initial_unit_bound(3, -1)
    with pytest.raises(ValueError, match=r"x is not finite at index \(0, 0\)"):
        expected_rank(net, [[np.nan, 0, 0, 0, 0]])
