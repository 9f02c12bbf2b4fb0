"""Pieces on segments, rays and lines, against exact rational arithmetic, bisection and the network itself."""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from reference import exact, random_network

import facetry as ft


class ExactLine:
    """The operations that layers are lowered to, on (slope, intercept) of exact pieces (see layers.Builder).

    ``t`` are the breakpoints; every piece has a list of affine functions of t and the bits so far.
    """

    def __init__(self, a, b, t_range):
        a, b = ([Fraction(float(v)) for v in x] for x in (a, b))
        self.begin, self.end = (None if np.isinf(t) else Fraction(float(t)) for t in t_range)
        self.t = []
        self.lines = [[(w - v, v) for v, w in zip(a, b, strict=True)]]
        self.bits = [()]

    def width(self, node):
        return len(self.lines[0])

    def dense(self, node, weight, bias):
        rows = [
            ([Fraction(float(w)) for w in row], Fraction(float(b)))
            for row, b in zip(weight, bias, strict=True)
        ]
        self.lines = [
            [
                (
                    sum(w * s for w, (s, _) in zip(row, line, strict=True)),
                    b + sum(w * c for w, (_, c) in zip(row, line, strict=True)),
                )
                for row, b in rows
            ]
            for line in self.lines
        ]
        return node + 1

    def scale(self, node, scale, shift):
        factors = [(Fraction(float(s)), Fraction(float(c))) for s, c in zip(scale, shift, strict=True)]
        self.lines = [
            [(f * s, f * c + g) for (s, c), (f, g) in zip(line, factors, strict=True)] for line in self.lines
        ]
        return node + 1

    def activation(self, node, slopes):
        slopes = [Fraction(0) if slopes is None else Fraction(float(slopes[j])) for j in range(self.width(0))]
        ends = [self.begin, *self.t, self.end]
        t, lines, bits = [], [], []
        for line, old, begin, end in zip(self.lines, self.bits, ends[:-1], ends[1:], strict=True):
            zeros = {-c / s for s, c in line if s}
            inside = sorted(z for z in zeros if (begin is None or begin < z) and (end is None or z < end))
            for left, right in pairwise([begin, *inside, end]):
                middle = self.between(left, right)
                active = [s * middle + c > 0 for s, c in line]
                lines.append(
                    [
                        (s, c) if on else (k * s, k * c)
                        for (s, c), on, k in zip(line, active, slopes, strict=True)
                    ]
                )
                bits.append((*old, *active))
                t.append(right)
        self.t, self.lines, self.bits = t[:-1], lines, bits
        return node + 1

    @staticmethod
    def between(left, right):
        if left is None and right is None:
            return Fraction(0)
        if left is None:
            return right - 1
        return left + 1 if right is None else (left + right) / 2


def exact_line(net, a, b, t_range=(0, 1)):
    line = ExactLine(a, b, t_range)
    node = 0
    for layer in net._double().layers:
        node = layer.lower(line, node)
    keep = [i for i in range(len(line.t)) if line.bits[i] != line.bits[i + 1]]
    bits = [line.bits[i] for i in [*keep, len(line.bits) - 1]]
    lines = [line.lines[i] for i in [*keep, len(line.bits) - 1]]
    return [line.t[i] for i in keep], bits, lines


def assert_is_exact(net, a, b, t_range=(0, 1), rtol=1e-12):
    segment = ft.regions_on_segment(net, a, b, t_range=t_range)[0]
    t, bits, lines = exact_line(net, a, b, t_range)
    assert [float(v) for v in t] == pytest.approx(segment.breakpoints.tolist(), rel=rtol, abs=rtol)
    assert [tuple(row) for row in segment.patterns.to_bool().tolist()] == bits
    for neurons, (before, after) in zip(segment.neurons, pairwise(bits), strict=True):
        assert sorted(neurons.tolist()) == [j for j in range(net.n_neurons) if before[j] != after[j]]
    found = segment.piecewise()
    slopes = np.array([[float(s) for s, _ in line] for line in lines])
    intercepts = np.array([[float(c) for _, c in line] for line in lines])
    np.testing.assert_allclose(found.slope, slopes, rtol=0, atol=1e-11 * max(1, abs(slopes).max()))
    np.testing.assert_allclose(
        found.intercept, intercepts, rtol=0, atol=1e-11 * max(1, abs(intercepts).max())
    )
    first, second = (np.asarray(x, float) for x in (a, b))
    at = [Fraction(float(k)) for k in segment.knots]
    values = [[float(s * k + c) for s, c in lines[sum(k > v for v in t)]] for k in at]
    if at:
        np.testing.assert_allclose(
            segment.values,
            values,
            rtol=0,
            atol=1e-11 * max(1, abs(slopes).max(), abs(first).max(), abs(second).max()),
        )
    return segment


