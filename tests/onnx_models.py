"""Small ONNX models, written in the tests themselves."""

import numpy as np
import pytest

import facetry as ft

onnx = pytest.importorskip("onnx", reason="the onnx extra is not installed")

rng = np.random.default_rng(0)
W = rng.standard_normal((4, 3)).astype(np.float32)  # inputs x outputs
B = rng.standard_normal(3).astype(np.float32)
C = np.array([0.5, -2.0, 3.0, 0.25], np.float32)
INTS = {"shape": [0, -1], "flat": [1, -1], "axis0": [0], "axis1": [1], "axis2": [2]}


def model(nodes, shape="N, 4", opset=13, kind="float", **constants):
    """Build a model from nodes in ONNX's text syntax: x is the input, y the output, W, B, C are constants."""
    head = f'<ir_version: 8, opset_import: ["" : {opset}]> g ({kind}[{shape}] x) => ({kind}[N, M] y)'
    built = onnx.parser.parse_model(f"{head} {{ {nodes} }}")
    known = {"W": W, "WT": W.T, "B": B, "C": C, **{k: np.array(v) for k, v in INTS.items()}, **constants}
    used = {name for node in built.graph.node for name in node.input}
    built.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.ascontiguousarray(value), name)
        for name, value in known.items()
        if name in used
    )
    return built


def load_model(tmp_path, built, **options):
    path = tmp_path / "net.onnx"
    path.write_bytes(built if isinstance(built, bytes) else built.SerializeToString())
    return ft.load(path, **options)
