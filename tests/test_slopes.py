"""Slopes, singular values and ranks of Jacobians, against NumPy on dense Jacobians."""

from itertools import pairwise

import numpy as np
import pytest
from reference import frozen, random_network
from test_gradients import every_kind, neurons_first, points

import facetry as ft

NORMS = [1, 2, np.inf]


def jacobians(net, x):
    """Jacobians of the outputs in float64, by the oracle."""
    return np.array([frozen(net, row)[1][0] for row in net.patterns(x).to_bool()])


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [every_kind, neurons_first])
def test_slopes_are_norms_of_the_jacobian(isa, threads, make, dtype, p):
    net = make(dtype)
    x = points(net, 40)
    wanted = np.linalg.norm(jacobians(net, x), p, axis=(1, 2))
    value, converged, iterations, residual = net.slopes(x, p)
    assert value.dtype == dtype
    np.testing.assert_allclose(value, wanted, rtol=0, atol=np.finfo(dtype).eps * 40 * wanted.max())
    assert converged.all()
    assert not iterations.any()
    assert not residual.any()


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65])
def test_widths_around_the_registers(isa, p, width):
    for widths in ([width, 5, width], [70, width, 9, 3], [3, width, width]):
        net = random_network(widths, dtype="float32")
        x = points(net, 5)
        wanted = np.linalg.norm(jacobians(net, x), p, axis=(1, 2))
        np.testing.assert_allclose(net.slopes(x, p).value, wanted, rtol=0, atol=4e-6 * wanted.max())


@pytest.mark.parametrize("widths", [[300, 40, 30, 10], [300, 40, 10], [20, 300, 10], [300, 7]])
def test_a_first_layer_with_many_inputs_is_reduced(widths):
    """The triangle of W takes its place where W is wide; the norms are those of the exact weights."""
    net = random_network(widths, dtype="float32")
    x = points(net, 30)
    wanted = np.linalg.norm(jacobians(net, x), 2, axis=(1, 2))
    np.testing.assert_allclose(net.slopes(x).value, wanted, rtol=2e-6)


def test_a_first_layer_of_deficient_rank():
    rng = np.random.default_rng(0)
    row = rng.standard_normal(50).astype("f4")
    weight = np.stack([row, row, 0 * row, -row, *rng.standard_normal((6, 50)).astype("f4")])
    net = ft.Network([ft.Dense(weight), ft.ReLU(), ft.Dense(rng.standard_normal((4, 10)).astype("f4"))])
    x = points(net, 30)
    wanted = np.linalg.norm(jacobians(net, x), 2, axis=(1, 2))
    np.testing.assert_allclose(net.slopes(x).value, wanted, rtol=2e-6)


@pytest.mark.parametrize("power", [-900, -140, 0, 140, 900])
def test_slopes_of_extreme_weights_neither_overflow_nor_vanish(power):
    scale = 2.0**power
    weight = np.array([[3.0, 0.0], [0.0, 4.0]]) * scale
    for net in (ft.Network([ft.Dense(weight)]), ft.Network([ft.ReLU(), ft.Dense(weight), ft.ReLU()])):
        for p in NORMS:
            np.testing.assert_allclose(net.slopes([[1.0, 1.0]], p).value, 4 * scale, rtol=1e-15)


def test_slopes_that_overflow_are_not_hidden():
    layers = [ft.Dense(np.float32([[1e30], [1e30]])), ft.ReLU(), ft.Dense(np.float32([[1e30, 1e30]]))]
    net = ft.Network(layers)
    for p in NORMS:
        assert net.slopes(np.float32([[1e-30]]), p).value[0] == np.inf
    zero = [ft.Dense(np.float32([[0]]), np.float32([1])), ft.ReLU()]
    factors = [ft.Dense(np.float32([[1e30]])), ft.ReLU(), ft.Dense(np.float32([[1e30]]))]
    times_zero = ft.Network([*zero, *factors])  # backwards: infinity times 0
    for p in NORMS:
        assert np.isnan(times_zero.slopes(np.float32([[1]]), p).value[0])
    assert not net.slopes(np.float32([[1e-30]]), method="power").converged[0]


def test_where_nothing_is_active_the_slope_is_zero():
    net = random_network([4, 8, 3], dtype="float64")
    dead = ft.Network([net.layers[0], ft.Scale(np.ones(8), np.full(8, -100.0)), *net.layers[1:]])
    x = points(dead, 3)
    for p in NORMS:
        assert dead.slopes(x, p).value.tolist() == [0, 0, 0]
    value, converged, iterations, _ = dead.slopes(x, method="power")
    assert value.tolist() == [0, 0, 0]
    assert converged.all()
    assert iterations.tolist() == [1, 1, 1]
    assert dead.rank(x).tolist() == [0, 0, 0]


