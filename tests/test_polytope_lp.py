"""Linear programmes over polytopes: against exact arithmetic, against HiGHS, and on known polytopes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import reference_lp as exact

import facetry as ft

linprog = pytest.importorskip("scipy.optimize", reason="HiGHS is the oracle").linprog


@pytest.fixture(scope="module")
def integer_polytopes():
    """1500 integer polytopes: (A, b, c, the same as a Polytope)."""
    rng = np.random.default_rng(20)
    found = []
    for _ in range(1500):
        A, b = exact.random_polytope(rng)
        found.append((A, b, rng.integers(-3, 4, A.shape[1]), ft.Polytope(A, b)))
    return found


def has_impossible_row(A, b):
    return bool((~A.any(axis=1) & (b < 0)).any())


def test_integer_polytopes_are_varied(integer_polytopes):
    dims = [(A.shape[1], exact.dimension(A, b)) for A, b, _, _ in integer_polytopes[:500]]
    flat = sum(0 <= own < d for d, own in dims)
    assert flat > 100
    assert sum(own == -1 for _, own in dims) > 100
    assert sum(own == d for d, own in dims) > 100


def test_status_and_value_equal_exact_ones(integer_polytopes):
    for A, b, c, P in integer_polytopes:
        status, value = exact.maximize(A, b, c)
        best = P.maximize(c)
        assert best.status == status
        if value is not None:
            assert best.value == pytest.approx(float(value), rel=1e-12, abs=1e-12)


def test_certificates_of_integer_polytopes(integer_polytopes):
    for _, _, c, P in integer_polytopes:
        assert_certified(P, c, P.maximize(c))


def assert_certified(P, c, best, atol=1e-9):
    """Check an answer by its own certificate, whatever found it."""
    y = best.multipliers
    assert (y >= 0).all()
    if best.status == "empty":
        np.testing.assert_allclose(P.A.T @ y, 0, atol=atol * max(1, y.max()))
        assert P.b @ y < 0
        assert np.isnan(best.point).all()
        assert best.value == -np.inf
        return
    assert (P.A @ best.point <= P.b + atol * (1 + abs(best.point).max())).all()
    if best.status == "optimal":
        np.testing.assert_allclose(P.A.T @ y, c, atol=atol)
        assert P.b @ y == pytest.approx(best.value, abs=atol)
        assert c @ best.point == pytest.approx(best.value, abs=atol)
        assert np.isnan(best.ray).all()
        tight = best.basis[best.basis >= 0]
        np.testing.assert_allclose(P.A[tight] @ best.point, P.b[tight], atol=atol)
    else:
        assert (P.A @ best.ray <= atol).all()
        assert c @ best.ray > atol
        assert best.value == np.inf


def test_emptiness_and_dimension_equal_exact_ones(integer_polytopes):
    for A, b, _, P in integer_polytopes:
        dimension = exact.dimension(A, b)
        assert P.dimension == dimension
        assert P.is_empty == (dimension == -1)
        assert P.is_bounded == exact.is_bounded(A, b)


def test_depth_has_the_sign_of_the_interior(integer_polytopes):
    for _, _, _, P in integer_polytopes:
        expected = -1 if P.is_empty else int(P.dimension == P.dim)
        assert (P.depth > P.tolerance) - (P.depth < -P.tolerance) == expected
        assert P.depth <= 1


def test_affine_hull_and_interior_point_of_integer_polytopes(integer_polytopes):
    for A, b, _, P in integer_polytopes:
        E, f = P.affine_hull()
        if P.is_empty:
            assert E.tolist() == [[0.0] * P.dim]
            assert f.tolist() == [1.0]
            assert np.isnan(P.interior_point()).all()
            continue
        np.testing.assert_allclose(E @ E.T, np.eye(P.dim - P.dimension), atol=1e-12)
        x = P.interior_point()
        np.testing.assert_allclose(E @ x, f, atol=1e-9)
        slack = P.b - P.A @ x
        nonzero = A.any(axis=1)
        equal = np.array(exact.equalities(A[nonzero], b[nonzero]), dtype=bool)
        np.testing.assert_allclose(slack[equal], 0, atol=1e-9)
        assert (slack[~equal] > 1e-9).all()


def test_minimal_rows_of_integer_polytopes_are_enough_and_all_needed(integer_polytopes):
    for A, b, _, P in integer_polytopes:
        kept = P.minimal_rows()
        if has_impossible_row(A, b):
            assert kept.tolist() == [True]
            continue
        nonzero = A.any(axis=1)
        A, b = A[nonzero], b[nonzero]
        needed = list(zip(A[kept], b[kept], strict=True))
        for row, right in zip(A[~kept], b[~kept], strict=True):
            assert exact.follows(A[kept], b[kept], row, right)
        for i, (row, right) in enumerate(needed):
            others = np.arange(len(needed)) != i
            if P.is_empty:
                assert not exact.is_empty(A[kept][others], b[kept][others])
            else:
                assert not exact.follows(A[kept][others], b[kept][others], row, right)


def test_of_equal_rows_the_first_is_kept(integer_polytopes):
    for A, b, _, P in integer_polytopes:
        if P.is_empty or P.dimension < P.dim:
            continue
        nonzero = A.any(axis=1)
        rows = np.column_stack([A[nonzero], b[nonzero]])
        rows = [tuple(row // max(np.gcd.reduce(row), 1)) for row in rows]
        assert all(rows.index(rows[i]) == i for i in np.flatnonzero(P.minimal_rows()))


def test_minimal_is_idempotent(integer_polytopes):
    for _, _, _, P in integer_polytopes:
        assert P.minimal().minimal_rows().all()


def test_bounding_box_of_integer_polytopes(integer_polytopes):
    for A, b, _, P in integer_polytopes[:500]:
        lo, hi = P.bounding_box()
        for k in range(P.dim):
            axis = np.eye(P.dim, dtype=int)[k]
            for bound, sign in ((hi, 1), (lo, -1)):
                status, value = exact.maximize(A, b, sign * axis)
                far = {"empty": -np.inf, "unbounded": np.inf}
                expected = sign * (float(value) if value is not None else far[status])
                assert bound[k] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def random_float_polytope(rng, d, m):
    A = rng.standard_normal((m, d))
    return A, 1 + rng.random(m) + A @ rng.standard_normal(d)


@pytest.mark.parametrize(
    ("d", "m"), [(1, 2), (2, 7), (3, 33), (5, 64), (8, 31), (16, 100), (33, 200), (64, 400)]
)
def test_optima_of_float_polytopes_equal_those_of_highs(d, m):
    rng = np.random.default_rng(d)
    for _ in range(5):
        A, b = random_float_polytope(rng, d, m)
        c = rng.standard_normal(d)
        P = ft.Polytope(A, b)
        best, peer = P.maximize(c), linprog(-c, A_ub=A, b_ub=b, bounds=(None, None))
        assert best.status == {0: "optimal", 3: "unbounded"}[peer.status]
        if peer.status == 0:
            assert best.value == pytest.approx(-peer.fun, rel=1e-9)
        assert_certified(P, c, best)


@pytest.mark.parametrize(("d", "m"), [(1, 2), (2, 9), (3, 40), (5, 60), (10, 200), (40, 120)])
def test_largest_balls_of_float_polytopes_equal_those_of_highs(d, m):
    rng = np.random.default_rng(d)
    A, b = random_float_polytope(rng, d, m)
    P = ft.Polytope(A, b)
    rows = np.column_stack([A, np.linalg.norm(A, axis=1)])
    peer = linprog([0.0] * d + [-1.0], A_ub=rows, b_ub=b, bounds=(None, None))
    centre, radius = P.chebyshev()
    if peer.status == 3:
        assert radius == np.inf
    else:
        assert radius == pytest.approx(-peer.fun, rel=1e-9)
        assert ((b - A @ centre) / np.linalg.norm(A, axis=1)).min() == pytest.approx(radius, rel=1e-9)
    assert P.contains(centre, tolerance=0)


@pytest.mark.parametrize(("d", "m"), [(2, 30), (2, 400), (3, 60), (4, 130), (6, 65), (9, 64)])
def test_minimal_rows_of_float_polytopes_equal_those_of_highs(d, m, threads):
    rng = np.random.default_rng(m)
    A, b = random_float_polytope(rng, d, m)
    kept = ft.Polytope(A, b).minimal_rows()
    for i in range(m):
        others = np.arange(m) != i
        peer = linprog(-A[i], A_ub=A[others], b_ub=b[others], bounds=(None, None))
        assert kept[i] == (peer.status == 3 or -peer.fun > b[i] + 1e-7)


def test_bits_do_not_depend_on_the_instruction_set_or_the_threads():
    rng = np.random.default_rng(0)
    polytopes = [ft.Polytope(*random_float_polytope(rng, d, 40 * d)) for d in (1, 2, 3, 5, 9, 17)]
    isa, threads = ft.isa(), ft.num_threads()
    answers = []
    for name in ft.available_isas():
        for count in (1, 2, 7):
            ft.use_isa(name)
            ft.set_num_threads(count)
            fresh = [ft.Polytope(P.A, P.b) for P in polytopes]
            answers.append(
                [
                    array
                    for P in fresh
                    for array in (
                        P.maximize(np.ones(P.dim)).point,
                        P.maximize(np.ones(P.dim)).multipliers,
                        P.chebyshev()[0],
                        P.interior_point(),
                        P.minimal_rows(),
                        *P.bounding_box(),
                        P.contains(ft.sobol(97, P.dim)),
                    )
                ]
            )
    ft.use_isa(isa)
    ft.set_num_threads(threads)
    for other in answers[1:]:
        for mine, theirs in zip(answers[0], other, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_a_start_changes_no_answer():
    rng = np.random.default_rng(3)
    for d in (2, 5, 12):
        A, b = random_float_polytope(rng, d, 20 * d)
        P = ft.Polytope(A, b)
        start = P.maximize(rng.standard_normal(d))
        for _ in range(20):
            c = rng.standard_normal(d)
            cold, warm = P.maximize(c), P.maximize(c, start=start)
            assert warm.status == cold.status == "optimal"
            assert warm.value == pytest.approx(cold.value, rel=1e-12)
            assert_certified(P, c, warm)
            start = warm


def test_a_start_from_other_right_hand_sides():
    rng = np.random.default_rng(4)
    A, b = random_float_polytope(rng, 6, 80)
    c = rng.standard_normal(6)
    start = ft.Polytope(A, b).maximize(c)
    moved = ft.Polytope(A, b + 0.1 * rng.random(80))
    assert_certified(moved, c, moved.maximize(c, start=start))
    assert moved.maximize(c, start=start).value == pytest.approx(moved.maximize(c).value, rel=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3, 7, 8, 9])
def test_cubes(d):
    twice = ft.Polytope(
        np.concatenate([np.eye(d), -np.eye(d), 2 * np.eye(d), np.ones((1, d))]),
        np.concatenate([np.ones(d), np.zeros(d), np.full(d, 2.0), [d]]),
    )
    assert twice.minimal_rows().tolist() == [True] * 2 * d + [False] * (d + 1)
    centre, radius = twice.chebyshev()
    np.testing.assert_allclose(centre, 0.5)
    assert radius == 0.5
    assert twice.dimension == d
    assert twice.maximize(np.ones(d)).value == pytest.approx(d, rel=1e-14)
    assert twice.is_bounded


@pytest.mark.parametrize("d", [1, 2, 3, 5, 8])
def test_simplices(d):
    P = ft.Polytope.simplex(d)
    assert P.minimal_rows().all()
    assert P.chebyshev()[1] == pytest.approx(1 / (d + np.sqrt(d)))
    assert P.maximize(np.arange(1, d + 1)).value == d
    assert P.bounding_box()[1].tolist() == [1.0] * d


@pytest.mark.parametrize("d", [1, 2, 3, 5, 8])
def test_cross_polytopes(d):
    P = ft.Polytope.cross_polytope(d)
    assert P.minimal_rows().sum() == 2**d
    centre, radius = P.chebyshev()
    np.testing.assert_allclose(centre, 0, atol=1e-14)
    assert radius == pytest.approx(1 / np.sqrt(d))


def birkhoff(n):
    """Doubly stochastic n x n matrices: every equality as two rows, then n^2 signs."""
    rows = []
    for i in range(n):
        row, column = np.zeros((n, n)), np.zeros((n, n))
        row[i], column[:, i] = 1, 1
        rows += [row.ravel(), column.ravel()]
    equal = np.array(rows)
    A = np.concatenate([equal, -equal, -np.eye(n * n)])
    return ft.Polytope(A, np.concatenate([np.ones(2 * n), -np.ones(2 * n), np.zeros(n * n)]))


@pytest.mark.parametrize(("n", "inequalities"), [(3, 9), (4, 16)])
def test_birkhoff_polytopes(n, inequalities):
    P = birkhoff(n)
    assert P.dimension == (n - 1) ** 2
    assert len(P.affine_hull()[0]) == 2 * n - 1
    kept = P.minimal_rows()
    assert kept[4 * n :].sum() == inequalities
    # The 2 n - 1 independent equalities take at least one row more than their number, at most twice as many.
    assert 2 * n <= kept[: 4 * n].sum() <= 2 * (2 * n - 1)
    c = np.random.default_rng(n).integers(0, 9, (n, n))
    best = max(sum(c[i, p[i]] for i in range(n)) for p in permutations(range(n)))
    assert P.maximize(c.ravel()).value == pytest.approx(best)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_cuboctahedron_family(n):
    """Hull of (e_i - e_j) / sqrt(2) in the plane sum(x) = 0 of R^(n+1): a facet a proper subset."""
    subsets = np.array([[k >> i & 1 for i in range(n + 1)] for k in range(1, 2 ** (n + 1) - 1)], dtype=float)
    plane = np.ones((1, n + 1))
    rows = np.concatenate([subsets, plane, -plane])
    P = ft.Polytope(rows, np.append(np.full(len(subsets), np.sqrt(0.5)), [0, 0]))
    assert P.dimension == n
    kept = P.minimal_rows()
    assert kept[:-2].sum() == 2 ** (n + 1) - 2
    radius = {2: 3 / 4, 3: 4 / 8, 4: 5 / 12, 5: 6 / 18, 6: 7 / 24}[n]
    inside = [row - row.mean() for row in subsets]
    assert min(np.sqrt(0.5) / np.linalg.norm(row) for row in inside) == pytest.approx(np.sqrt(radius))


def test_a_polygon_of_very_many_sides_keeps_what_it_needs():
    """Every corner is within the tolerance of its neighbours' edge: not all of them may go."""
    n = 10_000
    angle = 2 * np.pi * np.arange(n) / n
    P = ft.Polytope(np.column_stack([np.cos(angle), np.sin(angle)]), np.ones(n), tolerance=1e-6)
    small = P.minimal()
    assert 100 < small.n_rows < n
    lo, hi = small.bounding_box()
    assert hi.max() < 1 + 1e-5
    assert lo.min() > -1 - 1e-5


