"""The .nnet text format: values, the normalised network, and files that contradict themselves."""

import contextlib
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import evaluate_nnet

import facetry as ft

SMALL = """// two inputs, three neurons, one output
2,2,1,3,
2,3,1,
0,
-1.0,-2.0,
1.0,2.0,
0.5,0.0,10.0,
2.0,4.0,100.0,
1.0,2.0,
-1.0,0.5,
0.25,0.0,
0.1,
0.2,
-0.3,
1.0,-1.0,2.0,
0.5,
"""


def load(tmp_path, text, **options):
    path = tmp_path / "small.nnet"
    path.write_text(text)
    return ft.load(path, **options)


def data_files(pattern):
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    missing = pytest.param(
        None, marks=pytest.mark.skip(reason="needs ../shared, which only the developers have")
    )
    return [pytest.param(path, id=path.stem) for path in sorted(folder.glob(pattern))] or [missing]


def test_layers_and_box(tmp_path):
    net = load(tmp_path, SMALL)
    assert net.layers == (
        ft.Scale([0.5, 0.25], [-0.25, 0.0]),
        ft.Dense([[1.0, 2.0], [-1.0, 0.5], [0.25, 0.0]], [0.1, 0.2, -0.3]),
        ft.ReLU(),
        ft.Dense([[1.0, -1.0, 2.0]], [0.5]),
        ft.Scale([100.0], [10.0]),
    )
    assert net.input_box.tolist() == [[-1.0, 1.0], [-2.0, 2.0]]
    assert net.dtype == np.float64


def test_layout_of_the_text_may_vary(tmp_path):
    varied = SMALL.replace(",\n", "\r\n").replace("\n1.0,2.0", "\n 1e0 , +2.0") + "\n\n// the end\n"
    assert load(tmp_path, varied) == load(tmp_path, SMALL)


@pytest.mark.parametrize("path", data_files("**/*.nnet"))
def test_real_networks_agree_with_plain_evaluation(path):
    """To 1e-12 of the largest output: the order of the sums and the rounding of the normalisation differ."""
    net = ft.load(path)
    low, high = net.input_box.T
    x = np.random.default_rng(0).uniform(low, high, (10, net.input_dim))
    wanted = np.array([evaluate_nnet(path, point) for point in x])
    np.testing.assert_allclose(net(x), wanted, rtol=0, atol=1e-12 * abs(wanted).max())


@pytest.mark.parametrize("path", data_files("acasxu/nnet/*.nnet"))
def test_acas_xu_is_the_same_network_in_both_formats(path):
    pytest.importorskip("onnx", reason="the onnx extra is not installed")
    original = ft.load(path, dtype="float32")
    normalised = ft.Network(original.layers[1:-1])
    onnx = ft.load(path.parents[1] / "onnx" / f"{path.stem}.onnx")
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (2000, 5)).astype(np.float32)
    assert normalised.patterns(x) == onnx.patterns(x)
    np.testing.assert_array_equal(normalised(x), onnx(x))
    assert len(onnx.patterns(x).unique()) > 100


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (2, "2,2,1,", "line 2: the header has 3 numbers, expected 4"),
        (2, "2,2,-1,3,", "line 2: the header must be positive integers"),
        (2, "2,2,1.5,3,", "line 2: the header must be positive integers"),
        (3, "2,3,1,1,", "line 3: the layer sizes has 4 numbers, expected 3"),
        (3, "2,0,1,", "line 3: the layer sizes must be positive integers"),
        (3, "3,3,1,", "line 3: the layer sizes .* do not begin with 2 inputs"),
        (3, "2,2,1,", "line 11: row 0 of the bias of layer 0 has 2 numbers, expected 1"),
        (3, "2,4,1,", "line 12: row 3 of the weight of layer 0 has 1 numbers, expected 2"),
        (5, "-1.0,", "line 5: the input minima has 1 numbers, expected 2"),
        (5, "-1.0,3.0,", "line 6: an input maximum is below its minimum"),
        (7, "0.5,0.0,", "line 7: the means .* has 2 numbers, expected 3"),
        (8, "2.0,0.0,100.0,", "line 8: the ranges must be positive"),
        (8, "2.0,4.0,-1.0,", "line 8: the ranges must be positive"),
        (8, "2.0,1e-320,100.0,", "scale is not finite at index"),
        (10, "-1.0,zero,", "line 10: row 1 of the weight of layer 0 must be numbers, is '-1.0,zero,'"),
        (10, "-1.0,nan,", "line 10: row 1 of the weight of layer 0 must be numbers"),
        (10, "-1.0,1_0,", "line 10: row 1 of the weight of layer 0 must be numbers"),
        (10, "-1.0,,0.5,", "line 10: row 1 of the weight of layer 0 must be numbers"),
        (10, "-1.0,\u00b2,", "line 10: row 1 of the weight of layer 0 must be numbers"),
        (10, "-1.0,1e999,", "line 10: .* too large for float64"),
        (10, "-1.0,0.5,0.5,", "line 10: row 1 of the weight of layer 0 has 3 numbers, expected 2"),
        (16, "0.5\n0.5", "line 16: the last layer ends here, but 1 more lines of numbers follow"),
    ],
)
def test_contradictions_name_the_line(tmp_path, line, text, message):
    lines = SMALL.splitlines()
    lines[line - 1] = text
    with pytest.raises(ValueError, match=rf"small.nnet: .*{message}"):
        load(tmp_path, "\n".join(lines))


def test_not_text(tmp_path):
    path = tmp_path / "small.nnet"
    path.write_bytes(SMALL.encode("utf-16"))
    with pytest.raises(ValueError, match=r"small.nnet: .*utf-8"):
        ft.load(path)


@pytest.mark.parametrize("lines", range(16))
def test_missing_lines(tmp_path, lines):
    with pytest.raises(ValueError, match=r"small.nnet: the file ends (after line|[0-9]+ lines early)"):
        load(tmp_path, "".join(SMALL.splitlines(keepends=True)[:lines]))


def test_overflow_in_float32_is_refused(tmp_path):
    with pytest.raises(ValueError, match="weight is not finite at index"):
        load(tmp_path, SMALL.replace("1.0,-1.0,2.0,", "1.0,-1e39,2.0,"), dtype="float32")


def test_huge_declared_sizes_cost_nothing(tmp_path):
    huge = "1,100000,1000000000,1000000000,\n100000,1000000000,\n0,\n" + "\n".join(["0.0," * 100000] * 2)
    zeros = "\n" + "\n".join(["1.0," * 100001] * 2) + "\n1.0\n"
    path = tmp_path / "huge.nnet"
    path.write_text(huge + zeros)
    tracemalloc.start()
    with pytest.raises(ValueError, match="lines early: the weight of layer 0 has 1000000000 rows"):
        ft.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * path.stat().st_size


@settings(max_examples=200, deadline=None)
@given(
    edits=st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, len(SMALL)),
)
def test_damaged_files_raise_only_value_errors(tmp_path_factory, edits, cut):
    content = bytearray(SMALL.encode())
    for position, byte in edits:
        content[position] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.nnet"
    path.write_bytes(content[:cut])
    with contextlib.suppress(ValueError):
        assert ft.load(path).output_dim == 1
