"""One polytope as an object: construction, the tolerance rule, membership, and what bad input says."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import facetry as ft

SIZES = [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33]


def test_rows_are_copied_and_read_only():
    A, b = np.eye(2), np.ones(2)
    P = ft.Polytope(A, b)
    A[0, 0] = 5
    assert P.A.tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="read-only"):
        P.A[0, 0] = 3
    with pytest.raises(ValueError, match="read-only"):
        P.b[0] = 3
    assert (P.dim, P.n_rows, P.A.dtype) == (2, 2, np.float64)


def test_integers_and_float32_are_taken_exactly():
    P = ft.Polytope(np.array([[3, 1]], dtype=np.int32), np.array([0.1], dtype=np.float32))
    assert P.A.tolist() == [[3, 1]]
    assert P.b[0] == np.float32(0.1)


def test_rows_of_zeros():
    assert ft.Polytope([[0, 0], [1, 0], [0, 0]], [0, 1, 3]).A.tolist() == [[1, 0]]
    P = ft.Polytope([[1, 0], [0, 0]], [1, -1e-300])
    assert P.A.tolist() == [[0, 0]]
    assert P.b.tolist() == [-1]
    assert P.is_empty


def test_named_polytopes():
    assert ft.Polytope.box([0, -1], [1, 2]).bounding_box()[0].tolist() == [0, -1]
    assert ft.Polytope.box([-np.inf], [np.inf]).n_rows == 0
    assert ft.Polytope.box(0, 1).dim == 1
    assert ft.Polytope.simplex(3).contains([0.3, 0.3, 0.3])
    assert not ft.Polytope.simplex(3).contains([0.4, 0.4, 0.4])
    assert ft.Polytope.cross_polytope(3).n_rows == 8
    assert ft.Polytope.empty(3).is_empty
    assert ft.Polytope.all(3).dimension == 3


@pytest.mark.parametrize(
    ("P", "text"),
    [
        (ft.Polytope.box([0], [1]), "Polytope(1 dimension, 2 rows, bounded)"),
        (ft.Polytope.empty(2), "Polytope(2 dimensions, 1 row, empty)"),
        (ft.Polytope.all(2), "Polytope(2 dimensions, 0 rows, unbounded)"),
    ],
    ids=str,
)
def test_repr(P, text):
    assert repr(P) == text


def test_copies_and_pickles():
    P = ft.Polytope([[1, 2]], [3], tolerance=1e-6)
    assert copy.copy(P) is P
    assert copy.deepcopy(P) is P
    Q = pickle.loads(pickle.dumps(P))
    assert (Q.A.tolist(), Q.b.tolist(), Q.tolerance) == ([[1, 2]], [3], 1e-6)


def inside_by_definition(A, upper, x):
    """Sums in the order of the columns, each product rounded: what the kernel promises."""
    value = np.repeat(-upper[None], len(x), axis=0)
    for k in range(A.shape[1]):
        value += A[:, k] * x[:, k, None]
    return (value <= 0).all(axis=1)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("m", SIZES)
def test_contains_has_the_bits_of_its_definition(isa, n, m):
    rng = np.random.default_rng(m)
    for d in (1, 2, 9):
        A, b = rng.standard_normal((m, d)), rng.standard_normal(m) + 0.05 * m
        x = rng.standard_normal((n, d))
        x[: min(n, m)] = A[: min(n, m)] * (b / (A * A).sum(axis=1))[: min(n, m), None]  # on hyperplanes
        inside = ft.Polytope(A, b).contains(x, tolerance=0)
        assert inside.shape == (n,)
        np.testing.assert_array_equal(inside, inside_by_definition(A, b, x))


@pytest.mark.parametrize("n", [1000, 1023, 1024, 1025, 5000])
def test_contains_of_many_points(threads, n):
    rng = np.random.default_rng(n)
    A, b = rng.standard_normal((37, 5)), np.full(37, 4.0)
    x = rng.standard_normal((n, 5))
    np.testing.assert_array_equal(ft.Polytope(A, b).contains(x, tolerance=0), inside_by_definition(A, b, x))


def test_contains_one_point():
    P = ft.Polytope.box([0, 0], [1, 1])
    assert P.contains([1, 1]) is True
    assert P.contains(np.array([1.0, 1.5])) is False
    assert P.contains(np.array([0.5, 0.5], dtype=np.float32)) is True


def test_slack_is_what_contains_compares():
    rng = np.random.default_rng(1)
    A, b = rng.standard_normal((11, 3)), np.ones(11)
    P = ft.Polytope(A, b, tolerance=1e-3)
    x = P.interior_point() + rng.standard_normal((500, 3))
    np.testing.assert_array_equal(P.contains(x), P.slack(x) >= -1e-3)
    assert P.slack(x[0]) == P.slack(x)[0]
    assert ft.Polytope.all(3).slack([0, 0, 0]) == np.inf
    assert ft.Polytope.empty(1).slack([5.0]) == -1


def test_the_tolerance_is_relative_to_the_rows_size():
    for scale in (1e-200, 1e-9, 1, 1e9, 1e200):
        P = ft.Polytope.box([0, 0], [scale, scale])
        assert P.contains([scale * (1 + 1e-11), 0])
        assert not P.contains([scale * (1 + 1e-9), 0])
        assert P.dimension == 2
        assert P.chebyshev()[1] == pytest.approx(scale / 2)


def test_scaling_rows_changes_no_answer():
    rng = np.random.default_rng(2)
    A, b = rng.standard_normal((40, 4)), 1 + rng.random(40)
    P = ft.Polytope(A, b)
    scale = 2.0 ** rng.integers(-40, 40, 40)
    Q = ft.Polytope(A * scale[:, None], b * scale)
    np.testing.assert_array_equal(P.minimal_rows(), Q.minimal_rows())
    np.testing.assert_array_equal(P.chebyshev()[0], Q.chebyshev()[0])
    np.testing.assert_array_equal(P.maximize(np.ones(4)).point, Q.maximize(np.ones(4)).point)


@pytest.mark.parametrize(
    ("width", "dimension"), [(1e-3, 2), (1e-9, 2), (1e-12, 1), (0, 1), (-1e-12, 1), (-1e-3, -1)]
)
def test_a_sliver_is_lower_dimensional_not_dropped(width, dimension):
    angle = 0.3
    across, along = [np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]
    A = np.array([across, along, [-v for v in across], [-v for v in along]])
    P = ft.Polytope(A, [1, 1, width - 1, 1])
    assert P.dimension == dimension
    assert P.depth == pytest.approx(width / 2, rel=0.6)
    if dimension == -1:
        return
    assert P.contains(P.interior_point())
    best = P.maximize(along)
    assert best.status == "optimal"
    assert best.value == pytest.approx(1, abs=1e-9)
    lo, hi = P.bounding_box()
    assert (lo <= hi + 1e-9).all()
    assert P.chebyshev()[1] == pytest.approx(width / 2, abs=1e-14)


def test_the_tolerance_decides_what_is_flat():
    A, b = [[1, 0], [-1, 0], [0, 1], [0, -1]], [1, -1 + 1e-6, 1, 0]
    assert ft.Polytope(A, b).dimension == 2
    assert ft.Polytope(A, b, tolerance=1e-5).dimension == 1


def test_a_single_point():
    P = ft.Polytope([[1, 0], [-1, 0], [1, 1], [-1, -1]], [2, -2, 5, -5])
    assert P.dimension == 0
    np.testing.assert_allclose(P.interior_point(), [2, 3])
    assert P.is_bounded
    assert P.maximize([1, 1]).value == pytest.approx(5)
    assert P.minimal_rows().all()
    assert P.chebyshev()[1] == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(P.bounding_box(), [[2, 3], [2, 3]])
    E, f = P.affine_hull()
    np.testing.assert_allclose(np.linalg.solve(E, f), [2, 3])


def test_the_empty_polytope_through_every_operation():
    for P in (ft.Polytope.empty(2), ft.Polytope([[1, 0], [-1, 0], [0, 1]], [0, -1, 7])):
        assert P.is_empty
        assert P.dimension == -1
        assert P.depth < 0
        assert P.is_bounded
        assert np.isnan(P.interior_point()).all()
        best = P.maximize([1, 1])
        assert (best.status, best.value) == ("empty", -np.inf)
        assert best.multipliers @ P.b < 0
        np.testing.assert_allclose(best.multipliers @ P.A, 0)
        assert P.chebyshev()[1] < 0
        lo, hi = P.bounding_box()
        assert (lo.tolist(), hi.tolist()) == ([np.inf] * 2, [-np.inf] * 2)
        assert P.minimal().is_empty
        assert P.minimal().n_rows == min(P.n_rows, 2)
        assert not P.contains([[0, 0], [1, 1]]).any()
        assert P.affine_hull()[1].tolist() == [1]


def test_all_of_space_through_every_operation():
    P = ft.Polytope.all(2)
    assert (P.dimension, P.depth, P.is_empty, P.is_bounded) == (2, 1, False, False)
    assert P.maximize([0, 0]).value == 0
    assert P.maximize([1, 0]).status == "unbounded"
    assert P.chebyshev()[1] == np.inf
    assert P.contains(np.zeros((3, 2))).all()
    assert P.minimal() is P
    assert P.bounding_box()[1].tolist() == [np.inf] * 2
    assert P.affine_hull()[0].shape == (0, 2)


def test_a_hundred_thousand_rows():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((10**5, 3))
    P = ft.Polytope(A, np.linalg.norm(A, axis=1))  # around the unit ball
    assert P.chebyshev()[1] == pytest.approx(1, abs=1e-3)
    assert P.maximize([0, 0, 1]).value == pytest.approx(1, abs=1e-2)
    assert P.dimension == 3
    assert P.contains([[0, 0, 0.999], [0, 0, 1.01]]).tolist() == [True, False]


def test_rows_from_1e_minus_12_to_1e12():
    """A cube whose rows are scaled by 1e-12 .. 1e12, and a box whose sides are."""
    scale = 10.0 ** np.linspace(-12, 12, 8)
    rows = np.concatenate([np.eye(4), -np.eye(4)])
    P = ft.Polytope(rows * scale[:, None], scale)
    assert P.chebyshev()[1] == pytest.approx(1)
    assert P.minimal_rows().all()
    sides = 10.0 ** np.array([-12, -4, 4, 12])
    Q = ft.Polytope.box(np.zeros(4), sides)
    assert Q.dimension == 4
    np.testing.assert_allclose(Q.bounding_box()[1], sides)
    assert Q.chebyshev()[1] == pytest.approx(5e-13)
    assert Q.minimal_rows().all()


def test_rows_that_differ_by_rounding_are_one():
    rng = np.random.default_rng(6)
    A, b = rng.standard_normal((20, 4)), np.ones(20)
    near = A * (1 + 1e-15 * rng.standard_normal((20, 4)))
    P = ft.Polytope(np.concatenate([A, near, near[::-1]]), np.concatenate([b, b * (1 + 1e-15), b]))
    alone = ft.Polytope(A, b).minimal_rows()
    kept = P.minimal_rows().reshape(3, 20).copy()
    kept[2] = kept[2][::-1]
    np.testing.assert_array_equal(kept.sum(axis=0), alone)


@pytest.mark.parametrize(
    ("A", "b", "message"),
    [
        ([[1.0, np.nan]], [1], r"A is not finite at index \(0, 1\)"),
        ([[1.0, 0], [0, -np.inf]], [1, 1], r"A is not finite at index \(1, 1\)"),
        ([[1.0]], [np.inf], r"b is not finite at index \(0,\)"),
        ([1.0, 2.0], [1], r"A has shape \(2,\), expected 2 dimensions"),
        ([[1.0], [2.0]], [[1], [2]], r"b has shape \(2, 1\), expected 1 dimensions"),
        ([[1.0], [2.0]], [1], r"b has shape \(1,\), expected \(2,\): one number a row of A"),
        (np.zeros((3, 0)), np.zeros(3), r"A has shape \(3, 0\), expected at least one column"),
        ([[1e-200]], [1e200], r"row 0 of A has norm 1e-200 and b\[0\] is 1e\+200: out of float64's range"),
        (np.full((1, 4), 1.7e308), [1], r"row 0 of A has norm inf"),
    ],
)
def test_bad_rows(A, b, message):
    with pytest.raises(ValueError, match=message):
        ft.Polytope(A, b)


def test_rows_of_objects():
    with pytest.raises(TypeError, match="A must hold numbers"):
        ft.Polytope([[None]], [1])


@pytest.mark.parametrize("tolerance", [0, -1, 1, np.nan, 1e-15])
def test_bad_tolerance(tolerance):
    with pytest.raises(ValueError, match=r"tolerance is .*, expected a number from 1e-14 to 0.01"):
        ft.Polytope([[1]], [1], tolerance=tolerance)


@pytest.mark.parametrize(
    ("lo", "hi", "message"),
    [
        ([0, 2], [1, 1], r"lo\[1\] is 2 and hi\[1\] is 1, expected lo <= hi"),
        ([0, np.nan], [1, 1], r"lo\[1\] is nan"),
        ([np.inf], [np.inf], r"lo\[0\] is inf"),
        ([0, 0], [1], r"lo has shape \(2,\) and hi \(1,\)"),
    ],
)
def test_bad_box(lo, hi, message):
    with pytest.raises(ValueError, match=message):
        ft.Polytope.box(lo, hi)


@pytest.mark.parametrize(
    "make", [ft.Polytope.simplex, ft.Polytope.cross_polytope, ft.Polytope.empty, ft.Polytope.all]
)
def test_bad_dimension(make):
    with pytest.raises(ValueError, match="d is 0, expected at least 1"):
        make(0)
    with pytest.raises(TypeError, match="d is a float, expected an integer"):
        make(2.0)


def test_too_large_a_cross_polytope():
    with pytest.raises(ValueError, match="expected at most 20: the cross-polytope has 2\\*\\*d rows"):
        ft.Polytope.cross_polytope(21)


def test_bad_objective():
    P = ft.Polytope.box([0, 0], [1, 1])
    with pytest.raises(ValueError, match=r"c has shape \(3,\), expected \(2,\)"):
        P.maximize([1, 2, 3])
    with pytest.raises(ValueError, match="c is not finite at index"):
        P.maximize([1, np.nan])


def test_a_start_of_other_rows():
    start = ft.Polytope.cross_polytope(2).maximize([1, 1])
    assert start.basis.max() < 4
    fewer = ft.Polytope([[1.0, 0], [0, 1]], [1, 1])
    assert fewer.maximize([1, 1], start=fewer.maximize([1, 2])).value == 2
    with pytest.raises(ValueError, match="start names row 3 of 2"):
        fewer.maximize([1, 1], start=ft.Polytope.cross_polytope(2).maximize([-1, -1]))


def test_bad_points():
    P = ft.Polytope.box([0, 0], [1, 1])
    with pytest.raises(ValueError, match=r"x has shape \(4, 3\), expected \(n, 2\)"):
        P.contains(np.zeros((4, 3)))
    x = np.zeros((3000, 2))
    x[2500, 1] = np.nan
    with pytest.raises(ValueError, match=r"x is not finite at index \(2500, 1\)"):
        P.contains(x)
    with pytest.raises(TypeError, match="x must hold numbers"):
        P.contains([[None, 1]])
    with pytest.raises(ValueError, match="tolerance is -1"):
        P.contains(x, tolerance=-1)
