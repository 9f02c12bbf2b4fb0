"""Vertices, rays, edges and hulls: against exact rational arithmetic, other libraries, and known answers."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from itertools import combinations, permutations
from math import comb, factorial, sqrt

import numpy as np
import pytest
import reference_polytope as reference
from numpy.testing import assert_allclose, assert_array_equal

import facetry as ft

EXACT_POLYTOPES = 1000


def integer_polytope(seed):
    """A small polytope with integer rows: coincident, parallel and opposite ones; some are empty."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 6))
    m = int(rng.integers(d, 20))
    entries = int(rng.integers(1, 4))
    A = rng.integers(-entries, entries + 1, size=(m, d))
    b = A @ rng.integers(-2, 3, size=d) + rng.integers(0, 3, size=m) * (rng.random(m) < 0.7)
    for _ in range(int(rng.integers(0, 6))):
        i, factor = int(rng.integers(0, m)), int(rng.choice([-2, -1, 1, 2, 3]))
        away = 0 if factor > 0 or rng.random() < 0.2 else int(rng.integers(1, 5))
        A, b = np.r_[A, [factor * A[i]]], np.r_[b, factor * b[i] + away]
    if seed % 7 == 0 and d > 1:  # lines
        A[:, 0] = A[:, 1]
    A[0, :2] = 1
    if seed % 5 == 0:
        b[rng.integers(0, m)] -= 3
    order = rng.permutation(len(A))
    A, b = A[order], b[order]
    kept = A.any(axis=1)
    return A[kept], b[kept]


def unit(vectors, d):
    array = np.array([[float(x) for x in v] for v in vectors]).reshape(-1, d)
    return array / np.linalg.norm(array, axis=1)[:, None]


def matching(found, expected):
    """For each expected point the number of the one found, with none left over."""
    assert len(found) == len(expected)
    if not len(found):
        return []
    gap = np.abs(np.asarray(expected, float)[:, None] - found[None]).max(axis=2)
    nearest = gap.argmin(axis=1)
    assert gap.min(axis=1).max() < 1e-9
    assert len(set(nearest)) == len(nearest)
    return nearest


def facets_in_order(P):
    """Unit normals within the affine hull and their right-hand sides, sorted; equations have none."""
    vertices, rays = P.vertices(), P.rays()
    inside = np.linalg.svd(np.r_[vertices - vertices[0], rays])
    inside = inside[2][: (inside[1] > 1e-9).sum()]
    normals = P.A @ inside.T @ inside
    rows = np.c_[normals, P.b - (P.A - normals) @ vertices[0]][np.linalg.norm(normals, axis=1) > 1e-9]
    rows /= np.linalg.norm(rows[:, :-1], axis=1)[:, None]
    return rows[np.lexsort(np.round(rows, 9).T)]


@pytest.mark.parametrize("seed", range(40))
def test_the_oracle_agrees_with_brute_force(seed):
    A, b = integer_polytope(seed)
    vertices, _, lines = reference.vertices_and_rays(A.tolist(), b.tolist())
    if len(A) > 14 or lines:  # brute force sees no points of faces that lines cross
        A, b = A[:10], b[:10]
        vertices, _, lines = reference.vertices_and_rays(A.tolist(), b.tolist())
    if not lines:
        assert vertices == reference.brute_force_vertices(A.tolist(), b.tolist())


