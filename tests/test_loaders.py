"""Loading in general: what a file is, what is never loaded, what is missing."""

import os
import subprocess
import sys

import numpy as np
import pytest

import facetry as ft


def test_the_suffix_tells_the_kind(tmp_path):
    (tmp_path / "net.xyz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"net.xyz: unknown suffix '.xyz', expected .nnet, .npz or .onnx"):
        ft.load(tmp_path / "net.xyz")
    with pytest.raises(ValueError, match="unknown suffix ''"):
        ft.load(tmp_path / "net")
    upper = tmp_path / "DEMO.NNET"
    upper.write_bytes(ft.demo_path().read_bytes())
    assert ft.load(str(upper)) == ft.load(ft.demo_path())


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".th", ".pkl", ".ckpt"])
def test_pickles_are_never_loaded(tmp_path, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    with pytest.raises(ValueError, match=r"are pickles.*torch.load\(path, weights_only=True\).*from_torch"):
        ft.load(path)


@pytest.mark.parametrize("name", ["gone.onnx", "gone.nnet", "gone.npz"])
def test_missing_file(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=name):
        ft.load(tmp_path / name)


def test_what_is_no_file_is_not_read(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ValueError, match=r"folder.npz is not a regular file"):
        ft.load(tmp_path / "folder.npz")
    os.mkfifo(tmp_path / "pipe.nnet")
    with pytest.raises(ValueError, match=r"pipe.nnet is not a regular file"):
        ft.load(tmp_path / "pipe.nnet")


@pytest.mark.parametrize(("name", "size"), [("big.onnx", 2**31), ("big.nnet", 2**42), ("big.npz", 2**42)])
def test_oversized_files_are_not_read(tmp_path, name, size):
    with (tmp_path / name).open("wb") as file:
        file.truncate(size)
    with pytest.raises(ValueError, match=rf"{name} has {size:,} bytes, expected at most"):
        ft.load(tmp_path / name)


@pytest.mark.parametrize("suffix", [".onnx", ".nnet", ".npz"])
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"hello", bytes(range(256))])
def test_files_of_another_kind(tmp_path, suffix, content):
    if suffix == ".onnx":
        pytest.importorskip("onnx", reason="the onnx extra is not installed")
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"net{suffix}: "):
        ft.load(path)


def test_missing_extras_are_named(tmp_path, monkeypatch):
    (tmp_path / "net.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'facetry\[onnx\]'"):
        ft.load(tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'facetry\[torch\]'"):
        ft.from_torch(object(), 3)


def test_nothing_optional_is_imported():
    code = (
        "import sys, facetry; facetry.load(facetry.demo_path()); print({'onnx', 'torch'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


def test_dtype_is_converted():
    net = ft.load(ft.demo_path())
    assert net.dtype == np.float64
    assert ft.load(ft.demo_path(), dtype="float32") == net.astype("float32")
    with pytest.raises(TypeError, match="dtype must be float32 or float64"):
        ft.load(ft.demo_path(), dtype="int8")


def test_the_network_that_ships(shared):
    original = shared / "data/hcas/HCAS_rect_v6_pra0_tau05_25HU_3000.nnet"
    assert ft.demo_path().read_bytes() == original.read_bytes()
    assert "MIT License" in (ft.demo_path().parent / "LICENSE-hcas").read_text()
