"""The command line as users run it, in a process of its own: files, terminals, Ctrl-C, missing extras."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from reference import random_network

import facetry as ft

RUN = [sys.executable, "-c", "import sys; from facetry.cli import main; sys.exit(main())"]
# Without FACETRY_ISA: nothing here is about arithmetic, and "baseline" emulates fma, 100 times slower.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "FACETRY_ISA"},
    "PYTHONPATH": str(Path(ft.__file__).parents[1]),
    "TERM": "xterm",
}


def python(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, timeout=120, check=False,
    )  # fmt: skip


def facetry(*arguments: object, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = python(*RUN[1:], *arguments, cwd=cwd)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def net_file(tmp_path: Path) -> Path:
    path = tmp_path / "net.npz"
    random_network([3, 6, 2], seed=4).save(path)
    return path


def test_survey_of_the_shipped_network(tmp_path: Path) -> None:
    done = facetry("survey", "--points", 3000, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "written: report/index.html"
    assert "3,000 points of its input box fall into" in done.stdout
    lines = done.stderr.splitlines()
    stages = ("points: ", "near and far pairs: ", "margins: ", "picture: ")
    assert all(line.startswith(stages) for line in lines)
    assert all(any(line.startswith(stage) for line in lines) for stage in stages)
    assert lines[0].startswith("points: 3,000 of 3,000 (100 %)")
    assert lines[-1].startswith("picture: 1 of 1 (100 %)")
    assert "\r" not in done.stderr
    numbers = json.loads((tmp_path / "report" / "survey.json").read_text())
    assert numbers["points"]["count"] == 3000
    assert numbers["network"]["inputs"] == 3
    assert "</html>" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_json_alone_on_standard_output(net_file: Path, tmp_path: Path) -> None:
    done = facetry("survey", net_file, "--box", "-1,1", "--points", 500, "--json", "-", cwd=tmp_path)
    numbers = json.loads(done.stdout)
    assert numbers["points"]["box"] == [[-1, 1]] * 3
    assert numbers["points"]["origin"] == "the box [-1, 1]"
    assert numbers["network"]["name"] == "net.npz"
    assert "points: 500 of 500" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


def test_quiet_prints_nothing(net_file: Path, tmp_path: Path) -> None:
    out, numbers = tmp_path / "out", tmp_path / "numbers.json"
    done = facetry(
        "survey", net_file, "--box", "-1,1", "--points", 50, "-q", "--out", out, "--json", numbers,
        "--class", "argmin", "--dtype", "float64", "--threads", 1, "--seed", 5, "--plane", "random",
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("", "")
    facts = json.loads(numbers.read_text())
    assert facts == json.loads((out / "survey.json").read_text())
    assert (facts["classes"]["rule"], facts["network"]["dtype"], facts["seed"]) == ("argmin", "float64", 5)
    assert (facts["environment"]["threads"], facts["picture"]["kind"]) == (1, "random")


def test_boxes_from_files(net_file: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "box.npy", [[0, 1], [2, 3], [4, 4]])
    bounds = "".join(
        f"(declare-const X_{i} Real) (assert (>= X_{i} 0)) (assert (<= X_{i} {i}))" for i in (0, 1, 2)
    )
    (tmp_path / "box.vnnlib").write_text(bounds)
    for option, name, box in (
        ("--box", "box.npy", [[0, 1], [2, 3], [4, 4]]),
        ("--vnnlib", "box.vnnlib", [[0, 0], [0, 1], [0, 2]]),
    ):
        done = facetry("survey", net_file, option, name, "--points", 9, "--json", "-", cwd=tmp_path)
        points = json.loads(done.stdout)["points"]
        assert (points["box"], points["origin"]) == (box, f"the box of {name}")


def test_data_from_files(net_file: Path, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).random((20, 3)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    np.savez(tmp_path / "rows.npz", x=rows, labels=np.arange(20), twice=2 * rows)
    np.savez(tmp_path / "one.npz", x=rows, labels=np.arange(20))
    for name, origin in (
        ("rows.npy", "the data rows.npy"),
        ("rows.npz:x", "the data rows.npz:x"),
        ("one.npz", "the data one.npz:x"),
    ):
        done = facetry(
            "survey",
            net_file,
            "--data",
            name,
            "--plane",
            "3,1,4",
            "--json",
            "-",
            "--points",
            15,
            cwd=tmp_path,
        )
        facts = json.loads(done.stdout)
        assert (facts["points"]["origin"], facts["points"]["count"]) == (origin, 15)
        assert facts["picture"]["numbers"] == [3, 1, 4]
        assert facts["points"]["box"] == np.stack([rows[:15].min(0), rows[:15].max(0)], 1).tolist()


def test_the_place_of_the_report_is_tried_before_the_work(net_file: Path, tmp_path: Path) -> None:
    """A billion points would take minutes: the answer must come before them."""
    done = facetry(
        "survey",
        net_file,
        "--box",
        "0,1",
        "--points",
        10**9,
        "--out",
        net_file / "report",
        code=1,
        cwd=tmp_path,
    )
    assert done.stderr == f"error: cannot make the folder {net_file}/report: Not a directory\n"


@pytest.mark.parametrize(
    ("after", "arguments"),
    [
        ("points: ", ["--points", "10000000"]),
        ("near and far pairs: ", ["wide.npz", "--points", "2", "--box", "-1,1"]),
    ],
    ids=["points", "picture"],
)
def test_interrupt(after: str, arguments: list[str], tmp_path: Path) -> None:
    """The points, and the regions of the picture, would go on for seconds after these lines."""
    random_network([400, 800, 800, 2]).save(tmp_path / "wide.npz")
    with subprocess.Popen(
        [*RUN, "survey", *arguments, "--out", "new/report"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=ENVIRONMENT,
    ) as work:  # fmt: skip
        assert work.stderr is not None
        while not (line := work.stderr.readline()).startswith(after):
            assert line, "it ended before it could be interrupted"
        work.send_signal(signal.SIGINT)
        out, err = work.communicate(timeout=60)
    assert work.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "interrupted, nothing written"
    assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == ["wide.npz"]


def test_interrupt_while_the_report_is_written(tmp_path: Path) -> None:
    """Ctrl-C between the two files comes too late: both are there; afterwards it works as before."""
    code = """
