"""Gradients of neurons, affine maps and half-spaces of patterns, products with Jacobians."""

from fractions import Fraction

import numpy as np
import pytest
from reference import frozen, random_network

import facetry as ft

METHODS = ["auto", "perturbation", "dynamic", "backprop"]
DTYPES = ["float32", "float64"]


def every_kind(dtype="float64", seed=0):
    """A network with every operation, with scales and neurons in unusual places."""
    rng = np.random.default_rng(seed)

    def dense(outputs, inputs):
        return ft.Dense(
            rng.standard_normal((outputs, inputs)).astype(dtype), rng.standard_normal(outputs).astype(dtype)
        )

    def scale(n):
        return ft.Scale(rng.standard_normal(n).astype(dtype), rng.standard_normal(n).astype(dtype))

    slopes = rng.standard_normal(12).astype(dtype)
    layers = [scale(5), dense(17, 5), ft.LeakyReLU(0.1), scale(17), dense(9, 17), dense(33, 9)]
    layers += [ft.HardTanh(-0.5, 2), dense(12, 33), ft.PReLU(slopes), dense(8, 12), ft.Abs(), ft.ReLU()]
    return ft.Network([*layers, dense(4, 8), ft.HardSigmoid()])


def neurons_first(dtype="float64"):
    return ft.Network([ft.ReLU(), ft.Abs(), *every_kind(dtype).layers])


def expected(net, x):
    """Jacobians of neurons (n, neurons, inputs) and outputs, and offsets, by the oracle."""
    maps = [frozen(net, row) for row in net.patterns(x).to_bool()]
    return [np.array([m[i][j] for m in maps]).astype(float) for i in (0, 1) for j in (0, 1)]


def points(net, n, seed=1):
    return np.random.default_rng(seed).standard_normal((n, net.input_dim)).astype(net.dtype)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", [every_kind, neurons_first])
def test_gradients_of_every_kind_of_operation(isa, make, dtype, method):
    net = make(dtype)
    x = points(net, 23)
    gradients = net.neuron_gradients(x, method=method)
    assert gradients.dtype == dtype
    assert gradients.shape == (23, net.n_neurons, 5)
    wanted = expected(net, x)[0]
    np.testing.assert_allclose(gradients, wanted, rtol=0, atol=np.finfo(dtype).eps * 40 * abs(wanted).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65])
def test_widths_around_the_registers(isa, dtype, width):
    for widths in ([width, 5, width, 3], [3, width, width, 2]):
        net = random_network(widths, dtype=dtype)
        x = points(net, 4)
        wanted = expected(net, x)[0]
        for method in METHODS:
            got = net.neuron_gradients(x, method=method)
            np.testing.assert_allclose(got, wanted, rtol=0, atol=np.finfo(dtype).eps * 20 * abs(wanted).max())


@pytest.mark.parametrize("dtype", DTYPES)
def test_forward_methods_give_the_same_bits_everywhere(isa, threads, dtype):
    net = random_network([70, 60, 50, 40, 3], dtype=dtype, activation=lambda: ft.LeakyReLU(0.2))
    x = points(net, 30)
    ft.use_isa(ft.available_isas()[-1])
    wanted = net.neuron_gradients(x[7:8], method="perturbation")
    ft.use_isa(isa)
    np.testing.assert_array_equal(net.neuron_gradients(x, method="perturbation")[7], wanted[0])
    np.testing.assert_array_equal(net.neuron_gradients(x, method="dynamic")[7], wanted[0])


