"""Certified margins never exceed the exact ones, computed in integers and fractions.

Weights and points are multiples of 2^-52, so that a layer is integers over a power of two: pre-activations
and gradients are exact, and ``radius <= |z| / ||grad z||_q`` is decided in integers too.
"""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from reference import frozen, random_network
from test_gradients import every_kind, points

import facetry as ft

BITS = 52
DUAL = {1: np.inf, 2: 2, np.inf: 1}


def dyadic(values):
    """Round to multiples of 2^-52."""
    return np.round(np.asarray(values, float) * 2.0**BITS) / 2.0**BITS


def dyadic_network(widths, seed, dtype="float64"):
    rng = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in pairwise(widths):
        weight = rng.standard_normal((outputs, inputs)) * np.sqrt(2 / inputs)
        bias = rng.standard_normal(outputs) * 0.5
        layers += [ft.Dense(dyadic(weight).astype(dtype), dyadic(bias).astype(dtype)), ft.ReLU()]
    return ft.Network(layers[:-1])


def integers(values, shift):
    return (np.frompyfunc(lambda v: int(Fraction(float(v)) * 2**shift), 1, 1))(values)


def exact_walls(net, x):
    """Integers z and gradients of every neuron, and the powers of two that each is over."""
    a, shift = integers(x, BITS), BITS
    jacobian, gradient_shift, parts = None, 0, []
    dense = [layer for layer in net.layers if isinstance(layer, ft.Dense)]
    for layer in dense[: sum(isinstance(layer, ft.ReLU) for layer in net.layers)]:
        weight = integers(layer.weight, BITS)
        shift += BITS
        gradient_shift += BITS
        z = a @ weight.T + integers(layer.bias, shift)
        if jacobian is None:
            jacobian = np.broadcast_to(weight, (len(x), *weight.shape))
        else:
            jacobian = np.array([weight @ j for j in jacobian])
        parts.append((z, jacobian, shift - gradient_shift))
        active = z > 0
        a, jacobian = np.where(active, z, 0), np.where(active[:, :, None], jacobian, 0)
    return parts


def squares_of_margins(net, x, p):
    """For every point: numerators and denominators of the squared margins of its neurons, integers."""
    parts = exact_walls(net, x)
    result = []
    for i in range(len(x)):
        pairs = []
        for z, jacobian, shift in parts:
            for height, gradient in zip(z[i], jacobian[i], strict=True):
                sizes = [abs(g) for g in gradient]
                norm = {1: max(sizes) ** 2, 2: sum(g * g for g in sizes), np.inf: sum(sizes) ** 2}[p]
                if norm:
                    pairs.append((height * height, norm << 2 * shift))
        result.append(pairs)
    return result


def assert_below(radius, pairs):
    """``radius**2 <= n / d`` for all pairs, exactly."""
    top, bottom = float(radius).as_integer_ratio()
    for numerator, denominator in pairs:
        assert top * top * denominator <= numerator * bottom * bottom


CASES = [  # 20,500 points
    ([2, 4, 3, 1], 5000, 2, "float64"),
    ([3, 5, 4, 2], 4000, 1, "float64"),
    ([3, 5, 4, 2], 4000, np.inf, "float64"),
    ([2, 6, 5, 4, 1], 2500, 2, "float32"),
    ([4, 3, 3, 3, 3, 1], 2500, 2, "float64"),
    ([1, 2, 1], 2500, 2, "float64"),
]