def integer_network(widths, seed, activation=ft.ReLU):
    """Small integers with many zeros, equal rows and zero biases: the worst degeneracies."""
    rng = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in pairwise(widths):
        weight = rng.integers(-2, 3, (outputs, inputs)).astype(float)
        if outputs > 1:
            weight[1] = weight[0]
        layers += [ft.Dense(weight, rng.integers(-1, 2, outputs).astype(float)), activation()]
    return ft.Network(layers[:-1])


@pytest.mark.parametrize("t_range", [(0, 1), (-2, 3), (-np.inf, np.inf), (0, np.inf), (-np.inf, 2)])
@pytest.mark.parametrize("seed", range(30))
def test_integer_networks_are_exact(seed, t_range):
    rng = np.random.default_rng(seed)
    net = integer_network([2, 5, 4, 3, 2][: 3 + seed % 3], seed)
    for _ in range(4):
        a, b = rng.integers(-3, 4, (2, 2)).astype(float)
        assert_is_exact(net, a, b, t_range)


def every_kind(first):
    rng = np.random.default_rng(8)

    def dense(outputs, inputs):
        return ft.Dense(rng.standard_normal((outputs, inputs)), rng.standard_normal(outputs))

    slopes = rng.standard_normal(6) * 2
    layers = [dense(5, 3), ft.LeakyReLU(0.1), ft.Scale(rng.standard_normal(5), rng.standard_normal(5))]
    layers += [dense(4, 5), dense(7, 4), ft.HardTanh(-0.5, 2), dense(6, 7), ft.PReLU(slopes), dense(5, 6)]
    return ft.Network([*first, *layers, ft.Abs(), ft.ReLU(), dense(3, 5), ft.HardSigmoid()], input_dim=3)


@pytest.mark.parametrize("t_range", [(0, 1), (-np.inf, np.inf)])
@pytest.mark.parametrize(
    "first", [[], [ft.ReLU(), ft.Abs()], [ft.HardTanh()], [ft.Scale([1.0, 2.0, 3.0], [0.1, 0.2, 0.3])]]
)
def test_every_kind_of_operation(isa, first, t_range):
    rng = np.random.default_rng(1)
    net = every_kind(first)
    pieces = 0
    for _ in range(3):
        a, b = 3 * rng.standard_normal((2, 3))
        segment = assert_is_exact(net, a, b, t_range, rtol=1e-9)
        pieces += len(segment)
    assert pieces > 12


def outputs_only():
    return ft.Network([ft.Dense([[2.0, 1.0]], [0.5]), ft.Scale([3.0], [1.0])])


@pytest.mark.parametrize(
    "net",
    [
        outputs_only(),
        ft.Network([ft.ReLU()], input_dim=2),
        ft.Network([ft.Dense([[1.0, -1.0]]), ft.ReLU()]),
        ft.Network([ft.Dense([[0.0, 0.0], [0.0, 0.0]], [0.0, -1.0]), ft.ReLU(), ft.Dense([[1.0, 1.0]])]),
        ft.Network([ft.Dense([[1.0, 1.0]] * 4), ft.ReLU(), ft.Dense([[1.0, 2.0, 3.0, 4.0]] * 2), ft.ReLU()]),
    ],
)
@pytest.mark.parametrize("t_range", [(0, 1), (0, np.inf), (-np.inf, np.inf)])
def test_small_and_dead_networks(net, t_range):
    assert_is_exact(net, [-1.0, 0.25], [1.0, 0.5], t_range)
    assert_is_exact(net, [1.0, 1.0], [1.0, 1.0], t_range)  # a == b
    assert_is_exact(net, [0.0, 0.0], [1.0, 1.0], t_range)  # inside the wall x = y, and from a vertex on


def test_many_walls_through_one_point():
    rng = np.random.default_rng(0)
    point = np.array([0.3, 0.7])
    weight = rng.standard_normal((40, 2))
    hidden = rng.standard_normal((9, 40))
    net = ft.Network([ft.Dense(weight, -(weight @ point)), ft.ReLU(), ft.Dense(hidden), ft.ReLU()])
    segment = ft.regions_on_segment(net, np.array([0.0, 0.6]), np.array([0.9, 0.9]))[0]
    assert segment.breakpoints == pytest.approx([1 / 3], abs=1e-12)
    assert set(range(40)) <= set(segment.neurons[0].tolist())
    assert ft.regions_on_segment(net, point, point + 1)[0].breakpoints.size == 0