@pytest.mark.parametrize("method", METHODS)
def test_axes_and_neurons_are_chosen_in_any_order(method):
    net = every_kind()
    x = points(net, 6)
    whole = net.neuron_gradients(x, method=method)
    axes, neurons = [4, -5, 2], [30, 2, -1, 0, 61]
    got = net.neuron_gradients(x, axes, neurons, method=method)
    np.testing.assert_allclose(got, whole[:, neurons][:, :, axes], rtol=1e-12, atol=1e-14)
    layer = net.neurons_of_layer(1)
    np.testing.assert_allclose(
        net.neuron_gradients(x, slice(1, 3), layer, method=method),
        whole[:, list(layer), 1:3],
        rtol=1e-12,
        atol=1e-14,
    )
    assert net.neuron_gradients(x, [], neurons).shape == (6, 5, 0)
    assert net.neuron_gradients(x, None, []).shape == (6, 0, 5)
    assert net.neuron_gradients(x[:0], method=method).shape == (0, net.n_neurons, 5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("inputs", [200, 333])  # several panels of columns
def test_wide_inputs(isa, threads, inputs, method):
    net = random_network([inputs, 40, 300, 20, 2], dtype="float32")
    x = points(net, 3)
    wanted = expected(net, x)[0]
    got = net.neuron_gradients(x, method=method)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-6 * abs(wanted).max())


def test_gradients_are_finite_differences_inside_the_region():
    net = every_kind()
    x = points(net, 40)
    step = 2.0**-16
    gradients = net.neuron_gradients(x)
    for axis in range(5):
        moved = x.copy()
        moved[:, axis] += step
        inside = (net.patterns(moved).to_bool() == net.patterns(x).to_bool()).all(axis=1)
        assert inside.sum() > 30
        slopes = (net.preactivations(moved) - net.preactivations(x))[inside] / (moved - x)[inside, axis, None]
        error = abs(slopes - gradients[inside, :, axis]).max()
        assert error < 1e-8 * abs(slopes).max()


def test_a_tie_is_inactive():
    net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -0.0]), ft.ReLU(), ft.Dense([[1.0, 1.0]]), ft.ReLU()])
    for method in METHODS:
        assert net.neuron_gradients([[0.0]], method=method)[0, 2, 0] == 0


def test_networks_without_neurons_or_dense_layers():
    affine = ft.Network([ft.Scale([2.0, 3.0], [1.0, 1.0])])
    assert affine.neuron_gradients([[1.0, 1.0]]).shape == (1, 0, 2)
    jacobian, offset = affine.affine_maps([[5.0, 5.0]])
    assert jacobian.tolist() == [[[2.0, 0.0], [0.0, 3.0]]]
    assert offset.tolist() == [[1.0, 1.0]]
    relu = ft.Network([ft.ReLU()], input_dim=2)
    assert relu.affine_maps(np.float32([[1, -1]])).jacobian.tolist() == [[[1, 0], [0, 0]]]
    assert affine.halfspaces(affine.patterns([[1.0, 1.0]])).A.shape == (0, 2)


def test_results_go_into_out_and_through_the_iterator():
    net = every_kind()
    x = points(net, 10)
    whole = net.neuron_gradients(x)
    out = np.full_like(whole, np.nan)
    assert net.neuron_gradients(x, out=out) is out
    np.testing.assert_array_equal(out, whole)
    blocks = list(net.iter_neuron_gradients(x, max_bytes=4 * whole[0].nbytes + 1))
    assert [rows for rows, _ in blocks] == [slice(0, 4), slice(4, 8), slice(8, 10)]
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), whole)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", [every_kind, neurons_first])
def test_affine_maps_agree_with_the_oracle_and_with_the_values(isa, make, dtype):
    net = make(dtype)
    x = points(net, 19)
    jacobian, offset = net.affine_maps(x)
    _, _, wanted, wanted_offset = expected(net, x)
    tolerance = np.finfo(dtype).eps * 100
    np.testing.assert_allclose(jacobian, wanted, rtol=0, atol=tolerance * abs(wanted).max())
    np.testing.assert_allclose(offset, wanted_offset, rtol=0, atol=tolerance * abs(wanted_offset).max())
    values = np.einsum("noi,ni->no", jacobian, x) + offset
    np.testing.assert_allclose(values, net(x), rtol=0, atol=tolerance * abs(wanted).max() * 10)


