"""The survey's measurements against plain loops, its planes and its rasters."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import random_network, survey_counts, survey_points

import facetry as ft
from facetry.survey import Raster, Slice, Survey, survey
from facetry.survey.plane import plane_of_inputs, plane_through, random_plane
from facetry.survey.raster import raster

BOX3 = [[-1.0, 1.0], [0.0, 2.0], [3.0, 3.0]]


@pytest.fixture(scope="module")
def net() -> ft.Network:
    return random_network([3, 9, 70, 4], seed=2)


@pytest.fixture(scope="module")
def seen(net: ft.Network) -> Survey:
    return survey(net, 1000, box=BOX3, pairs=200, pixels=40)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [2, 3, 64, 1000])
def test_points_of_a_box(net: ft.Network, n: int, dtype: str) -> None:
    net = net.astype(dtype)
    seen = survey(net, n, box=BOX3, pairs=4, pixels=2)
    x = survey_points(net, BOX3, n)
    expected = survey_counts(net, x)
    assert seen.patterns.distinct == expected.distinct
    assert seen.patterns.curve == tuple(expected.curve)
    assert seen.patterns.complete
    active = np.concatenate([expected.active[:9], expected.active[9:]])
    for layer, counts in zip(seen.layers, (active[:9], active[9:]), strict=True):
        assert layer.always_active == np.sum(counts == n)
        assert layer.never_active == np.sum(counts == 0)
        assert layer.always_active + layer.never_active + layer.split == layer.neurons == len(counts)
        assert layer.mean_active == pytest.approx(counts.mean() / n)
        assert_array_equal(layer.activity, np.histogram(counts * 20, bins=20, range=(0, 20 * n))[0])
    assert_array_equal(seen.classes.counts, np.bincount(net(x).argmax(axis=1), minlength=4))


def test_points_do_not_depend_on_blocks(
    net: ft.Network, seen: Survey, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    for module in ("sources", "measure"):
        monkeypatch.setattr(f"facetry.survey.{module}.block_rows", lambda net: 37)
    again = survey(net, 1000, box=BOX3, pairs=200, pixels=40)
    assert again.patterns == seen.patterns
    assert (again.layers, again.hamming, again.classes) == (seen.layers, seen.hamming, seen.classes)
    assert again.picture is not None
    assert seen.picture is not None
    assert isinstance(again.picture, Slice)
    assert isinstance(seen.picture, Slice)
    assert_array_equal(again.picture.regions.vertices, seen.picture.regions.vertices)
    assert again.picture.regions.patterns == seen.picture.regions.patterns


def test_data_are_taken_as_they_are() -> None:
    net = random_network([4, 8, 3], seed=1)
    images = np.random.default_rng(0).integers(0, 256, (30, 2, 2), dtype=np.uint8)
    seen = survey(net, data=images, pairs=8, pixels=4)
    flat = (images.reshape(30, 4) / 255.0).astype(np.float32)
    assert seen.points.count == 30
    assert seen.points.note == "uint8 values divided by 255"
    assert_array_equal(seen.points.box, np.stack([images.min(0).ravel(), images.max(0).ravel()], 1) / 255.0)
    assert seen.patterns.distinct == survey_counts(net, flat).distinct
    assert_array_equal(seen.classes.counts, np.bincount(net(flat).argmax(axis=1), minlength=3))
    assert survey(net, 7, data=images, pairs=8, pixels=4).points.count == 7
    wide = survey(net, data=flat.astype(np.float64), pairs=8, pixels=4)
    assert wide.points.note == "float64 values rounded to float32"
    assert wide.patterns == seen.patterns


def test_pairs_are_near_and_far() -> None:
    """One neuron a unit of the only input that varies: Hamming distances are distances."""
    walls = np.arange(1, 100.0)
    net = ft.Network([ft.Dense(np.stack([0 * walls, 0 * walls + 1], 1), -walls), ft.ReLU()])
    facts = survey(net, 2, box=[[5, 5], [0, 100]], pairs=2000).hamming
    assert facts.near_mean == pytest.approx(1, abs=0.1)  # a step of 1 % of 100, clipped to the box
    assert facts.far_mean == pytest.approx(100 / 3, rel=0.1)
    assert facts.near_same < 0.05
    assert sum(facts.near) == sum(facts.far) == facts.pairs == 2000
    assert len(facts.far) * facts.bin_width >= 90  # the longest of 2000 distances


def test_classes_by_lowest_and_by_sign(net: ft.Network) -> None:
    x = survey_points(net, BOX3, 256)
    lowest = survey(net, 256, box=BOX3, class_rule="argmin", pairs=4, pixels=4).classes
    assert lowest.rule == "argmin"
    assert_array_equal(lowest.counts, np.bincount(net(x).argmin(axis=1), minlength=4))
    one = random_network([3, 9, 1], seed=5)
    sign = survey(one, 256, box=BOX3, pairs=4, pixels=4).classes
    positive = int(np.sum(one(survey_points(one, BOX3, 256)) > 0))
    assert (sign.rule, sign.counts) == ("sign", (256 - positive, positive))


def test_progress_reaches_the_end_of_every_stage(net: ft.Network, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[str, int, int]] = []
    survey(net, 500, box=BOX3, pairs=9, pixels=8, progress=lambda *call: calls.append(call))
    assert ("points", 500, 500) in calls
    assert ("pairs", 9, 9) in calls
    assert ("margins", 500, 500) in calls
    assert calls[-1] == ("picture", 1, 1)
    survey(net, 500, box=BOX3, pairs=9, pixels=8, progress=True)
    assert "500 of 500 points" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "the network has no input box: give a box or data"),
        ({"box": [[0, 1]]}, r"box has shape \(1, 2\), expected \(3, 2\)"),
        (
            {"box": [[0, 1], [1, 0], [0, 1]]},
            r"box has \[1.0, 0.0\] for input 1, expected finite lower <= upper",
        ),
        ({"box": [[0, 1], [0, 1], [0, np.nan]]}, r"box has \[0.0, nan\] for input 2"),
        ({"box": [[0, 1], [0, 1], [0, 1e39]]}, r"box has \[0.0, 1e\+39\] for input 2, expected finite"),
        ({"box": BOX3, "points": 1}, "points is 1, a survey needs at least 2"),
        ({"box": BOX3, "data": np.zeros((4, 3))}, "give a box or data, not both"),
        ({"box": BOX3, "pairs": 0}, "pairs must be at least 1, is 0"),
        ({"box": BOX3, "margins": -1}, "margins must not be negative, is -1"),
        ({"box": BOX3, "pixels": 1}, "pixels must be at least 2, is 1"),
        ({"box": BOX3, "class_rule": "best"}, "class_rule is 'best', expected 'argmax' or 'argmin'"),
        ({"box": BOX3, "plane": "best"}, "plane is 'best', expected 'random', two inputs or three data"),
        ({"box": BOX3, "plane": (0, 3)}, "the plane asks for input 3, the network has inputs 0 to 2"),
        ({"box": BOX3, "plane": (0, 2)}, "the plane asks for input 2, which is constant in the box"),
        ({"box": BOX3, "plane": (1, 1)}, "the plane asks for input 1 twice"),
        ({"box": BOX3, "plane": (0, 1, 2)}, "a plane through three points needs data"),
        ({"data": np.zeros((4, 3)), "plane": (0, 1, 4)}, "asks for data point 4, there are points 0 to 3"),
        (
            {"data": np.zeros((4, 3)), "plane": (0, 1, 2, 3)},
            "plane has 4 numbers, expected two inputs or three",
        ),
        ({"data": np.zeros((4, 3)), "plane": (0, 1, 2)}, "data points 0, 1 and 2 lie on one line"),
        ({"data": np.zeros((4, 3)), "plane": "random"}, "needs a box in which at least two inputs vary"),
        ({"data": np.zeros((4, 2))}, r"data has shape \(4, 2\), expected \(n, 3\)"),
        ({"data": np.zeros(3)}, r"data has shape \(3,\), expected \(n, 3\)"),
        ({"data": np.zeros((1, 3))}, "data has 1 points, a survey needs at least 2"),
        ({"data": np.zeros((4, 3)), "points": 5}, "data has 4 points, fewer than the 5 asked for"),
        ({"data": [[0, 0, 0], [0, np.nan, 0]]}, r"data is not finite at index \(1, 1\)"),
        ({"data": [[0, 0, 0], [0, 0, np.inf]]}, r"data is not finite at index \(1, 2\)"),
    ],
)
def test_bad_arguments(net: ft.Network, arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        survey(net, **arguments)


def test_data_of_no_numbers(net: ft.Network) -> None:
    with pytest.raises(TypeError, match="data has dtype complex128, expected numbers"):
        survey(net, data=np.zeros((4, 3), complex))
    with pytest.raises(TypeError, match="holds Python objects"):
        survey(net, data=np.zeros((4, 3), object))


def test_plane_of_inputs_covers_the_box() -> None:
    plane = plane_of_inputs(np.array([[0.0, 4.0], [1.0, 3.0], [-2.0, 2.0]]), 2, 0)
    assert plane.window == (-2.0, 2.0, 0.0, 4.0)
    assert_array_equal(plane.origin, [0, 2, 0])
    assert_array_equal([plane.u, plane.v], [[0, 0, 1], [1, 0, 0]])


def test_plane_through_three_points_is_gram_schmidt() -> None:
    points = np.random.default_rng(3).standard_normal((3, 6))
    plane = plane_through(points, (4, 5, 6))
    assert plane.v is not None
    frame = np.stack([plane.u, plane.v])
    assert_allclose(frame @ frame.T, np.eye(2), atol=1e-12)
    for point, (s, t) in zip(points, plane.marks, strict=True):
        assert_allclose(plane.origin + s * plane.u + t * plane.v, point, atol=1e-12)
        assert plane.window[0] < s < plane.window[1]
        assert plane.window[2] < t < plane.window[3]
    assert plane.marks[0] == (0, 0)
    assert plane.marks[1][1] == 0


def test_random_plane_stays_in_the_box() -> None:
    box = np.array([[0.0, 1000.0], [-1e-3, 1e-3], [5.0, 5.0], [0.0, 1.0]])
    plane = random_plane(box, np.random.default_rng(0))
    assert plane.v is not None
    s0, s1, t0, t1 = plane.window
    corners = np.array([plane.origin + s * plane.u + t * plane.v for s in (s0, s1) for t in (t0, t1)])
    assert np.all(corners >= box[:, 0] - 1e-9)
    assert np.all(corners <= box[:, 1] + 1e-9)
    reach = np.abs(corners - box.mean(axis=1)).max(axis=0)[[0, 1, 3]] / (box[[0, 1, 3]] @ [-0.5, 0.5])
    assert reach.max() == pytest.approx(1)


def test_raster_sees_the_middles_of_pixels(net: ft.Network) -> None:
    plane = plane_of_inputs(np.array(BOX3), 0, 1)
    picture = raster(net, plane, "argmax", pixels=5)
    for row in range(5):
        for column in range(5):
            x = np.array([[-1 + 2 * (column + 0.5) / 5, 2 * (row + 0.5) / 5, 3]], np.float32)
            assert picture.patterns[picture.regions[row, column]] == net.patterns(x)
            best, second = np.sort(net(x)[0].astype(float))[::-1][:2]
            assert picture.classes[row, column] == net(x).argmax()
            assert picture.leads[row, column] == best - second
    assert len(picture.patterns.unique()) == len(picture.patterns) == picture.regions.max() + 1


def test_default_planes() -> None:
    wide = random_network([20, 30, 4], seed=0)
    data = np.random.default_rng(1).standard_normal((50, 20)).astype(np.float32)
    through = survey(wide, data=data, pairs=4, pixels=4).picture
    assert through is not None
    assert through.plane.kind == "points"
    assert len(set(wide(data[list(through.plane.numbers)]).argmax(axis=1))) == 3
    scattered = survey(wide, 16, box=np.tile([[-1, 1]], (20, 1)), pairs=4, pixels=4).picture
    assert scattered is not None
    assert scattered.plane.kind == "random"
    walls = np.zeros((9, 3))
    walls[:4, 1] = walls[4:, 2] = 1
    busy = ft.Network([ft.Dense(walls, -np.linspace(0.1, 0.9, 9)), ft.ReLU()])
    picture = survey(busy, 16, box=[[0, 1]] * 3, pairs=4, pixels=4).picture
    assert picture is not None
    assert picture.plane.numbers == (1, 2)


def test_picture_has_all_regions_of_the_plane(net: ft.Network, seen: Survey) -> None:
    picture = seen.picture
    assert isinstance(picture, Slice)
    assert picture.regions.verify().ok
    sampled = raster(net.astype("float64"), picture.plane, "argmax", pixels=50)
    found = {row.tobytes() for row in picture.patterns.bits}
    assert {row.tobytes() for row in sampled.patterns.bits} <= found
    assert set(sampled.seen_classes) <= set(picture.seen_classes)
    assert seen.to_dict()["picture"]["faces"] == len(picture.regions)


def test_picture_is_a_raster_where_regions_are_too_many(
    net: ft.Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facetry.survey.slice._MAX_BYTES", 2**12)
    calls: list[tuple[str, int, int]] = []
    picture = survey(net, 50, box=BOX3, pairs=9, pixels=8, progress=lambda *c: calls.append(c)).picture
    assert isinstance(picture, Raster)
    assert calls[-1] == ("picture", 8, 8)
