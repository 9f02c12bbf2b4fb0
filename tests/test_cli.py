"""The command line in this process: help, and errors that are a single line."""

import json
from pathlib import Path

import numpy as np
import pytest
from reference import random_network

import facetry as ft
from facetry.cli import main


@pytest.fixture
def net_file(tmp_path: Path) -> Path:
    path = tmp_path / "net.npz"
    random_network([3, 6, 2], seed=4).save(path)
    return path


def test_version_help_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"facetry {ft.__version__}\n"
    assert main([]) == 0
    assert "survey" in capsys.readouterr().out
    assert main(["survey", "--help"]) == 0
    assert "--strip-softmax" in capsys.readouterr().out
    assert main(["info"]) == 0
    told = capsys.readouterr().out
    assert f"instruction set: {ft.isa()}" in told
    assert "CUDA: " in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fly"], "No such command 'fly'."),
        (["survey", "--points", "many"], "Invalid value for '--points'"),
        (["survey", "--points", "1"], "Invalid value for --points: 1 is not at least 2"),
        (["survey", "--class", "best"], "Invalid value for --class: 'best' is not one of argmax, argmin"),
        (
            ["survey", "--dtype", "float16"],
            "Invalid value for --dtype: 'float16' is not one of float32, float64",
        ),
        (["survey", "--threads", "0"], "Invalid value for '--threads'"),
        (["survey", "--seed", "-1"], "Invalid value for '--seed'"),
        (["survey", "--fast"], "No such option: --fast"),
        (["survey", "a.npz", "b.npz"], "unexpected extra argument"),
        (["survey", "--max-memory", "5X"], "--max-memory: '5X' is not a size such as 500M or 2G"),
        (["survey", "--plane", "1"], "'1' is neither random nor two inputs I,J nor three data points A,B,C"),
        (["survey", "--plane", "1,2,3"], "a plane through three data points needs --data"),
        (["survey", "--box", "-1,1", "--data", "x.npy"], "give one of --box and --data, not both"),
        (["survey", "--box", "1"], "Invalid value for --box: '1' is neither LO,HI nor a .npy file"),
    ],
)
def test_wrong_command_lines(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    check_error(capsys, message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.nnet"], "no.nnet: No such file or directory"),
        (["net.npz"], "the network file has no input box: give one with --box, --vnnlib or --data"),
        (["net.txt"], "net.txt"),
        (["cut.nnet"], "cut.nnet"),
        (["net.npz", "--box", "2,1"], "box has [2.0, 1.0] for input 0, expected finite lower <= upper"),
        (["net.npz", "--box", "0,nan"], "box has [0.0, nan] for input 0, expected finite lower <= upper"),
        (["net.npz", "--box", "box.npy"], "box has shape (2, 2), expected (3, 2)"),
        (["net.npz", "--box", "no.npy"], "no.npy: No such file or directory"),
        (["net.npz", "--box", "net.npz.npy"], "net.npz.npy is not a .npy or .npz file of numbers"),
        (["net.npz", "--vnnlib", "no.vnnlib"], "no.vnnlib: No such file or directory"),
        (["net.npz", "--data", "no.npz"], "no.npz: No such file or directory"),
        (["net.npz", "--data", "no.npz:x"], "no.npz: No such file or directory"),
        (["net.npz", "--data", "two.npz"], "2 arrays of two.npz fit 3 inputs, of x (4, 3), y (5, 3), z (4,)"),
        (["net.npz", "--data", "two.npz:w"], "two.npz has no array 'w', it has x, y, z"),
        (["net.npz", "--data", "box.npy:x"], "box.npy holds a single array: leave out :x"),
        (["net.npz", "--data", "box.npy"], "data has shape (2, 2), expected (n, 3)"),
        (["net.npz", "--data", "pickled.npy"], "pickled.npy is not a .npy or .npz file of numbers"),
        (
            ["net.npz", "--data", "two.npz:x", "--points", "5"],
            "data has 4 points, fewer than the 5 asked for",
        ),
        (["net.npz", "--data", "nan.npy"], "data is not finite at index (2, 1)"),
        (
            ["net.npz", "--data", "two.npz:x", "--plane", "0,1,4"],
            "asks for data point 4, there are points 0 to 3",
        ),
        (["net.npz", "--box", "0,1", "--plane", "0,7"], "asks for input 7, the network has inputs 0 to 2"),
        (["net.npz", "--box", "0,1", "--out", "net.npz"], "cannot make the folder net.npz: File exists"),
        (
            ["net.npz", "--box", "0,1", "--out", "net.npz/x"],
            "cannot make the folder net.npz/x: Not a directory",
        ),
        (["net.npz", "--box", "0,1", "--json", "folder"], "cannot write folder: it is a folder"),
    ],
)
def test_what_cannot_be_done(
    arguments: list[str],
    message: str,
    net_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = net_file.parent
    monkeypatch.chdir(folder)
    (folder / "net.txt").write_text("a network")
    (folder / "net.npz.npy").write_text("not an array")
    (folder / "cut.nnet").write_bytes(ft.demo_path().read_bytes()[:3000])
    (folder / "folder").mkdir()
    np.save("box.npy", [[0, 1], [2, 3]])
    np.save("nan.npy", [[0, 0, 0], [0, 0, 0], [0, np.nan, 0]])
    np.save("pickled.npy", np.array([{}], object))
    np.savez("two.npz", x=np.zeros((4, 3)), y=np.zeros((5, 3)), z=np.zeros(4))
    before = sorted(folder.iterdir())
    assert main(["survey", *arguments]) == 1
    check_error(capsys, message)
    assert sorted(folder.iterdir()) == before


def test_final_softmax(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from onnx_models import model

    path = tmp_path / "net.onnx"
    path.write_bytes(model("h = MatMul(x, W) p = Relu(h) y = Softmax(p)").SerializeToString())
    arguments = ["survey", str(path), "--box", "-1,1", "--points", "10", "--json", "-", "-q"]
    assert main(arguments) == 1
    check_error(capsys, "pass --strip-softmax for the logits before it")
    assert main([*arguments, "--strip-softmax"]) == 0
    assert json.loads(capsys.readouterr().out)["network"]["neurons"] == 3


def check_error(capsys: pytest.CaptureFixture[str], message: str) -> None:
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("error: ")
    assert message in printed.err
