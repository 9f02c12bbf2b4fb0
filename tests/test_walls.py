"""Distances to all walls, and margins along directions and axes."""

import numpy as np
import pytest
from reference import random_network
from test_gradients import every_kind, neurons_first, points
from test_margins import NORMS, distances, walls


def test_l1_margin_is_the_least_along_the_axes():
    """Lee et al. 2019, Proposition 5."""
    net = every_kind()
    x = points(net, 40)
    axes = np.concatenate([np.eye(5), -np.eye(5)])
    along = net.directional_margins(x, axes)
    np.testing.assert_allclose(along.min(axis=1), net.margins(x, 1).radius, rtol=1e-9)
    bounds = net.coordinate_margins(x)
    np.testing.assert_allclose(bounds[:, :, 1], along[:, :5], rtol=1e-9)
    np.testing.assert_allclose(-bounds[:, :, 0], along[:, 5:], rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [every_kind, neurons_first])
def test_distances_along_directions(isa, threads, make, dtype):
    net = make(dtype)
    x = points(net, 30)
    rng = np.random.default_rng(5)
    shared, own = rng.standard_normal((4, 5)), rng.standard_normal((30, 3, 5))
    z, gradients = walls(net, x)
    side = np.where(z > 0, 1, -1)[:, :, None]
    for directions in (shared, own):
        dz = gradients @ np.swapaxes(directions, -1, -2)
        moves = side * dz < 0
        wanted = np.where(moves, abs(z)[:, :, None] / np.where(moves, abs(dz), 1), np.inf).min(axis=1)
        np.testing.assert_allclose(net.directional_margins(x, directions), wanted, rtol=1e-8)


def test_more_directions_than_a_panel():
    net = random_network([3, 300, 2])
    x = np.random.default_rng(0).random((3, 3), dtype="float32")
    directions = np.random.default_rng(1).standard_normal((500, 3))
    one_by_one = [net.directional_margins(x, d[None])[:, 0] for d in directions]
    np.testing.assert_array_equal(net.directional_margins(x, directions), np.array(one_by_one).T)


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [every_kind, neurons_first])
def test_distances_to_all_walls(isa, threads, make, dtype, p):
    net = make(dtype)
    x = points(net, 30)
    np.testing.assert_allclose(net.wall_distances(x, p), distances(net, x, p), rtol=1e-9)
    if dtype == "float32":
        rough = net.wall_distances(x, p, precision="float32")
        np.testing.assert_allclose(rough, distances(net, x, p), rtol=3e-4)


@pytest.mark.parametrize("widths", [[200, 50, 60, 7, 2], [65, 64, 64, 1], [63, 64, 64, 1], [1000, 20, 90, 1]])
def test_turned_inputs_keep_all_distances(isa, widths):
    net = random_network(widths)
    x = np.random.default_rng(1).standard_normal((20, widths[0])).astype("float32")
    for p in NORMS:
        wanted = distances(net, x, p)
        np.testing.assert_allclose(net.wall_distances(x, p), wanted, rtol=1e-11)
        np.testing.assert_allclose(net.wall_distances(x, p, precision="float32"), wanted, rtol=1e-4)


def test_results_go_into_out():
    net = random_network([3, 8, 2])
    x = np.random.default_rng(0).random((5, 3), dtype="float32")
    out = np.empty((5, 8))
    assert net.wall_distances(x, out=out) is out
    np.testing.assert_array_equal(out, net.wall_distances(x))
