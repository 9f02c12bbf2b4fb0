"""facetry's own files: every layer comes back, nothing is half-written, nothing tampered with is believed."""

import contextlib
import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import facetry as ft

LAYERS = [
    ft.Dense([[1.0, 0.1], [-2.0, 1 / 3]], [0.5, 0.0]),
    ft.Scale([0.1, -2.0], [1e-3, 0.0]),
    ft.ReLU(),
    ft.LeakyReLU(-0.1),
    ft.PReLU([1.5, -0.67]),
    ft.PReLU([0.2]),
    ft.HardTanh(-0.1, 1 / 3),
    ft.ReLU6(),
    ft.HardSigmoid(0.2, 0.5),
    ft.Abs(),
]


def round_trip(net, folder):
    net.save(folder / "net.npz")
    return ft.load(folder / "net.npz")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_every_layer_comes_back_equal(tmp_path, layer, dtype):
    net = ft.Network([layer], input_dim=2, input_box=[[-1 / 3, 0.1], [0, 7]]).astype(dtype)
    again = round_trip(net, tmp_path)
    assert again == net
    assert (again.dtype, again.layers, again.input_box.tolist()) == (
        net.dtype,
        net.layers,
        net.input_box.tolist(),
    )


def test_every_kind_is_tried():
    assert {type(layer).__name__ for layer in LAYERS} == set(ft.LAYERS)