@pytest.mark.parametrize(("widths", "count", "p", "dtype"), CASES)
def test_never_above_the_exact_margin(widths, count, p, dtype):
    rng = np.random.default_rng(count)
    nets = 10
    close, total = 0, 0
    for seed in range(nets):
        net = dyadic_network(widths, seed, dtype)
        x = dyadic(rng.standard_normal((count // nets, widths[0])))
        margins = net.margins(x, p, certified=True)
        assert margins.certain.all()
        for radius, pairs in zip(margins.radius, squares_of_margins(net, x, p), strict=True):
            assert_below(radius, pairs)
            exact = min((float(Fraction(n, d)) ** 0.5 for n, d in pairs), default=np.inf)
            close += radius >= 0.99 * exact
            total += 1
    assert close >= 0.99 * total


@pytest.mark.parametrize("distance", [1e-6, 1e-9, 1e-12, 1e-14, 1e-16, 0.0])
def test_near_walls(distance):
    """Points moved to about such a distance of their nearest wall."""
    rng = np.random.default_rng(3)
    certain = total = 0
    for seed in range(10):
        net = dyadic_network([3, 5, 4, 2], seed)
        x = dyadic(rng.standard_normal((40, 3)))
        near = net.margins(x)
        gradient = net.neuron_gradients(x)[np.arange(len(x)), near.neuron]
        z = net.preactivations(x)[np.arange(len(x)), near.neuron]
        square = (gradient**2).sum(axis=1)
        moved = dyadic(x - ((z / square) * (1 - distance / near.radius))[:, None] * gradient)
        margins = net.margins(moved, certified=True)
        for radius, is_certain, pairs in zip(
            margins.radius, margins.certain, squares_of_margins(net, moved, 2), strict=True
        ):
            assert_below(radius, pairs)
            assert is_certain or radius == 0
        certain += margins.certain.sum()
        total += len(x)
    if distance >= 1e-12:
        assert certain == total
    if distance == 0:
        assert certain < total / 2


@pytest.mark.parametrize("p", [1, 2, np.inf])
def test_every_kind_of_operation(p):
    """Scales, slopes, neurons on neurons and HardTanh, against fractions."""
    net = every_kind()
    x = points(net, 5)
    margins = net.margins(x, p, certified=True)
    assert margins.certain.all()
    plain = net.margins(x, p)
    assert (margins.radius <= plain.radius * (1 + 1e-9)).all()
    np.testing.assert_allclose(margins.radius, plain.radius, rtol=1e-6)
    for point, radius in zip(x, margins.radius, strict=True):
        assert_below(radius, fraction_margins(net, point, p))


def fraction_margins(net, point, p):
    """Squared margins (numerator, denominator) of the neurons, with the exact pattern of the point."""
    exact = [Fraction(float(v)) for v in point]
    pattern = exact_pattern(net, exact)
    (jacobian, offset), _ = frozen(net, pattern, Fraction)
    pairs = []
    for gradient, c in zip(jacobian, offset, strict=True):
        z = c + sum(g * v for g, v in zip(gradient, exact, strict=True))
        sizes = [abs(g) for g in gradient]
        norm = {1: max(sizes) ** 2, 2: sum(g * g for g in sizes), np.inf: sum(sizes) ** 2}[p]
        if norm:
            ratio = z * z / norm
            pairs.append((ratio.numerator, ratio.denominator))
    return pairs


def exact_pattern(net, point):
    """Signs in rational arithmetic: layer by layer, those of the layers below being known."""
    pattern = np.zeros(net.n_neurons, bool)
    done = 0
    for width in net.layer_widths:
        (jacobian, offset), _ = frozen(net, pattern, Fraction)
        for j in range(done, done + width):
            value = offset[j] + sum(g * v for g, v in zip(jacobian[j], point, strict=True))
            pattern[j] = value > 0
        done += width
    return pattern


@pytest.mark.parametrize("scale", [1e-310, 1e-300, 1e-160, 1e-40, 1e40, 1e100])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_weights_of_any_size(scale, where):
    net = dyadic_network([3, 4, 4, 4, 1], 5)
    layers = list(net.layers)
    layers[2 * where] = ft.Dense(layers[2 * where].weight * scale, layers[2 * where].bias)
    net = ft.Network(layers)
    x = np.random.default_rng(0).standard_normal((20, 3))
    for p in (1, 2, np.inf):
        margins = net.margins(x, p, certified=True)
        for point, radius, certain in zip(x, margins.radius, margins.certain, strict=True):
            assert certain or radius == 0
            if radius:
                assert_below(radius, fraction_margins(net, point, p))


@pytest.mark.parametrize("scale", [1e-320, 1e-308, 1e-162, 1e-154, 1e150])
def test_points_of_any_size(scale):
    net = dyadic_network([3, 4, 4, 1], 5)
    x = np.random.default_rng(0).standard_normal((20, 3)) * scale
    margins = net.margins(x, certified=True)
    for point, radius in zip(x, margins.radius, strict=True):
        if radius:
            assert_below(radius, fraction_margins(net, point, 2))
    no_bias = ft.Network(
        [ft.Dense(layer.weight) if isinstance(layer, ft.Dense) else layer for layer in net.layers]
    )
    margins = no_bias.margins(x, certified=True)
    for point, radius in zip(x, margins.radius, strict=True):
        if radius:
            assert_below(radius, fraction_margins(no_bias, point, 2))


def test_overflow_is_never_certain():
    net = ft.Network([ft.Dense([[1e200]]), ft.ReLU(), ft.Dense([[1e200]]), ft.ReLU()])
    margins = net.margins([[1.0], [1e-250], [-1.0]], certified=True)
    assert margins.certain.tolist() == [False, True, True]
    assert margins.radius[0] == 0
    assert margins.neuron[0] == -1


def test_ties_are_never_certain():
    net = ft.Network(
        [ft.Dense([[1.0, -1.0], [1.0, 0.0]]), ft.ReLU(), ft.Dense([[1.0, 1.0]], [-2.0]), ft.ReLU()]
    )
    margins = net.margins([[1.0, 1.0], [2.0, 2.0 - 2.0**-40], [2.0, -3.0]], certified=True)
    assert margins.certain.tolist() == [False, True, True]
    assert margins.radius[0] == 0
    cancelling = ft.Network([ft.Dense([[0.1, 0.2, -0.3]]), ft.ReLU()])  # 0.1 + 0.2 > 0.3 in floats
    assert not cancelling.margins([[1.0, 1.0, 1.0]], certified=True).certain[0]


def test_neurons_that_cannot_change_need_no_certainty():
    """A neuron whose weights are zero, or reach only inactive neurons, is its bias exactly."""
    first = ft.Dense([[1.0, 0.0], [0.0, 0.0]], [0.0, 0.0])
    net = ft.Network([first, ft.ReLU(), ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU()])
    margins = net.margins([[-3.0, 1.0]], certified=True)
    assert margins.certain.tolist() == [True]
    assert 2.999999 < margins.radius[0] <= 3.0


def test_scaled_inputs():
    net = dyadic_network([3, 5, 4, 2], 1)
    rng = np.random.default_rng(0)
    x, scale = dyadic(rng.standard_normal((100, 3))), np.array([0.3, 7.0, 1e-3])
    for factor in (scale, 0.3, 1 / 3):
        margins = net.margins(x, certified=True, scale=factor)
        exact = np.broadcast_to(factor, 3).tolist()
        for i, radius in enumerate(margins.radius):
            pattern = exact_pattern(net, [Fraction(float(v)) for v in x[i]])
            (jacobian, offset), _ = frozen(net, pattern, Fraction)
            pairs = []
            for gradient, c in zip(jacobian, offset, strict=True):
                z = c + sum(g * Fraction(float(v)) for g, v in zip(gradient, x[i], strict=True))
                norm = sum((g / Fraction(s)) ** 2 for g, s in zip(gradient, exact, strict=True))
                if norm:
                    pairs.append(((z * z / norm).numerator, (z * z / norm).denominator))
            assert_below(radius, pairs)


def test_deep_networks_keep_most_of_the_margin(isa, threads):
    net = random_network([50, *[60] * 8, 3])
    x = np.random.default_rng(1).standard_normal((100, 50)).astype("float32")
    plain, certified = net.margins(x), net.margins(x, certified=True)
    assert certified.certain.all()
    assert (certified.radius <= plain.radius).all()
    np.testing.assert_allclose(certified.radius, plain.radius, rtol=0.01)


def test_real_networks(shared):
    images = np.load(shared / "data/datasets/mnist_test2000.npz")["images"][:200]
    x = images.reshape(200, -1) / 255
    net = ft.load(shared / "data/mnist_nets/mnist-net_256x4.onnx")
    plain, certified = net.margins(x), net.margins(x, certified=True)
    assert certified.certain.all()
    assert (certified.radius <= plain.radius).all()
    assert np.median(certified.radius / plain.radius) > 1 - 1e-6
