"""Random points: inside, uniform by known moments and by regions, a function of the seed; boxes inside."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import facetry as ft
from facetry.polytope._sampling import split_r_hat


def random_polytope(seed, d, m):
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(m, d)), rng.uniform(0.3, 2, size=m)
    return ft.Polytope(np.r_[A, np.eye(d), -np.eye(d)], np.r_[b, np.full(2 * d, 3.0)])


def chi_squared(counts, shares):
    expected = shares * counts.sum()
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("method", ["exact", "hit-and-run"])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_points_are_inside_and_have_the_moments_of_the_simplex(method, d):
    """Of a uniform point of the simplex, coordinates have mean 1/(d+1) and variance d/((d+1)^2 (d+2))."""
    P = ft.Polytope.simplex(d)
    points = P.sample(20_000, seed=3, method=method)
    assert points.shape == (20_000, d)
    assert P.contains(points).all()
    sigma = np.sqrt(d / ((d + 1) ** 2 * (d + 2)))
    assert_allclose(points.mean(axis=0), 1 / (d + 1), atol=8 * sigma / np.sqrt(20_000))
    assert_allclose(points.std(axis=0), sigma, rtol=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_exact_points_are_as_many_as_each_piece_has_volume(seed):
    """Chi-squared over the eight octants about a point, 7 degrees of freedom: 29.9 once in 10,000."""
    P = random_polytope(seed, 3, 8)
    middle = P.centroid()
    octants = np.array([[1 - 2 * (i >> k & 1) for k in range(3)] for i in range(8)])
    shares = np.array([(P & ft.Polytope(np.diag(s), s * middle)).volume() for s in octants]) / P.volume()
    points = P.sample(40_000, seed=seed)
    code = ((points > middle) @ [1, 2, 4]).astype(int)
    assert shares.sum() == pytest.approx(1)
    assert chi_squared(np.bincount(code, minlength=8), shares) < 29.9


def test_degenerate_polytopes_are_sampled_uniformly():
    """The vertices of the cross-polytope are on 2^(d-1) rows each; its orthants have the same volume."""
    points = ft.Polytope.cross_polytope(4).sample(32_000, seed=1)
    code = ((points > 0) @ [1, 2, 4, 8]).astype(int)
    assert chi_squared(np.bincount(code, minlength=16), np.full(16, 1 / 16)) < 44  # once in 10,000


def test_points_of_flat_polytopes():
    triangle = ft.Polytope.from_vertices([[0, 0, 1], [3, 0, 1], [0, 3, 1]])
    for method in ("exact", "hit-and-run"):
        points = triangle.sample(2000, seed=1, method=method)
        assert_allclose(points[:, 2], 1, atol=1e-12)
        assert_allclose(points.mean(axis=0), [1, 1, 1], atol=0.15)
        assert_allclose(ft.Polytope.box([1, 2], [1, 2]).sample(3, 0, method=method), [[1, 2]] * 3)


def test_a_sample_is_a_function_of_the_seed(threads):
    P = ft.Polytope.cross_polytope(3)
    for method in ("exact", "hit-and-run"):
        points = P.sample(10_000, seed=5, method=method)
        ft.set_num_threads(1)
        assert_array_equal(points, P.sample(10_000, seed=5, method=method))
        ft.set_num_threads(threads)
        assert (points != P.sample(10_000, seed=6, method=method)).any()
    assert_array_equal(P.sample(100, seed=5), P.sample(200, seed=5)[:100])
    assert (P.sample(4) != P.sample(4)).any()


@pytest.mark.parametrize("method", ["exact", "hit-and-run"])
def test_no_points_and_one(method):
    P = ft.Polytope.simplex(2)
    assert P.sample(0, seed=1, method=method).shape == (0, 2)
    assert P.sample(1, seed=1, method=method).shape == (1, 2)


def test_the_diagnostic_sees_chains_that_have_mixed():
    P = ft.Polytope.box([0] * 12, [1] * 6 + [1000] * 6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        P.sample(1000, seed=2)
    points, mixing = P.sample(4000, seed=2, diagnostic=True)
    assert mixing.method == "hit-and-run"
    assert 0.95 < mixing.r_hat < 1.05
    assert 1000 < mixing.effective <= 4000
    error = (points / ([1] * 6 + [1000] * 6)).mean(axis=0) - 0.5
    assert np.abs(error).max() < 5 * np.sqrt(1 / 12 / mixing.effective)


def test_the_diagnostic_sees_chains_that_have_not():
    """Sixteen chains, each of which stays in its own corner."""
    rng = np.random.default_rng(1)
    stuck = rng.normal(size=(16, 64, 2)) + rng.normal(size=(16, 1, 2)) * 5
    assert split_r_hat(stuck)[0] > 2
    assert split_r_hat(rng.normal(size=(16, 64, 2)))[0] < 1.05


@pytest.mark.parametrize(
    ("P", "arguments", "message"),
    [
        (ft.Polytope.empty(2), {"n": 5}, "the polytope is empty"),
        (ft.Polytope.all(2), {"n": 5}, "the polytope is unbounded: cut it with a box"),
        (
            ft.Polytope.all(2),
            {"n": 5, "method": "hit-and-run"},
            "the polytope is unbounded: cut it with a box",
        ),
        (ft.Polytope.simplex(2), {"n": -1}, "n must be from 0 to .*, is -1"),
        (ft.Polytope.simplex(2), {"n": 5, "seed": -1}, "seed must be from 0 to .*, is -1"),
        (
            ft.Polytope.simplex(2),
            {"n": 5, "method": "magic"},
            "method is 'magic', expected 'auto', 'exact' or",
        ),
    ],
)
def test_sample_refuses(P, arguments, message):
    with pytest.raises(ValueError, match=message):
        P.sample(**arguments)


def box_volume(P, lo, hi):
    """Volume of a box, which is checked to be inside: its largest corner against each row."""
    reach = np.where(P.A > 0, P.A * hi, P.A * lo).sum(axis=1)
    assert (reach <= P.b + 1e-12 * np.maximum(1, np.abs(P.b))).all()
    assert (lo <= hi).all()
    return float(np.prod(hi - lo))


@pytest.mark.parametrize("d", range(1, 9))
def test_inner_boxes_that_are_known(d):
    box = ft.Polytope.box(np.arange(d), np.arange(d) + 1.5)
    assert_allclose(box.inner_box(), (np.arange(d), np.arange(d) + 1.5), atol=1e-9)
    assert_allclose(ft.Polytope.simplex(d).inner_box(), (np.zeros(d), np.full(d, 1 / d)), atol=1e-9)
    assert_allclose(
        ft.Polytope.cross_polytope(d).inner_box(), (np.full(d, -1 / d), np.full(d, 1 / d)), atol=1e-9
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_no_box_nearby_is_larger(seed, d):
    """The box is inside, and moving its sides at random and shrinking it into the polytope wins nothing."""
    P = random_polytope(seed, d, 3 * d)
    lo, hi = P.inner_box()
    volume = box_volume(P, lo, hi)
    rng = np.random.default_rng(seed)
    for size in (1e-4, 1e-2, 0.3):
        low, high = lo + size * rng.normal(size=d), hi + size * rng.normal(size=d)
        if (low >= high).any():
            continue
        middle, half = (low + high) / 2, (high - low) / 2
        room = P.b - P.A @ middle
        if (room <= 0).any():
            continue
        half = half * (room / (np.abs(P.A) @ half)).min()
        assert np.prod(2 * half) <= volume * (1 + 1e-8)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_inner_box_at_every_scale(scale):
    P = random_polytope(3, 4, 12)
    expected = P.inner_box()
    assert_allclose(np.array(P.scale(scale).inner_box()) / scale, expected, rtol=1e-6, atol=1e-8)


def test_inner_boxes_of_flat_empty_and_unbounded_polytopes():
    flat = ft.Polytope.box([0, 1], [2, 1])
    lo, hi = flat.inner_box()
    assert_array_equal(lo, hi)
    assert flat.contains(lo)
    assert np.isnan(ft.Polytope.empty(2).inner_box()).all()
    with pytest.raises(ValueError, match="the polytope is unbounded: boxes in it have any volume"):
        ft.Polytope.all(2).inner_box()


def test_inner_boxes_of_many(threads):
    polytopes = [random_polytope(seed, 3, 9) for seed in range(30)]
    polytopes += [ft.Polytope.box([0, 0, 0], [0, 1, 1]), ft.Polytope.empty(3)]
    lo, hi = ft.Polytopes(polytopes).inner_box()
    for i, P in enumerate(polytopes):
        assert_array_equal(lo[i], P.inner_box()[0])
        assert_array_equal(hi[i], P.inner_box()[1])
    lo, hi = ft.Polytopes([ft.Polytope.all(2), ft.Polytope.simplex(2)]).inner_box()
    assert_array_equal(np.isinf(hi[:, 0]), [True, False])