@pytest.mark.parametrize("block", range(10))
def test_vertices_and_rays_are_those_of_exact_arithmetic(block):
    """1000 of 1000, and at every vertex the rows that hold exactly, and between them the edges."""
    seen = {"empty": 0, "unbounded": 0, "lines": 0}
    for seed in range(block * EXACT_POLYTOPES // 10, (block + 1) * EXACT_POLYTOPES // 10):
        A, b = integer_polytope(seed)
        d = A.shape[1]
        vertices, rays, lines = reference.vertices_and_rays(A.tolist(), b.tolist())
        P = ft.Polytope(A, b)
        seen["empty"] += not vertices
        seen["unbounded"] += bool(rays)
        seen["lines"] += bool(lines)
        if lines:
            assert len(P.vertices()) == len(vertices), seed
            assert len(P.rays()) == len(rays) + 2 * len(lines), seed
            continue
        if not vertices:
            assert not len(P.vertices()), seed
            assert not len(P.rays()), seed
            continue
        expected = sorted(vertices)
        order = matching(P.vertices(), [[float(x) for x in v] for v in expected])
        matching(P.rays(), unit(rays, d))
        exact = [
            [reference.dot(a, v) == c for a, c in zip(A.tolist(), b.tolist(), strict=True)] for v in expected
        ]
        assert_array_equal(P.facets_of_vertices()[order], exact)
        if len(expected) <= 20:
            check_edges(P, A, order, exact)
    assert min(seen.values()) > 0  # the instances are as hard as they are meant to be


def check_edges(P, A, order, exact):
    """Two vertices share an edge where the rows that hold at both have rank d - 1."""
    number = {int(found): i for i, found in enumerate(order)}
    edges = {frozenset((number[i], number[j])) for i, j in P.vertex_edges().tolist() if j < len(order)}
    expected = {
        frozenset(pair)
        for pair in combinations(range(len(exact)), 2)
        if reference.rank([A[k].tolist() for k in range(len(A)) if exact[pair[0]][k] and exact[pair[1]][k]])
        == A.shape[1] - 1
    }
    assert edges == expected


@pytest.mark.parametrize(("d", "m"), [(2, 60), (3, 50), (4, 60), (5, 40), (6, 40)])
def test_vertices_are_those_of_qhull(d, m):
    spatial = pytest.importorskip("scipy.spatial")
    rng = np.random.default_rng(d)
    A, b = rng.normal(size=(m, d)), rng.uniform(0.5, 2, size=m)
    expected = spatial.HalfspaceIntersection(np.c_[A, -b], np.zeros(d)).intersections
    P = ft.Polytope(A, b)
    matching(P.vertices(), expected)


@pytest.mark.parametrize("seed", range(60))
def test_vertices_and_rays_are_those_of_cdd(seed):
    cdd = pytest.importorskip("cdd", reason="the oracle is pycddlib")
    rng = np.random.default_rng(seed)
    d, m = int(rng.integers(2, 5)), int(rng.integers(4, 16))
    A, b = rng.normal(size=(m, d)), rng.normal(size=m) + 0.7
    polyhedron = cdd.polyhedron_from_matrix(
        cdd.matrix_from_array(np.c_[b, -A].tolist(), rep_type=cdd.RepType.INEQUALITY)
    )
    generators = np.array(cdd.copy_generators(polyhedron).array).reshape(-1, d + 1)
    finite = generators[:, 0] > 1e-9  # cdd's floats give 1e-14 for rays too
    P = ft.Polytope(A, b)
    matching(P.vertices(), generators[finite, 1:])
    matching(P.rays(), unit(generators[~finite, 1:], d))


@pytest.mark.parametrize("d", range(1, 8))
def test_cubes_simplices_and_cross_polytopes(d):
    cube = ft.Polytope.box([-1] * d, [1] * d)
    assert len(cube.vertices()) == 2**d
    assert len(cube.vertex_edges()) == d * 2 ** (d - 1)
    assert_array_equal(cube.facets_of_vertices().sum(axis=1), d)
    simplex = ft.Polytope.simplex(d)
    matching(simplex.vertices(), np.r_[np.zeros((1, d)), np.eye(d)])
    assert len(simplex.vertex_edges()) == comb(d + 1, 2)
    cross = ft.Polytope.cross_polytope(d)
    matching(cross.vertices(), np.r_[np.eye(d), -np.eye(d)])
    assert len(cross.vertex_edges()) == (2 * d * (d - 1) if d > 1 else 1)
    assert_array_equal(cross.facets_of_vertices().sum(axis=1), 2 ** (d - 1))


def expanded_simplex(n):
    """Sattelberg's eS_n, all e_i - e_j of R^(n+1), with the last coordinate left out."""
    subsets = np.array([[i >> k & 1 for k in range(n)] for i in range(1, 2**n)], dtype=float)
    return ft.Polytope(np.r_[subsets, -subsets], np.ones(2 * len(subsets)))


@pytest.mark.parametrize("n", range(2, 7))
def test_cuboctahedron_family(n):
    P = expanded_simplex(n)
    assert len(P.vertices()) == n * (n + 1)
    assert P.n_rows == 2 ** (n + 1) - 2
    assert ft.Polytope.from_vertices(P.vertices()).n_rows == 2 ** (n + 1) - 2
    assert P.volume() == pytest.approx(comb(2 * n, n) / factorial(n), rel=1e-12)
    # In true lengths, with vertices at distance 1: Table 4.1 of Sattelberg.
    corners = np.array(
        [[(k == i) - (k == j) for k in range(n + 1)] for i, j in permutations(range(n + 1), 2)]
    )
    plane = np.linalg.svd(np.ones((1, n + 1)))[2][1:]
    regular = ft.Polytope.from_vertices(corners @ plane.T / sqrt(2))
    radius = sqrt(2 * (n + 1) / (n * (n + 2) + (1 - (-1) ** n) / 2))
    assert (regular.b / np.linalg.norm(regular.A, axis=1)).min() == pytest.approx(radius, rel=1e-12)


@pytest.mark.parametrize(("d", "n"), [(2, 9), (3, 8), (4, 9), (5, 9), (6, 10), (7, 10)])
def test_cyclic_polytopes_have_as_many_facets_as_there_can_be(d, n):
    t = np.arange(n) - n / 2
    points = np.stack([(t / t.max()) ** k for k in range(1, d + 1)], axis=1)
    P = ft.Polytope.from_vertices(points)
    half = d // 2
    facets = (
        comb(n - half, half) + comb(n - half - 1, half - 1) if d % 2 == 0 else 2 * comb(n - half - 1, half)
    )
    assert P.n_rows == facets
    matching(P.vertices(), points)
    if d >= 4:  # neighbourly: all pairs are edges
        assert len(P.vertex_edges()) == comb(n, 2)


@pytest.mark.parametrize(("n", "k"), [(4, 2), (5, 2), (6, 3), (7, 3)])
def test_hypersimplices(n, k):
    rows = np.r_[np.eye(n), -np.eye(n), np.ones((1, n)), -np.ones((1, n))]
    P = ft.Polytope(rows, np.r_[np.ones(n), np.zeros(n), k, -k])
    assert P.dimension == n - 1
    assert len(P.vertices()) == comb(n, k)
    assert len(P.vertex_edges()) == comb(n, k) * k * (n - k) // 2
    hull = ft.Polytope.from_vertices(P.vertices())
    assert hull.n_rows == 2 * n + 2
    matching(hull.vertices(), P.vertices())


@pytest.mark.parametrize("n", [3, 4])
def test_birkhoff_polytopes(n):
    """Doubly stochastic matrices: n! vertices, and n**2 facets in a space of dimension (n - 1)**2."""
    sums = np.array(
        [np.kron(np.eye(n)[i], np.ones(n)) for i in range(n)] + [np.tile(np.eye(n)[j], n) for j in range(n)]
    )
    P = ft.Polytope(
        np.r_[-np.eye(n * n), sums, -sums], np.r_[np.zeros(n * n), np.ones(2 * n), -np.ones(2 * n)]
    )
    matching(P.vertices(), [np.eye(n)[list(p)].ravel() for p in permutations(range(n))])
    assert ft.Polytope.from_vertices(P.vertices()).n_rows == n**2 + 2 * (2 * n - 1)


@pytest.mark.parametrize("seed", range(60))
def test_a_hull_of_integer_points_has_the_exact_facets(seed):
    """From vertices to rows and back, flat and unbounded hulls among them."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 6))
    flat = int(rng.integers(1, d + 1))
    points = rng.integers(-3, 4, size=(int(rng.integers(1, 10)), flat)) @ rng.integers(-1, 2, size=(flat, d))
    rays = rng.integers(-2, 3, size=(int(rng.integers(0, 3)), d))
    rays = rays[rays.any(axis=1)]
    P = ft.Polytope.from_vertices(points, rays)
    assert (points @ P.A.T <= P.b + 1e-9).all()
    assert (rays @ P.A.T <= 1e-9).all()
    Q = ft.Polytope.from_vertices(P.vertices(), P.rays())
    assert_allclose(facets_in_order(Q), facets_in_order(P), atol=1e-9)
    for v in P.vertices():  # each is one of the points, unless there are lines
        if not len(P.rays()):
            assert np.abs(points - v).max(axis=1).min() < 1e-9


def test_edges_to_infinity():
    orthant = ft.Polytope([[-1, 0], [0, -1]], [0, 0])
    assert_array_equal(orthant.vertex_edges(), [[0, 1], [0, 2]])
    matching(orthant.rays(), np.eye(2))


def test_lines_are_two_rays_and_come_last():
    strip = ft.Polytope([[0, 0, 1], [0, 0, -1], [-1, 0, 0]], [1, 1, 0])
    assert len(strip.vertices()) == 2
    rays = strip.rays()
    matching(rays, [[1, 0, 0], [0, 1, 0], [0, -1, 0]])
    assert_array_equal(rays[-1], -rays[-2])
    everything = ft.Polytope.all(2)
    assert_array_equal(everything.vertices(), [[0, 0]])
    matching(everything.rays(), [[1, 0], [-1, 0], [0, 1], [0, -1]])


def test_empty_polytopes_have_no_vertices():
    for P in (
        ft.Polytope.empty(3),
        ft.Polytope([[1, 0], [-1, 0]], [0, -1]),
        ft.Polytope.box([0], [1]) & ft.Polytope.box([2], [3]),
    ):
        assert P.vertices().shape == (0, P.dim)
        assert P.rays().shape == (0, P.dim)
        assert P.vertex_edges().shape == (0, 2)
        assert P.facets_of_vertices().shape == (0, P.n_rows)


def test_flat_polytopes_and_points():
    point = ft.Polytope.box([1, 2, 3], [1, 2, 3])
    assert_array_equal(point.vertices(), [[1, 2, 3]])
    assert point.facets_of_vertices().all()
    segment = ft.Polytope.box([0, 0, 0], [0, 1, 0])
    matching(segment.vertices(), [[0, 0, 0], [0, 1, 0]])
    assert_array_equal(segment.vertex_edges(), [[0, 1]])


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_scale_changes_no_answer(size):
    P = expanded_simplex(4)
    scaled = ft.Polytope(
        P.A * np.logspace(-12, 12, P.n_rows)[:, None], P.b * size * np.logspace(-12, 12, P.n_rows)
    )
    matching(scaled.vertices() / size, P.vertices())


def test_rows_that_differ_by_rounding_are_one():
    cube = ft.Polytope.box([0, 0, 0], [1, 1, 1])
    A, b = np.r_[cube.A, cube.A * (1 + 1e-15), cube.A + 1e-15], np.r_[cube.b, cube.b + 1e-15, cube.b - 1e-15]
    matching(ft.Polytope(A, b).vertices(), cube.vertices())


@pytest.mark.parametrize("block", range(4))
def test_rows_disturbed_below_the_tolerance(block):
    """Each vertex is where its rows allow: none far outside of another row."""
    for seed in range(block * 100, block * 100 + 100):
        A, b = integer_polytope(seed)
        rng = np.random.default_rng(seed)
        P = ft.Polytope(A + 1e-13 * rng.normal(size=A.shape), b + 1e-13 * rng.normal(size=b.shape))
        vertices = P.vertices()
        norms = np.linalg.norm(P.A, axis=1)
        sizes = np.maximum(np.abs(vertices).max(axis=1, initial=1), 1)
        outside = (vertices @ P.A.T - P.b) / norms / sizes[:, None]
        assert outside.max(initial=0) < 1e-8, seed


def test_rounding_leaves_no_tiny_right_hand_sides():
    """They would become the size that slacks are compared with."""
    square = ft.Polytope.box([0, 0, 0], [1, 1, 0])
    t = np.array([0.1, 0.2, 0.3])
    moved = square.translate(t).translate(-t[::-1]).translate(t[::-1] - t)
    turned = square.image(np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0])
    for P in (
        moved,
        turned,
        turned.preimage(np.eye(3), t).translate(t),
        ft.Polytope.from_vertices(turned.vertices()),
    ):
        assert P.dimension == 2
        assert len(P.vertices()) == 4
        assert (np.abs(P.b[P.b != 0]) > 1e-3).all()
    assert moved == square


@pytest.mark.parametrize("width", [1e-3, 1e-8, 1e-9])
def test_slivers_above_the_tolerance_keep_their_width(width):
    P = ft.Polytope.box([0, 0], [1, width])
    matching(P.vertices() / [1, width], [[0, 0], [1, 0], [0, 1], [1, 1]])


def test_a_hundred_thousand_rows():
    angles = np.random.default_rng(1).uniform(0, 2 * np.pi, 100_000)
    A = np.stack([np.cos(angles), np.sin(angles), np.zeros(len(angles))], axis=1)
    A[:2] = [[0, 0, 1], [0, 0, -1]]
    b = np.where(np.arange(len(A)) < 50, 1.0, 2.0)
    near = ft.Polytope(A[:50], b[:50])
    matching(ft.Polytope(A, b).vertices(), near.vertices())


def test_many_are_the_same_bits_as_one_on_any_number_of_threads(threads):
    polytopes = [ft.Polytope(*integer_polytope(seed)) for seed in range(300)]
    polytopes = [P for P in polytopes if P.dim == 3]
    vertices, offsets = ft.Polytopes(polytopes).vertices()
    rays, ray_offsets = ft.Polytopes(polytopes).rays()
    assert len(offsets) == len(polytopes) + 1
    for i, P in enumerate(polytopes):
        assert_array_equal(vertices[offsets[i] : offsets[i + 1]], P.vertices())
        assert_array_equal(rays[ray_offsets[i] : ray_offsets[i + 1]], P.rays())


def test_the_same_bits_on_every_instruction_set(isa):
    """Numbers of vertices around the widths of registers, from the two of a segment on."""
    found = [ft.Polytope(*integer_polytope(seed)).vertices() for seed in range(200)]
    ft.use_isa("baseline" if "baseline" in ft.available_isas() else isa)
    for seed, vertices in enumerate(found):
        assert_array_equal(vertices, ft.Polytope(*integer_polytope(seed)).vertices())


@pytest.mark.parametrize("call", ["vertices()", "volume('exact')", "volume('sample', precision=1e-4)"])
def test_ctrl_c_stops_long_work(call):
    code = f"""
import numpy as np, facetry as ft
A = np.random.default_rng(1).normal(size=(300, 9))
P = ft.Polytope.box([0] * 14, [1] * 14) if "vol" in {call!r} else ft.Polytope(A, np.ones(300))
print("ready", flush=True)
P.{call}
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)  # into the work, which takes 10 times that and more
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.splitlines()[-1] == "KeyboardInterrupt"


