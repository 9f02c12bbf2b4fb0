"""Distortions of gradients near points: expected, worst, and under noise."""

from fractions import Fraction

import numpy as np
import pytest
from reference import frozen, random_network
from test_gradients import every_kind, points

import facetry as ft
from facetry.gradients import expected_distortion, label_gradients, relative_robustness, worst_distortion
from facetry.gradients._balls import Ball


def oracle(net, x, label):
    """Gradients of one output by the oracle, float64."""
    return np.array([frozen(net, row)[1][0][label] for row in net.patterns(x).to_bool()])


def bend():
    """|x| in one dimension: gradients -1 and 1, distortion 2 across 0."""
    return ft.Network([ft.Dense([[1.0], [-1.0]]), ft.ReLU(), ft.Dense([[1.0, 1.0], [0.0, 0.0]])])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_label_gradients_are_rows_of_jacobians(dtype):
    net = every_kind(dtype)
    x = points(net, 20)
    labels = np.arange(20) % 4
    got = label_gradients(net, x, labels)
    wanted = np.array([oracle(net, x[i : i + 1], labels[i])[0] for i in range(20)])
    assert got.dtype == dtype
    np.testing.assert_allclose(got, wanted, rtol=0, atol=np.finfo(dtype).eps * 100 * abs(wanted).max())
    np.testing.assert_array_equal(label_gradients(net, x, 2), label_gradients(net, x, [2] * 20))


def test_the_expected_distortion_of_a_bend():
    """From x = 0.25 in a ball of radius 1: x' < 0 with probability 3/8, and the distortion is 2 there."""
    value, error = expected_distortion(bend(), [[0.25]], 0, 1.0, samples=20_000)
    assert error[0] == pytest.approx(2 * np.sqrt(3 / 8 * 5 / 8 / 20_000), rel=0.02)
    assert abs(value[0] - 0.75) < 4 * error[0]
    cut, cut_error = expected_distortion(bend(), [[0.25]], 0, 1.0, domain=[-0.25, 5.0], samples=20_000)
    assert abs(cut[0] - 2 / 6) < 4 * cut_error[0]  # the ball is now [-0.25, 1.25]


def test_the_expected_distortion_is_the_mean_over_its_samples(monkeypatch):
    net = random_network([5, 20, 20, 4])
    x = points(net, 3)
    labels = [0, 3, 1]
    got = expected_distortion(net, x, labels, 0.3, samples=50, seed=7)
    for i in range(3):
        low, high = np.full(5, -np.inf), np.full(5, np.inf)
        samples = Ball(x[i], 0.3, low, high).sample(50, np.random.default_rng([7, i]))
        gradients = oracle(net, np.concatenate([x[i : i + 1], samples]), labels[i])
        distances = abs(gradients[1:] - gradients[0]).sum(axis=1)
        assert distances.std() > 0
        np.testing.assert_allclose(got.value[i], distances.mean(), rtol=1e-5)
        np.testing.assert_allclose(got.standard_error[i], distances.std(ddof=1) / np.sqrt(50), rtol=1e-5)
    monkeypatch.setattr("facetry.gradients._distortion._BLOCK_BYTES", 17 * 8 * 5)  # blocks of 17 samples
    in_blocks = expected_distortion(net, x, labels, 0.3, samples=50, seed=7)
    np.testing.assert_array_equal(in_blocks.value, got.value)


@pytest.mark.parametrize("samples", [10, 100])
def test_the_expected_distortion_is_unbiased(samples):
    """The mean over many seeds is the true 3/4 within its own error, whatever the number of samples."""
    found = [
        expected_distortion(bend(), [[0.25]], 0, 1.0, samples=samples, seed=s).value[0] for s in range(400)
    ]
    assert abs(np.mean(found) - 0.75) < 4 * np.std(found) / np.sqrt(400)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("radius", [1e-30, 1e-9, 0.1, 3.0, 1e30])
def test_no_sample_leaves_the_ball_or_the_domain(dtype, radius):
    rng = np.random.default_rng(0)
    domain = np.stack([-rng.random(6) - 0.1, rng.random(6) + 0.1], axis=1)
    point = rng.uniform(domain[:, 0], domain[:, 1]).astype(dtype)
    if dtype == "float64":
        point[0] = domain[0, 0]
    ball = Ball(point, radius, *domain.T)
    samples = ball.sample(200, rng)
    samples = np.concatenate([samples, ball.project(rng.standard_normal((50, 6)) * 10)])
    assert samples.dtype == dtype
    assert (samples >= domain[:, 0]).all()
    assert (samples <= domain[:, 1]).all()
    for sample in samples:
        for a, b in zip(sample.tolist(), point.tolist(), strict=True):
            assert abs(Fraction(a) - Fraction(b)) <= Fraction(radius)


