"""Slow, obvious oracles: plain loops, the C library's fma, and exact rational numbers."""

from __future__ import annotations

import ctypes
import ctypes.util
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

import facetry as ft

_libm = ctypes.CDLL(ctypes.util.find_library("m"))
_libm.fma.restype, _libm.fma.argtypes = ctypes.c_double, [ctypes.c_double] * 3
_libm.fmaf.restype, _libm.fmaf.argtypes = ctypes.c_float, [ctypes.c_float] * 3
_FMA = {
    np.dtype(np.float32): np.frompyfunc(_libm.fmaf, 3, 1),
    np.dtype(np.float64): np.frompyfunc(_libm.fma, 3, 1),
}


def fma(w, a, z):
    """``w * a + z``, rounded once, element by element."""
    dtype = np.result_type(w, a, z)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.asarray(_FMA[dtype](w, a, z)).astype(dtype)


class Chain:
    """The operations that layers are lowered to, run on points as they are appended (see layers.Builder)."""

    def __init__(self, x):
        self.values = [x]
        self.preactivations = []

    def width(self, node):
        return self.values[node].shape[1]

    def dense(self, node, weight, bias):
        a = self.values[node]
        z = np.broadcast_to(bias, (len(a), len(bias)))
        for k in range(a.shape[1]):
            z = fma(weight[:, k], a[:, k, None], z)
        return self._append(z)

    def scale(self, node, scale, shift):
        a = self.values[node]
        return self._append(fma(scale.astype(a.dtype), a, shift.astype(a.dtype)))

    def activation(self, node, slopes):
        z = self.values[node]
        self.preactivations.append(z)
        slopes = 0 if slopes is None else slopes.astype(z.dtype)
        return self._append(np.where(z > 0, z, slopes * z))

    def _append(self, values):
        self.values.append(values)
        return len(self.values) - 1


def propagate(net: ft.Network, x):
    """Outputs and pre-activations by the contract: z = bias; for k ascending: z = fma(w[k], a[k], z)."""
    chain = Chain(x)
    node = 0
    for layer in net.layers:
        node = layer.lower(chain, node)
    parts = chain.preactivations or [np.empty((len(x), 0), x.dtype)]
    return chain.values[node], np.concatenate(parts, axis=1)


class Frozen:
    """The affine maps (J, c) of every operation, with the pattern given; numbers of any type (see Chain)."""

    def __init__(self, pattern, dim, number=float):
        exact = np.frompyfunc(lambda v: number(float(v)), 1, 1)
        self.number = np.float64 if number is float else exact
        self.maps = [(self.number(np.eye(dim)), self.number(np.zeros(dim)))]
        self.bits = iter(pattern)
        self.neurons = []

    def width(self, node):
        return len(self.maps[node][1])

    def dense(self, node, weight, bias):
        (jacobian, offset), weight = self.maps[node], self.number(weight)
        return self._append(weight @ jacobian, weight @ offset + self.number(bias))

    def scale(self, node, scale, shift):
        (jacobian, offset), scale = self.maps[node], self.number(scale)
        return self._append(scale[:, None] * jacobian, scale * offset + self.number(shift))

    def activation(self, node, slopes):
        jacobian, offset = self.maps[node]
        self.neurons += zip(jacobian, offset, strict=True)
        slopes = np.zeros(len(offset)) if slopes is None else slopes
        active = [next(self.bits) for _ in offset]
        factor = self.number(np.where(active, 1.0, slopes))
        return self._append(factor[:, None] * jacobian, factor * offset)

    def _append(self, jacobian, offset):
        self.maps.append((jacobian, offset))
        return len(self.maps) - 1


def frozen(net: ft.Network, pattern, number=float):
    """Affine maps (J, c) of the neurons and of the outputs for one pattern (Lee et al., Lemma 2)."""
    chain = Frozen(pattern, net.input_dim, number)
    node = 0
    for layer in net.layers:
        node = layer.lower(chain, node)
    jacobian = np.array([j for j, _ in chain.neurons]).reshape(-1, net.input_dim)
    return (jacobian, np.array([c for _, c in chain.neurons])), chain.maps[node]