def test_walls_that_nearly_coincide_are_two_or_one():
    for gap, count in [(1e-9, 2), (1e-15, 1)]:
        net = ft.Network([ft.Dense([[1.0], [1.0]], [-0.5, -0.5 - gap]), ft.ReLU()])
        segment = ft.regions_on_segment(net, [0.0], [1.0])[0]
        assert len(segment.breakpoints) == count
        assert sorted(np.concatenate(segment.neurons).tolist()) == [0, 1]


@pytest.mark.parametrize("width", [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130])
def test_widths_around_the_registers(isa, width):
    net = random_network([3, width, width, 5], dtype="float64")
    a, b = np.random.default_rng(1).standard_normal((2, 40, 3))
    segments = ft.regions_on_segment(net, a, b)
    check = segments.verify()
    assert check.ok, check
    assert check.ties == 0
    i = int(np.diff(segments.offsets).argmin())
    if width < 20:
        assert_is_exact(net, a[i], b[i])


def bisect(net, a, b):
    """Breakpoints by halving between unequal patterns, to 2**-45."""

    def search(s, t, left, right):
        if left == right:
            return []
        if t - s < 2.0**-45:
            return [s]
        middle = (s + t) / 2
        pattern = net.patterns((a + middle * (b - a))[None])
        return search(s, middle, left, pattern) + search(middle, t, pattern, right)

    grid = np.linspace(0, 1, 4001)
    patterns = net.patterns(a + grid[:, None] * (b - a))
    return [
        v for i in range(len(grid) - 1) for v in search(grid[i], grid[i + 1], patterns[i], patterns[i + 1])
    ]


@pytest.mark.parametrize("seed", range(5))
def test_bisection_finds_the_same(seed):
    net = random_network([4, 12, 10, 8, 2], seed, dtype="float64")
    a, b = np.random.default_rng(seed).standard_normal((2, 4))
    found = ft.regions_on_segment(net, a, b)[0]
    assert found.breakpoints == pytest.approx(bisect(net, a, b), abs=2.0**-40)


@pytest.mark.parametrize("t_range", [(0, 1), (-np.inf, np.inf)])
def test_the_same_bits_everywhere(isa, threads, t_range):
    net = random_network([20, 33, 40, 17, 3], dtype="float64", activation=lambda: ft.LeakyReLU(0.1))
    a, b = np.random.default_rng(2).standard_normal((2, 100, 20))
    got = ft.regions_on_segment(net, a, b, t_range=t_range)
    ft.use_isa(ft.available_isas()[-1])
    alone = [ft.regions_on_segment(net, a[i : i + 1], b[i], t_range=t_range) for i in range(0, 100, 9)]
    ft.use_isa(isa)
    for i, one in zip(range(0, 100, 9), alone, strict=True):
        np.testing.assert_array_equal(got[i].breakpoints, one.t)
        np.testing.assert_array_equal(np.concatenate(got[i].neurons), one.neuron)
        np.testing.assert_array_equal(got[i].values, one.values)
        assert got[i].patterns == one.patterns


def test_lines_agree_with_segments_and_reversed_lines():
    net = random_network([5, 30, 30, 2], dtype="float64")
    a, b = np.random.default_rng(4).standard_normal((2, 20, 5))
    line = ft.regions_on_segment(net, a, b, t_range=(-np.inf, np.inf))
    assert line.verify().ok
    part = ft.regions_on_segment(net, a, b, t_range=(-3, 4))
    back = ft.regions_on_segment(net, b, a, t_range=(-np.inf, np.inf))
    for whole, some, reverse in zip(line, part, back, strict=True):
        inside = (whole.breakpoints > -3) & (whole.breakpoints < 4)
        np.testing.assert_allclose(whole.breakpoints[inside], some.breakpoints, atol=1e-12)
        np.testing.assert_allclose(whole.breakpoints, 1 - reverse.breakpoints[::-1], rtol=1e-10, atol=1e-12)
        assert whole.patterns.to_bool()[::-1].tolist() == reverse.patterns.to_bool().tolist()
        assert len(whole.values) == len(whole.breakpoints)


