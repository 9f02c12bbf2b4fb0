"""Two polytopes: containment, equality, distance, envelope, convex unions."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import facetry as ft

SEEDS = st.integers(0, 10**6)


def random_polytope(seed, d, m, shift=0.0):
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(m, d)), rng.uniform(0.3, 2, size=m)
    return ft.Polytope(np.r_[A, np.eye(d), -np.eye(d)], np.r_[b, np.full(2 * d, 3.0)]).translate([shift] * d)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 4))
def test_a_polytope_is_the_hull_of_its_vertices(seed, d):
    P = random_polytope(seed, d, 2 * d)
    hull = ft.Polytope.from_vertices(P.vertices())
    assert hull >= P
    assert hull <= P
    assert hull == P


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 4))
def test_intersections_are_inside_both(seed, d):
    P, Q = random_polytope(seed, d, d), random_polytope(seed + 1, d, d, shift=0.5)
    both = P & Q
    assert both <= P
    assert both <= Q
    assert both <= P
    assert (P <= Q) == (both == P)
    x = np.random.default_rng(seed).normal(size=(200, d))
    assert (both.contains(x) == (P.contains(x) & Q.contains(x))).all()


@pytest.mark.parametrize("known_vertices", [False, True])
def test_containment(known_vertices):
    small, large = ft.Polytope.box([0, 0], [1, 1]), ft.Polytope.box([0, 0], [2, 1])
    quarter = ft.Polytope([[-1, 0], [0, -1]], [0, 0])
    if known_vertices:
        for P in (small, large, quarter):
            P.vertices()
    assert small <= large
    assert not large <= small  # Matoba B.3.6 prints the linear programmes of this one for the other
    assert large >= small
    assert small <= quarter
    assert not quarter <= small
    assert not quarter <= large.translate([-1, -1])
    assert small <= ft.Polytope.all(2)
    assert not ft.Polytope.all(2) <= quarter


def test_containment_of_nothing():
    empty = ft.Polytope([[1, 0], [-1, 0]], [0, -1])
    square = ft.Polytope.box([0, 0], [1, 1])
    assert empty <= square
    assert not square <= empty
    assert empty <= ft.Polytope.empty(2)
    assert empty == ft.Polytope.empty(2)


def test_equality():
    square = ft.Polytope.box([0, 0], [1, 1])
    shuffled = ft.Polytope(square.A[::-1] * 3, square.b[::-1] * 3)
    assert square == shuffled
    assert square == ft.Polytope(np.r_[square.A, [[1, 1]]], np.r_[square.b, 5])
    assert square != square.translate([1e-6, 0])
    assert square == square.translate([1e-13, 0])
    assert square != ft.Polytope.box([0], [1])
    assert square != "a square"
    with pytest.raises(TypeError, match="unhashable"):
        hash(square)


def test_an_intersection_has_the_larger_tolerance():
    P = ft.Polytope([[1.0]], [1.0], tolerance=1e-6)
    assert (P & ft.Polytope([[-1.0]], [1.0])).tolerance == 1e-6


def oracle_distance(P, Q, p):
    """By scipy: linear programmes, or SLSQP from the nearest vertices."""
    optimize = pytest.importorskip("scipy.optimize")
    d = P.dim
    start = np.r_[P.interior_point(), Q.interior_point()]
    A = np.block([[P.A, np.zeros_like(P.A[:, :1] @ Q.A[:1])], [np.zeros((Q.n_rows, d)), Q.A]])
    b = np.r_[P.b, Q.b]
    if p == 2:
        result = optimize.minimize(
            lambda z: ((z[:d] - z[d:]) ** 2).sum(),
            start,
            jac=lambda z: np.r_[2 * (z[:d] - z[d:]), 2 * (z[d:] - z[:d])],
            constraints={"type": "ineq", "fun": lambda z: b - A @ z, "jac": lambda z: -A},
            method="SLSQP",
            options={"ftol": 1e-16, "maxiter": 1000},
        )
        return sqrt(max(result.fun, 0))
    k = d if p == 1 else 1
    share = np.eye(d) if p == 1 else np.ones((d, 1))
    rows = np.block(
        [[A, np.zeros((len(A), k))], [np.eye(d), -np.eye(d), -share], [-np.eye(d), np.eye(d), -share]]
    )
    cost = np.r_[np.zeros(2 * d), np.ones(k)]
    return optimize.linprog(cost, rows, np.r_[b, np.zeros(2 * d)], bounds=(None, None)).fun


@pytest.mark.parametrize("p", [1, 2, inf])
@pytest.mark.parametrize("seed", range(25))
def test_distance_is_that_of_scipy(seed, p):
    d = seed % 5 + 1
    P, Q = random_polytope(seed, d, 2 * d), random_polytope(seed + 100, d, 2 * d, shift=4 - seed % 4)
    distance, x, y = P.distance(Q, p=p)
    assert distance == pytest.approx(oracle_distance(P, Q, p), rel=1e-6, abs=1e-6)
    assert np.linalg.norm(x - y, ord=p) == pytest.approx(distance, abs=1e-12)
    assert P.contains(x, tolerance=1e-9)
    assert Q.contains(y, tolerance=1e-9)
    assert Q.distance(P, p=p)[0] == pytest.approx(distance, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 6))
def test_nearest_points_are_parted_by_a_slab_of_that_width(seed, d):
    """What proves a Euclidean distance: both are beyond the hyperplanes through x and y across x - y."""
    P, Q = random_polytope(seed, d, d), random_polytope(seed + 1, d, d, shift=3.5)
    distance, x, y = P.distance(Q)
    if distance == 0:
        assert not (P & Q).is_empty
        return
    normal = (y - x) / distance
    assert P.maximize(normal).value <= normal @ x + 1e-8
    assert Q.maximize(-normal).value <= -normal @ y + 1e-8


def test_distances_of_unbounded_polytopes():
    left, right = ft.Polytope([[1, 1]], [0]), ft.Polytope([[-1, -1]], [-2])
    assert left.distance(right)[0] == pytest.approx(sqrt(2))
    assert left.distance(right, p=1)[0] == pytest.approx(2)
    assert left.distance(right, p=inf)[0] == pytest.approx(1)
    quarter = ft.Polytope([[-1, 0], [0, -1]], [0, 0])
    line = ft.Polytope([[1, 1], [-1, -1]], [-1, 1])
    distance, x, y = quarter.distance(line)
    assert distance == pytest.approx(sqrt(0.5))
    assert_allclose(x, 0, atol=1e-12)
    assert_allclose(y, -0.5, atol=1e-12)
    assert ft.Polytope.all(3).distance(ft.Polytope.simplex(3))[0] == 0


@pytest.mark.parametrize("p", [1, 2, inf])
def test_distances_of_points_touching_and_empty_polytopes(p):
    a, b = ft.Polytope.box([1, 2], [1, 2]), ft.Polytope.box([4, 6], [4, 6])
    assert a.distance(b, p=p)[0] == pytest.approx({1: 7, 2: 5, inf: 4}[p], rel=1e-12)
    square = ft.Polytope.box([0, 0], [1, 1])
    assert square.distance(square.translate([1, 0]), p=p)[0] == 0
    assert square.distance(square.translate([0.5, 0.5]), p=p)[0] == 0
    distance, x, y = square.distance(ft.Polytope.empty(2), p=p)
    assert distance == inf
    assert np.isnan(x).all()
    assert np.isnan(y).all()


@pytest.mark.parametrize("gap", [1e-7, 1e-3, 1e6])
def test_distances_near_and_far(gap):
    square = ft.Polytope.box([0, 0], [1, 1])
    assert square.distance(square.translate([1 + gap, 0]))[0] == pytest.approx(gap, rel=1e-6)


def test_envelope_and_convex_unions():
    left, right = ft.Polytope.box([0, 0], [1, 1]), ft.Polytope.box([1, 0], [2, 1])
    assert left.union_is_convex(right)
    assert left.envelope(right) == ft.Polytope.box([0, 0], [2, 1])
    apart = right.translate([1, 0])
    assert not left.union_is_convex(apart)
    shifted = right.translate([0, 0.5])
    assert not left.union_is_convex(shifted)
    assert left.envelope(shifted) >= left
    assert left.union_is_convex(left)
    assert left.union_is_convex(ft.Polytope.box([0.2, 0.2], [0.3, 0.3]))
    assert left.union_is_convex(ft.Polytope.empty(2))
    assert ft.Polytope.empty(2).union_is_convex(left)
    half = ft.Polytope([[1, 0]], [0])
    assert half.union_is_convex(ft.Polytope([[-1, 0]], [0]))
    assert half.envelope(ft.Polytope([[-1, 0]], [0])).n_rows == 0


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 4))
def test_the_two_sides_of_a_cut_have_a_convex_union(seed, d):
    P = random_polytope(seed, d, 2 * d)
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(1, d)), rng.normal(size=1) / 4
    one, two = P & ft.Polytope(a, b), P & ft.Polytope(-a, -b)
    assert one.union_is_convex(two)
    assert one.envelope(two) == P


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 3))
def test_a_union_is_convex_where_its_hull_has_its_volume(seed, d):
    P, Q = random_polytope(seed, d, d), random_polytope(seed + 1, d, d, shift=0.2)
    union = P.volume() + Q.volume() - (P & Q).volume()
    hull = ft.Polytope.from_vertices(np.r_[P.vertices(), Q.vertices()]).volume()
    assert P.union_is_convex(Q) == (hull - union < 1e-9 * hull)


def test_affine_hulls_meet():
    """Matoba B.4.4: two planes of R^4 in one point."""
    rng = np.random.default_rng(3)
    frames = [np.linalg.qr(rng.normal(size=(4, 2)))[0].T for _ in range(2)]
    meeting = rng.normal(size=4)
    squares = [
        ft.Polytope.from_vertices(meeting + (np.array([[1, 1], [2, 1], [1, 2]]) @ frame)) for frame in frames
    ]
    gap, x, y = squares[0].meet_affine_hulls(squares[1])
    assert gap == pytest.approx(0, abs=1e-12)
    assert_allclose(x, meeting, atol=1e-10)
    assert_allclose(y, meeting, atol=1e-10)
    parallel = ft.Polytope.box([0, 0, 0], [1, 1, 0]).meet_affine_hulls(ft.Polytope.box([5, 5, 3], [6, 6, 3]))
    assert parallel[0] == pytest.approx(3)
    with pytest.raises(ValueError, match="an empty polytope has no affine hull"):
        squares[0].meet_affine_hulls(ft.Polytope.empty(4))


@pytest.mark.parametrize("name", ["__and__", "__le__", "__ge__", "envelope", "union_is_convex", "distance"])
def test_two_spaces_do_not_mix(name):
    with pytest.raises(
        ValueError, match=r"the polytopes have (2 and 3|3 and 2) dimensions, expected the same"
    ):
        getattr(ft.Polytope.simplex(2), name)(ft.Polytope.simplex(3))


def test_distance_refuses_other_norms():
    P = ft.Polytope.simplex(2)
    with pytest.raises(ValueError, match="p is 3, expected 1, 2 or inf"):
        P.distance(P, p=3)


@pytest.mark.parametrize("operator", ["__and__", "__le__", "__ge__", "__eq__"])
def test_operators_leave_other_types_alone(operator):
    assert getattr(ft.Polytope.simplex(2), operator)("x") is NotImplemented
