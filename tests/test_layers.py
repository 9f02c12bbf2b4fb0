"""Layers: what each computes, and what it refuses."""

import numpy as np
import pytest
from reference import exact, propagate

import facetry as ft

KINDS = [
    ft.ReLU(),
    ft.LeakyReLU(),
    ft.LeakyReLU(-0.5),
    ft.LeakyReLU(1.5),
    ft.PReLU([-0.67, 0.0, 0.25, 1.0, 1.3]),
    ft.PReLU([0.1]),
    ft.HardTanh(),
    ft.HardTanh(-0.25, 3.0),
    ft.ReLU6(),
    ft.HardSigmoid(),
    ft.HardSigmoid(0.2, 0.5),
    ft.Abs(),
]


@pytest.mark.parametrize("layer", KINDS, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_are_those_of_the_definition(isa, layer, dtype):
    net = ft.Network([ft.Dense(np.eye(5, dtype=dtype)), layer])
    x = np.random.default_rng(0).uniform(-8, 8, (40, 5)).astype(dtype)
    x[0] = [0, 1, -1, 6, -3]
    wanted = [[float(v) for v in exact(net, point)] for point in x]
    np.testing.assert_allclose(net(x), wanted, rtol=0, atol=8 * np.finfo(dtype).eps)
    outputs, preactivations = propagate(net, x)
    np.testing.assert_array_equal(net(x), outputs)
    np.testing.assert_array_equal(net.patterns(x).to_bool(), preactivations > 0)


@pytest.mark.parametrize(("layer", "low", "high"), [(ft.HardTanh(), -1, 1), (ft.ReLU6(), 0, 6)])
def test_clipping_keeps_its_digits_far_outside(layer, low, high):
    """ReLU(x - low) - ReLU(x - high) gives 0 for x = 1e8 in float32."""
    net = ft.Network([ft.Dense(np.ones((1, 1), "float32")), layer])
    np.testing.assert_array_equal(net(np.array([[1e8], [-1e8]], "float32")), [[high], [low]])


def test_clipping_has_two_layers_of_neurons():
    net = ft.Network([ft.Dense(np.eye(3)), ft.HardTanh(), ft.Dense(np.eye(3)), ft.ReLU()])
    assert net.layer_widths == (3, 3, 3)
    assert net.patterns([[-2.0, 0.0, 2.0]]).layer(0).to_bool().tolist() == [[False, True, True]]
    assert net.patterns([[-2.0, 0.0, 2.0]]).layer(1).to_bool().tolist() == [[True, True, False]]


def test_slopes_that_are_not_a_maximum():
    """With a slope above 1 or below 0, max(x, slope * x) is another function."""
    net = ft.Network([ft.Dense(np.eye(2)), ft.PReLU([1.3, -0.67])])
    np.testing.assert_array_equal(net([[-1.0, -1.0], [2.0, 2.0]]), [[-1.3, 0.67], [2.0, 2.0]])


def test_equality_and_hash():
    assert ft.Dense([[1.0]], [0.0]) == ft.Dense([[1.0]])
    assert ft.Dense([[1.0]]) != ft.Dense([[2.0]])
    assert ft.Dense([[1.0]]) != ft.Dense(np.ones((1, 1), "float32"))
    assert ft.ReLU() == ft.ReLU()
    assert ft.ReLU() != ft.Abs()
    assert ft.LeakyReLU(0.1) != ft.LeakyReLU(0.2)
    assert hash(ft.Dense([[1.0]], [0.0])) == hash(ft.Dense([[1.0]]))


def test_parameters_are_converted_exactly_or_refused():
    assert ft.Dense(np.ones((1, 1), "float16")).weight.dtype == np.float32
    assert ft.Dense(np.ones((1, 1), "int64")).weight.dtype == np.float64
    assert ft.Dense(np.asfortranarray(np.ones((3, 2)))).weight.flags.c_contiguous
    with pytest.raises(ValueError, match="weight holds integers that are not exact in float64"):
        ft.Dense([[2**53 + 1]])
    with pytest.raises(TypeError, match="weight has dtype complex128, expected float32 or float64"):
        ft.Dense([[1j]])
    with pytest.raises(TypeError, match=r"weight has dtype (longdouble|float128)"):
        ft.Dense(np.ones((1, 1), np.longdouble))
    with pytest.raises(TypeError, match="weight must hold numbers, holds Python objects"):
        ft.Dense(np.array([[None]], object))
    with pytest.raises(TypeError, match="weight has dtype <U1"):
        ft.Dense([["a"]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ft.Dense([1.0, 2.0]), r"weight has shape \(2,\), expected 2 dimensions"),
        (lambda: ft.Dense(3.0), r"weight has shape \(\), expected 2 dimensions"),
        (
            lambda: ft.Dense([[1.0], [2.0]], [1.0]),
            r"bias has shape \(1,\), expected \(2,\) for weight \(2, 1\)",
        ),
        (lambda: ft.Dense([[1.0]], [[1.0]]), r"bias has shape \(1, 1\), expected 1 dimensions"),
        (lambda: ft.Dense(np.empty((0, 3))), r"weight has shape \(0, 3\): a layer needs at least one input"),
        (lambda: ft.Dense(np.empty((3, 0))), r"weight has shape \(3, 0\): a layer needs at least one input"),
        (lambda: ft.Dense([[1.0, np.nan]]), r"weight is not finite at index \(0, 1\)"),
        (lambda: ft.Dense([[1.0]], [np.inf]), r"bias is not finite at index \(0,\)"),
        (lambda: ft.Scale([1.0], [1.0, 2.0]), r"scale has shape \(1,\) and shift \(2,\)"),
        (lambda: ft.Scale([], []), r"expected the same, not empty"),
        (lambda: ft.PReLU([]), "slopes is empty"),
        (lambda: ft.LeakyReLU(np.nan), "slope must be finite, is nan"),
        (lambda: ft.HardTanh(1.0, 1.0), r"low is 1.0, high is 1.0: expected low < high"),
        (lambda: ft.HardTanh(0.0, np.inf), "high must be finite, is inf"),
        (lambda: ft.HardSigmoid(np.inf), "slope must be finite, is inf"),
    ],
)
def test_bad_parameters_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(
        ValueError, match=r"layers\[2\]: Dense\(4 -> 1\) takes 4 inputs, the layer before it gives 3"
    ):
        ft.Network([ft.Dense(np.ones((3, 2))), ft.ReLU(), ft.Dense(np.ones((1, 4)))])
    with pytest.raises(ValueError, match=r"layers\[1\]: PReLU\(2 slopes\) takes 2 inputs"):
        ft.Network([ft.Dense(np.ones((3, 2))), ft.PReLU([0.1, 0.2])])
    with pytest.raises(ValueError, match=r"layers\[1\]: Scale\(1\) takes 1 inputs"):
        ft.Network([ft.Dense(np.ones((3, 2))), ft.Scale([1.0], [0.0])])
    with pytest.raises(
        ValueError, match=r"layers\[0\]: Dense\(2 -> 3\) takes 2 inputs, the layer before it gives 5"
    ):
        ft.Network([ft.Dense(np.ones((3, 2)))], input_dim=5)
    with pytest.raises(ValueError, match="no layer tells the number of inputs: pass input_dim="):
        ft.Network([ft.ReLU()])
    with pytest.raises(ValueError, match="input_dim must be at least 1, is 0"):
        ft.Network([ft.ReLU()], input_dim=0)
    with pytest.raises(ValueError, match="a network needs at least one layer"):
        ft.Network([])
    with pytest.raises(TypeError, match=r"layers\[0\] is a ndarray, expected a facetry layer"):
        ft.Network([np.ones((2, 2))])