def test_integrals_are_complete_and_exact():
    net = random_network([6, 24, 24, 24, 3], dtype="float64", activation=lambda: ft.LeakyReLU(0.1))
    a, b = np.random.default_rng(5).standard_normal((2, 30, 6))
    segments = ft.regions_on_segment(net, a, b)
    integrals = segments.integrate()
    assert integrals.shape == (30, 3, 6)
    np.testing.assert_allclose(integrals.sum(axis=2), net(b) - net(a), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(integrals[:, 1], segments.integrate(-2))
    np.testing.assert_allclose(segments[7].integrate(2), integrals[7, 2], rtol=0, atol=1e-13)
    wanted = np.zeros(6)  # piece by piece, with the affine map of each
    for (begin, end), jacobian in zip(
        segments.piece_ends[: segments.offsets[1] + 1],
        net.affine_map_of(segments[0].patterns).jacobian,
        strict=True,
    ):
        wanted += (end - begin) * jacobian[0]
    np.testing.assert_allclose(integrals[0, 0], (b - a)[0] * wanted, rtol=0, atol=1e-13)


def test_a_kink_is_where_the_exact_value_says():
    """Sattelberg's XOR network (2026, Eq. 5.10-5.14): -s, s and -1 with s = x1 + x2, not as printed."""
    net = ft.Network(
        [ft.Dense([[1.0, 1.0], [1.0, 1.0]], [1.0, 0.0]), ft.ReLU(), ft.Dense([[1.0, -2.0]], [-1.0])]
    )
    segment = ft.regions_on_segment(net, [-2.0, 0.0], [2.0, 0.0])[0]
    assert segment.breakpoints.tolist() == [0.25, 0.5]
    lines = segment.piecewise(0)
    assert lines.slope.tolist() == [0, 4, -4]
    assert lines.t.tolist() == [0, 0.25, 0.5, 1]
    assert (
        [float(exact(net, p)[0]) for p in segment.points] == segment.values[:, 0].tolist() == [-1, -1, 0, -2]
    )


@pytest.mark.parametrize(("depth", "width"), [(3, 2), (2, 3), (3, 3), (12, 2)])
def test_zigzags_have_as_many_pieces_as_their_width_to_the_depth(depth, width):
    """Sattelberg 2026, Theorem 3.3.3: width ** depth pieces on [0, 1]."""
    heights = np.array([width, *([2 * width * (-1) ** i for i in range(1, width)])], float)
    layers = []
    for _ in range(depth):
        layers += [
            ft.Dense(np.ones((width, 1)), -np.arange(width) / width),
            ft.ReLU(),
            ft.Dense(heights[None]),
        ]
    net = ft.Network(layers)
    segments = ft.regions_on_segment(net, [0.0], [1.0])
    # neurons with a kink at 0 flip together with others at the walls of the layers before
    assert len(np.unique(np.sign(segments[0].piecewise(0).slope))) == 2
    slopes = segments[0].piecewise(0).slope
    assert 1 + int((slopes[1:] != slopes[:-1]).sum()) == width**depth
    assert segments.verify().ok


@pytest.mark.parametrize(("widths", "pieces"), [([2, 64, 64, 64, 1], 75_378), ([784, 256, 256, 10], 226_719)])
def test_counts_of_the_peers(shared, monkeypatch, widths, pieces):
    """SyReNN and a numpy line partition count the same on 1000 segments (shared/peers)."""
    monkeypatch.syspath_prepend(str(shared / "peers"))
    mlp = __import__("common").mlp
    sys.modules.pop("common")
    layers = [layer for w, b in mlp(widths, 0) for layer in (ft.Dense(w, b), ft.ReLU())]
    net = ft.Network(layers[:-1])
    rng = np.random.default_rng(3)
    a = rng.uniform(-1, 1, (1000, widths[0])).astype("float32")
    b = rng.uniform(-1, 1, (1000, widths[0])).astype("float32")
    segments = ft.regions_on_segment(net, a, b, values=False)
    assert segments.n_pieces == pieces
    some = ft.regions_on_segment(net, a[:60], b[:60])
    check = some.verify()
    assert check.ok, check
    np.testing.assert_array_equal(some.t, segments.t[: len(some.t)])


def test_the_first_breakpoint_is_the_nearest_wall_along_the_direction():
    net = random_network([4, 20, 20, 1], dtype="float64")
    a, d = np.random.default_rng(6).standard_normal((2, 50, 4))
    rays = ft.regions_on_segment(net, a, a + d, t_range=(0, np.inf))
    z = net.preactivations(a)
    rates = np.einsum("nki,ni->nk", net.neuron_gradients(a), d)
    with np.errstate(divide="ignore"):
        reach = np.where(z * rates < 0, -z / rates, np.inf).min(axis=1)
    first = [ray.breakpoints[0] if len(ray.breakpoints) else np.inf for ray in rays]
    np.testing.assert_allclose(first, reach, rtol=1e-9)


def test_float32_networks_are_computed_in_float64():
    net = random_network([3, 8, 8, 2], dtype="float32")
    a, b = np.random.default_rng(7).standard_normal((2, 3)).astype("float32")
    assert_is_exact(net, a, b)


def test_one_end_serves_all_segments():
    net = random_network([3, 8, 2], dtype="float64")
    b = np.random.default_rng(7).standard_normal((4, 3))
    star = ft.regions_on_segment(net, np.zeros(3), b)
    assert len(star) == 4
    np.testing.assert_array_equal(star.t, ft.regions_on_segment(net, np.zeros((4, 3)), b).t)
    assert [len(s) for s in star] == (np.diff(star.offsets) + 1).tolist()
    assert [len(s) for s in star[1:3]] == [len(star[1]), len(star[2])]
    empty = ft.regions_on_segment(net, np.zeros((0, 3)), np.zeros((0, 3)))
    assert len(empty) == 0
    assert empty.n_pieces == 0
    assert empty.verify().ok


def test_verify_finds_what_is_wrong():
    net = random_network([3, 8, 2], dtype="float64")
    a, b = np.random.default_rng(7).standard_normal((2, 5, 3))
    segments = ft.regions_on_segment(net, a, b)
    assert segments.verify().ok
    segments.neuron = segments.neuron.copy()
    segments.neuron[1] = (segments.neuron[1] + 1) % 8
    del segments.patterns
    assert segments.verify().wrong > 0
    other = ft.regions_on_segment(net, a, b)
    other.values = other.values + 1e-6
    assert not other.verify().ok


def test_bad_input_is_named():
    net = random_network([3, 4, 2], dtype="float64")
    a, b = np.zeros((2, 3)), np.ones((2, 3))
    with pytest.raises(TypeError, match=r"net must be a facetry\.Network, is int"):
        ft.regions_on_segment(3, a, b)
    with pytest.raises(ValueError, match=r"a has shape \(2, 2\), expected \(n, 3\)"):
        ft.regions_on_segment(net, a[:, :2], b)
    with pytest.raises(ValueError, match=r"b has 3 points, expected 2 as a has, or 1"):
        ft.regions_on_segment(net, a, np.ones((3, 3)))
    with pytest.raises(ValueError, match=r"b is not finite at index \(1, 2\)"):
        ft.regions_on_segment(net, a, np.where(np.arange(6).reshape(2, 3) == 5, np.nan, b))
    for bad in [(1, 0), (0, 0), (0, np.nan), (np.inf, np.inf), (-np.inf, -np.inf)]:
        with pytest.raises(ValueError, match="t_range must ascend, is"):
            ft.regions_on_segment(net, a, b, t_range=bad)
    with pytest.raises(ValueError, match="t_range must be two numbers, is 3"):
        ft.regions_on_segment(net, a, b, t_range=3)
    with pytest.raises(ValueError, match="is too narrow: float64 has too few numbers inside"):
        ft.regions_on_segment(net, a, b, t_range=(1e16, 1e16 + 2))
    with pytest.raises(MemoryError, match=r"need more than 100 bytes \(max_bytes\)"):
        ft.regions_on_segment(net, a, b, max_bytes=100)
    with pytest.raises(ValueError, match="max_bytes must not be negative, is -1"):
        ft.regions_on_segment(net, a, b, max_bytes=-1)
    segments = ft.regions_on_segment(net, a, b, values=False)
    with pytest.raises(ValueError, match="the values were not computed"):
        _ = segments[0].values
    with pytest.raises(IndexError, match="segment 2 of 2"):
        _ = segments[2]
    with pytest.raises(ValueError, match="output 2 of 2"):
        segments.integrate(2)
    with pytest.raises(ValueError, match="an integral needs a finite one"):
        ft.regions_on_segment(net, a, b, t_range=(0, np.inf)).integrate(0)
    huge = ft.Network([ft.Dense([[1e200]]), ft.ReLU(), ft.Dense([[1e200]]), ft.ReLU()])
    with pytest.raises(OverflowError, match="exceeds the range of float64"):
        ft.regions_on_segment(huge, [-1.0], [1.0])
