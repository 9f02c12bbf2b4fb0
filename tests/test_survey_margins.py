"""The margins in a survey: percentiles, histogram, and the balls in its picture."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from pages import check_page
from reference import random_network, survey_points

import facetry as ft
from facetry import plot
from facetry.report import write_report
from facetry.survey import survey
from facetry.survey.balls import plane_balls
from facetry.survey.plane import plane_of_inputs, plane_through, random_plane

BOX3 = [[-1.0, 1.0], [0.0, 2.0], [3.0, 3.0]]
NORMS = {"1": 1, "2": 2, "inf": np.inf}


@pytest.fixture(scope="module")
def net() -> ft.Network:
    return random_network([3, 9, 70, 4], seed=2)


def nth_smallest(values, percent):
    """The least value that so many per cent do not exceed, by counting."""
    return next(v for v in sorted(values) if 100 * np.sum(values <= v) >= percent * len(values))


def test_percentiles_are_of_the_margins_of_the_first_points(net: ft.Network) -> None:
    seen = survey(net, 300, box=BOX3, margins=170, pairs=4, pixels=4).margins
    assert seen is not None
    assert seen.points == 170
    assert seen.percentiles == (25, 50, 75, 100)
    for name, p in NORMS.items():
        radii = net.margins(survey_points(net, BOX3, 300)[:170], p).radius
        assert seen.radii[name] == tuple(nth_smallest(radii, q) for q in seen.percentiles)
    assert (seen.on_a_wall, seen.unbounded, seen.overflowing) == (0, 0, 0)


def test_margins_do_not_depend_on_blocks(net: ft.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = survey(net, 300, box=BOX3, pairs=4, pixels=4).margins
    monkeypatch.setattr("facetry.survey.sources.block_rows", lambda net: 37)
    monkeypatch.setattr("facetry.survey.margins._BLOCK", 10)
    assert survey(net, 300, box=BOX3, pairs=4, pixels=4).margins == whole


def test_the_histogram_counts_every_positive_margin(net: ft.Network) -> None:
    seen = survey(net, 300, box=BOX3, pairs=4, pixels=4).margins
    assert seen is not None
    edges = np.array(seen.edges)
    np.testing.assert_allclose(edges[1:] / edges[:-1], 10**0.2, rtol=1e-12)
    assert edges[-1] / edges[0] <= 1.01e6
    for name in ("2", "inf"):
        radii = net.margins(survey_points(net, BOX3, 300), NORMS[name]).radius
        assert sum(seen.counts[name]) == 300
        inside = np.histogram(radii, edges)[0]
        assert seen.counts[name][1:] == tuple(inside[1:])
        assert seen.counts[name][0] == inside[0] + np.sum(radii < edges[0])


def test_walls_and_regions_without_walls(tmp_path: Path) -> None:
    """|x - 0.5| of points 0, 1/2, 1/4, 3/4, ...: one is on the wall. A dead network has no walls."""
    net = ft.Network([ft.Dense([[1.0]], [-0.5]), ft.ReLU()])
    seen = survey(net, 8, box=[[0, 1]], pairs=4, pixels=4)
    assert seen.margins is not None
    assert (seen.margins.on_a_wall, seen.margins.unbounded) == (1, 0)
    assert seen.margins.radii["2"] == (0.125, 0.25, 0.375, 0.5)
    page = write_report(seen, tmp_path / "wall")
    check_page(page, seen)
    assert "1 point is on a wall, with margin 0" in page.read_text(encoding="utf-8")
    dead = ft.Network([ft.Dense([[0.0]], [1.0]), ft.ReLU()])
    seen = survey(dead, 8, box=[[0, 1]], pairs=4, pixels=4)
    assert seen.margins is not None
    assert (seen.margins.unbounded, seen.margins.edges, seen.margins.counts["2"]) == (8, (), ())
    assert seen.margins.radii["inf"] == (None,) * 4
    page = write_report(seen, tmp_path / "dead")
    check_page(page, seen)
    assert "unbounded" in page.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="no margins that are positive and finite"):
        plot.margins(seen)


def test_no_margins_where_none_are_asked_for_or_there_are_no_neurons(net: ft.Network, tmp_path: Path) -> None:
    affine = ft.Network([ft.Dense([[1.0, 2.0]])])
    for seen in (
        survey(net, 9, box=BOX3, margins=0, pairs=4, pixels=4),
        survey(affine, 9, box=[[0, 1], [0, 1]], pairs=4, pixels=4),
    ):
        assert seen.margins is None
        assert seen.to_dict()["margins"] is None
        check_page(write_report(seen, tmp_path), seen)


def test_the_report_has_the_percentiles(net: ft.Network, tmp_path: Path) -> None:
    seen = survey(net, 300, box=BOX3, pairs=4, pixels=8)
    assert seen.margins is not None
    radii = {**seen.margins.radii, "2": (1.5e-7, 0.25, 3.0, 123456.0)}
    seen = dataclasses.replace(seen, margins=dataclasses.replace(seen.margins, radii=radii))
    page = write_report(seen, tmp_path)
    check_page(page, seen)
    text = page.read_text(encoding="utf-8")
    row = "<td>l2</td><td>1.50 × 10<sup>−7</sup></td><td>0.25</td><td>3</td><td>1.23 × 10<sup>5</sup></td>"
    assert row in text


@pytest.mark.parametrize("kind", ["inputs", "points", "random"])
def test_balls_are_margins_and_do_not_meet(net: ft.Network, kind: str) -> None:
    box = np.array([[-1.0, 1.0], [0.0, 200.0], [2.0, 3.0]])
    three = np.array([[0.0, 1.0, 2.5], [0.5, 0.0, 3.0], [-0.5, 0.5, 2.0]])
    plane = {
        "inputs": plane_of_inputs(np.array(BOX3), 0, 1),
        "points": plane_through(three, (0, 1, 2)),
        "random": random_plane(box, np.random.default_rng(0)),
    }[kind]
    assert plane.v is not None
    balls = plane_balls(net, plane)
    marks = len(plane.marks)
    assert len(balls) > 5 + marks
    points = plane.origin + balls[:, :1] * plane.u + balls[:, 1:2] * plane.v
    np.testing.assert_array_equal(balls[:, 2], net.margins(points.astype(np.float32)).radius)
    np.testing.assert_array_equal(balls[:marks, :2], np.reshape(plane.marks, (-1, 2)))
    assert (np.diff(balls[marks:, 2]) <= 0).all()
    gaps = np.linalg.norm(points[:, None] - points, axis=2) - balls[:, 2] - balls[:, None, 2]
    assert (gaps[marks:][~np.eye(len(balls), dtype=bool)[marks:]] > -1e-6).all()


def test_circles_are_drawn_where_the_ball_meets_the_plane(net: ft.Network) -> None:
    """Also where the plane's coordinates are widths of the box: the ring's points lie on the ball."""
    pytest.importorskip("matplotlib", reason="draws")
    box = [[-1.0, 1.0], [0.0, 200.0], [2.0, 3.0]]
    picture = survey(net, 9, box=box, plane="random", pairs=4, pixels=8).picture
    assert picture is not None
    plane = picture.plane
    assert plane.v is not None
    ax = plot.regions(picture)
    rings = [line.get_xydata() for line in ax.lines if len(line.get_xydata()) == 73]
    assert len(rings) == len(picture.balls) > 5
    for ring, (s, t, radius) in zip(rings, picture.balls, strict=True):
        steps = np.asarray(ring) - [s, t]
        away = np.linalg.norm(steps[:, :1] * plane.u + steps[:, 1:] * plane.v, axis=1)
        np.testing.assert_allclose(away, radius, rtol=1e-6)
    assert ax.get_xlim() == plane.window[:2]
    assert ax.get_ylim() == plane.window[2:]


def test_real_networks(shared: Path, tmp_path: Path) -> None:
    net = ft.load(shared / "data/mnist_nets/mnist-net_256x2.onnx")
    images = np.load(shared / "data/datasets/mnist_test2000.npz")["images"][:200]
    seen = survey(net, data=images, pairs=50, pixels=20)
    assert seen.margins is not None
    assert seen.margins.points == 200
    one, two, inf = (np.array(seen.margins.radii[p], float) for p in ("1", "2", "inf"))
    assert (one > two).all()
    assert (two > inf).all()
    assert (inf > 0).all()
    check_page(write_report(seen, tmp_path), seen)
