"""Vertices and volumes of polytopes against Qhull, which is told an interior point for nothing."""

from __future__ import annotations

import functools
import time

import numpy as np
import pytest
from conftest import SMALL

import facetry as ft

spatial = pytest.importorskip("scipy.spatial", reason="the peer is scipy's Qhull")


def around_the_unit_ball(*shape):
    """Rows a . x <= 1 with a on the unit sphere, (..., m, d): every row is a facet as a rule."""
    A = np.random.default_rng(1).normal(size=shape)
    return A / np.linalg.norm(A, axis=-1, keepdims=True), np.ones(shape[:-1])


def qhull_vertices(A, b):
    return spatial.HalfspaceIntersection(np.c_[A, -b], np.zeros(A.shape[1])).intersections


def qhull_volume(A, b):
    return spatial.ConvexHull(qhull_vertices(A, b)).volume


@pytest.mark.parametrize(("d", "m"), [(6, 100), (4, 200)])
def test_vertices(race, d, m):
    A, b = around_the_unit_ball(m // 4 if SMALL else m, d)
    race(
        f"vertices, d = {d} m = {len(A)}",
        "Qhull",
        1,
        lambda: ft.Polytope(A, b).vertices(),
        lambda: qhull_vertices(A, b),
    )
    assert len(ft.Polytope(A, b).vertices()) == len(qhull_vertices(A, b))


def test_vertices_of_many(race):
    A, b = around_the_unit_ball(20 if SMALL else 20_000, 30, 3)
    race(
        f"vertices of {len(A):,} polytopes, d = 3 m = 30",
        "a loop over Qhull",
        25,
        lambda: ft.Polytopes(A, b).vertices(),
        lambda: [qhull_vertices(*rows) for rows in zip(A, b, strict=True)],
    )
    counts = np.diff(ft.Polytopes(A, b).vertices()[1])
    assert (counts[:10] == [len(qhull_vertices(*rows)) for rows in zip(A[:10], b[:10], strict=True)]).all()


@pytest.mark.parametrize(("d", "m", "at_least"), [(6, 60, 20), (7, 40, 100)])
def test_volume(race, d, m, at_least):
    """Qhull's second run is not made where its first took a minute: its time is kept."""
    A, b = around_the_unit_ball(2 * d + 2 if SMALL else m, d)

    @functools.cache
    def peer():
        start = time.perf_counter()
        return qhull_volume(A, b), time.perf_counter() - start

    race(
        f"volume, d = {d} m = {len(A)}",
        "Qhull's triangulation",
        at_least,
        lambda: ft.Polytope(A, b).volume(),
        lambda: peer()[1],
    )
    assert ft.Polytope(A, b).volume() == pytest.approx(peer()[0], rel=1e-9)
