"""Half-space polytopes, the part that rests on linear programmes: redundancy, largest balls, membership.

The peers get what they need ready-made: Qhull an interior point, HiGHS and cdd their own form of the rows.
"""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest
from conftest import points

import facetry as ft

scipy_spatial = pytest.importorskip("scipy.spatial", reason="the peers are Qhull and HiGHS, through scipy")
linprog = importlib.import_module("scipy.optimize").linprog


def around_the_ball(d, m, seed=0):
    """Give m half-spaces at distances 1 to 2 of the origin, in every direction; some of them redundant."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, d))
    A /= np.linalg.norm(A, axis=1)[:, None]
    return A, 1 + rng.random(m)


def cdd_minimal(A, b):
    """Give the rows that cdd keeps, as a mask."""
    cdd = importlib.import_module("cdd")
    matrix = cdd.matrix_from_array(np.column_stack([b, -A]), rep_type=cdd.RepType.INEQUALITY)
    redundant = cdd.redundant_rows(matrix)
    return ~np.isin(np.arange(len(b)), list(redundant))


def polytope_reduce(A, b):
    """Give the number of rows that polytope.reduce keeps."""
    polytope = importlib.import_module("polytope")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return len(polytope.reduce(polytope.Polytope(A, b, normalize=False)).b)


def qhull_minimal(A, b):
    """Give the rows that Qhull keeps, around the origin."""
    return np.sort(scipy_spatial.ConvexHull(A / b[:, None]).vertices)


@pytest.mark.parametrize(("d", "m", "at_least"), [(10, 1000, 100), (8, 200, 100)])
@pytest.mark.parametrize("peer", ["cdd", "polytope"])
def test_minimal(race, d, m, at_least, peer):
    pytest.importorskip(peer, reason="a peer")
    m = max(points(m), 40)
    A, b = around_the_ball(d, m)
    run = {"cdd": cdd_minimal, "polytope": polytope_reduce}[peer]
    name = {"cdd": "pycddlib", "polytope": "polytope.reduce"}[peer]
    race(
        f"minimal() d = {d}, m = {m}",
        name,
        at_least,
        lambda: ft.Polytope(A, b).minimal(),
        lambda: run(A, b),
    )
    kept = ft.Polytope(A, b).minimal_rows()
    if peer == "cdd":
        np.testing.assert_array_equal(kept, cdd_minimal(A, b))
    else:
        assert kept.sum() == polytope_reduce(A, b)


def test_minimal_polygon(race):
    m = max(points(1000), 40)
    A, b = around_the_ball(2, m)
    race(
        f"minimal() d = 2, m = {m}",
        "Qhull, with the interior point",
        1.5,
        lambda: ft.Polytope(A, b).minimal(),
        lambda: qhull_minimal(A, b),
    )
    np.testing.assert_array_equal(np.flatnonzero(ft.Polytope(A, b).minimal_rows()), qhull_minimal(A, b))


def test_minimal_of_many(race):
    k = points(20_000)
    A, b = around_the_ball(4, 50 * k)
    A, b = A.reshape(k, 50, 4), b.reshape(k, 50)
    race(
        f"minimal() of {k:,} polytopes, d = 4, m = 50",
        "loop over Qhull, with the interior point",
        25,
        lambda: ft.Polytopes(A, b).minimal(),
        lambda: [qhull_minimal(*rows) for rows in zip(A, b, strict=True)],
    )
    kept = ft.Polytopes(A, b).minimal_rows().reshape(k, 50)
    for i in range(min(k, 50)):
        np.testing.assert_array_equal(np.flatnonzero(kept[i]), qhull_minimal(A[i], b[i]))


def highs_ball(A, b):
    """Give the radius that HiGHS finds."""
    rows = np.column_stack([A, np.linalg.norm(A, axis=1)])
    return -linprog(np.append(np.zeros(A.shape[1]), -1.0), A_ub=rows, b_ub=b, bounds=(None, None)).fun


def polytope_ball(A, b):
    """Give the radius that polytope finds."""
    polytope = importlib.import_module("polytope")
    return polytope.cheby_ball(polytope.Polytope(A, b, normalize=False))[0]


def pypoman_ball(A, b):
    """Give the radius at the centre that pypoman finds."""
    centre = importlib.import_module("pypoman").polyhedron.compute_chebyshev_center(A, b)
    return ((b - A @ centre) / np.linalg.norm(A, axis=1)).min()


@pytest.mark.parametrize("peer", ["polytope", "pypoman"])
def test_chebyshev(race, peer):
    pytest.importorskip(peer, reason="a peer")
    m = max(points(1000), 40)
    A, b = around_the_ball(10, m)
    ball = {"polytope": polytope_ball, "pypoman": pypoman_ball}[peer]
    race(f"chebyshev() d = 10, m = {m}", peer, 15, lambda: ft.Polytope(A, b).chebyshev(), lambda: ball(A, b))
    assert ft.Polytope(A, b).chebyshev()[1] == pytest.approx(ball(A, b), rel=1e-5)


def test_chebyshev_of_many(race):
    k = points(20_000)
    A, b = around_the_ball(5, 60 * k)
    A, b = A.reshape(k, 60, 5), b.reshape(k, 60)
    few = max(k // 100, 16)  # HiGHS takes 30 s for all of them: time some, and say how much all would take
    race(
        f"chebyshev() of {k:,} polytopes, d = 5, m = 60",
        f"loop over HiGHS ({few} of them, scaled up)",
        60,
        lambda: ft.Polytopes(A, b).chebyshev(),
        lambda: timed(lambda: [highs_ball(A[i], b[i]) for i in range(few)]) * k / few,
    )
    radius = ft.Polytopes(A, b).chebyshev()[1]
    np.testing.assert_allclose(radius[:few], [highs_ball(A[i], b[i]) for i in range(few)], rtol=1e-7)


def timed(work):
    """Give the seconds that it takes."""
    import time

    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.parametrize("inside", ["half", "nearly all"])
def test_contains(race, inside):
    n, m, d = points(10**6), 200, 20
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((m, d)), rng.standard_normal((n, d))
    b = np.full(m, 12.0 if inside == "half" else 20.0)
    P = ft.Polytope(A, b)
    race(
        f"contains() {n:,} points, 200 rows, d = 20, {inside} inside",
        "numpy (A @ x.T <= b).all",
        2,
        lambda: P.contains(x),
        lambda: (b[:, None] >= A @ x.T).all(axis=0),
    )
    np.testing.assert_array_equal(P.contains(x), (b[:, None] >= A @ x.T).all(axis=0))
