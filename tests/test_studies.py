"""The studies in bench/studies run, in their small form, and print what they promise."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the study trains with torch")
pytest.importorskip("matplotlib", reason="the study draws")

ROLL = Path(__file__).parents[1] / "bench" / "studies" / "roll.py"


def test_roll_study(tmp_path):
    picture = tmp_path / "roll.png"
    run = subprocess.run(
        [sys.executable, str(ROLL), "--quick", "--out", str(picture)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    for start in (
        "Toy of Appendix F",
        "distance (Eq. 4)",
        "relaxed (Eq. 7)",
        "Table 1",
        "Table 2",
        "vanilla",
    ):
        assert any(line.startswith(start) for line in lines), start
    printed = [line.split() for line in lines if line.strip().startswith("printed")]
    assert [row[1] for row in printed] == ["98", "98", "97"]
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("step ")) + 2 :]
    ratios = {line[:36].strip(): float(line[37:].split()[1]) for line in table}
    assert set(ratios) == {
        "full, by back-propagation (torch)",
        "full, forward mode (torch)",
        "3 axes, forward mode (torch)",
        "full (facetry)",
        "3 axes (facetry)",
    }
    assert all(ratio > 0 for ratio in ratios.values())
    pixels = pytest.importorskip("matplotlib.image").imread(picture)
    assert pixels.shape[1] > 2 * pixels.shape[0]
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 50


def test_drawn_digits():
    spec = importlib.util.spec_from_file_location("roll_study", ROLL)
    study = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(study)
    images, labels = study.drawn_digits(40)
    again, _ = study.drawn_digits(40)
    np.testing.assert_array_equal(images, again)
    assert images.shape == (40, 28, 28)
    assert set(labels) <= set(range(10))
    ink = (images > 128).mean((1, 2))
    assert (ink > 0.02).all()
    assert (ink < 0.5).all()
