"""ONNX models that are refused: unknown layers, contradictions, damage; always with the place."""

import contextlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_models import B, C, W, load_model, model, onnx

import facetry as ft

REFUSED = {
    "unknown operator": (
        "t = Relu(x) y = Sigmoid(t)",
        {},
        r"node 1 \(Sigmoid 'y'\): facetry has no such layer",
    ),
    "other domain": ("y = com.acme.Relu(x)", {}, r"node 0 \(Relu 'y'\): operator of the domain 'com.acme'"),
    "branches join": ("t = Relu(x) y = Add(t, t)", {}, r"node 1 \(Add 'y'\): it joins two branches"),
    "branch": ("a = Relu(x) b = Relu(x) y = Add(a, b)", {}, r"node 1 \(Relu 'b'\): it reads 'x', .*branches"),
    "const / x": ("y = Div(C, x)", {}, r"node 0 \(Div 'y'\): the divisor is computed"),
    "transA": ("y = Gemm<transA = 1>(x, W)", {"shape": "4, 1"}, "transA=1"),
    "weight computed": ("y = Gemm(W, x)", {}, "its input 1 is computed, must be constant"),
    "row by row": ("y = MatMul(x, W)", {"shape": "N, 2, 4"}, r"shape \(1, 2, 4\): only a single vector"),
    "fixed batch": ("y = Gemm(x, W)", {"shape": "7, 4"}, "a fixed batch size must be 1"),
    "row times matrix": ("y = MatMul(w, x)", {"w": B[:, None]}, r"\(1, 4\): only a single vector"),
    "batched weight": ("y = MatMul(x, w)", {"w": W[None]}, r"the weight has shape \(1, 4, 3\)"),
    "repeats": ("y = Add(x, c)", {"c": np.ones((3, 1), np.float32)}, r"\(3, 1\) repeats the value"),
    "permutes": (
        "y = Transpose<perm = [0, 2, 1]>(x)",
        {"shape": "N, 2, 2"},
        "change the order of the values",
    ),
    "one-sided clip": ("y = Clip(x, s)", {"s": np.float32(-1)}, r"clips to \[-1.0, inf\]"),
    "clip from above": ("y = Clip(x, , s)", {"s": np.float32(1)}, r"clips to \[-inf, 1.0\]"),
    "clip to a huge box": (
        "y = Clip(x, a, b)",
        {"a": np.float32(0), "b": np.float32(1e30)},
        "so large a box",
    ),
    "old broadcasting": ("y = Add<axis = 1, broadcast = 1>(x, C)", {"opset": 6}, "attribute 'axis'"),
    "training dropout": (
        "y = Dropout(x, r, t)",
        {"r": np.float32(0.5), "t": np.bool_(1)},
        "training_mode is true",
    ),
    "training normalisation": (
        "y = BatchNormalization<training_mode = 1>(x, C, C, C, C)",
        {"opset": 15},
        "training_mode=1",
    ),
    "cast to another type": ("y = Cast<to = 11>(x)", {}, "it changes float32 to type 11"),
    "integer input": ("y = Relu(x)", {"kind": "int32"}, "input 'x' has type 6, expected floating point"),
    "open size": ("y = Relu(x)", {"shape": "N, K"}, "input 'x' has a size that is not fixed"),
    "constants alone": ("k = Add(C, C) y = Add(x, k)", {}, r"node 0 \(Add 'k'\): it computes with constants"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_known_is_refused_with_its_place(tmp_path, name):
    nodes, options, message = REFUSED[name]
    with pytest.raises(ft.UnsupportedLayer, match=rf"net\.onnx: .*{message}"):
        load_model(tmp_path, model(nodes, **options))


NAN, HUGE = np.float32([0, 1, np.nan, 2]), np.float32([1e-45, 1, 1, 1])
CONTRADICTORY = {
    "widths": ("y = Gemm(x, W)", {"shape": "N, 5"}, r"node 0 \(Gemm 'y'\): shapes \(1, 5\) and \(4, 3\)"),
    "bias": ("t = MatMul(x, W) y = Add(t, C)", {}, r"node 1 \(Add 'y'\): shapes .* do not broadcast"),
    "not a number": ("y = Mul(x, c)", {"c": NAN}, r"node 0 \(Mul 'y'\): scale is not finite at index \(2,\)"),
    "overflow": ("y = Div(x, c)", {"c": HUGE}, "scale is not finite"),
    "division by zero": ("y = Div(x, c)", {"c": np.zeros(4, np.float32)}, "the divisor holds a zero"),
    "dangling": ("y = Add(x, gone)", {}, r"node 0 \(Add 'y'\): it reads 'gone', which nothing before it"),
    "cycle": ("a = Relu(y) y = Relu(a)", {}, r"node 0 \(Relu 'a'\): it reads 'y', which nothing before it"),
    "computed twice": ("y = Relu(x) y = Relu(y)", {}, r"node 1 \(Relu 'y'\): .*has been computed before"),
    "types": ("y = Add(x, c)", {"c": C.astype(np.float64)}, "dtype float64, the value float32"),
    "integers": ("y = Add(x, c)", {"c": np.arange(4)}, "dtype int64, the value float32"),
    "shape": ("y = Reshape(x, k)", {"k": np.array([3, -1])}, r"shape \(1, 4\) cannot become \(3, -1\)"),
    "negative shape": ("y = Reshape(x, k)", {"k": np.array([-2, -2])}, "cannot become"),
    "shape of floats": ("y = Reshape(x, C)", {}, "shape must be a list of integers"),
    "squeezed axis": ("y = Squeeze(x, axis1)", {}, "are not of size 1"),
    "missing axis": ("y = Squeeze(x, k)", {"k": np.array([7])}, r"axes \(7,\) of 2 dimensions"),
    "flatten axis": ("y = Flatten<axis = 9>(x)", {}, "axis 9 of a value"),
    "permutation": ("y = Transpose<perm = [0, 0]>(x)", {}, r"axes \(0, 0\)"),
    "empty interval": ("y = Clip(x, a, a)", {"a": np.float32(1)}, "expected low < high"),
    "variance": ("y = BatchNormalization(x, C, C, C, C)", {}, "a variance is not positive"),
    "attribute type": ("y = LeakyRelu<alpha = 1>(x)", {}, "attribute 'alpha' must be a float"),
    "output": ("t = Relu(x)", {}, "the network has no layers|output 'y' is not the result"),
    "huge input": ("y = LeakyRelu(x)", {"shape": "N, 4000000000"}, "declares 4000000000 inputs"),
}


@pytest.mark.parametrize("name", CONTRADICTORY)
def test_contradictions_name_the_node(tmp_path, name):
    nodes, options, message = CONTRADICTORY[name]
    with pytest.raises(ValueError, match=rf"net\.onnx: .*({message})") as caught:
        load_model(tmp_path, model(nodes, **options))
    assert caught.type is ValueError


def test_tensors_that_are_not_what_they_declare(tmp_path):
    for change, message in [
        (lambda t: t.dims.__setitem__(0, 5), r"tensor 'W' is declared \(5, 3\) of <f4, but holds 48 bytes"),
        (lambda t: t.dims.__setitem__(0, -4), r"declared \(-4, 3\)"),
        (lambda t: t.dims.append(2**40), "declared"),
        (lambda t: setattr(t, "raw_data", t.raw_data[:-1]), "but holds 47 bytes"),
        (lambda t: setattr(t, "data_type", 8), "unknown data type 8"),
        (lambda t: setattr(t, "data_location", 1), "is in another file"),
        (lambda t: t.external_data.add(key="location", value="/etc/passwd"), "is in another file"),
    ]:
        built = model("y = Gemm(x, W)")
        change(built.graph.initializer[0])
        with pytest.raises(ValueError, match=rf"node 0 \(Gemm 'y'\): .*{message}"):
            load_model(tmp_path, built)


def test_one_input_and_one_output(tmp_path):
    two = model("y = Relu(x)")
    two.graph.input.append(onnx.helper.make_tensor_value_info("z", 1, [1, 4]))
    with pytest.raises(ft.UnsupportedLayer, match=r"the graph has 2 inputs \('x', 'z'\)"):
        load_model(tmp_path, two)
    two = model("t = Relu(x) y = Relu(t)")
    two.graph.output.append(onnx.helper.make_tensor_value_info("t", 1, [1, 4]))
    with pytest.raises(ft.UnsupportedLayer, match=r"the graph has 2 outputs \('y', 't'\)"):
        load_model(tmp_path, two)


def test_a_small_file_cannot_ask_for_much_memory(tmp_path):
    w = np.eye(64, dtype=np.float32)
    nodes = " ".join(f"t{i + 1} = MatMul(t{i}, w)" for i in range(5000))
    path = tmp_path / "net.onnx"
    path.write_bytes(
        model(f"t0 = Identity(x) {nodes} y = Relu(t5000)", shape="N, 64", w=w).SerializeToString()
    )
    tracemalloc.start()
    with pytest.raises(ValueError, match="its layers hold far more numbers than the file"):
        ft.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4.2 * 2**24 + 1e7


def test_names_that_are_not_text(tmp_path):
    """Protobuf gives such names as bytes."""
    content = model("y = LeakyRelu<alpha = 0.5, bravo = 1>(x)").SerializeToString()
    with pytest.raises(ft.UnsupportedLayer, match="attribute b'br\\\\xffvo'"):
        load_model(tmp_path, content.replace(b"bravo", b"br\xffvo"))


SMALL = model("t = MatMul(x, W) u = Add(t, B) v = Relu(u) w = Reshape(v, flat) y = Clip(w, lo, hi)",
              lo=np.float32(0.1), hi=np.float32(2)).SerializeToString()  # fmt: skip


@pytest.mark.parametrize("cut", range(0, len(SMALL), 3))
def test_truncated_files(tmp_path, cut):
    with pytest.raises(ValueError, match=r"net\.onnx: "):
        load_model(tmp_path, SMALL[:cut])


@settings(max_examples=300, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_files_raise_only_value_errors(tmp_path_factory, edits):
    content = bytearray(SMALL)
    for position, byte in edits:
        content[position] = byte
    with contextlib.suppress(ValueError):
        assert load_model(tmp_path_factory.getbasetemp(), bytes(content)).input_dim > 0
