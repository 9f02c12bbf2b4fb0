"""Many polytopes at once: every operation gives what it gives for one."""

from __future__ import annotations

import numpy as np
import pytest
import reference_lp as exact

import facetry as ft


@pytest.fixture(scope="module", params=[1, 2, 3, 5])
def ragged(request):
    """Integer polytopes of one dimension: empty, flat, unbounded ones and rows of zeros among them."""
    rng = np.random.default_rng(request.param)
    given = []
    while len(given) < 150:
        A, b = exact.random_polytope(rng)
        if A.shape[1] == request.param:
            given.append((A, b))
    stacked = np.concatenate([A for A, _ in given]), np.concatenate([b for _, b in given])
    offsets = np.cumsum([0, *(len(b) for _, b in given)])
    return ft.Polytopes(*stacked, offsets), [ft.Polytope(A, b) for A, b in given]


def test_rows_are_those_of_each(ragged):
    many, each = ragged
    assert len(many) == len(each)
    assert many.dim == each[0].dim
    for P, Q in zip(many, each, strict=True):
        np.testing.assert_array_equal(P.A, Q.A)
        np.testing.assert_array_equal(P.b, Q.b)


def test_from_polytopes(ragged):
    many, each = ragged
    again = ft.Polytopes(each)
    np.testing.assert_array_equal(again.A, many.A)
    np.testing.assert_array_equal(again.offsets, many.offsets)


def test_every_operation_gives_what_it_gives_for_one(ragged, threads):
    many, each = ragged
    c = np.arange(1, many.dim + 1)
    best = many.maximize(c)
    centre, radius = many.chebyshev()
    lo, hi = many.bounding_box()
    small = many.minimal()
    x = ft.sobol(20, many.dim) * 4 - 2
    inside = many.contains(x)
    for i, P in enumerate(each):
        mine = P.maximize(c)
        assert best.status[i] == mine.status
        np.testing.assert_array_equal(best.value[i], mine.value)
        np.testing.assert_array_equal(best.point[i], mine.point)
        np.testing.assert_array_equal(best.ray[i], mine.ray)
        np.testing.assert_array_equal(best.basis[i], mine.basis)
        np.testing.assert_array_equal(best.multipliers[slice(*many.offsets[i : i + 2])], mine.multipliers)
        np.testing.assert_array_equal(centre[i], P.chebyshev()[0])
        assert radius[i] == P.chebyshev()[1]
        np.testing.assert_array_equal(lo[i], P.bounding_box()[0])
        np.testing.assert_array_equal(hi[i], P.bounding_box()[1])
        np.testing.assert_array_equal(small[i].A, P.minimal().A)
        np.testing.assert_array_equal(small[i].b, P.minimal().b)
        np.testing.assert_array_equal(inside[i], P.contains(x))
    np.testing.assert_array_equal(many.dimension, [P.dimension for P in each])
    np.testing.assert_array_equal(many.depth, [P.depth for P in each])
    np.testing.assert_array_equal(many.is_empty, [P.is_empty for P in each])
    np.testing.assert_array_equal(many.is_bounded, [P.is_bounded for P in each])
    np.testing.assert_array_equal(many.interior_point(), [P.interior_point() for P in each])
    assert many.minimal_rows().sum() == len(small.A)


def test_objectives_and_starts_of_each(ragged):
    many, each = ragged
    c = np.random.default_rng(0).integers(-3, 4, (len(many), many.dim)).astype(float)
    best = many.maximize(c)
    warm = many.maximize(c, start=best)
    np.testing.assert_array_equal(warm.status, best.status)
    np.testing.assert_allclose(warm.value, best.value, rtol=1e-12, atol=1e-12)
    for i in range(0, len(many), 10):
        assert best.value[i] == each[i].maximize(c[i]).value


def test_cube_of_rows():
    rng = np.random.default_rng(0)
    A, b = rng.standard_normal((30, 12, 3)), 1 + rng.random((30, 12))
    many = ft.Polytopes(A, b)
    assert len(many) == 30
    assert repr(many) == "Polytopes(30 of 3 dimensions, 360 rows)"
    np.testing.assert_array_equal(many[7].A, A[7])
    np.testing.assert_array_equal(many[-1].b, b[-1])


def test_an_index_and_a_slice_share_the_rows(ragged):
    many, each = ragged
    part = many[10:20]
    assert len(part) == 10
    assert np.shares_memory(part.A, many.A)
    assert np.shares_memory(many[13].A, many.A)
    np.testing.assert_array_equal(part.chebyshev()[1], many.chebyshev()[1][10:20])
    np.testing.assert_array_equal(part[3].A, each[13].A)
    assert len(many[20:10]) == 0
    with pytest.raises(ValueError, match="read-only"):
        part.A[0] = 0