def test_results_are_read_only():
    P = ft.Polytope.simplex(2)
    assert not P.vertices().flags.writeable
    assert not P.rays().flags.writeable
    assert P.vertices() is P.vertices()


@pytest.mark.parametrize(
    ("V", "rays", "message"),
    [
        (np.zeros((2, 0)), None, r"V has shape \(2, 0\), expected at least one column"),
        (np.zeros(3), None, r"V has shape \(3,\), expected 2 dimensions"),
        ([[np.nan, 0]], None, r"V is not finite at index \(0, 0\)"),
        ([[0, 0]], [[1]], r"rays has shape \(1, 1\), expected \(l, 2\)"),
        ([[0, 0]], [[1, 0], [0, 0]], r"rays\[1\] has length 0"),
        (np.zeros((0, 2)), [[1, 0]], "rays need at least one point in V"),
    ],
)
def test_from_vertices_refuses(V, rays, message):
    with pytest.raises(ValueError, match=message):
        ft.Polytope.from_vertices(V, rays)


def test_no_points_are_the_empty_polytope():
    assert ft.Polytope.from_vertices(np.zeros((0, 3))).is_empty


def test_too_many_vertices_are_refused_before_memory_runs_out():
    cube = ft.Polytope.box([0] * 16, [1] * 16)
    offsets = np.array([0, cube.n_rows])
    with pytest.raises(MemoryError, match="so many vertices that they do not fit"):
        ft._core.polytope_vertex_forms(cube.A, cube.b, offsets, 1e-10, True, 1 << 20)