def test_whole_network(tmp_path):
    net = ft.Network(LAYERS)
    assert round_trip(net, tmp_path) == net
    first = (tmp_path / "net.npz").read_bytes()
    assert round_trip(net, tmp_path) == net
    assert (tmp_path / "net.npz").read_bytes() == first, "the same network gives the same bytes"
    with np.load(tmp_path / "net.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["0.weight"], LAYERS[0].weight)


def test_the_suffix_must_be_npz(tmp_path):
    with pytest.raises(ValueError, match=r"net\.onnx: the suffix must be \.npz"):
        ft.Network(LAYERS).save(tmp_path / "net.onnx")


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        ft.Network(LAYERS).save(tmp_path / "gone" / "net.npz")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_nothing_is_half_written(tmp_path, monkeypatch, error):
    old = ft.Network(LAYERS[:1])
    old.save(tmp_path / "net.npz")

    def interrupted(file, **arrays):
        file.write(b"half")
        raise error

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(type(error) if isinstance(error, OSError) else error):
        ft.Network(LAYERS).save(tmp_path / "net.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]
    assert ft.load(tmp_path / "net.npz") == old


def written(tmp_path, *, compress=False, description=None, **changes):
    """Save a network, and write the archive again with some arrays (or the bytes of some) changed."""
    path = tmp_path / "net.npz"
    ft.Network(LAYERS).save(path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive}
    if description is not None:
        content = json.loads(arrays["network"].tobytes())
        description(content)
        arrays["network"] = np.frombuffer(json.dumps(content).encode(), np.uint8)
    arrays.update(changes)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as archive:
        for name, value in arrays.items():
            if value is not None:
                file = io.BytesIO()
                if isinstance(value, bytes):
                    file.write(value)
                else:
                    np.save(file, value)
                archive.writestr(f"{name}.npy", file.getvalue())
    return path


def npy(shape, dtype="<f4", order="False", data=b""):
    header = f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def test_unchanged_archive_is_read(tmp_path):
    assert ft.load(written(tmp_path)) == ft.Network(LAYERS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"compress": True}, "it is compressed"),
        ({"network": None}, "it does not describe a facetry network: KeyError"),
        ({"network": np.zeros(9, np.uint8)}, "Expecting value"),
        ({"network": np.frombuffer(b"[]", np.uint8)}, "it does not describe a facetry network"),
        ({"network": np.frombuffer(b"[" * 100000, np.uint8)}, "it does not describe a facetry network"),
        (
            {"description": lambda d: d.update(format="other 9")},
            "its format is 'other 9', expected 'facetry network 1'",
        ),
        ({"description": lambda d: d["layers"][2].update(kind="Conv")}, r"layers\[2\] is of a kind"),
        ({"description": lambda d: d["layers"][2].update(kind=["ReLU"])}, "it does not describe"),
        (
            {"description": lambda d: d["layers"][2].update(slope=1)},
            r"layers\[2\] has the unknown setting 'slope'",
        ),
        ({"description": lambda d: d["layers"][3].update(slope=None)}, "it does not describe"),
        (
            {"description": lambda d: d["layers"][3].update(slope=float("nan"))},
            r"layers\[3\]: slope must be finite",
        ),
        ({"description": lambda d: d["layers"].pop(0)}, "KeyError|belongs to no layer|unknown"),
        ({"description": lambda d: d.update(layers=[])}, "at least one layer"),
        ({"description": lambda d: d.update(layers=3)}, "it does not describe"),
        ({"description": lambda d: d.update(input_dim=3)}, "takes 2 inputs"),
        ({"description": lambda d: d.update(input_dim=1e400)}, "it does not describe"),
        ({"description": lambda d: d.update(input_dim=10**12)}, "declares 1000000000000 inputs"),
        ({"description": lambda d: d.update(input_box=[[0, 1]])}, "input_box has shape"),
        ({"description": lambda d: d.update(input_box=[[1, 0], [0, 1]])}, "expected finite lower <= upper"),
        ({"extra": np.zeros(3)}, "the array 'extra' belongs to no layer"),
        ({"0.weight": None}, "it does not describe a facetry network: KeyError"),
        ({"0.weight": np.full((2, 2), np.nan)}, r"layers\[0\]: weight is not finite"),
        ({"0.weight": np.zeros((2, 3))}, "layers|takes 3 inputs"),
        ({"0.weight": np.array([object()])}, "'0.weight' is not an array that facetry wrote"),
        ({"0.weight": b""}, "'0.weight' is not an array that facetry wrote"),
        ({"0.weight": npy("(2, 2)", "|O")}, "'0.weight' is not an array that facetry wrote"),
        ({"0.weight": npy("(2, 2)", order="True")}, "'0.weight' is not an array that facetry wrote"),
        ({"0.weight": npy("(__import__('os'), 2)")}, "'0.weight' is not an array that facetry wrote"),
        ({"0.weight": npy("(2, 1000000000000)", data=b"1234")}, "declared .* but holds 4 bytes"),
        ({"0.weight": npy("(0, 2)")}, r"layers\[0\]: weight has shape \(0, 2\)"),
        ({"0.weight": npy("(2 2,)")}, "'0.weight' is not an array that facetry wrote"),
    ],
)
def test_tampered_archives(tmp_path, changes, message):
    path = written(tmp_path, **changes)
    with pytest.raises(ValueError, match=rf"net\.npz: .*({message})"):
        ft.load(path)


def test_two_arrays_of_one_name(tmp_path):
    path = written(tmp_path)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("0.bias.npy", npy("(2,)", data=b"\0" * 8))
    with pytest.raises(ValueError, match="it has two arrays of one name"):
        ft.load(path)


def test_zip_bombs_cost_nothing(tmp_path):
    path = tmp_path / "net.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.weight.npy", b"\0" * 50_000_000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="it is compressed"):
        ft.load(path)
    content = path.read_bytes().replace(b"\x08\0", b"\0\0")  # claims to be stored
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"declares more than the .* bytes that it has|damaged"):
        ft.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "net.npz"
    ft.Network(LAYERS[:3]).save(path)
    return path.read_bytes()


def test_truncated_files(tmp_path, saved):
    path = tmp_path / "net.npz"
    for length in [*range(0, len(saved), 7), *range(len(saved) - 64, len(saved))]:
        path.write_bytes(saved[:length])
        with pytest.raises(ValueError, match=r"net\.npz: "):
            ft.load(path)


@settings(max_examples=300, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_files_raise_only_value_errors(tmp_path_factory, saved, edits):
    content = bytearray(saved)
    for position, byte in edits:
        content[position % len(saved)] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content)
    with contextlib.suppress(ValueError):
        assert ft.load(path) == ft.Network(LAYERS[:3]), "what is read has passed its check sums"