def test_beale_does_not_cycle():
    """Beale's example (1955), on which the simplex method by steepest rise cycles."""
    A = [[0.25, -60, -0.04, 9], [0.5, -90, -0.02, 3], [0, 0, 1, 0], *(-np.eye(4)).tolist()]
    best = ft.Polytope(A, [0, 0, 1, 0, 0, 0, 0]).maximize([0.75, -150, 0.02, -6])
    assert best.status == "optimal"
    assert best.value == pytest.approx(1 / 20)


@pytest.mark.parametrize("d", [3, 8, 12])
def test_klee_minty_cubes(d):
    A = np.zeros((d, d))
    for i in range(d):
        A[i, :i] = [2.0 ** (i - j + 1) for j in range(i)]
        A[i, i] = 1
    rows = np.concatenate([A, -np.eye(d)])
    P = ft.Polytope(rows, np.concatenate([5.0 ** np.arange(1, d + 1), np.zeros(d)]))
    best = P.maximize([2.0 ** (d - 1 - j) for j in range(d)])
    assert best.value == pytest.approx(5.0**d)


def test_many_rows_through_one_vertex():
    """1000 rows through one point: every basis is degenerate."""
    rng = np.random.default_rng(5)
    A = rng.integers(-3, 4, (1000, 6)).astype(float)
    A[:, 0] = 3
    tip = rng.integers(-5, 6, 6).astype(float)
    P = ft.Polytope(np.concatenate([A, -np.eye(6), np.eye(6)]), np.concatenate([A @ tip, 9 - tip, 9 + tip]))
    best = P.maximize(A[:5].sum(axis=0))
    assert best.status == "optimal"
    np.testing.assert_allclose(best.value, A[:5].sum(axis=0) @ tip)
    assert_certified(P, A[:5].sum(axis=0), best)
    assert P.dimension == 6