_EXACT = {
    ft.ReLU: lambda layer, x: max(x, Fraction(0)),
    ft.LeakyReLU: lambda layer, x: x if x > 0 else Fraction(layer.slope) * x,
    ft.HardTanh: lambda layer, x: min(max(x, Fraction(layer.low)), Fraction(layer.high)),
    ft.ReLU6: lambda layer, x: min(max(x, Fraction(0)), Fraction(6)),
    ft.HardSigmoid: lambda layer, x: min(
        max(Fraction(layer.slope) * x + Fraction(layer.offset), Fraction(0)), Fraction(1)
    ),
    ft.Abs: lambda layer, x: abs(x),
}


def exact(net: ft.Network, point) -> list[Fraction]:
    """Outputs in rational arithmetic, from what each layer means (not from what it is lowered to)."""
    values = [Fraction(float(v)) for v in point]
    for layer in net.layers:
        if isinstance(layer, ft.Dense):
            rows = zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
            values = [
                Fraction(b) + sum(Fraction(w) * v for w, v in zip(row, values, strict=True))
                for row, b in rows
            ]
        elif isinstance(layer, ft.Scale):
            terms = zip(layer.scale.tolist(), values, layer.shift.tolist(), strict=True)
            values = [Fraction(s) * v + Fraction(t) for s, v, t in terms]
        elif isinstance(layer, ft.PReLU):
            slopes = np.broadcast_to(layer.slopes, len(values)).tolist()
            values = [v if v > 0 else Fraction(s) * v for s, v in zip(slopes, values, strict=True)]
        else:
            values = [_EXACT[type(layer)](layer, v) for v in values]
    return values


def random_network(widths, seed=0, dtype="float32", activation=ft.ReLU):
    """A network of He-normal weights; ``activation`` makes the layer after each Dense but the last."""
    rng = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in pairwise(widths):
        weight = rng.standard_normal((outputs, inputs)) * np.sqrt(2 / inputs)
        layers += [ft.Dense(weight.astype(dtype), (rng.standard_normal(outputs) * 0.3).astype(dtype))]
        layers += [activation()]
    return ft.Network(layers[:-1])


