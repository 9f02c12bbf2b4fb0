"""Values and patterns of networks: the order-of-fma contract on every instruction set; the network object."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import exact, fma, propagate, random_network

import facetry as ft

DTYPES = ["float32", "float64"]
ROWS = [0, 1, 5, 6, 7, 13, 14, 15, 113]  # around the register blocks of 4, 6 and 14 rows, and a panel


def test_the_reference_fma_is_correctly_rounded():
    from fractions import Fraction

    rng = np.random.default_rng(0)
    for dtype in DTYPES:
        w, a, z = (rng.standard_normal(200).astype(dtype) for _ in range(3))
        z = np.where(rng.random(200) < 0.5, -(w * a), z).astype(dtype)  # cancels all but the rounding error
        for got, *terms in zip(fma(w, a, z), w, a, z, strict=True):
            wanted = Fraction(float(terms[0])) * Fraction(float(terms[1])) + Fraction(float(terms[2]))
            error = abs(Fraction(float(got)) - wanted)
            for end in (got.dtype.type(np.inf), got.dtype.type(-np.inf)):  # numpy 1 would promote a float
                assert error <= abs(Fraction(float(np.nextafter(got, end))) - wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("widths", [[1, 1], [1, 1, 1], [3, 20, 33, 2], [13, 37, 70, 9], [5, 8, 16, 64, 1]])
def test_values_follow_the_contract(isa, dtype, widths):
    net = random_network(widths, dtype=dtype)
    x = np.random.default_rng(1).standard_normal((29, widths[0])).astype(dtype)
    outputs, preactivations = propagate(net, x)
    np.testing.assert_array_equal(net(x), outputs)
    np.testing.assert_array_equal(net.preactivations(x), preactivations)
    np.testing.assert_array_equal(net.patterns(x).to_bool(), preactivations > 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130])
def test_widths_around_the_registers(isa, dtype, width):
    net = random_network([3, width, width, 2], dtype=dtype)
    x = np.random.default_rng(2).standard_normal((9, 3)).astype(dtype)
    outputs, preactivations = propagate(net, x)
    np.testing.assert_array_equal(net(x), outputs)
    np.testing.assert_array_equal(net.patterns(x).to_bool(), preactivations > 0)
    assert net.patterns(x) == ft.Patterns.from_bool(preactivations > 0, [width, width])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", ROWS)
def test_any_split_into_batches_gives_the_same_bits(isa, threads, dtype, rows):
    net = random_network([6, 40, 24, 3], dtype=dtype)
    x = np.random.default_rng(3).standard_normal((rows, 6)).astype(dtype)
    one_by_one = [net(x[i : i + 1]) for i in range(rows)]
    np.testing.assert_array_equal(net(x), np.concatenate(one_by_one) if rows else np.empty((0, 3), dtype))
    bits = [net.patterns(x[i : i + 1]).bits for i in range(rows)]
    np.testing.assert_array_equal(net.patterns(x).bits, np.concatenate(bits) if rows else np.empty((0, 2)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_panels_and_threads_give_the_same_bits(isa, threads, dtype):
    net = random_network([2, 64, 64, 1], dtype=dtype)
    x = np.random.default_rng(4).random((20_011, 2)).astype(dtype)
    sample = np.random.default_rng(5).integers(0, len(x), 50)
    np.testing.assert_array_equal(net(x)[sample], net(x[sample]))
    np.testing.assert_array_equal(net.patterns(x).bits[sample], net.patterns(x[sample]).bits)


@pytest.mark.parametrize("inputs", [512, 1024, 2048])  # strides that are copied for the cache's sake
def test_rows_a_page_apart(isa, inputs):
    net = random_network([inputs, 33, 1])
    x = np.random.default_rng(6).standard_normal((17, inputs)).astype("float32")
    rows = [0, 16]
    np.testing.assert_array_equal(net(x)[rows], propagate(net, x[rows])[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_denormals_are_not_flushed(isa, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    net = ft.Network([ft.Dense(np.array([[1], [-1]], dtype)), ft.ReLU(), ft.Dense(np.ones((1, 2), dtype))])
    x = np.array([[tiny], [-tiny], [0]], dtype)
    np.testing.assert_array_equal(net.patterns(x).to_bool(), [[True, False], [False, True], [False, False]])
    np.testing.assert_array_equal(net(x), [[tiny], [tiny], [0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_rounding_errors_of_an_fma_are_kept(isa, dtype):
    """(1 + eps)^2 - (1 + 2 eps) is eps^2 when the product is not rounded, and 0 when it is."""
    eps = np.finfo(dtype).eps
    w = np.array([[1 + eps]], dtype)
    net = ft.Network([ft.Dense(w, np.array([-(1 + 2 * eps)], dtype)), ft.ReLU()])
    np.testing.assert_array_equal(net(w), [[eps * eps]])
    assert net.patterns(w).to_bool().all()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3))
def test_fma_of_any_floats(numbers):
    w, a, b = (np.float32(v) for v in numbers)
    before = ft.isa()
    for name in ft.available_isas():
        ft.use_isa(name)
        z = ft.Network([ft.Dense(np.full((1, 1), w), np.full(1, b)), ft.Abs()]).preactivations(
            np.full((3, 1), a)
        )
        np.testing.assert_array_equal(z, np.full((3, 1), fma(w, a, b)), strict=True)
    ft.use_isa(before)


def test_overflow_is_ieee_and_not_hidden(isa):
    huge = np.full((1, 1), np.finfo("float32").max)
    double = ft.Dense(np.full((1, 1), 2, "float32"))
    assert ft.Network([double])(huge).item() == np.inf
    assert ft.Network([double, ft.ReLU()])(-huge).item() == 0
    both = ft.Dense(np.array([[2], [-2]], "float32"))
    net = ft.Network([both, ft.Dense(np.array([[1, 1]], "float32")), ft.ReLU()])
    assert np.isnan(net(huge).item())
    assert not net.patterns(huge).to_bool().any()


def test_ties_are_inactive(isa):
    net = ft.Network([ft.Dense([[1.0, -1.0]] * 40), ft.ReLU(), ft.Dense(np.ones((1, 40)), [2.0])])
    np.testing.assert_array_equal(net.patterns([[3.0, 3.0]]).bits, [[0]])
    np.testing.assert_array_equal(net.patterns([[3.0, 2.0]]).bits, [[2**40 - 1]])
    np.testing.assert_array_equal(net([[3.0, 3.0]]), [[2.0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_outputs_are_near_the_exact_ones(dtype):
    net = random_network([4, 12, 12, 3], dtype=dtype)
    x = np.random.default_rng(7).standard_normal((5, 4)).astype(dtype)
    wanted = [[float(v) for v in exact(net, point)] for point in x]
    np.testing.assert_allclose(net(x), wanted, rtol=0, atol=50 * np.finfo(dtype).eps)


def test_a_network_without_hidden_layer():
    net = ft.Network([ft.Dense([[1.0, 2.0], [3.0, 4.0]], [0.5, -0.5])])
    assert (net.input_dim, net.output_dim, net.n_neurons, net.layer_widths) == (2, 2, 0, ())
    np.testing.assert_array_equal(net([[1.0, 1.0]]), [[3.5, 6.5]])
    assert net.preactivations([[1.0, 1.0]]).shape == (1, 0)
    patterns = net.patterns(np.zeros((4, 2)))
    assert (len(patterns), patterns.n_neurons, len(patterns.unique())) == (4, 0, 1)
    assert net.count_patterns(np.zeros((4, 2))).distinct == 1


def test_a_network_that_begins_with_neurons(isa):
    net = ft.Network([ft.ReLU(), ft.Dense([[1.0, 1.0]]), ft.LeakyReLU(0.5)])
    x = [[1.0, -5.0], [-1.0, -2.0]]
    np.testing.assert_array_equal(net(x), [[1.0], [0.0]])
    np.testing.assert_array_equal(net.preactivations(x), [[1, -5, 1], [-1, -2, 0]])
    only = ft.Network([ft.ReLU()], input_dim=70)
    values = np.linspace(-1, 1, 70, dtype="float32")[None]
    np.testing.assert_array_equal(only.patterns(values).to_bool(), values > 0)
    np.testing.assert_array_equal(only(values), np.maximum(values, 0))


def test_out_is_filled_and_returned():
    net = random_network([3, 5, 2])
    x = np.ones((4, 3), "float32")
    out = np.full((4, 2), np.nan, "float32")
    assert net(x, out=out) is out
    np.testing.assert_array_equal(out, net(x))
    hidden = np.full((4, 5), np.nan, "float32")
    assert net.preactivations(x, out=hidden) is hidden
    np.testing.assert_array_equal(hidden, net.preactivations(x))


def test_equality_pickle_and_copy():
    net = random_network([3, 5, 2])
    assert net == random_network([3, 5, 2])
    assert hash(net) == hash(random_network([3, 5, 2]))
    assert net != random_network([3, 5, 2], seed=1)
    assert net != net.astype("float64")
    assert net != ft.Network(net.layers, input_box=[[0, 1]] * 3)
    assert net != "a network"
    again = pickle.loads(pickle.dumps(net))
    assert again == net
    np.testing.assert_array_equal(again(np.ones((1, 3), "f4")), net(np.ones((1, 3), "f4")))
    assert copy.copy(net) is net
    assert copy.deepcopy(net) is net
    boxed = ft.Network(net.layers, input_box=[[0, 1]] * 3)
    assert pickle.loads(pickle.dumps(boxed)) == boxed


def test_networks_are_immutable():
    net = random_network([3, 5, 2])
    with pytest.raises(AttributeError):
        net.layers = ()
    with pytest.raises(ValueError, match="read-only"):
        net.layers[0].weight[0, 0] = 1
    weight = np.ones((1, 1))
    layer = ft.Dense(weight)
    weight[0, 0] = 2
    assert layer.weight[0, 0] == 1


def test_repr_shows_the_architecture():
    assert repr(random_network([3, 5, 2])) == (
        "Network(3 -> 2, 5 neurons, float32: Dense(3 -> 5), ReLU(), Dense(5 -> 2))"
    )


def test_dtype_is_the_widest_of_the_layers():
    single = ft.Dense(np.ones((2, 2), "float32"))
    assert ft.Network([single]).dtype == np.float32
    assert ft.Network([single, ft.Dense(np.ones((2, 2)))]).dtype == np.float64
    assert ft.Network([single]).astype("float64").dtype == np.float64
    assert ft.Network([ft.ReLU()], input_dim=2).astype("float64").dtype == np.float64


def test_fix_inputs_gives_the_same_bits(isa):
    net = ft.Network(random_network([4, 20, 3]).layers, input_box=[[-1, 1], [-2, 2], [-3, 3], [-4, 4]])
    slice_net = net.fix_inputs({1: 0.25, -1: -2.0})
    x = np.random.default_rng(8).standard_normal((10, 2)).astype("float32")
    whole = np.column_stack([x[:, 0], np.full(10, 0.25), x[:, 1], np.full(10, -2.0)]).astype("float32")
    np.testing.assert_array_equal(slice_net(x), net(whole))
    assert slice_net.patterns(x) == net.patterns(whole)
    np.testing.assert_array_equal(slice_net.input_box, [[-1, 1], [-3, 3]])


def test_truncate():
    net = random_network([4, 6, 5, 3])
    x = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(net.truncate(2)(x), net.preactivations(x)[:, 6:])
    assert net.truncate(-1) == net
    assert net.truncate(0).n_neurons == 0


ACTIVATIONS = [
    ft.ReLU,
    ft.LeakyReLU,
    lambda: ft.PReLU([-0.5, 0.0, 1.5, 0.25, 1.0]),
    ft.HardTanh,
    ft.ReLU6,
    ft.HardSigmoid,
    ft.Abs,
]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_standard_form_is_equal_and_alternates(activation):
    net = random_network([3, 5, 5, 2], dtype="float64", activation=activation)
    net = ft.Network([ft.Scale([2.0, 0.5, -1.0], [0.1, 0.2, 0.3]), *net.layers, ft.Dense(np.eye(2))])
    form = net.standard_form()
    kinds = [type(layer) for layer in form.layers]
    assert kinds == [ft.Dense, ft.ReLU] * (len(kinds) // 2) + [ft.Dense]
    x = 3 * np.random.default_rng(9).standard_normal((200, 3))
    np.testing.assert_allclose(form(x), net(x), rtol=0, atol=1e-12)


def test_count_patterns_agrees_with_unique():
    net = random_network([2, 16, 16, 1])
    x = np.random.default_rng(10).random((1000, 2)).astype("float32")
    count = net.count_patterns(x, chunk=96)
    assert (count.points, count.distinct, count.complete) == (1000, len(net.patterns(x).unique()), True)
    assert [points for points, _ in count.curve] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000]
    for points, distinct in count.curve:
        assert distinct == len(net.patterns(x[:points]).unique())
    assert net.count_patterns(x[i : i + 7] for i in range(0, 1000, 7)) == count
    assert net.count_patterns(x[:0]).curve == ()


def test_count_patterns_reports_progress_and_caps_memory():
    net = random_network([2, 16, 16, 1])
    x = np.random.default_rng(10).random((1000, 2)).astype("float32")
    calls = []
    capped = net.count_patterns(x, max_bytes=600, progress=lambda done, total: calls.append((done, total)))
    assert not capped.complete
    assert 0 < capped.distinct < net.count_patterns(x).distinct
    assert calls[-1] == (1000, 1000)


def test_progress_true_counts_on_standard_error(capsys):
    net = random_network([2, 16, 1])
    x = np.zeros((1000, 2), "float32")
    net.count_patterns(x, chunk=100, progress=True)
    assert capsys.readouterr().err.endswith("\r1,000 of 1,000 points\n")
    net.count_patterns(x)
    assert capsys.readouterr().err == ""


def test_activations_in_a_row_have_neurons_of_their_own(isa):
    net = ft.Network([ft.Dense(np.eye(2)), ft.ReLU(), ft.LeakyReLU(0.5), ft.Abs(), ft.Dense([[1.0, 1.0]])])
    x = [[-1.0, 2.0]]
    np.testing.assert_array_equal(net.preactivations(x), [[-1, 2, 0, 2, 0, 2]])
    np.testing.assert_array_equal(net.patterns(x).to_bool(), [[False, True, False, True, False, True]])
    np.testing.assert_array_equal(net(x), [[2.0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_of_every_class_of_numbers(isa, dtype):
    """Bits, so that the sign of zero counts: +0 for all that is not positive, NaN passed on."""
    tiny, huge = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    numbers = np.array([0.0, -0.0, 1, -1, 0.5, -0.5, tiny, -tiny, huge, -huge], dtype)
    net = ft.Network([ft.ReLU(), ft.PReLU(np.ones(1, dtype))], input_dim=len(numbers))
    np.testing.assert_array_equal(np.signbit(net(numbers[None])), np.zeros((1, len(numbers)), bool))
    np.testing.assert_array_equal(net(numbers[None])[0], np.where(numbers > 0, numbers, 0))
    # infinity, and infinity less itself, come only from overflow inside
    twice, sums = np.array([[2, 0], [0, 2]], dtype), np.array([[1, 1], [-1, -1], [1, -1]], dtype)
    net = ft.Network([ft.Dense(twice), ft.Dense(sums), ft.ReLU()])
    np.testing.assert_array_equal(net(np.array([[huge, huge]], dtype)), [[np.inf, 0, np.nan]])