@pytest.mark.parametrize(
    "index", [slice(None, None, 3), slice(None, None, -1), [5, 0, 5], np.arange(150) % 2 == 0]
)
def test_other_selections_gather_rows(ragged, index):
    many, each = ragged
    some = many[index]
    expected = [each[i] for i in np.arange(150)[index]]
    assert len(some) == len(expected)
    for P, Q in zip(some, expected, strict=True):
        np.testing.assert_array_equal(P.A, Q.A)


def test_none_at_all():
    none = ft.Polytopes(np.zeros((0, 4, 2)), np.zeros((0, 4)))
    assert len(none) == 0
    assert none.chebyshev()[0].shape == (0, 2)
    assert none.maximize([1, 1]).value.shape == (0,)
    assert none.minimal_rows().shape == (0,)
    assert none.is_empty.shape == none.is_bounded.shape == none.dimension.shape == (0,)
    assert none.bounding_box()[0].shape == (0, 2)
    assert none.contains([[0, 0]]).shape == (0, 1)


def test_polytopes_without_rows():
    all_of_it = ft.Polytopes(np.zeros((3, 0, 2)), np.zeros((3, 0)))
    assert all_of_it.dimension.tolist() == [2, 2, 2]
    assert all_of_it.chebyshev()[1].tolist() == [np.inf] * 3
    assert all_of_it.minimal_rows().shape == (0,)


def test_only_the_impossible_row_of_a_polytope_stays():
    many = ft.Polytopes([[[1, 0], [0, 0], [0, 0]], [[0, 0], [0, 1], [0, 0]]], [[1, -2, -3], [4, 1, 0]])
    assert many.offsets.tolist() == [0, 1, 2]
    assert many.b.tolist() == [-1, 1]
    assert many.is_empty.tolist() == [True, False]


def test_tolerances():
    P = ft.Polytope.box([0], [1], tolerance=1e-6)
    assert ft.Polytopes([P, P]).tolerance == 1e-6
    assert ft.Polytopes([P, P])[0].tolerance == 1e-6
    Q = ft.Polytope.box([0], [1])
    with pytest.raises(
        ValueError, match=r"polytopes\[1\] has tolerance 1e-10, polytopes\[0\] 1e-06: say which"
    ):
        ft.Polytopes([P, Q])
    assert ft.Polytopes([P, Q], tolerance=1e-8).tolerance == 1e-8


def test_mixed_dimensions():
    with pytest.raises(ValueError, match=r"polytopes\[1\] has 3 dimensions, expected 2 as polytopes\[0\]"):
        ft.Polytopes([ft.Polytope.simplex(2), ft.Polytope.simplex(3)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 3)), np.zeros((2, 3))), r"A has shape \(2, 3\), expected 3 dimensions"),
        ((np.ones((2, 3, 2)), np.zeros((3, 2))), r"b has shape \(3, 2\), expected \(2, 3\)"),
        ((np.ones((2, 3, 0)), np.zeros((2, 3))), "expected at least one column"),
        ((np.full((1, 1, 1), np.nan), np.zeros((1, 1))), r"A is not finite at index \(0, 0, 0\)"),
        ((np.ones((4, 2)), np.zeros(4), [0, 5]), "offsets must rise from 0 to 4"),
        ((np.ones((4, 2)), np.zeros(4), [0, 3, 2, 4]), "offsets must rise from 0 to 4"),
        ((np.ones((4, 2)), np.zeros(4), [0.0, 4.0]), "offsets has shape .* expected k \\+ 1 integers"),
        ((np.ones((4, 2)), np.zeros(3), [0, 4]), r"b has shape \(3,\), expected \(4,\)"),
    ],
)
def test_bad_rows(arguments, message):
    with pytest.raises(ValueError, match=message):
        ft.Polytopes(*arguments)


@pytest.mark.parametrize("given", [[], [1, 2], 3, "no"])
def test_bad_sequences(given):
    with pytest.raises(TypeError, match="Polytopes takes a sequence of at least one Polytope, or A and b"):
        ft.Polytopes(given)


def test_bad_index_and_objective():
    many = ft.Polytopes([ft.Polytope.simplex(2)] * 3)
    with pytest.raises(IndexError, match="polytope 3 of 3"):
        many[3]
    with pytest.raises(ValueError, match=r"c has shape \(3,\), expected \(2,\) or \(3, 2\)"):
        many.maximize([1, 2, 3])
    with pytest.raises(ValueError, match="one basis a polytope"):
        many.maximize([1, 2], start=many[:2].maximize([1, 2]))