def sattelberg():
    w1, w2, w3 = (
        [[3, 0, 4], [5, 9, 1], [6, 1, 2]],
        [[2, 9, 5], [1, 3, 3], [8, 7, 0]],
        [[7, 9, 6], [4, 0, 9], [7, 3, 7]],
    )
    return ft.Network(
        [ft.Dense(w1, [7, 2, 9]), ft.ReLU(), ft.Dense(w2, [7, 7, 8]), ft.ReLU(), ft.Dense(w3, [5, 5, 2])]
    )


def test_the_printed_pattern_of_sattelberg_is_infeasible():
    """Fig. 5.1 prints another matrix, and a region of validity with the first layer unmasked."""
    net = sattelberg()
    pattern = ft.Patterns.from_bool([[True, False, True, False, True, False]], net.layer_widths)
    jacobian, offset = net.affine_map_of(pattern)
    assert jacobian[0].tolist() == [[189, 27, 90], [0, 0, 0], [63, 9, 30]]
    assert offset[0].tolist() == [374, 5, 125]
    A, b, neuron = net.halfspaces(pattern)
    assert neuron.tolist() == list(range(6))
    assert _largest_slack(A, b) == pytest.approx(-8 / 9, abs=1e-9)
    w1, w2 = net.layers[0], net.layers[2]  # the printed system leaves out the mask between the two
    sign = np.array([-1, 1, -1])[:, None]
    unmasked = np.vstack([A[:3], -sign * (w2.weight @ w1.weight)])
    assert _largest_slack(unmasked, np.append(b[:3], sign[:, 0] * (w2.weight @ w1.bias + w2.bias))) > 0


def _largest_slack(A, b):
    """Give the largest t <= 1 with A x + t <= b for some x: negative where no x satisfies the rows."""
    optimize = pytest.importorskip("scipy.optimize", reason="solves the linear programme")
    rows = np.hstack([A, np.ones((len(A), 1))])
    bounds = [(None, None)] * A.shape[1] + [(None, 1)]
    return -optimize.linprog([0] * A.shape[1] + [-1], A_ub=rows, b_ub=b, bounds=bounds).fun


@pytest.mark.parametrize("make", [every_kind, neurons_first, sattelberg])
def test_half_spaces_hold_exactly_where_the_pattern_is(make):
    net = make()
    x = points(net, 12)
    patterns = net.patterns(x)
    for i, point in enumerate(x):
        row = patterns[i]
        A, b, neuron = net.halfspaces(row)
        (gradients, offsets), _ = frozen(net, row.to_bool()[0])
        sign = np.where(row.to_bool()[0], -1.0, 1.0)
        np.testing.assert_allclose(A, (sign[:, None] * gradients).astype(float), atol=1e-12 * abs(A).max())
        np.testing.assert_allclose(b, (-sign * offsets).astype(float), atol=1e-12 * abs(b).max())
        np.testing.assert_array_equal(neuron, np.arange(net.n_neurons))
        assert (A @ point <= b + 1e-9).all()