@pytest.mark.parametrize("d", [2, 5, 20])
def test_unbounded_cones(d):
    P = ft.Polytope(-np.eye(d), np.zeros(d))
    assert not P.is_bounded
    assert P.dimension == d
    assert P.chebyshev()[1] == np.inf
    assert P.contains(P.chebyshev()[0], tolerance=0)
    best = P.maximize(np.ones(d))
    assert best.status == "unbounded"
    assert_certified(P, np.ones(d), best)
    best = P.maximize(-np.ones(d))
    assert (best.status, best.value) == ("optimal", 0)
    lo, hi = P.bounding_box()
    assert (lo == 0).all()
    assert (hi == np.inf).all()


def test_a_wedge_that_closes_far_away_is_bounded():
    """Two lines at an angle of 1e-8: as long as the tolerance tells them apart, no direction stays inside."""
    P = ft.Polytope([[1e-8, 1], [0, -1], [-1, 0]], [1, 0, 0])
    assert P.is_bounded
    assert P.bounding_box()[1][0] == pytest.approx(1e8, rel=1e-6)


def test_above_256_dimensions_highs_solves():
    d = 257
    box = ft.Polytope.box(np.zeros(d), np.ones(d))
    c = np.random.default_rng(0).standard_normal(d)
    best = box.maximize(c)
    assert best.value == pytest.approx(c[c > 0].sum())
    assert_certified(box, c, best, atol=1e-6)
    half = ft.Polytope(np.eye(d)[:2], [1, 1])
    assert half.maximize(-c).status == "unbounded"
    assert_certified(half, -c, half.maximize(-c), atol=1e-6)
    nothing = ft.Polytope(np.concatenate([np.eye(d)[:1], -np.eye(d)[:1]]), [0, -1])
    assert nothing.maximize(c).status == "empty"
    assert_certified(nothing, c, nothing.maximize(c), atol=1e-6)


def test_above_256_dimensions_without_scipy_the_error_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    box = ft.Polytope.box(np.zeros(257), np.ones(257))
    with pytest.raises(ImportError, match=r"257 dimensions.*facetry\[lp\]"):
        box.maximize(np.ones(257))
