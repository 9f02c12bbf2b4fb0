"""The blocks of the CUDA kernels, run on the host: indices, order of additions, bits and barriers."""

import numpy as np
import pytest
from reference import random_network

import facetry as ft
from facetry import _core

DTYPES = ["float32", "float64"]
ROWS = [0, 1, 31, 32, 33, 63, 64, 65, 1023, 1025]
WIDTHS = [1, 5, 31, 33, 64, 65, 130]


def poisoned(net, rows):
    return {
        "outputs": np.full((rows, net.output_dim), -7, net.dtype),
        "preactivations": np.full((rows, net.n_neurons), -7, net.dtype),
        "patterns": np.full((rows, net._core.words), 0xDEADBEEF, np.uint64),
    }


RESULTS = ("outputs", "preactivations", "patterns")


def check(net, x, panel_rows=1 << 20, reverse=False, wanted=RESULTS, fuse=False):
    arrays = {name: array for name, array in poisoned(net, len(x)).items() if name in wanted}
    _core.emulate_cuda(net._core, x, panel_rows=panel_rows, fuse=fuse, reversed=reverse, **arrays)
    on_cpu = {
        "outputs": net,
        "preactivations": net.preactivations,
        "patterns": lambda x: net.patterns(x).bits,
    }
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, on_cpu[name](x), err_msg=name)


def points(net, rows, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, net.input_dim)).astype(net.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("reverse", [False, True])
def test_rows_around_the_tiles(dtype, rows, reverse):
    net = random_network([5, 33, 7], dtype=dtype)
    check(net, points(net, rows), reverse=reverse)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("reverse", [False, True])
def test_widths_around_the_tiles(dtype, width, reverse):
    net = random_network([width, width, width, width], dtype=dtype)
    check(net, points(net, 67), reverse=reverse)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [0, 1, 127, 128, 129, 255, 256, 257, 700])
@pytest.mark.parametrize("reverse", [False, True])
def test_narrow_networks_in_one_kernel(dtype, rows, reverse):
    net = random_network([2, 64, 33, 7, 1], dtype=dtype)
    check(net, points(net, rows), reverse=reverse, fuse=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 5, 7, 8, 9, 31, 33, 63, 64])
@pytest.mark.parametrize("layer", [ft.ReLU(), ft.LeakyReLU(-0.5), ft.ReLU6()])
def test_narrow_widths_in_one_kernel(dtype, width, layer):
    dense = [layer for layer in random_network([width] * 4).layers if isinstance(layer, ft.Dense)]
    net = ft.Network([dense[0], layer, dense[1], layer, dense[2]]).astype(dtype)
    check(net, points(net, 67), panel_rows=50, fuse=True)


def test_as_many_layers_as_one_kernel_takes_and_one_more():
    for layers in (8, 9, 16, 17):
        net = random_network([3] + [5] * (layers - 1) + [2])
        check(net, points(net, 20), fuse=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("panel_rows", [8, 100, 256, 300])
def test_any_panels_give_the_same_bits(dtype, panel_rows):
    net = random_network([17, 40, 70, 3], dtype=dtype)
    check(net, points(net, 601), panel_rows)


@pytest.mark.parametrize("wanted", RESULTS)
@pytest.mark.parametrize("widths", [[3, 130, 20, 5], [3, 60, 20, 5], [3, 4]])
def test_each_result_alone(wanted, widths):
    net = random_network(widths)
    check(net, points(net, 40), wanted=[wanted])
    check(net, points(net, 40), wanted=[wanted], fuse=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layers",
    [
        [ft.Dense(np.eye(5, 9))],
        [ft.ReLU()],
        [ft.Abs(), ft.LeakyReLU(-0.5), ft.ReLU()],
        [ft.PReLU([2.0, -1.0, 0.5] * 3), ft.Dense(np.eye(9)), ft.PReLU([0.25])],
        [ft.Scale(np.arange(9.0) - 4, np.ones(9)), ft.HardTanh(-1, 0.5)],
        [ft.Dense(np.ones((70, 9))), ft.ReLU6(), ft.Scale(np.full(70, -2.0), np.ones(70)), ft.HardSigmoid()],
    ],
    ids=["affine", "relu", "activations", "slopes", "scale", "clipped"],
)
def test_layers(dtype, layers):
    net = ft.Network(layers, input_dim=9).astype(dtype)
    check(net, points(net, 37))


@pytest.mark.parametrize("fuse", [False, True])
def test_ties_and_signed_zeros(fuse):
    net = ft.Network([ft.Dense(np.eye(3, dtype="f4"), [0.0, -0.0, -1.0]), ft.PReLU([-1.0, 0.5, 2.0])])
    net = net.astype("float32")
    x = np.array([[0.0, -0.0, 1.0], [-0.0, 0.0, 1.0], [1e-45, -1e-45, 1.0]], np.float32)
    got = poisoned(net, 3)
    _core.emulate_cuda(net._core, x, panel_rows=3, fuse=fuse, reversed=False, **got)
    np.testing.assert_array_equal(np.signbit(got["outputs"]), np.signbit(net(x)))
    np.testing.assert_array_equal(got["patterns"], net.patterns(x).bits)


@pytest.mark.parametrize("fuse", [False, True])
def test_overflow_and_nan_are_passed_on(fuse):
    big = np.float32(3e38)
    net = ft.Network(
        [ft.Dense([[big, big], [big, -big], [-big, -big]]), ft.ReLU(), ft.Dense([[1, -1, 1], [1, 1, 1]])]
    )
    net = net.astype("float32")
    x = np.array([[1, 1], [3, 3], [-3, -3], [0.5, 0.25]], np.float32)
    assert np.isnan(net(x)).any()
    check(net, x, fuse=fuse)


def test_a_wide_first_layer():
    net = random_network([300, 200, 10])
    check(net, points(net, 130), reverse=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scramble", [None, "owen", "lms", "shift"])
@pytest.mark.parametrize("bits", [1, 3, 32, 52])
@pytest.mark.parametrize("d", [1, 3, 31, 64, 130])
def test_sobol(dtype, scramble, bits, d):
    stream = ft.Sobol(d, scramble=scramble, seed=5, bits=bits, dtype=dtype)
    for skip, n in [(0, 1), (0, 8), (3, 5), (7, 0), (1000, 700), (2**32 - 300, 300)]:
        if skip + n <= 2**bits:
            out = np.full((n, d), -1, dtype)
            _core.emulate_cuda_sobol(stream._native, skip, out)
            np.testing.assert_array_equal(out, stream.points(skip, n))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scramble", [None, "owen", "digits"])
@pytest.mark.parametrize("leap", [1, 7])
@pytest.mark.parametrize("d", [1, 2, 32, 70])
def test_halton(dtype, scramble, leap, d):
    stream = ft.Halton(d, scramble=scramble, seed=5, leap=leap, dtype=dtype)
    for skip, n in [(0, 1), (0, 64), (3, 65), (5, 0), (2**32 - 20, 90), (2**47, 40)]:
        out = np.full((n, d), -1, dtype)
        _core.emulate_cuda_halton(stream._native, skip, leap, out)
        np.testing.assert_array_equal(out, stream.points(skip, n))
