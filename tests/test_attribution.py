"""Integrated gradients, pictures of attributions, and distances to the edge of marked points."""

import numpy as np
import pytest
from reference import random_network
from test_gradients import every_kind, points

import facetry as ft
from facetry.gradients import attribution_image, distance_to_edge, edge_study, integrated_gradients


def crossings(net, a, b, y):
    """Attributions by the exact integral: the path is cut where finely sampled patterns change."""
    t = np.linspace(0, 1, 20_001)
    path = a + t[:, None] * (b - a)
    middle = (path[1:] + path[:-1]) / 2
    jacobian = net.affine_maps(middle).jacobian[:, y]
    return (b - a) * (jacobian * np.diff(t)[:, None]).sum(axis=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_attributions_are_complete_up_to_the_gap(dtype):
    net = random_network([6, 15, 15, 3], dtype=dtype)
    x = points(net, 10)
    baseline = np.random.default_rng(3).standard_normal(6)
    labels = np.arange(10) % 3
    double = net.astype("float64")
    rise = (double(x.astype(float)) - double(baseline[None]))[np.arange(10), labels]
    worst = []
    for steps in (8, 64, 512):
        attribution, gap = integrated_gradients(net, x, labels, baseline=baseline, steps=steps)
        assert attribution.dtype == np.float64
        np.testing.assert_allclose(attribution.sum(axis=1) - gap, rise, rtol=1e-12, atol=1e-12)
        worst.append(abs(gap).max())
    assert worst[0] > 4 * worst[2] > 0
    assert worst[2] < 0.01 * abs(rise).max()


def test_attributions_are_the_integral():
    net = random_network([4, 10, 2], dtype="float64")
    x = points(net, 3)
    got = integrated_gradients(net, x, 1, baseline=-x, steps=2000).attribution
    wanted = [crossings(net, -row, row, 1) for row in x]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-3 * np.abs(wanted).max())


def test_inside_one_region_one_step_is_exact():
    net = every_kind()
    x = points(net, 5)
    near = x + 1e-9
    attribution, gap = integrated_gradients(net, near, 2, baseline=x, steps=1)
    jacobian = net.affine_maps(x).jacobian[:, 2]
    np.testing.assert_allclose(attribution, (near - x) * jacobian, rtol=1e-12)
    assert abs(gap).max() < 1e-13


def test_no_points():
    net = every_kind()
    assert integrated_gradients(net, np.empty((0, 5)), []).attribution.shape == (0, 5)
    assert attribution_image(np.empty((0, 12)), (3, 2, 2)).shape == (0, 2, 2)


def test_pictures():
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((4, 3, 9, 11))
    got = attribution_image(gradients, (3, 9, 11))
    for picture, gradient in zip(got, gradients, strict=True):
        grey = abs(gradient[0] + gradient[1] + gradient[2])
        np.testing.assert_allclose(picture, np.minimum(grey / np.percentile(grey, 99), 1), rtol=1e-14)
        assert (picture == 1).sum() == 1
    np.testing.assert_array_equal(attribution_image(gradients.reshape(4, -1), (3, 9, 11)), got)
    sparse = np.zeros((2, 200))
    sparse[0, 7] = -1e-9
    assert attribution_image(sparse, (1, 10, 20)).sum(axis=(1, 2)).tolist() == [1, 0]


def test_distances_to_the_edge_are_found_by_growing_spheres():
    """No sampled pattern changes within the distance, and one does on a sphere a little larger."""
    net = random_network([3, 12, 12, 2], dtype="float64")
    x = points(net, 15)
    distances = distance_to_edge(net, x)
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((20_000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for point, distance in zip(x, distances, strict=True):
        own = net.patterns(point[None])
        for factor, crosses in ((1 - 1e-9, False), (1.01, True)):
            changed = net.patterns(point + factor * distance * directions).hamming(own)
            assert changed.any() == crosses


@pytest.mark.parametrize("p", [1, 2, np.inf])
def test_a_study_of_marked_points(p):
    net = random_network([3, 12, 2], dtype="float64")
    x = points(net, 60)
    marked = np.arange(60) % 3 == 0
    study = edge_study(net, x, marked, p)
    distances = distance_to_edge(net, x, p)
    np.testing.assert_array_equal(study.marked, np.sort(distances[marked]))
    np.testing.assert_array_equal(study.others, np.sort(distances[~marked]))
    pairs = distances[marked][:, None] - distances[~marked]
    assert study.nearer == pytest.approx(((pairs < 0) + 0.5 * (pairs == 0)).mean(), abs=1e-12)
    near, far, edges = study.histogram(7)
    assert (near.sum(), far.sum(), len(edges)) == (20, 40, 8)


def test_marks_that_say_everything_and_nothing():
    net = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    x = [[1.0], [2.0], [3.0], [3.0]]
    assert edge_study(net, x, [True, True, False, False]).nearer == 1
    assert edge_study(net, x, [False, False, True, True]).nearer == 0
    assert edge_study(net, x, [False, False, True, False]).nearer == pytest.approx(1 / 6)


def test_bad_input_is_named():
    net = every_kind()
    x = points(net, 2)
    for steps in (0, -3):
        with pytest.raises(ValueError, match=f"steps must be at least 1, is {steps}"):
            integrated_gradients(net, x, 0, steps=steps)
    with pytest.raises(ValueError, match=r"baseline has shape \(4,\), expected a number, \(5,\) or \(2, 5\)"):
        integrated_gradients(net, x, 0, baseline=np.zeros(4))
    with pytest.raises(ValueError, match=r"baseline is not finite at index \(1,\)"):
        integrated_gradients(net, x, 0, baseline=[0, np.nan, 0, 0, 0])
    with pytest.raises(ValueError, match=r"labels\[0\] is 4, the network has 4 outputs"):
        integrated_gradients(net, x, 4)
    with pytest.raises(ValueError, match=r"shape is \(2, 2\), expected \(channels, rows, columns\)"):
        attribution_image(np.zeros((1, 4)), (2, 2))
    with pytest.raises(ValueError, match=r"gradients has shape \(1, 5\), expected \(n, 4\)"):
        attribution_image(np.zeros((1, 5)), (1, 2, 2))
    with pytest.raises(ValueError, match=r"gradients is not finite at index \(0, 3\)"):
        attribution_image([[0.0, 0.0, 0.0, np.inf]], (1, 2, 2))
    with pytest.raises(TypeError, match="marked has dtype int64, expected bool"):
        edge_study(net, x, [0, 1])
    with pytest.raises(ValueError, match=r"marked has shape \(3,\), expected \(2,\)"):
        edge_study(net, x, [True, False, True])
    with pytest.raises(ValueError, match="marked is True for all points"):
        edge_study(net, x, [True, True])
    with pytest.raises(ValueError, match="bins must be at least 1, is 0"):
        edge_study(net, x, [True, False]).histogram(0)
    with pytest.raises(ValueError, match="p "):
        distance_to_edge(net, x, 3)
