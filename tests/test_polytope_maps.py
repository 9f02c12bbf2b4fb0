"""Images, preimages, projections and sums: by points, by vertices, against misprints of the source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import facetry as ft

SEEDS = st.integers(0, 10**6)


def random_polytope(seed, d, m):
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(m, d)), rng.uniform(0.3, 2, size=m)
    return ft.Polytope(np.r_[A, np.eye(d), -np.eye(d)], np.r_[b, np.full(2 * d, 3.0)])


def assert_same_points(found, expected):
    assert len(found) == len(expected)
    gap = np.abs(np.asarray(expected)[:, None] - found[None]).max(axis=2)
    assert gap.min(axis=1).max() < 1e-8
    assert len(set(gap.argmin(axis=1))) == len(expected)


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.integers(1, 4), st.integers(1, 4))
def test_preimage_holds_what_is_mapped_inside(seed, d, n):
    rng = np.random.default_rng(seed)
    P, W, a = random_polytope(seed, d, d), rng.normal(size=(d, n)), rng.normal(size=d) / 4
    Q = P.preimage(W, a)
    x = rng.normal(size=(200, n)) * 2
    clear = np.abs(P.slack(x @ W.T + a)) > 1e-6
    assert (Q.contains(x) == P.contains(x @ W.T + a))[clear].all()


@pytest.mark.parametrize("seed", range(10))
def test_preimage_of_vertices_and_rays(seed):
    """Matoba B.2 with full row rank: pinv(W) (v - a) and the null space of W as lines."""
    rng = np.random.default_rng(seed)
    P, W, a = random_polytope(seed, 2, 4), rng.normal(size=(2, 3)), rng.normal(size=2)
    back = np.linalg.pinv(W)
    null = np.linalg.svd(W)[2][2:]
    expected = ft.Polytope.from_vertices((P.vertices() - a) @ back.T, np.r_[null, -null])
    assert P.preimage(W, a) == expected
    assert_same_points(P.preimage(W, a).rays(), np.r_[null, -null])


def test_preimage_under_maps_that_lose_rows():
    square = ft.Polytope.box([0, 0], [1, 1])
    assert square.preimage(np.zeros((2, 3)), [0.5, 0.5]).n_rows == 0
    assert square.preimage(np.zeros((2, 3)), [1.0, 0.0]).n_rows == 0  # on the boundary
    assert square.preimage(np.zeros((2, 3)), [1.5, 0.5]).is_empty
    # A row that cancels up to rounding, 0.1 + 0.2 - 0.3, is no half-space of its own.
    sum_at_most_one = ft.Polytope([[0.1, 0.2, -0.3]], [1.0])
    assert sum_at_most_one.preimage([[1.0], [1.0], [1.0]]).n_rows == 0


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 3), st.integers(1, 4), st.integers(0, 3))
def test_image_is_the_hull_of_the_images_of_vertices(seed, d, n, rank):
    """Of any rank: injective, onto, neither, and zero."""
    rng = np.random.default_rng(seed)
    r = min(rank, d, n)
    W = rng.normal(size=(n, r)) @ rng.normal(size=(r, d)) if r else np.zeros((n, d))
    a = rng.normal(size=n)
    P = random_polytope(seed, d, d)
    image = P.image(W, a)
    assert image.dimension == r
    assert image == ft.Polytope.from_vertices(P.vertices() @ W.T + a)
    assert image.contains(P.sample(50, seed=1) @ W.T + a).all()


def test_the_printed_image_of_a_tall_map_is_a_cylinder():
    """Matoba B.3.2 prints A pinv(W) x <= b + A pinv(W) a alone, which forgets the range of W."""
    square = ft.Polytope.box([0, 0], [1, 1])
    W = np.array([[1.0, 0], [0, 1], [1, 1]])
    back = np.linalg.pinv(W)
    printed = ft.Polytope(square.A @ back, square.b)
    image = square.image(W)
    assert not printed.is_bounded
    assert image.is_bounded
    assert image.dimension == 2
    assert image <= printed
    assert not printed <= image
    assert_same_points(image.vertices(), square.vertices() @ W.T)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_maps_compose(seed, d, n, k):
    rng = np.random.default_rng(seed)
    P = random_polytope(seed, d, d)
    W, V = rng.normal(size=(n, d)), rng.normal(size=(k, n))
    a, c = rng.normal(size=n), rng.normal(size=k)
    assert P.image(W, a).image(V, c) == P.image(V @ W, V @ a + c)
    Q = random_polytope(seed + 1, k, k)
    assert Q.preimage(V, c).preimage(W, a) == Q.preimage(V @ W, V @ a + c)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 4))
def test_image_and_preimage_of_an_invertible_map_undo_each_other(seed, d):
    rng = np.random.default_rng(seed)
    P, W = random_polytope(seed, d, d), rng.normal(size=(d, d)) + 2 * np.eye(d)
    a = rng.normal(size=d)
    assert P.image(W, a).preimage(W, a) == P


@pytest.mark.parametrize("seed", range(20))
def test_both_methods_of_projection_agree(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(2, 5))
    P = random_polytope(seed, d, d)
    if seed % 3 == 0:  # unbounded
        P = ft.Polytope(P.A[1:-d], P.b[1:-d])
    axes = rng.permutation(d)[: rng.integers(1, d)].tolist()
    by_vertices, by_pairs = P.project(axes, "vertices"), P.project(axes, "fourier-motzkin")
    assert by_vertices == by_pairs
    assert by_pairs == by_pairs.minimal()


def test_project_keeps_the_order_of_axes():
    P = ft.Polytope.box([0, 10, 20], [1, 11, 21])
    for method in ("vertices", "fourier-motzkin"):
        assert P.project([2, 0], method) == ft.Polytope.box([20, 0], [21, 1])
        assert P.project([-1, 0, 1], method) == ft.Polytope.box([20, 0, 10], [21, 1, 11])


def test_projection_beyond_the_dimensions_of_vertices():
    P = ft.Polytope.box(np.zeros(12), np.arange(1, 13))
    assert P.project([3, 7]) == ft.Polytope.box([0, 0], [4, 8])
    assert ft.Polytope.simplex(10).project(range(9)) == ft.Polytope.simplex(9)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 3))
def test_minkowski_sum(seed, d):
    P, Q = random_polytope(seed, d, d), random_polytope(seed + 1, d, d + 1)
    total = P + Q
    sums = (P.vertices()[:, None] + Q.vertices()[None]).reshape(-1, d)
    assert total.contains(sums).all()
    for direction in np.random.default_rng(seed).normal(size=(20, d)):  # supports add up
        expected = P.maximize(direction).value + Q.maximize(direction).value
        assert total.maximize(direction).value == pytest.approx(expected, abs=1e-8)
    assert total == Q + P


def test_the_printed_minkowski_sum_is_a_difference():
    """Matoba D16 prints W = (I -I) for the block polytope; (I I) is the sum, and W is not injective."""
    P, Q = ft.Polytope.box([0], [1]), ft.Polytope.box([5], [7])
    block = ft.Polytope(np.kron(np.eye(2), [[1], [-1]]), np.r_[P.b, Q.b])
    assert block.image([[1.0, 1.0]]) == P + Q == ft.Polytope.box([5], [8])
    assert block.image([[1.0, -1.0]]) == ft.Polytope.box([-7], [-4]) == P + Q.scale(-1)


def test_sums_with_rays_points_and_nothing():
    quarter = ft.Polytope([[-1, 0], [0, -1]], [0, 0])
    square = ft.Polytope.box([1, 1], [2, 2])
    assert quarter + square == quarter.translate([1, 1])
    assert square + ft.Polytope.box([3, 4], [3, 4]) == square.translate([3, 4])
    assert (square + ft.Polytope.empty(2)).is_empty
    assert square + ft.Polytope.all(2) == ft.Polytope.all(2)


def test_translate_and_scale():
    P = ft.Polytope.simplex(2)
    assert_same_points(P.translate([1, -2]).vertices(), P.vertices() + np.array([1, -2]))
    for s in (2.0, -0.5, [3.0, -1.0]):
        assert_same_points(P.scale(s).vertices(), P.vertices() * s)
    assert P.scale(0) == ft.Polytope.box([0, 0], [0, 0])
    assert P.scale([1, 0]) == ft.Polytope.box([0, 0], [1, 0])
    assert ft.Polytope.all(2).scale([1, 0]) == ft.Polytope([[0, 1], [0, -1]], [0, 0])
    assert ft.Polytope.empty(2).scale(0).is_empty


def test_the_empty_polytope_stays_empty():
    empty = ft.Polytope([[1, 0], [-1, 0]], [0, -1])
    assert empty.image([[1, 1], [0, 1], [2, 2]]).is_empty
    assert empty.image([[1, 1]]).dim == 1
    assert empty.preimage([[1], [1]]).is_empty
    assert empty.project([1]).is_empty
    assert empty.project([1], "fourier-motzkin").is_empty
    assert empty.translate([1, 1]).is_empty


def test_all_of_space_and_lines():
    everything = ft.Polytope.all(3)
    assert everything.project([0, 2]) == ft.Polytope.all(2)
    assert everything.image([[1, 0, 0]]) == ft.Polytope.all(1)
    assert everything.image([[1, 0, 0], [2, 0, 0]]).dimension == 1
    slab = ft.Polytope([[0, 0, 1], [0, 0, -1]], [1, 0])
    assert slab.project([0, 1]) == ft.Polytope.all(2)
    assert slab.project([2, 1]) == ft.Polytope([[1, 0], [-1, 0]], [1, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda P: P.preimage(np.zeros((3, 2))), r"W has shape \(3, 2\), expected \(2, n\)"),
        (lambda P: P.preimage(np.zeros((2, 0))), r"W has shape \(2, 0\), expected \(2, n\) with n >= 1"),
        (lambda P: P.preimage(np.eye(2), [1.0]), r"a has shape \(1,\), expected \(2,\)"),
        (lambda P: P.preimage([[np.inf, 0], [0, 1]]), r"W is not finite at index \(0, 0\)"),
        (lambda P: P.image(np.zeros((2, 3))), r"W has shape \(2, 3\), expected \(n, 2\)"),
        (lambda P: P.image(np.zeros((0, 2))), r"W has shape \(0, 2\), expected \(n, 2\) with n >= 1"),
        (lambda P: P.image([1.0, 2.0]), r"W has shape \(2,\), expected 2 dimensions"),
        (lambda P: P.image(np.eye(2), [np.nan, 0]), r"a is not finite at index \(0,\)"),
        (lambda P: P.project([]), "axes is empty"),
        (lambda P: P.project([2]), "axes holds 2, expected -2 to 1"),
        (lambda P: P.project([0, -2]), "axes holds 0 twice"),
        (
            lambda P: P.project([0], "fast"),
            "method is 'fast', expected 'auto', 'vertices' or 'fourier-motzkin'",
        ),
        (lambda P: P.translate([1, 2, 3]), r"t has shape \(3,\), expected \(2,\)"),
        (lambda P: P.scale([1, 2, 3]), r"s has shape \(3,\), expected \(2,\)"),
        (lambda P: P.scale(np.nan), r"s is not finite at index \(0,\)"),
        (lambda P: P + ft.Polytope.simplex(3), "the polytopes have 2 and 3 dimensions, expected the same"),
    ],
)
def test_maps_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call(ft.Polytope.simplex(2))


def test_a_sum_with_something_else_is_a_type_error():
    with pytest.raises(TypeError, match="unsupported operand"):
        ft.Polytope.simplex(2) + 1


def test_supports_of_an_image_in_many_dimensions():
    P = ft.Polytope.cross_polytope(4)
    W = np.random.default_rng(1).normal(size=(2, 4))
    image = P.image(W)
    for direction in np.random.default_rng(2).normal(size=(20, 2)):
        assert_allclose(image.maximize(direction).value, P.maximize(direction @ W).value, rtol=1e-9)
