"""The report: its page, its numbers, its colours, and how it is written."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pages import check_page
from reference import random_network, survey_counts, survey_points

import facetry as ft
from facetry import plot
from facetry.report import check_folder, write_report
from facetry.report.files import write_files
from facetry.survey import Survey, survey

BOX3 = [[-1.0, 1.0], [0.0, 2.0], [3.0, 3.0]]


@pytest.fixture(scope="module")
def net() -> ft.Network:
    return random_network([3, 9, 70, 4], seed=2)


@pytest.fixture(scope="module")
def seen(net: ft.Network) -> Survey:
    return survey(net, 1000, box=BOX3, pairs=200, pixels=40)


def test_report_is_whole_and_self_contained(seen: Survey, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "report"
    check_folder(folder)
    assert not folder.parent.exists()
    path = write_report(seen, folder)
    assert path == folder / "index.html"
    check_page(path, seen)
    assert sorted(p.name for p in folder.iterdir()) == ["index.html", "survey.json"]
    assert f"{seen.patterns.distinct:,}" in path.read_text(encoding="utf-8")
    check_page(write_report(seen, folder), seen)


def test_report_escapes_names(seen: Survey, tmp_path: Path) -> None:
    facts = dataclasses.replace(seen.network, name="<script>$x & y</script>", file='"<b>"')
    path = write_report(dataclasses.replace(seen, network=facts), tmp_path)
    check_page(path, dataclasses.replace(seen, network=facts))
    assert "&lt;script&gt;$x &amp; y&lt;/script&gt;" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("layers", "box"),
    [
        ([ft.Dense([[2.0]])], [[0, 1]]),
        ([ft.Dense([[2.0], [1.0]]), ft.ReLU(), ft.Dense([[1.0, -1.0]])], [[-1, 1]]),
        ([ft.Dense([[1.0, 1.0]]), ft.ReLU()], [[0.5, 0.5], [-1, 1]]),
        ([ft.Dense([[1.0, 1.0]]), ft.ReLU()], [[0.5, 0.5], [1, 1]]),
        ([ft.Dense(np.zeros((3, 2))), ft.ReLU(), ft.Dense(np.zeros((2, 3)))], [[0, 1], [0, 1]]),
    ],
    ids=["affine", "one input", "one input varies", "a single point", "all zero"],
)
def test_degenerate_networks_have_reports(layers: list[ft.Layer], box, tmp_path: Path) -> None:
    net = ft.Network(layers)
    seen = survey(net, 50, box=box, pixels=8, pairs=16)
    assert seen.patterns.distinct == survey_counts(net, survey_points(net, box, 50)).distinct
    assert (seen.picture is None) == all(low == high for low, high in box)
    check_page(write_report(seen, tmp_path), seen)


def test_full_memory_gives_lower_bounds(net: ft.Network, tmp_path: Path) -> None:
    seen = survey(net, 4096, box=BOX3, max_bytes=2**12, pairs=4, pixels=4)
    assert not seen.patterns.complete
    assert seen.patterns.distinct < survey_counts(net, survey_points(net, BOX3, 4096)).distinct
    page = write_report(seen, tmp_path).read_text(encoding="utf-8")
    assert "at least" in page
    assert "lower bounds" in page


def test_json_layout(seen: Survey) -> None:
    facts = seen.to_dict()
    assert facts["schema"] == 1
    assert sorted(facts) == [
        "classes", "environment", "hamming", "layers", "margins", "network", "patterns", "picture", "points",
        "points_per_second", "schema", "seconds", "seed",
    ]  # fmt: skip
    assert facts["picture"]["patterns"] == len(seen.picture.patterns)  # type: ignore[union-attr]
    assert facts["points_per_second"] > 0
    assert facts["layers"][1]["neurons"] == 70


def test_no_half_written_report(seen: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files({tmp_path / "index.html": "old", tmp_path / "survey.json": "old"})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(seen, tmp_path)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"index.html": "old", "survey.json": "old"}


def test_folders_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot make the folder .*file: "):
        check_folder(tmp_path / "file")
    (tmp_path / "index.html").mkdir()
    with pytest.raises(IsADirectoryError, match=r"cannot write .*index\.html: it is a folder"):
        check_folder(tmp_path)

    def refuse(self: Path, exist_ok: bool = True) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(OSError, match=r"cannot write in .*new: Permission denied"):
        check_folder(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_similar_patterns_have_similar_colours() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 60)) < 0.5
    bits = np.concatenate([np.tile(one, (30, 1)), np.tile(other, (30, 1))])
    bits[np.arange(60), np.arange(60)] ^= True
    patterns = ft.Patterns.from_bool(bits, [60])
    colours = plot.pattern_colours(patterns)
    assert colours.shape == (60, 3)
    assert np.all((colours >= 0) & (colours <= 1))
    assert_array_equal(colours, plot.pattern_colours(patterns))
    assert len(np.unique(colours, axis=0)) == 60
    near = np.linalg.norm(colours[:30] - colours[:30].mean(0), axis=1)
    far = np.linalg.norm(colours[:30].mean(0) - colours[30:].mean(0))
    assert near.max() < far / 2
