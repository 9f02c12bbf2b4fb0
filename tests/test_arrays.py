"""What callers may pass as points, and how the rest is refused."""

import numpy as np
import pytest
from reference import random_network

import facetry as ft

NET = random_network([4, 7, 3])
CALLS = [NET, NET.preactivations, NET.patterns]
X = np.random.default_rng(0).standard_normal((6, 4)).astype("float32")


def same(a, b):
    return a == b if isinstance(a, ft.Patterns) else np.array_equal(a, b)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "variant",
    [
        np.asfortranarray(X),
        np.repeat(X, 2, axis=0)[::2],
        np.repeat(X, 2, axis=1)[:, ::2],
        X[::-1][::-1],
        X.reshape(6, 1, 2, 2),
        X.astype(X.dtype.newbyteorder()),
        X.tolist(),
        np.frombuffer(X.tobytes(), "float32").reshape(6, 4),  # read-only
    ],
    ids=["fortran", "rows", "columns", "negative", "images", "byteorder", "list", "read-only"],
)
def test_layouts_give_the_same_answer(call, variant):
    assert same(call(variant), call(X))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "uint16", "float16"])
def test_types_that_are_exact_in_float32_are_converted(dtype):
    values = np.array([[0, 1, 0, 1]], dtype)
    np.testing.assert_array_equal(NET(values), NET(values.astype("float32")))


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32", "float64", "longdouble", "complex64"])
def test_types_that_are_not_exact_in_float32_are_refused(dtype):
    with pytest.raises(
        TypeError, match=r"x has dtype \w+, which is not exact in the network's float32: convert it"
    ):
        NET(np.zeros((2, 4), dtype))


def test_float64_takes_int32_and_float32_but_not_int64():
    net = NET.astype("float64")
    np.testing.assert_array_equal(net(X), net(X.astype("float64")))
    np.testing.assert_array_equal(net(np.full((1, 4), 7, "int32")), net(np.full((1, 4), 7.0)))
    with pytest.raises(TypeError, match="int64, which is not exact in the network's float64"):
        net(np.zeros((1, 4), "int64"))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X.T, r"x has shape \(4, 6\), expected \(n, 4\)"),
        (X[:, :3], r"x has shape \(6, 3\), expected \(n, 4\)"),
        (X[0], r"x has shape \(4,\), expected \(n, 4\); for one point pass x\[None\]"),
        (np.float32(1), r"x has shape \(\), expected \(n, 4\)"),
        (X.reshape(2, 3, 4), r"x has shape \(2, 3, 4\), expected \(n, 4\)"),
        (np.empty((0, 3), "f4"), r"x has shape \(0, 3\), expected \(n, 4\)"),
    ],
)
def test_wrong_shapes_are_refused(call, x, message):
    with pytest.raises(ValueError, match=message):
        call(x)


@pytest.mark.parametrize("call", CALLS)
def test_objects_and_text_are_refused(call):
    with pytest.raises(TypeError, match="x must hold numbers, holds Python objects"):
        call(np.array([[None] * 4]))
    with pytest.raises(TypeError, match="x has dtype <U1"):
        call([["a", "b", "c", "d"]])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_number_that_is_not_finite_is_named(isa, threads, call, bad):
    x = np.zeros((5000, 4), "float32")
    x[4321, 2] = x[4321, 3] = x[4400, 0] = bad
    with pytest.raises(ValueError, match=r"x is not finite at index \(4321, 2\)"):
        call(x)


@pytest.mark.parametrize("call", CALLS)
def test_an_empty_batch(call):
    assert len(call(np.empty((0, 4), "float32"))) == 0


def test_results_that_cannot_fit_are_refused_before_allocation():
    x = np.broadcast_to(np.zeros((1, 1), "float32"), (2**40, 1))
    net = random_network([1, 300, 1])
    with pytest.raises(MemoryError, match=r"a C-contiguous float32 copy of x needs 4,398,046,511,104 bytes"):
        net(x)
    wide = random_network([1, 3000, 1])
    few = np.zeros((10_000_000, 1), "float32")
    with pytest.raises(
        MemoryError, match=r"the pre-activations needs 120,000,000,000 bytes, this machine has"
    ):
        wide.preactivations(few)
    patterns = ft.Patterns(np.broadcast_to(np.zeros((1, 1), "u8"), (1, 1)), [64])
    with pytest.raises(MemoryError, match="Hamming distances needs"):
        _Many(patterns).hamming(_Many(patterns), pairwise=True)


class _Many(ft.Patterns):
    """Claims more rows than it holds, so that the refusal is tested without the memory."""

    __slots__ = ()

    def __init__(self, patterns):
        super().__init__(patterns.bits, patterns.layer_widths)

    def __len__(self):
        return 10**9


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.empty((6, 3)), TypeError, "out must be a float32 array, is float64"),
        ([[0.0] * 3] * 6, TypeError, "out must be a float32 array, is list"),
        (np.empty((6, 4), "f4"), ValueError, r"out has shape \(6, 4\), expected \(6, 3\)"),
        (np.empty((3, 6), "f4").T, ValueError, "out must be C-contiguous and writable"),
        (np.frombuffer(bytes(72), "f4").reshape(6, 3), ValueError, "out must be C-contiguous and writable"),
    ],
)
def test_bad_out_arrays_are_refused(out, error, message):
    with pytest.raises(error, match=message):
        NET(X, out=out)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NET.fix_inputs({4: 0.0}), "input 4 of 4"),
        (lambda: NET.fix_inputs({-5: 0.0}), "input -5 of 4"),
        (lambda: NET.fix_inputs({0: 0.0, -4: 0.0}), "input -4 is fixed twice"),
        (lambda: NET.fix_inputs(dict.fromkeys(range(4), 0.0)), "all inputs are fixed"),
        (lambda: NET.fix_inputs({0: np.nan}), r"bias is not finite at index \(0,\)"),
        (lambda: NET.fix_inputs({0: 0.1}), "the value of input 0, 0.1, is not exact in float32"),
        (lambda: NET.truncate(3), "layer 3 of 3"),
        (lambda: NET.count_patterns(X, chunk=0), "chunk must be at least 1, is 0"),
        (
            lambda: ft.Network(NET.layers, input_box=[[0, 1]]),
            r"input_box has shape \(1, 2\), expected \(4, 2\)",
        ),
        (
            lambda: ft.Network(NET.layers, input_box=[[0, 1]] * 3 + [[1, 0]]),
            r"input_box\[3\] is \[1.0, 0.0\]",
        ),
        (lambda: ft.Network(NET.layers, input_box=[[0, np.inf]] * 4), r"input_box\[0\] is \[0.0, inf\]"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_astype_takes_two_types():
    with pytest.raises(TypeError, match="dtype must be float32 or float64, is float16"):
        NET.astype("float16")
