"""Volumes and centroids: exact rational ones, known ones, and the promises of estimates."""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial, inf, pi

import numpy as np
import pytest
import reference_polytope as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import facetry as ft


def random_polytope(seed, d, m):
    """Around the origin, inside a box."""
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(m, d)), rng.uniform(0.3, 2, size=m)
    return ft.Polytope(np.r_[A, np.eye(d), -np.eye(d)], np.r_[b, np.full(2 * d, 3.0)])


@pytest.mark.parametrize("seed", range(150))
def test_volume_is_that_of_exact_arithmetic(seed):
    """Integer polytopes with many vertices in more than d rows, and flat ones."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    A = np.r_[
        rng.integers(-1, 2, size=(int(rng.integers(1, 9)), d)), np.eye(d, dtype=int), -np.eye(d, dtype=int)
    ]
    b = np.r_[rng.integers(-1, 4, size=len(A) - 2 * d), rng.integers(0, 3, size=2 * d)]
    kept = A.any(axis=1)
    A, b = A[kept], b[kept]
    exact = reference.volume(A.tolist(), b.tolist())
    assert ft.Polytope(A, b).volume() == pytest.approx(float(exact), rel=1e-11, abs=0)


@pytest.mark.parametrize("d", range(1, 9))
def test_known_volumes(d):
    assert ft.Polytope.simplex(d).volume() == pytest.approx(1 / factorial(d), rel=1e-13)
    assert ft.Polytope.cross_polytope(min(d, 7)).volume() == pytest.approx(
        2 ** min(d, 7) / factorial(min(d, 7)), rel=1e-12
    )
    assert ft.Polytope.box([0.5] * d, range(1, d + 1)).volume() == pytest.approx(
        np.prod(np.arange(1, d + 1) - 0.5), rel=1e-13
    )


@pytest.mark.parametrize(("n", "volume"), [(3, Fraction(1, 8)), (4, Fraction(11, 11340))])
def test_birkhoff_polytopes_in_the_coordinates_of_their_minors(n, volume):
    """All but the last row and column: of sums at most 1, together at least n - 2."""
    k = n - 1
    across = [np.kron(np.eye(k)[i], np.ones(k)) for i in range(k)]
    down = [np.tile(np.eye(k)[j], k) for j in range(k)]
    A = np.r_[-np.eye(k * k), across, down, -np.ones((1, k * k))]
    P = ft.Polytope(A, np.r_[np.zeros(k * k), np.ones(2 * k), -(n - 2)])
    assert P.volume("exact") == pytest.approx(float(volume), rel=1e-11)


@pytest.mark.parametrize(("n", "k"), [(4, 2), (5, 2), (6, 3)])
def test_hypersimplices_have_eulerian_volume(n, k):
    """Without the last coordinate: the Eulerian number A(n - 1, k - 1) over (n - 1)!."""
    d = n - 1
    A = np.r_[np.eye(d), -np.eye(d), np.ones((1, d)), -np.ones((1, d))]
    P = ft.Polytope(A, np.r_[np.ones(d), np.zeros(d), k, 1 - k])
    eulerian = sum((-1) ** i * comb(n, i) * (k - i) ** d for i in range(k))
    assert P.volume() == pytest.approx(eulerian / factorial(d), rel=1e-12)


@pytest.mark.parametrize(("d", "m"), [(2, 20), (3, 30), (4, 20), (5, 15)])
def test_volume_is_that_of_qhull(d, m):
    spatial = pytest.importorskip("scipy.spatial")
    P = random_polytope(d, d, m)
    assert P.volume() == pytest.approx(spatial.ConvexHull(P.vertices()).volume, rel=1e-10)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_volume_adds_up_when_cut_by_a_hyperplane(seed, d):
    P = random_polytope(seed, d, 2 * d)
    rng = np.random.default_rng(seed + 1)
    a, b = rng.normal(size=(1, d)), rng.normal(size=1) / 4
    parts = (P & ft.Polytope(a, b)).volume() + (P & ft.Polytope(-a, -b)).volume()
    assert parts == pytest.approx(P.volume(), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_volume_changes_with_the_determinant(seed, d):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(d, d)) + 2 * np.eye(d)
    P = random_polytope(seed, d, d)
    assert P.image(W, rng.normal(size=d)).volume() == pytest.approx(
        P.volume() * abs(np.linalg.det(W)), rel=1e-8
    )


def test_the_determinant_of_a_simplex_needs_its_factorial():
    """Matoba B.5 prints det(V2 - V1, ...) as the volume."""
    V = np.array([[0.0, 0, 0], [2, 0, 0], [0, 3, 0], [1, 1, 5]])
    printed = abs(np.linalg.det(V[1:] - V[0]))
    assert ft.Polytope.from_vertices(V).volume() == pytest.approx(printed / 6)


def test_far_away_and_small():
    P = ft.Polytope.box([0, 0, 0], [1, 1, 1])
    assert P.translate([1e6, -1e6, 1e6]).volume() == pytest.approx(1, rel=1e-9)
    assert P.scale(1e-6).volume() == pytest.approx(1e-18, rel=1e-12)
    assert P.scale([1e-5, 1, 1e5]).volume() == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("method", ["exact", "sample"])
def test_volumes_that_are_not_positive_and_finite(method):
    assert ft.Polytope.empty(3).volume(method) == 0.0
    assert ft.Polytope.box([0, 0], [1, 0]).volume(method) == 0.0
    assert ft.Polytope.box([1, 2], [1, 2]).volume(method) == 0.0
    assert ft.Polytope([[-1.0, 0]], [0.0]).volume(method) == inf
    assert ft.Polytope.all(2).volume(method) == inf


def test_an_unbounded_flat_polytope_has_no_volume():
    line = ft.Polytope([[0, 1], [0, -1]], [0, 0])
    assert line.volume() == 0.0
    assert line.volume("sample") == 0.0


def test_many_are_the_same_bits_as_one(threads):
    polytopes = [random_polytope(seed, 3, 8) for seed in range(50)]
    polytopes += [ft.Polytope.empty(3), ft.Polytope.all(3), ft.Polytope.box([0, 0, 0], [1, 1, 0])]
    assert_array_equal(ft.Polytopes(polytopes).volume(), [P.volume() for P in polytopes])


@pytest.mark.parametrize("seed", range(20))
def test_centroid_is_the_mean_over_simplices(seed):
    d = seed % 4 + 1
    P = random_polytope(seed, d, 3 * d)
    spatial = pytest.importorskip("scipy.spatial")
    V = P.vertices()
    if d == 1:
        assert_allclose(P.centroid(), V.mean(axis=0))
        return
    simplices = V[spatial.Delaunay(V).simplices]
    weights = np.abs(np.linalg.det(simplices[:, 1:] - simplices[:, :1]))
    expected = (weights[:, None] * simplices.mean(axis=1)).sum(axis=0) / weights.sum()
    assert_allclose(P.centroid(), expected, atol=1e-9)


def test_centroid_of_flat_polytopes():
    triangle = ft.Polytope.from_vertices([[0, 0, 1], [3, 0, 1], [0, 3, 1]])
    assert_allclose(triangle.centroid(), [1, 1, 1], atol=1e-12)
    assert_allclose(ft.Polytope.box([1, 2], [1, 2]).centroid(), [1, 2])
    assert_allclose(ft.Polytope.box([1, 2], [1, 4]).centroid(), [1, 3], atol=1e-12)


@pytest.mark.parametrize(
    ("P", "message"),
    [(ft.Polytope.empty(2), "the polytope is empty"), (ft.Polytope.all(2), "the polytope is unbounded")],
)
def test_centroid_refuses(P, message):
    with pytest.raises(ValueError, match=message):
        P.centroid()


@pytest.mark.parametrize(
    ("P", "volume"),
    [
        (ft.Polytope.box([0] * 9, [1] * 9), 1.0),
        (ft.Polytope.simplex(10), 1 / factorial(10)),
        (ft.Polytope.cross_polytope(9), 2**9 / factorial(9)),
        (ft.Polytope.box([0] * 10, [1e-3] * 5 + [1e3] * 5), 1.0),
    ],
)
def test_estimates_hold_the_volume(P, volume):
    estimate = P.volume(seed=1)
    assert isinstance(estimate, ft.Estimate)
    assert estimate.confidence == 0.99
    assert estimate.low <= volume <= estimate.high
    assert estimate.low < estimate.value < estimate.high < 1.2 * estimate.low


def test_intervals_hold_the_volume_as_often_as_they_say():
    """0.99 of the seeds; a miss of 5 in 60 would happen once in 3000 such tests."""
    square = ft.Polytope.cross_polytope(3)
    estimates = [square.volume("sample", precision=0.1, seed=seed) for seed in range(60)]
    assert sum(not e.low <= 4 / 3 <= e.high for e in estimates) <= 4


def test_estimates_agree_with_the_exact_volume():
    P = random_polytope(5, 6, 30)
    estimate = P.volume("sample", precision=0.02, seed=3)
    assert estimate.low <= P.volume() <= estimate.high < 1.05 * estimate.low


def test_an_estimate_is_a_function_of_the_seed(threads):
    P = ft.Polytope.simplex(9)
    assert P.volume(precision=0.5, seed=7) == P.volume(precision=0.5, seed=7)
    assert P.volume(precision=0.5, seed=7) != P.volume(precision=0.5, seed=8)
    if threads == 1:
        return
    here = P.volume(precision=0.5, seed=7)
    ft.set_num_threads(1)
    assert P.volume(precision=0.5, seed=7) == here


def test_a_ball_of_many_rows():
    angles = np.linspace(0, 2 * pi, 500, endpoint=False)
    disc = ft.Polytope(np.stack([np.cos(angles), np.sin(angles)], axis=1), np.ones(500))
    assert disc.volume() == pytest.approx(500 * np.tan(pi / 500), rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "guess"}, "method is 'guess', expected 'auto', 'exact' or 'sample'"),
        ({"method": "sample", "precision": 0}, "precision is 0, expected a number between 0 and 1"),
        ({"method": "sample", "seed": -1}, "seed"),
    ],
)
def test_volume_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        ft.Polytope.simplex(2).volume(**arguments)


def test_too_many_faces_are_refused_before_memory_runs_out():
    P = ft.Polytope.box([0] * 10, [1] * 10)
    with pytest.raises(MemoryError, match="so many faces that they do not fit"):
        ft._core.polytope_volumes(P.A, P.b, np.array([0, P.n_rows]), 1e-10, 1 << 20)