def test_the_genetic_algorithm_stays_inside_and_tells_the_truth():
    net = random_network([6, 20, 20, 3], dtype="float32")
    x = np.random.default_rng(0).random((4, 6), dtype=np.float32)
    labels = [0, 1, 2, 0]
    value, where = worst_distortion(net, x, labels, 0.2, domain=[0, 1], population=64, epochs=10)
    assert where.dtype == np.float32
    assert (where >= 0).all()
    assert (where <= 1).all()
    assert (abs(where.astype(float) - x) <= 0.2).all()
    for i, label in enumerate(labels):
        here, there = oracle(net, np.stack([x[i], where[i]]), label)
        assert value[i] == pytest.approx(abs(there - here).sum(), rel=1e-5)


def test_the_genetic_algorithm_beats_as_many_random_samples():
    net = random_network([40, 60, 60, 3], seed=3, dtype="float64")
    x = np.random.default_rng(1).random((12, 40))
    population, epochs = 400, 30
    genetic = worst_distortion(net, x, 0, 0.3, population=population, epochs=epochs).value
    budget = population + epochs * (population - population // 4)  # gradients taken
    best = []
    for i, point in enumerate(x):
        ball = Ball(point, 0.3, np.full(40, -np.inf), np.full(40, np.inf))
        samples = ball.sample(budget, np.random.default_rng([99, i]))
        change = label_gradients(net, samples, 0) - label_gradients(net, point[None], 0)
        best.append(abs(change).sum(axis=1).max())
    assert genetic.mean() > 1.04 * np.mean(best)
    assert (genetic > best).mean() > 0.75


def test_more_epochs_find_no_less():
    net = random_network([20, 40, 40, 3], dtype="float64")
    x = np.random.default_rng(0).random((3, 20))
    values = [worst_distortion(net, x, 0, 0.2, population=100, epochs=e).value for e in (0, 1, 5, 20)]
    assert (np.diff(values, axis=0) >= 0).all()
    assert (values[-1] > values[0]).all()


def test_a_point_has_its_own_random_numbers():
    """Points before it count, points after it do not."""
    net = every_kind()
    x = points(net, 4)
    for function in (expected_distortion, worst_distortion):
        size = {"samples": 30} if function is expected_distortion else {"population": 30, "epochs": 3}
        whole = function(net, x, 1, 0.5, **size)
        np.testing.assert_array_equal(function(net, x[:2], 1, 0.5, **size)[0], whole[0][:2])
        assert (function(net, x, 1, 0.5, seed=1, **size)[0] != whole[0]).any()


def test_affine_networks_have_no_distortion():
    net = ft.Network([ft.Dense([[1.0, 2.0], [3.0, 4.0]])])
    assert expected_distortion(net, np.ones((2, 2)), 1, 1.0, samples=9).value.tolist() == [0, 0]
    assert worst_distortion(net, np.ones((2, 2)), 1, 1.0, population=9, epochs=2).value.tolist() == [0, 0]
    assert relative_robustness(net, np.ones((2, 2)), 1).shape == (2, 13)
    assert not relative_robustness(net, np.ones((2, 2)), 1).any()


def test_no_points():
    net = bend()
    empty = np.empty((0, 1))
    assert expected_distortion(net, empty, 0, 1.0).value.shape == (0,)
    assert worst_distortion(net, empty, [], 1.0).points.shape == (0, 1)
    assert relative_robustness(net, empty, [], [0.5]).shape == (0, 1)


def test_relative_robustness_of_a_bend():
    """Noise of length 0.5 about 0.1 crosses 0 in one of two directions, and the gradient changes by 2."""
    found = relative_robustness(bend(), [[0.1], [0.6]], 0, [0.05, 0.5], directions=400)
    assert found[0, 0] == 0
    assert abs(found[0, 1] - 1) < 0.2
    assert found[1].tolist() == [0, 0]
    dead = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    assert relative_robustness(dead, [[-0.1], [-9.0]], 0, [0.5]).tolist() == [[np.inf], [0]]


def test_the_gradient_of_the_loss_is_a_finite_difference():
    net = random_network([4, 12, 3], dtype="float64")
    x = points(net, 5)

    def loss(z):
        values = net(z)
        return np.log(np.exp(values).sum(axis=1)) - values[:, 2]

    step = 1e-6
    gradients = np.stack([(loss(x + step * e) - loss(x - step * e)) / (2 * step) for e in np.eye(4)], axis=1)
    noise = np.random.default_rng([0, 0]).standard_normal((16, 4))
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    moved = x[0] + 0.01 * noise
    there = np.stack(
        [(loss(moved + step * e) - loss(moved - step * e)) / (2 * step) for e in np.eye(4)], axis=1
    )
    wanted = np.linalg.norm(there - gradients[0], axis=1).mean() / np.linalg.norm(gradients[0])
    got = relative_robustness(net, x, 2, [0.01], of="loss")[0, 0]
    assert got == pytest.approx(wanted, rel=1e-4)
    assert got > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": 0.0}, "radius is 0.0, expected a positive number"),
        ({"radius": -1.0}, "radius is -1.0, expected a positive number"),
        ({"radius": float("nan")}, "radius is nan, expected a positive number"),
        ({"radius": float("inf")}, "radius is inf, expected a positive number"),
        ({"labels": 2}, r"labels\[0\] is 2, the network has 2 outputs"),
        ({"labels": [0, -1]}, r"labels\[1\] is -1, the network has 2 outputs"),
        ({"labels": [0, 1, 0]}, r"labels has shape \(3,\), expected \(2,\)"),
        ({"domain": [1.0, 0.0]}, r"domain is \[1.0, 0.0\] for input 0, expected lower <= upper"),
        ({"domain": [float("nan"), 1.0]}, r"domain is \[nan, 1.0\] for input 0"),
        ({"domain": [0.0, 1.0, 2.0]}, r"domain has shape \(3,\), expected \(2,\) or \(1, 2\)"),
        ({"domain": [0.3, 1.0]}, r"x\[0, 0\] is 0.25, outside of the domain \[0.3, 1.0\]"),
        ({"x": [[0.0], [np.nan]]}, r"x is not finite at index \(1, 0\)"),
        ({"x": [[0.0, 1.0]]}, r"x has shape \(1, 2\), expected \(n, 1\)"),
    ],
)
@pytest.mark.parametrize("function", [expected_distortion, worst_distortion])
def test_bad_arguments_are_named(function, arguments, message):
    given = {"x": [[0.25], [0.5]], "labels": 0, "radius": 1.0, **arguments}
    with pytest.raises(ValueError, match=message):
        function(bend(), **given)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (expected_distortion, {"samples": 1}, "samples must be at least 2, is 1"),
        (worst_distortion, {"population": 1}, "population must be at least 2, is 1"),
        (worst_distortion, {"epochs": -1}, "epochs must not be negative, is -1"),
        (worst_distortion, {"keep": 1.0}, "keep is 1.0, expected a fraction between 0 and 1"),
        (worst_distortion, {"overshoot": -0.1}, "overshoot is -0.1, expected a number of at least 0"),
    ],
)
def test_bad_parameters_are_named(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(bend(), [[0.25]], 0, 1.0, **arguments)


def test_bad_noise_is_named():
    with pytest.raises(ValueError, match=r"magnitudes\[1\] is 0.0, expected a positive number"):
        relative_robustness(bend(), [[0.0]], 0, [0.1, 0.0])
    with pytest.raises(ValueError, match=r"magnitudes has shape \(\), expected \(k,\)"):
        relative_robustness(bend(), [[0.0]], 0, 0.1)
    with pytest.raises(ValueError, match="of is 'logit', expected 'output' or 'loss'"):
        relative_robustness(bend(), [[0.0]], 0, of="logit")
    with pytest.raises(ValueError, match="directions must be at least 1, is 0"):
        relative_robustness(bend(), [[0.0]], 0, directions=0)
    with pytest.raises(TypeError, match="labels must be integers, have dtype float64"):
        label_gradients(bend(), [[0.0]], [0.5])


def test_a_network_on_another_device_is_refused(monkeypatch):
    net = bend()
    monkeypatch.setattr(type(net), "device", "cuda:0")
    monkeypatch.setattr(net, "_on_device", object())
    for call in (net.slopes, net.singular_values, net.rank, net.count_linear_regions):
        with pytest.raises(RuntimeError, match=r"not computed on cuda:0 yet: use net.to\('cpu'\)"):
            call([[0.0]])
    with pytest.raises(RuntimeError, match=r"not computed on cuda:0 yet: use net.to\('cpu'\)"):
        label_gradients(net, [[0.0]], 0)