def evaluate_nnet(path, point) -> list[float]:
    """Outputs of a .nnet file at a point, read as one stream of numbers, in plain Python floats."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("//")]
    numbers = iter([float(field) for line in lines for field in line.split(",") if field.strip()])
    depth, inputs, _outputs, _widest = (int(next(numbers)) for _ in range(4))
    widths = [int(next(numbers)) for _ in range(depth + 1)]
    for _ in range(1 + 2 * inputs):  # a flag, the minima and the maxima
        next(numbers)
    means = [next(numbers) for _ in range(inputs + 1)]
    ranges = [next(numbers) for _ in range(inputs + 1)]
    values = [(float(x) - mean) / span for x, mean, span in zip(point, means, ranges, strict=False)]
    for layer, (before, after) in enumerate(pairwise(widths)):
        rows = [[next(numbers) for _ in range(before)] for _ in range(after)]
        biases = [next(numbers) for _ in range(after)]
        sums = [
            sum(w * v for w, v in zip(row, values, strict=True)) + b
            for row, b in zip(rows, biases, strict=True)
        ]
        values = sums if layer == depth - 1 else [max(z, 0.0) for z in sums]
    assert next(numbers, None) is None
    return [value * ranges[-1] + means[-1] for value in values]


# Points: digits as Python integers, sums as fractions. The hashes are those of cpp/points/sequence.hpp.
_GOLDEN = 0x9E3779B97F4A7C15


def mix64(x):
    """SplitMix64's finalizer."""
    x = (x ^ (x % 2**64 >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def point_key(seed, purpose, number):
    return mix64((mix64((seed + purpose * _GOLDEN) % 2**64) + (number + 1) * _GOLDEN) % 2**64)


def hash32(x, key_low, key_high):
    x ^= key_low
    x = (x ^ x >> 17) * 0xED5AD4BB % 2**32 ^ key_high
    x = (x ^ x >> 11) * 0xAC4C1B51 % 2**32
    x = (x ^ x >> 15) * 0x31848BAB % 2**32
    return x ^ x >> 14


def owen_digit(k, first_five, between, keys):
    """Give the flip of digit k, which hangs on the k digits above it: the first five and those between."""
    if k < 5:
        return hash32(k + 1, *keys) >> 31 - (first_five >> 5 - k << 5 - k) & 1
    prefix = (between >> 37 - k << 1 | 1) << 36 - k  # of 32 digits, and where it ends
    return hash32(prefix, *keys) >> 31 - first_five & 1


def sobol_owen(digits, seed, dimension):
    """Scramble a coordinate of 52 digits (an integer below 2**52)."""
    key = point_key(seed, 1, dimension)
    low, high = key % 2**32, key >> 32
    first_five, between, below = digits >> 47, (digits >> 20) % 2**27 << 5, digits % 2**20 << 12
    keys = hash32(between | 1, high, low), hash32(between | 2, high, low)
    flips = [owen_digit(k, first_five, between, (low, high)) for k in range(32)]
    flips += [owen_digit(k + 5, first_five, below, keys) for k in range(20)]
    return digits ^ int("".join(map(str, flips)), 2)


def digits_of(index, base, count=0):
    """Digits of an index, the last one first, at least ``count`` of them."""
    digits = []
    while index or len(digits) < count:
        digits.append(index % base)
        index //= base
    return digits


def radical_inverse(digits, base):
    return sum(Fraction(int(d), base ** (k + 1)) for k, d in enumerate(digits))


def halton_digits(index, base, seed, dimension):
    """Permute each digit by Fisher and Yates' exchanges for its position."""
    images, count = [], len(digits_of(2**53, base))
    for k, digit in enumerate(digits_of(index, base, count)):
        key = mix64((point_key(seed, 5, dimension) + k) % 2**64)
        image = list(range(base))
        for i in range(base):
            j = i + ((mix64((key + i) % 2**64) >> 32) * (base - i) >> 32)
            image[i], image[j] = image[j], image[i]
        images.append(image[digit])
    return radical_inverse(images, base)


def halton_owen(index, base, seed, dimension):
    """Send each digit to ``a * digit + c``, with a and c hashes of the digits before it."""
    node = mix64(point_key(seed, 4, dimension))
    shifts = Fraction(mix64(node), 2**64)
    images = []
    for k, digit in enumerate(digits_of(index, base)):
        shift = int(shifts * base)
        shifts = shifts * base - shift
        if digit:
            random = mix64((node + k) % 2**64)
            a = 1 + ((random >> 32) * (base - 1) >> 32)
            node = mix64(random ^ digit)
            shifts = Fraction(mix64(node), 2**64)
            images.append((a * digit + shift) % base)
        else:
            images.append(shift)
    return radical_inverse(images, base) + shifts / base ** len(images)


class SurveyCounts(NamedTuple):
    """Distinct patterns, (points, distinct) at powers of two and the end, points where neurons are active."""

    distinct: int
    curve: list[tuple[int, int]]
    active: np.ndarray


def survey_counts(net: ft.Network, x) -> SurveyCounts:
    """Count patterns one point at a time."""
    active = net.preactivations(x) > 0
    seen, curve = set(), []
    for done, row in enumerate(active, 1):
        seen.add(row.tobytes())
        if done & (done - 1) == 0 or done == len(x):
            curve.append((done, len(seen)))
    return SurveyCounts(len(seen), curve, active.sum(axis=0))


def survey_points(net: ft.Network, box, n: int):
    """The points that a survey of a box sees."""
    low, high = np.array(box).T
    return (low + (high - low) * ft.sobol(n, net.input_dim)).astype(net.dtype)