import os, signal
from pathlib import Path
from facetry.report.files import write_files
replace = os.replace
def interrupted(source, target):
    replace(source, target)
    os.kill(os.getpid(), signal.SIGINT)
os.replace = interrupted
write_files({Path("a"): "1", Path("b"): "2"})
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = python("-c", code, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "1", "b": "2"}


def test_bar_on_a_terminal(net_file: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    seen = b""
    with subprocess.Popen(
        [*RUN, "survey", str(net_file), "--box", "-1,1", "--points", "3000", "--json", "out.json"],
        stdout=subprocess.DEVNULL, stderr=theirs, cwd=tmp_path, env=ENVIRONMENT,
    ) as work:  # fmt: skip
        os.close(theirs)
        while part := _read(ours):
            seen += part
        os.close(ours)
    text = seen.decode()
    assert work.returncode == 0
    assert "━" in text
    assert "3000/3000" in text
    assert "1/1" in text


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says EIO where the other end is closed
        return b""


@pytest.mark.parametrize("missing", ["typer", "rich", "matplotlib"])
def test_missing_extra(missing: str, tmp_path: Path) -> None:
    """Hide a package behind a finder that does not find it."""
    code = f"""
import importlib.abc, importlib.util, sys
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
from facetry.cli import main
sys.exit(main(["survey", "--points", "100"]))
"""
    done = python("-c", code, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: the ")
    assert done.stderr.endswith(f" needs {missing}: pip install 'facetry[survey]'\n")
    assert list(tmp_path.iterdir()) == []


def test_real_networks(shared: Path, tmp_path: Path) -> None:
    """The four networks that the survey has to run on, and what is known of them."""
    data = shared / "data"
    acas = [data / "acasxu" / "nnet" / "ACASXU_run2a_1_1_batch_2000.nnet", "--class", "argmin"]
    mnist = [
        data / "mnist_nets" / "mnist-net_256x2.onnx", "--data", data / "datasets" / "mnist_test2000.npz",
    ]  # fmt: skip
    cartpole = [data / "rl" / "cartpole.onnx", "--box", "-1,1"]
    for k, (arguments, neurons) in enumerate(((acas, 300), (mnist, 512), (cartpole, 128))):
        facetry("survey", *arguments, "--points", 2000, "--out", tmp_path / str(k), "-q")
        facts = json.loads((tmp_path / str(k) / "survey.json").read_text())
        assert facts["network"]["neurons"] == neurons
        assert facts["points"]["count"] == sum(facts["classes"]["counts"]) == 2000
        assert facts["hamming"]["near_mean"] < facts["hamming"]["far_mean"]
        assert facts["picture"]["patterns"] > 100
