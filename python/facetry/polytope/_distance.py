"""The distance between two polytopes that are not empty, and nearest points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ._tolerance import F64, row_sizes

if TYPE_CHECKING:
    from ._vertices import Vertices

STEPS = 2000  # of Wolfe's method; tens are needed


def linear_distance(P: Vertices, Q: Vertices, p: float) -> tuple[float, F64, F64]:
    """Minimise |x - y| in the 1-norm or the largest coordinate: one linear programme in (x, y, bounds)."""
    d = P.dim
    bounds = d if p == 1 else 1
    eye, none = np.eye(d), np.zeros
    share = np.eye(d) if p == 1 else np.ones((d, 1))
    A = np.block(
        [
            [P.A, none((P.n_rows, d)), none((P.n_rows, bounds))],
            [none((Q.n_rows, d)), Q.A, none((Q.n_rows, bounds))],
            [eye, -eye, -share],
            [-eye, eye, -share],
        ]
    )
    b = np.concatenate([P.b, Q.b, none(2 * d)])
    best = type(P)(A, b, tolerance=max(P.tolerance, Q.tolerance)).maximize(
        np.concatenate([none(2 * d), -np.ones(bounds)])
    )
    return nearest(P, Q, best.point[:d].copy(), best.point[d : 2 * d].copy(), p)


def euclidean_distance(P: Vertices, Q: Vertices) -> tuple[float, F64, F64]:
    """Minimise |x - y| by Wolfe's method on P - Q, of which maximize() finds points and rays."""
    d = P.dim
    x, y = P.interior_point(), Q.interior_point()
    pairs, is_point, weights = np.concatenate([x, y])[None], np.ones(1), np.ones(1)
    for _ in range(STEPS):
        x, y = (weights @ pairs).reshape(2, d)
        u = x - y
        if float(np.linalg.norm(u)) <= resolution(P, Q):
            break
        new, kind = nearer(P, Q, u)
        gain = kind * float(u @ u) - float(u @ (new[:d] - new[d:]))
        largest = max(float(u @ u), float(np.abs(pairs).max()) ** 2)
        if gain <= 1e-14 * largest or (pairs == new).all(axis=1).any():
            break
        pairs, is_point = np.concatenate([pairs, new[None]]), np.append(is_point, kind)
        pairs, is_point, weights = shortest(pairs, is_point, np.append(weights, 0.0))
    else:
        raise RuntimeError(f"the nearest points were not found in {STEPS} steps")
    return nearest(P, Q, x, y, 2)


def nearer(P: Vertices, Q: Vertices, u: F64) -> tuple[F64, float]:
    """Give the pair (x, y) with x - y farthest against u, and 1; or a ray that goes that way, and 0."""
    mine = P.maximize(-u)
    if mine.status == "unbounded":
        return np.concatenate([mine.ray, np.zeros(len(u))]), 0.0
    theirs = Q.maximize(u)
    if theirs.status == "unbounded":
        return np.concatenate([np.zeros(len(u)), theirs.ray]), 0.0
    return np.concatenate([mine.point, theirs.point]), 1.0


def shortest(pairs: F64, is_point: F64, weights: F64) -> tuple[F64, F64, F64]:
    """Find the shortest sum of w_i (x_i - y_i), w >= 0, sum of w over points 1; drop what has weight 0.

    Of the affine hull first; where that leaves the hull itself, as far as it does not (Wolfe's minor cycle).
    """
    d = pairs.shape[1] // 2
    while True:
        target = lightest(pairs[:, :d] - pairs[:, d:], is_point)
        if (target >= 0).all():
            return pairs, is_point, target
        falling = target < 0
        share = float((weights[falling] / (weights[falling] - target[falling])).min())
        weights = weights + share * (target - weights)
        weights[falling & (weights <= 1e-15 * np.abs(weights).max())] = 0
        if (weights > 0).all():
            weights[np.flatnonzero(falling)[np.argmin(weights[falling])]] = 0
        kept = weights > 0
        pairs, is_point, weights = pairs[kept], is_point[kept], weights[kept]


def lightest(differences: F64, is_point: F64) -> F64:
    """Weights of the shortest sum, of either sign, with 1 for the sum over points (at least one)."""
    base = int(np.argmax(is_point))
    others = np.arange(len(differences)) != base
    columns = differences[others] - is_point[others, None] * differences[base]
    lengths = np.maximum(np.linalg.norm(columns, axis=1), np.finfo(np.float64).tiny)
    free = np.linalg.lstsq((columns / lengths[:, None]).T, -differences[base], rcond=None)[0] / lengths
    target = np.empty(len(differences))
    target[others] = free
    target[base] = 1 - free @ is_point[others]
    return target


def resolution(P: Vertices, Q: Vertices) -> float:
    """Distances up to this one count as zero."""
    return max(float(X.tolerance * row_sizes(X.A, X.b)[1].min(initial=1.0)) for X in (P, Q))


def nearest(P: Vertices, Q: Vertices, x: F64, y: F64, p: float) -> tuple[float, F64, F64]:
    """Give the distance of two points, and the points; one point where they are the same."""
    distance = float(np.linalg.norm(x - y, ord=p if p != math.inf else np.inf))
    if distance <= resolution(P, Q) * (len(x) if p == 1 else 1):
        return 0.0, x, x.copy()
    return distance, x, y
