"""ONNX models: every operator against onnx's own reference, real networks against onnxruntime."""

from pathlib import Path

import numpy as np
import pytest
from onnx_models import B, C, W, load_model, model, onnx

import facetry as ft

reference = pytest.importorskip("onnx.reference")

OPERATORS = {
    "gemm": ("y = Gemm<alpha = 0.5, beta = 2.0>(x, W, B)", {}),
    "gemm transB": ("y = Gemm<transB = 1>(x, WT, B)", {}),
    "gemm without bias": ("y = Gemm(x, W)", {}),
    "gemm scalar bias": ("y = Gemm(x, W, s)", {"s": np.float32([0.5])}),
    "gemm opset 6": ("y = Gemm<broadcast = 1>(x, W, B)", {"opset": 6}),
    "matmul add": ("t = MatMul(x, W) y = Add(B, t)", {}),
    "matmul sub": ("t = MatMul(x, W) y = Sub(t, B)", {}),
    "matmul add add": ("t = MatMul(x, W) u = Add(t, B) y = Add(u, B)", {}),
    "matmul from the left": ("y = MatMul(WT, x)", {"shape": "N, 4, 1"}),
    "matmul from the left, no batch": ("y = MatMul(WT, x)", {"shape": "4, 1"}),
    "column bias": ("t = MatMul(WT, x) y = Add(t, b)", {"shape": "N, 4, 1", "b": B[:, None]}),
    "matmul of a vector": ("y = MatMul(x, W)", {"shape": "4"}),
    "matmul of a matrix and a vector": ("y = MatMul(WT, x)", {"shape": "4"}),
    "add": ("y = Add(x, C)", {}),
    "sub": ("y = Sub(x, C)", {}),
    "sub from": ("y = Sub(C, x)", {}),
    "mul": ("y = Mul(C, x)", {}),
    "div": ("y = Div(x, C)", {}),
    "scalar": ("t = Mul(x, s) y = Add(t, s)", {"s": np.float32(0.3)}),
    "broadcast to more axes": ("y = Add(x, c)", {"c": C.reshape(1, 1, 4)}),
    "relu": ("y = Relu(x)", {}),
    "leaky relu": ("y = LeakyRelu<alpha = -0.5>(x)", {}),
    "leaky relu, default": ("y = LeakyRelu(x)", {}),
    "prelu": ("y = PRelu(x, C)", {}),
    "prelu, one slope": ("y = PRelu(x, s)", {"s": np.float32([1.5])}),
    "clip as relu": ("y = Clip(x, s)", {"s": np.float32(0)}),
    "clip as relu6": ("y = Clip(x, a, b)", {"a": np.float32(0), "b": np.float32(6)}),
    "clip as hardtanh": ("y = Clip(x, a, b)", {"a": np.float32(-0.3), "b": np.float32(0.7)}),
    "clip opset 10": ("y = Clip<min = -0.5, max = 1.0>(x)", {"opset": 10}),
    "clip opset 10 as relu": ("y = Clip<min = 0.0>(x)", {"opset": 10}),
    "clip opset 10, largest": ("y = Clip<min = 0.0, max = 3.4028234663852886e38>(x)", {"opset": 10}),
    "clip of nothing": ("t = Clip(x) y = Abs(t)", {}),
    "hard sigmoid": ("y = HardSigmoid<alpha = 0.3, beta = 0.4>(x)", {}),
    "hard sigmoid, default": ("y = HardSigmoid(x)", {}),
    "abs": ("y = Abs(x)", {}),
    "flatten": ("t = Flatten(x) y = Gemm(t, W, B)", {"shape": "N, 2, 1, 2"}),
    "flatten axis": ("t = Flatten<axis = -1>(x) y = Gemm(t, W, B)", {"shape": "1, 1, 4"}),
    "reshape": ("t = Reshape(x, shape) y = Gemm(t, W, B)", {"shape": "N, 2, 2"}),
    "reshape by a constant node": (
        "k = Constant<value_ints = [1, -1]>() t = Reshape(x, k) y = Gemm(t, W, B)",
        {"shape": "N, 2, 2"},
    ),
    "reshape by a cast shape": (
        "k = Cast<to = 7>(f) t = Reshape(x, k) y = Gemm(t, W, B)",
        {"shape": "N, 2, 2", "f": np.int32([1, 4])},
    ),
    "squeeze": ("t = Squeeze(x, axis2) y = Gemm(t, W, B)", {"shape": "N, 4, 1"}),
    "squeeze opset 11": ("t = Squeeze<axes = [2]>(x) y = Gemm(t, W, B)", {"shape": "N, 4, 1", "opset": 11}),
    "squeeze all": ("t = Squeeze(x) y = MatMul(t, W)", {"shape": "1, 4, 1"}),
    "unsqueeze": ("t = Unsqueeze(x, axis2) y = MatMul(WT, t)", {}),
    "unsqueeze opset 11": ("t = Unsqueeze<axes = [-1]>(x) y = MatMul(WT, t)", {"opset": 11}),
    "transpose": ("t = Transpose(x) y = MatMul(WT, t)", {"shape": "1, 4"}),
    "transpose perm": ("t = Transpose<perm = [0, 2, 1]>(x) y = MatMul(t, W)", {"shape": "N, 4, 1"}),
    "weight through constant nodes": (
        "a = Identity(WT) w = Transpose<perm = [1, 0]>(a) b = Unsqueeze(B, axis0) c = Squeeze(b, axis0) "
        "t = MatMul(x, w) y = Add(t, c)",
        {},
    ),
    "identity": ("t = Identity(x) y = Relu(t)", {}),
    "dropout opset 10": ("t = Dropout<ratio = 0.5>(x) y = Relu(t)", {"opset": 10}),
    "dropout opset 13": (
        "t, mask = Dropout(x, r, no) y = Relu(t)",
        {"r": np.float32(0.5), "no": np.bool_(0)},
    ),
    "cast": ("t = Cast<to = 1>(x) y = Relu(t)", {}),
    "batch normalization": (
        "t = BatchNormalization<epsilon = 0.01>(x, C, C, m, v) y = Relu(t)",
        {"m": C[::-1], "v": C**2, "opset": 15},
    ),
    "batch normalization of channels": (
        "t = BatchNormalization(x, s, s, s, s) u = Flatten(t) y = Gemm(u, W, B)",
        {"shape": "N, 2, 2", "s": np.float32([0.5, 2.0]), "opset": 15},
    ),
    "dead nodes": ("d = Sigmoid(x) t, mask = Dropout(x) y = Relu(t)", {"opset": 10}),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_agree_with_the_reference(tmp_path, name):
    nodes, options = OPERATORS[name]
    built = model(nodes, **options)
    net = load_model(tmp_path, built)
    assert (net.dtype, net.input_dim) == (np.float32, 4)
    dims = built.graph.input[0].type.tensor_type.shape.dim
    shape = [dim.dim_value or 1 for dim in dims]
    oracle = reference.ReferenceEvaluator(built)
    x = np.random.default_rng(1).uniform(-4, 4, (20, 4)).astype(np.float32)
    wanted = np.array([oracle.run(None, {"x": point.reshape(shape)})[0].ravel() for point in x])
    np.testing.assert_allclose(net(x), wanted, rtol=0, atol=1e-6 * abs(wanted).max())


def test_batch_normalization_of_old_versions(tmp_path):
    nodes = "y = BatchNormalization<epsilon = 0.01, momentum = 0.9>(x, C, C, C, v)"
    old, new = (load_model(tmp_path, model(nodes, opset=opset, v=C**2)) for opset in (9, 15))
    assert old == new


@pytest.mark.parametrize(("kind", "dtype"), [("double", np.float64), ("float16", np.float16)])
def test_precision_of_the_file(tmp_path, kind, dtype):
    built = model("t = MatMul(x, w) y = Add(t, b)", kind=kind, w=W.astype(dtype), b=B.astype(dtype))
    net = load_model(tmp_path, built)
    wanted = np.float64 if dtype == np.float64 else np.float32
    assert net.layers == (ft.Dense(W.astype(dtype).T.astype(wanted), B.astype(dtype).astype(wanted)),)
    assert load_model(tmp_path, built, dtype="float64") == net.astype("float64")


@pytest.mark.parametrize("data_type", ["FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"])
def test_numbers_in_fields_are_those_in_raw_data(tmp_path, data_type):
    kind = getattr(onnx.TensorProto, data_type)
    nets = []
    for raw in (False, True):
        built = model("y = Mul(x, c)", kind=data_type.lower())
        values = np.float32([0.5, -2.0, 3.0, 0.25])
        tensor = onnx.helper.make_tensor("c", kind, [4], values)
        if raw and data_type == "BFLOAT16":
            tensor = onnx.helper.make_tensor(
                "c", kind, [4], (values.view("u4") >> 16).astype("<u2").tobytes(), True
            )
        elif raw:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
            tensor = onnx.helper.make_tensor("c", kind, [4], values.astype(dtype).tobytes(), True)
        built.graph.initializer.append(tensor)
        nets.append(load_model(tmp_path, built))
    assert nets[0] == nets[1]
    np.testing.assert_array_equal(nets[0].layers[0].scale, [0.5, -2.0, 3.0, 0.25])


def test_initialisers_may_be_listed_as_inputs(tmp_path):
    built = model("y = Gemm(x, W, B)")
    built.graph.input.extend(
        onnx.helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in built.graph.initializer
    )
    assert load_model(tmp_path, built).layers == (ft.Dense(W.T, B),)


@pytest.mark.parametrize("operator", ["Softmax", "LogSoftmax"])
def test_final_softmax_is_dropped_only_when_asked(tmp_path, operator):
    built = model(f"t = MatMul(x, W) [last] p = {operator}<axis = 1>(t) y = Identity(p)")
    with pytest.raises(ft.UnsupportedLayer, match=rf"node 1 \({operator} '.*'\): .*strip_softmax=True"):
        load_model(tmp_path, built)
    assert load_model(tmp_path, built, strip_softmax=True).layers == (ft.Dense(W.T),)
    inner = model(f"p = {operator}<axis = 1>(x) y = MatMul(p, W)")
    with pytest.raises(ft.UnsupportedLayer, match=rf"node 1 \(MatMul .*{operator} before it is not the last"):
        load_model(tmp_path, inner, strip_softmax=True)


DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
NOT_YET = {
    "oval21_cifar_base_kw_simp": r"node 0 \(Conv '9'\)",
    "resnet_2b": r"node 0 \(Conv 'Conv_0'\)",
    "KJ_TinyTaxiNet": r"node 1 \(Conv 'conv2d/Conv2D'\)",
    "NN_rul_small_window_20": r"node 0 \(Conv 'conv_1'\)",
    "mtcnn_pnet_logits": r"node 0 \(Conv 'conv1_o'\)",
    "cnn_max_mninst2": r"node 1 \(Conv 'conv2d_14'\)",
}


def data_files(known):
    found = [path for path in sorted(DATA.glob("**/*.onnx")) if (path.stem in NOT_YET) != known]
    missing = pytest.param(
        None, marks=pytest.mark.skip(reason="needs ../shared, which only the developers have")
    )
    return [pytest.param(path, id=path.stem) for path in found] or [missing]


@pytest.mark.parametrize("path", data_files(known=True))
def test_real_networks_agree_with_onnxruntime(path):
    """On 1000 random inputs, to 1e-5 of the largest output: float32 sums in another order."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime, the oracle, is not installed")
    net = ft.load(path)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name, dims = session.get_inputs()[0].name, session.get_inputs()[0].shape
    low, high = (
        (0, 1) if path.parent.name == "mnist_nets" else (-0.5, 0.5) if "ACASXU" in path.stem else (-3, 3)
    )
    x = np.random.default_rng(0).uniform(low, high, (1000, net.input_dim)).astype(np.float32)
    wanted = [session.run(None, {name: point.reshape(1, *dims[1:])})[0].ravel() for point in x]
    np.testing.assert_allclose(net(x), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("path", data_files(known=False))
def test_real_networks_with_other_layers_are_refused(path):
    with pytest.raises(ft.UnsupportedLayer, match=NOT_YET[path.stem] if path else None):
        ft.load(path)
