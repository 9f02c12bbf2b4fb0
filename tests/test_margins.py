"""Margins, distances to walls, and margins along directions, against dense gradients and bisection."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import frozen, random_network
from test_gradients import every_kind, neurons_first, points

import facetry as ft

NORMS = [1, 2, np.inf]
DUAL = {1: np.inf, 2: 2, np.inf: 1}


def walls(net, x):
    """Pre-activations (n, neurons) in float64 and their gradients (n, neurons, inputs), by the oracle."""
    exact = net.astype("float64")
    x = np.asarray(x, float)
    patterns = exact.patterns(x).to_bool()
    return exact.preactivations(x), np.array([frozen(exact, row)[0][0] for row in patterns])


def distances(net, x, p):
    """|z| / ||grad z||_q of every neuron; inf where the gradient is zero."""
    z, gradients = walls(net, x)
    norms = np.linalg.norm(gradients, ord=DUAL[p], axis=2)
    return np.where(norms == 0, np.inf, abs(z) / np.where(norms == 0, 1, norms))


def assert_margins(net, x, p, rtol=1e-11):
    wanted = distances(net, x, p)
    margins = net.margins(x, p)
    least = wanted.min(axis=1)
    np.testing.assert_allclose(margins.radius, least, rtol=rtol)
    at = wanted[np.arange(len(x)), margins.neuron]
    np.testing.assert_allclose(at, least, rtol=rtol)
    assert margins.certain is None


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [every_kind, neurons_first])
def test_margins_of_every_kind_of_operation(isa, make, dtype, p):
    net = make(dtype)
    assert_margins(net, points(net, 60), p, rtol=1e-9)


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize(
    "widths",
    [[1, 1], [1, 1, 1], [2, 64, 64, 1], [9, 8, 7, 9, 3], [33, 16, 17, 15, 2], [70, 40, *[32] * 9, 2]],
)
def test_margins_of_wide_and_deep_networks(isa, widths, p):
    net = random_network(widths)
    x = np.random.default_rng(1).standard_normal((40, widths[0])).astype("float32")
    if len(widths) > 2:
        assert_margins(net, x, p)
    else:
        assert (net.margins(x, p).neuron == -1).all()


def test_wide_inputs():
    net = random_network([784, 100, 100, 100, 10])
    x = np.random.default_rng(1).random((30, 784), dtype="float32")
    for p in NORMS:
        assert_margins(net, x, p)


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("certified", [False, True])
def test_the_same_bits_everywhere(isa, threads, p, certified):
    net = random_network([20, 70, 65, 40, 30, 3])
    x = np.random.default_rng(2).standard_normal((150, 20)).astype("float32")
    margins = net.margins(x, p, certified=certified)
    one_by_one = [net.margins(row[None], p, certified=certified) for row in x]
    np.testing.assert_array_equal(margins.radius, [m.radius[0] for m in one_by_one])
    np.testing.assert_array_equal(margins.neuron, [m.neuron[0] for m in one_by_one])
    ft.use_isa(ft.available_isas()[0])
    ft.set_num_threads(1)
    widest = net.margins(x, p, certified=certified)
    np.testing.assert_array_equal(margins.neuron, widest.neuron)
    np.testing.assert_array_equal(margins.radius, widest.radius)
    if certified:
        np.testing.assert_array_equal(margins.certain, widest.certain)


# Weights of few bits times powers of two: most sums are exact.
@st.composite
def hostile_networks(draw):
    widths = draw(st.lists(st.integers(1, 6), min_size=3, max_size=6))
    seed, spread = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([0, 1, 20, 60, 100]))
    rng = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in pairwise(widths):
        weight = rng.integers(-2, 3, (outputs, inputs)) * 2.0 ** rng.integers(-spread, spread + 1)
        rows = 2.0 ** rng.integers(-spread, spread + 1, (outputs, 1))
        weight *= rows
        if draw(st.booleans()):
            weight[rng.integers(outputs)] = weight[rng.integers(outputs)]
        if draw(st.booleans()):
            weight[rng.integers(outputs)] = 0
        bias = rng.integers(-2, 3, outputs) * rows[:, 0]
        layers.append(ft.Dense(weight, bias))
        kind = draw(st.sampled_from(["relu", "leaky", "steep", "abs", "scale", "none"]))
        layers += {
            "relu": [ft.ReLU()],
            "leaky": [ft.LeakyReLU(0.125)],
            "steep": [ft.PReLU(rng.integers(-4, 5, outputs) * 2.0 ** rng.integers(-spread, spread + 1))],
            "abs": [ft.ReLU(), ft.Abs()],
            "scale": [ft.Scale(rng.integers(-2, 3, outputs) * 1.0, np.ones(outputs)), ft.ReLU()],
            "none": [],
        }[kind]
    return ft.Network(layers), rng.integers(-3, 4, (4, widths[0])) * 2.0 ** rng.integers(-spread, spread + 1)


def exact_margin(net, x, p):
    """The least |z| / ||grad z||_q over neurons with a gradient, of computed z and exact gradients."""
    least = np.inf
    for z, g in zip(
        net.preactivations(x[None])[0],
        frozen(net, net.patterns(x[None]).to_bool()[0], Fraction)[0][0],
        strict=True,
    ):
        size = max(map(abs, g)) if p == 1 else sum(map(abs, g)) if p == np.inf else sum(v * v for v in g)
        if size:
            ratio = abs(Fraction(float(z))) ** (2 if p == 2 else 1) / size
            least = min(least, _root(ratio) if p == 2 else float(ratio))
    return least


def _root(ratio):
    """Square root of a fraction that may not fit a float."""
    shift = (ratio.numerator.bit_length() - ratio.denominator.bit_length()) // 2 if ratio else 0
    return float(np.sqrt(float(ratio / Fraction(4) ** shift))) * 2.0**shift


def unpruned_margin(net, x, p):
    """The least margin as computed in float64 from the gradients of all neurons, by back-propagation."""
    gradients = abs(net.neuron_gradients(x, method="backprop"))
    largest = gradients.max(axis=2, initial=0)
    has_gradient = largest > 0
    largest[~has_gradient] = 1
    unit = gradients / largest[:, :, None]  # squares neither overflow nor vanish
    norms = np.linalg.norm(unit, ord=DUAL[p], axis=2)
    ratios = abs(net.preactivations(x)) / largest / np.where(has_gradient, norms, 1)
    return np.where(has_gradient, ratios, np.inf).min(axis=1, initial=np.inf)


@settings(max_examples=300, deadline=None)
@given(hostile_networks(), st.sampled_from(NORMS))
def test_pruning_never_changes_the_minimum(case, p):
    """The exact gradients may differ by more: terms of very different sizes can cancel in float64."""
    net, x = case
    margins = net.margins(x, p)
    wanted = unpruned_margin(net, x, p)
    np.testing.assert_allclose(margins.radius, wanted, rtol=1e-14)
    assert ((margins.neuron == -1) == np.isinf(wanted)).all()
    certified = net.margins(x, p, certified=True)
    for point, radius, is_certain in zip(x, certified.radius, certified.certain, strict=True):
        assert not is_certain or radius <= exact_margin(net, point, p) * (1 + 1e-15)


@pytest.mark.parametrize("scale", [1e-140, 1e-40, 1e30, 1e100])
def test_weights_of_any_size(scale):
    """Margins do not change when all weights and biases of a layer are multiplied by a number."""
    net = random_network([6, 20, 20, 20, 2], dtype="float64")
    x = np.random.default_rng(0).standard_normal((50, 6))
    layers, factor = [], 1.0
    for layer in net.layers:
        if isinstance(layer, ft.Dense):
            factor *= scale if len(layers) < 3 else 1
            layers.append(ft.Dense(layer.weight * (scale if len(layers) < 3 else 1), layer.bias * factor))
        else:
            layers.append(layer)
    scaled = ft.Network(layers)
    for p in NORMS:
        np.testing.assert_allclose(scaled.margins(x, p).radius, net.margins(x, p).radius, rtol=1e-9)


def test_a_steep_slope_overflows_nothing():
    slopes = np.array([1e30, -1e30, 1e-30, 1.0])
    rng = np.random.default_rng(0)
    layers = [ft.Dense(rng.standard_normal((4, 3)), rng.standard_normal(4)), ft.PReLU(slopes)]
    layers += [ft.Dense(rng.standard_normal((5, 4)), rng.standard_normal(5)), ft.ReLU()]
    net = ft.Network(layers)
    assert_margins(net, rng.standard_normal((50, 3)), 2)


def test_norms_are_ordered():
    net = random_network([12, 50, 50, 3])
    x = np.random.default_rng(3).standard_normal((200, 12)).astype("float32")
    one, two, largest = (net.margins(x, p).radius for p in NORMS)
    assert (one >= two * (1 - 1e-12)).all()
    assert (two >= largest * (1 - 1e-12)).all()


def test_scaling_neurons_changes_no_margin():
    """Lee et al. 2019, Eq. 14: a row and its bias divided by d, the next column multiplied."""
    net = random_network([7, 30, 30, 2], dtype="float64")
    rng = np.random.default_rng(4)
    x, d = rng.standard_normal((100, 7)), np.exp(rng.standard_normal((2, 30)) * 3)
    first, second, last = net.layers[::2]
    layers = [ft.Dense(first.weight / d[0][:, None], first.bias / d[0]), ft.ReLU()]
    layers += [ft.Dense(second.weight * d[0] / d[1][:, None], second.bias / d[1]), ft.ReLU()]
    same = ft.Network([*layers, ft.Dense(last.weight * d[1], last.bias)])
    for p in NORMS:
        np.testing.assert_allclose(same.margins(x, p).radius, net.margins(x, p).radius, rtol=1e-10)


@pytest.mark.parametrize("amplitude", [10, 1e4])
def test_a_common_row_does_not_cancel(amplitude):
    """A float32 Gram matrix of such weights has negative squares."""
    rng = np.random.default_rng(5)
    first = rng.standard_normal((64, 200)) / 14 + amplitude * rng.standard_normal(200) / 14
    second = rng.standard_normal((64, 64)) / 8
    layers = [ft.Dense(first, np.full(64, 50.0 * amplitude)), ft.ReLU()]
    net = ft.Network([*layers, ft.Dense(second - second.mean(1, keepdims=True)), ft.ReLU()])
    x = rng.standard_normal((10, 200)) / 10
    np.testing.assert_allclose(net.wall_distances(x), distances(net, x, 2), rtol=1e-8)
    assert_margins(net, x, 2, rtol=1e-8)


def test_scale_gives_the_units_of_raw_inputs():
    """Lee et al. 2019, Appendix G: input = (raw - mean) / scale."""
    net = random_network([6, 40, 40, 2], dtype="float64")
    rng = np.random.default_rng(6)
    scale, mean, raw = np.exp(rng.standard_normal(6)), rng.standard_normal(6), rng.standard_normal((50, 6))
    whole = ft.Network([ft.Scale(1 / scale, -mean / scale), *net.layers])
    x, directions = (raw - mean) / scale, rng.standard_normal((3, 6))
    for p in NORMS:
        margins = net.margins(x, p, scale=scale)
        np.testing.assert_allclose(margins.radius, whole.margins(raw, p).radius, rtol=1e-10)
        walls_of_raw = net.wall_distances(x, p, scale=scale)
        np.testing.assert_allclose(walls_of_raw, whole.wall_distances(raw, p), rtol=1e-9)
        uniform = net.margins(x, p, scale=0.25).radius
        np.testing.assert_allclose(uniform, net.margins(x, p).radius / 4, rtol=1e-12)
    for got, wanted in [
        (net.directional_margins(x, directions, scale=scale), whole.directional_margins(raw, directions)),
        (net.coordinate_margins(x, scale=scale), whole.coordinate_margins(raw)),
    ]:
        np.testing.assert_allclose(got, wanted, rtol=1e-9)


def bisect(net, point, direction, most=2.0**40):
    """Find the first change of pattern by doubling and halving (Lee et al. 2019, Appendix B)."""
    pattern = net.patterns(point[None])

    def is_inside(step):
        return net.patterns((point + step * direction)[None]).hamming(pattern)[0] == 0

    high = 1e-6
    while is_inside(high):
        high *= 2
        if high > most:
            return np.inf
    low = 0.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if is_inside(middle) else (low, middle)
    return low


REAL = [
    ("acasxu/nnet/ACASXU_run2a_1_1_batch_2000.nnet", 30),
    ("mnist_nets/mnist-net_256x2.onnx", 6),
    ("mnist_nets/mnist5x20_leaky_relu.onnx", 10),
    ("hcas/HCAS_rect_v6_pra0_tau00_25HU_3000.nnet", 20),
]


@pytest.mark.parametrize(("file", "count"), REAL)
def test_margins_of_real_networks_agree_with_bisection(shared, file, count):
    net = ft.load(shared / "data" / file).astype("float64")
    rng = np.random.default_rng(7)
    if net.input_box is not None:
        low, high = net.input_box.T
        x = low + (high - low) * rng.random((count, net.input_dim))
    elif net.input_dim == 784:
        images = np.load(shared / "data/datasets/mnist_test2000.npz")["images"][:count]
        x = images.reshape(count, -1) / 255
    else:
        x = rng.random((count, net.input_dim)) - 0.5
    _, gradients = walls(net, x)
    directions = rng.standard_normal((2, net.input_dim))
    along = net.directional_margins(x, directions)
    for point, distance in zip(x, along, strict=True):
        found = [bisect(net, point, d) for d in directions]
        np.testing.assert_allclose(
            found, np.where(distance < 2.0**40, distance, np.inf), rtol=1e-6, atol=1e-9
        )
    for p in NORMS:
        margins = net.margins(x, p)
        for i, (radius, neuron) in enumerate(zip(margins.radius, margins.neuron, strict=True)):
            g = gradients[i, neuron] * (-1 if net.preactivations(x[i : i + 1])[0, neuron] > 0 else 1)
            nearest = {1: np.where(abs(g) == abs(g).max(), np.sign(g), 0), 2: g, np.inf: np.sign(g)}[p]
            if p == 1:  # one axis
                nearest = nearest * (np.arange(len(g)) == abs(g).argmax())
            nearest = nearest / np.linalg.norm(nearest, ord=p)
            assert bisect(net, x[i], nearest) == pytest.approx(radius, rel=1e-6, abs=1e-9)


def test_no_pattern_changes_within_the_ball():
    net = every_kind()
    x = points(net, 40)
    rng = np.random.default_rng(8)
    for p in NORMS:
        radius = net.margins(x, p).radius
        for _ in range(50):
            step = rng.standard_normal(x.shape)
            step *= (radius * (1 - 1e-6) / np.linalg.norm(step, ord=p, axis=1))[:, None]
            assert (net.patterns(x + step) == net.patterns(x)) is True


def test_neurons_without_a_gradient_never_bound():
    first = ft.Dense([[1.0], [0.0]], [0.0, 0.0])
    net = ft.Network([first, ft.ReLU(), ft.Dense([[1.0, 1.0], [0.0, 1.0]], [1.0, 0.0]), ft.ReLU()])
    margins = net.margins([[-2.0], [2.0]])
    assert margins.radius.tolist() == [2.0, 2.0]
    assert margins.neuron.tolist() == [0, 0]
    np.testing.assert_array_equal(net.wall_distances([[-2.0]]), [[2.0, np.inf, np.inf, np.inf]])
    dead = ft.Network([ft.Dense([[0.0]], [0.0]), ft.ReLU()])
    assert dead.margins([[1.0]]).radius.tolist() == [np.inf]
    assert dead.margins([[1.0]]).neuron.tolist() == [-1]
    assert dead.margins([[1.0]], certified=True).certain.tolist() == [True]
    assert dead.directional_margins([[1.0]], [[1.0]]).tolist() == [[np.inf]]
    assert dead.coordinate_margins([[1.0]]).tolist() == [[[-np.inf, np.inf]]]


def test_a_point_on_a_wall_has_margin_zero():
    net = ft.Network([ft.Dense([[1.0, 1.0], [1.0, -1.0]], [0.0, 5.0]), ft.ReLU()])
    margins = net.margins([[1.0, -1.0]])
    assert margins.radius.tolist() == [0.0]
    assert margins.neuron.tolist() == [0]
    assert net.wall_distances([[1.0, -1.0]])[0, 0] == 0
    # at a tie the neuron is inactive: only an active direction leaves the region
    assert net.directional_margins([[1.0, -1.0]], [[1.0, 0.0], [-1.0, 0.0]]).tolist() == [[0.0, 7.0]]


def test_the_first_of_equally_near_neurons():
    weight = np.repeat([[1.0, 2.0]], 5, axis=0)
    net = ft.Network([ft.Dense(weight, np.ones(5)), ft.ReLU(), ft.Dense(np.ones((3, 5))), ft.ReLU()])
    assert net.margins([[1.0, 1.0]]).neuron.tolist() == [0]
    last = ft.Dense(weight, np.full(5, -29.0))
    net = ft.Network([ft.Dense(np.eye(2), [10.0, 10.0]), ft.ReLU(), last, ft.ReLU()])
    assert net.margins([[0.0, 0.0]]).neuron.tolist() == [2]


def test_networks_without_neurons_and_no_points():
    affine = ft.Network([ft.Dense([[1.0, 2.0]])])
    x = [[1.0, 2.0]]
    assert affine.margins(x).radius.tolist() == [np.inf]
    assert affine.margins(x, certified=True).certain.tolist() == [True]
    assert affine.wall_distances(x).shape == (1, 0)
    assert affine.directional_margins(x, [[1.0, 0.0]]).tolist() == [[np.inf]]
    assert affine.coordinate_margins(x).tolist() == [[[-np.inf, np.inf]] * 2]
    net = random_network([3, 4, 2])
    none = np.empty((0, 3), "float32")
    assert len(net.margins(none)) == len(net.margins(none, certified=True)) == 0
    assert net.wall_distances(none).shape == (0, 4)
    assert net.directional_margins(none, np.eye(3)).shape == (0, 3)
    assert net.directional_margins(np.zeros((2, 3)), np.empty((0, 3))).shape == (2, 0)
    assert net.coordinate_margins(none).shape == (0, 3, 2)


def test_float32_pre_activations():
    net = random_network([30, 60, 60, 2])
    x = np.random.default_rng(9).standard_normal((200, 30)).astype("float32")
    rough, exact = net.margins(x, precision="float32"), net.margins(x)
    error = abs(rough.radius - exact.radius)
    assert error.max() < 1e-5
    assert error.max() > 0


def test_what_overflows_is_not_hidden():
    big = [ft.Dense([[1e200]]), ft.ReLU(), ft.Dense([[1e200]]), ft.ReLU()]
    margins = ft.Network(big).margins([[1.0], [-1.0]])
    assert np.isnan(margins.radius[0])
    assert margins.neuron.tolist() == [1, 0]
    assert margins.radius[1] == 1.0
    sure = ft.Network(big).margins([[1.0], [-1.0]], certified=True)
    assert sure.radius[0] == 0
    assert sure.certain.tolist() == [False, True]
    # a gradient of 1e400 with a pre-activation that is finite
    steep = ft.Network([ft.Dense([[1e200]]), ft.ReLU(), ft.Dense([[1e200]], [1.0]), ft.ReLU()])
    margins = steep.margins([[1e-300]])
    assert margins.radius[0] == pytest.approx(1e-300)