def test_equal_singular_values():
    """Orthonormal rows: every singular value is 1, and the power method ends at once."""
    q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((40, 40)))
    net = ft.Network([ft.Dense(q[:12])])
    np.testing.assert_allclose(net.slopes(np.zeros((1, 40))).value, 1, rtol=1e-14)
    np.testing.assert_allclose(net.singular_values(np.zeros((1, 40))), np.ones((1, 12)), rtol=1e-14)
    assert net.slopes(np.zeros((1, 40)), method="power").value[0] <= 1 + 1e-14


def test_no_points():
    net = every_kind()
    x = np.empty((0, 5))
    assert net.slopes(x).value.shape == net.slopes(x, method="power").value.shape == (0,)
    assert net.singular_values(x).shape == (0, 4)
    assert net.rank(x).shape == (0,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_power_method_agrees_and_reports(dtype):
    net = random_network([80, 90, 70], dtype=dtype)
    x = points(net, 25)
    singular = np.linalg.svd(jacobians(net, x), compute_uv=False)
    value, converged, iterations, residual = net.slopes(x)  # 70 outputs: by powers
    assert converged.all()
    assert iterations.min() > 1
    assert (residual <= 1e-4).all()
    assert (value <= singular[:, 0] * (1 + 1e-6)).all()
    nearest = abs(singular - value[:, None]).min(axis=1)
    assert (nearest <= 1.1e-4 * value).all()
    np.testing.assert_allclose(value, singular[:, 0], rtol=1e-4)
    np.testing.assert_allclose(net.slopes(x, method="exact").value, singular[:, 0], rtol=1e-5)
    few = net.slopes(x, max_iterations=3)
    assert not few.converged.any()
    assert (few.iterations == 3).all()
    assert (few.residual > 1e-4).all()
    assert (few.value <= value).all()


def test_a_point_has_the_same_powers_in_every_batch():
    net = random_network([80, 90, 70], dtype="float32")
    x = points(net, 9)
    whole, alone = net.slopes(x), net.slopes(x[4:5])
    assert whole.value[4] == alone.value[0]
    assert whole.iterations[4] == alone.iterations[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [every_kind, neurons_first])
def test_singular_values(make, dtype):
    net = make(dtype)
    x = points(net, 30)
    wanted = np.linalg.svd(jacobians(net, x), compute_uv=False)
    got = net.singular_values(x)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-13 * wanted.max())


def test_small_singular_values_are_those_of_the_jacobian():
    """From J J' the small one would drown: its square is 1e-24 of the largest."""
    weight = np.array([[1.0, 0.0], [0.0, 1e-12]])
    net = ft.Network([ft.Dense(weight), ft.ReLU(), ft.Dense(np.eye(2))])
    np.testing.assert_allclose(net.singular_values([[1.0, 1.0]]), [[1, 1e-12]], rtol=1e-15)
    assert net.rank([[1.0, 1.0]]).tolist() == [2]
    assert net.rank([[1.0, 1.0]], tol=1e-11).tolist() == [1]


@pytest.mark.parametrize("seed", range(6))
def test_the_rank_is_numpys(seed):
    rng = np.random.default_rng(seed)
    widths = [9, 6, 3, 7, 5]
    layers = []
    for inputs, outputs in pairwise(widths):
        layers += [ft.Dense(rng.standard_normal((outputs, inputs)), rng.standard_normal(outputs)), ft.ReLU()]
    net = ft.Network(layers[:-1])
    x = points(net, 60, seed)
    ranks = net.rank(x)
    assert ranks.tolist() == np.linalg.matrix_rank(jacobians(net, x)).tolist()
    assert len(set(ranks.tolist())) > 1
    assert net.rank(x, tol=1e9).tolist() == [0] * 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"p": 3}, "p is 3, expected 1, 2 or inf"),
        ({"p": float("nan")}, "p is nan, expected 1, 2 or inf"),
        ({"p": "2"}, "p is '2', expected 1, 2 or inf"),
        ({"method": "svd"}, "method is 'svd', expected 'auto', 'exact' or 'power'"),
        ({"method": "power", "p": 1}, "method 'power' is for p = 2, p is 1"),
        ({"tolerance": 0.0}, "tolerance is 0.0, expected a number between 0 and 1"),
        ({"tolerance": float("nan")}, "tolerance is nan, expected a number between 0 and 1"),
        ({"max_iterations": 0}, "max_iterations must be at least 1, is 0"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        every_kind().slopes(np.zeros((1, 5)), **arguments)


def test_bad_input_is_named():
    net = every_kind()
    bad = np.where(np.arange(10).reshape(2, 5) == 7, np.nan, 0.0)
    for method in (net.slopes, net.singular_values, net.rank):
        with pytest.raises(ValueError, match=r"x is not finite at index \(1, 2\)"):
            method(bad)
        with pytest.raises(ValueError, match=r"x has shape \(2, 4\), expected \(n, 5\)"):
            method(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="tol is -1, expected a number of at least 0"):
        net.rank(np.zeros((1, 5)), tol=-1)