def test_half_spaces_of_a_float32_network_are_those_of_its_exact_weights():
    net = random_network([3, 4, 2], dtype="float32")
    x = points(net, 1)
    A, b, _ = net.halfspaces(net.patterns(x))
    (gradients, offsets), _ = frozen(net, net.patterns(x).to_bool()[0], Fraction)
    sign = np.where(net.patterns(x).to_bool()[0], -1, 1)
    np.testing.assert_allclose(A, (sign[:, None] * gradients).astype(float), rtol=1e-15)
    np.testing.assert_allclose(b, (-sign * offsets).astype(float), rtol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", [every_kind, neurons_first])
def test_products_with_jacobians(isa, threads, make, dtype):
    net = make(dtype)
    x = points(net, 130)
    jacobian = expected(net, x)[2]
    rng = np.random.default_rng(3)
    v = rng.standard_normal((130, 5)).astype(dtype)
    u = rng.standard_normal((130, 3, 4)).astype(dtype)
    tolerance = np.finfo(dtype).eps * 100 * abs(jacobian).max()
    np.testing.assert_allclose(net.jvp(x, v), np.einsum("noi,ni->no", jacobian, v), rtol=0, atol=tolerance)
    np.testing.assert_allclose(net.vjp(x, u), np.einsum("nko,noi->nki", u, jacobian), rtol=0, atol=tolerance)
    stacked = np.stack([v, -v], axis=1)
    np.testing.assert_array_equal(net.jvp(x, stacked)[:, 0], net.jvp(x, v))
    np.testing.assert_array_equal(net.vjp(x, u[:, 1]), net.vjp(x, u)[:, 1])


def test_gradients_that_overflow_are_not_hidden():
    net = ft.Network([ft.Dense(np.float32([[1e30]])), ft.ReLU(), ft.Dense(np.float32([[1e30]])), ft.ReLU()])
    for method in METHODS:
        assert net.neuron_gradients(np.float32([[1e-30]]), method=method)[0, 1, 0] == np.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"axes": [0, 5]}, r"axes\[1\] is 5, there are 5"),
        ({"axes": [-6]}, r"axes\[0\] is -6, there are 5"),
        ({"axes": [1, 2, 1]}, "axes holds 1 more than once"),
        ({"axes": [0, -5]}, "axes holds 0 more than once"),
        ({"neurons": [10_000]}, r"neurons\[0\] is 10000, there are"),
        ({"method": "magic"}, "method is 'magic', expected 'auto', 'perturbation', 'dynamic' or 'backprop'"),
    ],
)
def test_bad_choices_are_named(arguments, message):
    net = every_kind()
    with pytest.raises(ValueError, match=message):
        net.neuron_gradients(points(net, 2), **arguments)


def test_bad_input_is_named():
    net = every_kind()
    x = points(net, 2)
    with pytest.raises(TypeError, match=r"axes must be a slice or a sequence of integers, is \[0.5\]"):
        net.neuron_gradients(x, [0.5])
    with pytest.raises(ValueError, match=r"x is not finite at index \(1, 2\)"):
        net.neuron_gradients(np.where(np.arange(10).reshape(2, 5) == 7, np.nan, x))
    with pytest.raises(MemoryError, match=r"gradients of shape \(2, 119, 5\) need .* max_bytes is 100"):
        net.neuron_gradients(x, max_bytes=100)
    with pytest.raises(MemoryError, match="the gradients of one point need 4,760 bytes, max_bytes is 100"):
        net.iter_neuron_gradients(x, max_bytes=100)
    with pytest.raises(ValueError, match=r"out has shape \(2, 3\), expected \(2, 119, 5\)"):
        net.neuron_gradients(x, out=np.empty((2, 3)))
    with pytest.raises(TypeError, match=r"pattern must be facetry\.Patterns, is ndarray"):
        net.affine_map_of(x)
    with pytest.raises(ValueError, match=r"pattern has layers of \(2,\) neurons, the network of"):
        net.halfspaces(ft.Patterns.from_bool([[True, False]], [2]))
    with pytest.raises(
        ValueError, match=r"pattern holds 2 patterns, expected one: select it with pattern\[i\]"
    ):
        net.halfspaces(net.patterns(x))
    with pytest.raises(ValueError, match=r"v has shape \(2, 4\), expected \(2, 5\) or \(2, k, 5\)"):
        net.jvp(x, np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"u has shape \(3, 4\), expected \(2, 4\) or \(2, k, 4\)"):
        net.vjp(x, np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"u is not finite at row 1, element 2"):
        net.vjp(x, np.where(np.arange(8).reshape(2, 4) == 6, np.inf, 1.0))
    with pytest.raises(ValueError, match="layer 9 of 8 layers of neurons"):
        net.neurons_of_layer(9)
