"""Finite unions: membership, volume, order, merging, maps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import facetry as ft

SEEDS = st.integers(0, 10**6)


def boxes(seed, k, d):
    """Integer boxes, so that volumes can be counted cell by cell."""
    rng = np.random.default_rng(seed)
    lo = rng.integers(0, 4, size=(k, d))
    return lo, lo + rng.integers(1, 4, size=(k, d))


def union_of(lo, hi):
    return ft.PolytopeUnion(ft.Polytope.box(a, b) for a, b in zip(lo, hi, strict=True))


def cells(lo, hi):
    """The unit cells of [0, 8)^d that are in a box."""
    d = lo.shape[1]
    grid = np.stack(np.meshgrid(*[np.arange(8)] * d, indexing="ij"), axis=-1).reshape(-1, d)
    return ((grid[:, None] >= lo) & (grid[:, None] < hi)).all(axis=2).any(axis=1)


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.integers(1, 5), st.integers(1, 3))
def test_volume_of_overlapping_boxes_is_that_of_their_cells(seed, k, d):
    lo, hi = boxes(seed, k, d)
    union = union_of(lo, hi)
    assert union.volume() == pytest.approx(cells(lo, hi).sum(), rel=1e-9)
    parts = union.disjoint()
    assert sum(part.volume() for part in parts) == pytest.approx(union.volume(), rel=1e-9)
    for i in range(len(parts)):
        for j in range(i):
            assert (parts[i] & parts[j]).volume() == 0


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.integers(1, 4), st.integers(1, 3))
def test_order_is_that_of_the_cells(seed, k, d):
    lo, hi = boxes(seed, k, d)
    other_lo, other_hi = boxes(seed + 1, k + 2, d)
    one, two = union_of(lo, hi), union_of(other_lo, other_hi)
    mine, theirs = cells(lo, hi), cells(other_lo, other_hi)
    assert (one <= two) == (theirs | ~mine).all()
    assert (one >= two) == (mine | ~theirs).all()
    assert (one & two).volume() == pytest.approx((mine & theirs).sum(), rel=1e-9)
    assert (one | two).volume() == pytest.approx((mine | theirs).sum(), rel=1e-9)
    assert one <= (one | two)
    assert (one & two) <= one


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 5), st.integers(1, 2))
def test_simplify_gives_the_same_set_with_no_more_pieces(seed, k, d):
    lo, hi = boxes(seed, k, d)
    union = union_of(lo, hi)
    simple = union.simplify()
    assert len(simple) <= len(union)
    assert simple == union
    assert all(not a.union_is_convex(b) for i, a in enumerate(simple) for b in simple[:i])


def test_simplify_merges_a_polytope_that_was_cut_to_pieces():
    P = ft.Polytope.cross_polytope(3)
    a, b = [1.0, 0.3, 0.2], 0.1
    pieces = [P & ft.Polytope([a], [b]), P & ft.Polytope([[-x for x in a]], [-b])]
    pieces = [
        piece & side
        for piece in pieces
        for side in (ft.Polytope([[0, 1, 0]], [0]), ft.Polytope([[0, -1, 0]], [0]))
    ]
    union = ft.PolytopeUnion([*pieces, P.scale(0.1), ft.Polytope.empty(3)])
    simple = union.simplify()
    assert len(simple) == 1
    assert simple[0] == P


def test_order_of_lower_dimensional_sets():
    segment = ft.Polytope.box([0, 0], [2, 0])
    halves = ft.PolytopeUnion([ft.Polytope.box([0, -1], [1, 1]), ft.Polytope.box([1, 0], [2, 0])])
    assert ft.PolytopeUnion([segment]) <= halves
    assert not ft.PolytopeUnion([segment.translate([0.5, 0])]) <= halves
    assert halves.volume() == pytest.approx(2)


def test_contains_and_the_box_around():
    union = ft.PolytopeUnion([ft.Polytope.box([0, 0], [1, 1]), ft.Polytope.box([3, 2], [4, 5])])
    assert_array_equal(union.contains([[0.5, 0.5], [2, 2], [3.5, 3]]), [True, False, True])
    assert union.contains([0.5, 0.5]) is True
    lo, hi = union.bounding_box()
    assert_array_equal(lo, [0, 0])
    assert_array_equal(hi, [4, 5])


def test_the_printed_box_of_several_polytopes_is_that_of_their_intersection():
    """Matoba B.3.5: "all constraints applied simultaneously"."""
    union = ft.PolytopeUnion([ft.Polytope.box([0], [2]), ft.Polytope.box([1], [3])])
    printed = (union[0] & union[1]).bounding_box()
    assert (printed[0][0], printed[1][0]) == (1, 2)
    lo, hi = union.bounding_box()
    assert (lo[0], hi[0]) == (0, 3)


def test_boxes_of_empty_and_unbounded_unions():
    lo, hi = ft.PolytopeUnion([ft.Polytope.empty(1)]).bounding_box()
    assert (lo[0], hi[0]) == (np.inf, -np.inf)
    lo, hi = ft.PolytopeUnion([ft.Polytope([[1]], [0]), ft.Polytope.box([2], [3])]).bounding_box()
    assert (lo[0], hi[0]) == (-np.inf, 3)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 3))
def test_images_and_preimages(seed, d):
    """f^-1(union) = union of f^-1 (Matoba, Eq. 3.1)."""
    rng = np.random.default_rng(seed)
    union = union_of(*boxes(seed, 3, d))
    W, a = rng.normal(size=(d, d)) + 2 * np.eye(d), rng.normal(size=d)
    x = rng.uniform(-1, 8, size=(200, d))
    inside = union.contains(x)
    assert (union.image(W, a).contains(x @ W.T + a) == inside).all()
    assert (union.preimage(W, a).contains((x - a) @ np.linalg.inv(W).T) == inside).all()


def test_empty_sets():
    nothing = ft.PolytopeUnion([ft.Polytope.empty(2)])
    square = ft.PolytopeUnion([ft.Polytope.box([0, 0], [1, 1])])
    assert nothing.is_empty
    assert nothing.volume() == 0
    assert nothing <= square
    assert not square <= nothing
    assert (square & ft.Polytope.box([5, 5], [6, 6])).is_empty
    assert len(nothing.simplify()) == 1
    assert nothing == ft.Polytope.empty(2)
    assert not nothing.contains([[0, 0]]).any()


def test_volumes_of_many_dimensions_are_estimates():
    cube = ft.Polytope.box([0] * 9, [1] * 9)
    union = ft.PolytopeUnion([cube, cube.translate([2] + [0] * 8)])
    estimate = union.volume(seed=1)
    assert estimate.low <= 2 <= estimate.high
    assert estimate.confidence == pytest.approx(0.98)


def test_a_union_is_a_sequence_of_its_pieces():
    pieces = [ft.Polytope.simplex(2), ft.Polytope.box([0, 0], [1, 1])]
    union = ft.PolytopeUnion(pieces)
    assert list(union) == pieces == list(union.pieces)
    assert union[1] is pieces[1]
    assert repr(union) == "PolytopeUnion(2 pieces, 2 dimensions)"
    assert (union | pieces[0]).pieces == (*pieces, pieces[0])
    with pytest.raises(TypeError, match="unhashable"):
        hash(union)


def test_a_union_refuses_what_is_no_polytope_of_its_space():
    with pytest.raises(ValueError, match="a union needs at least one polytope"):
        ft.PolytopeUnion([])
    with pytest.raises(TypeError, match=r"pieces\[1\] is a int, expected a Polytope"):
        ft.PolytopeUnion([ft.Polytope.simplex(2), 3])
    with pytest.raises(ValueError, match=r"pieces\[1\] has 3 dimensions, expected 2"):
        ft.PolytopeUnion([ft.Polytope.simplex(2), ft.Polytope.simplex(3)])
    square = ft.PolytopeUnion([ft.Polytope.simplex(2)])
    for call in (square.__and__, square.__le__, square.__ge__):
        with pytest.raises(ValueError, match=r"the sets have . and . dimensions, expected the same"):
            call(ft.Polytope.simplex(3))
    assert square.__and__("x") is NotImplemented
    assert square.__le__("x") is NotImplemented
    assert square != "x"
