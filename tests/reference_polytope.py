"""Exact vertices, rays and volumes of rational polytopes: the double description method with integers."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import factorial, gcd

Vector = tuple[int, ...]


def primitive(vector) -> Vector:
    """Scale an integer or rational vector to integers without a common factor, keeping its direction."""
    scale = 1
    for x in vector:
        denominator = Fraction(x).denominator
        scale = scale * denominator // gcd(scale, denominator)
    whole = [int(x * scale) for x in vector]
    common = gcd(*whole)
    return tuple(x // common for x in whole) if common else tuple(whole)


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def rank(vectors) -> int:
    """The rank of rational vectors."""
    rows = [list(map(Fraction, v)) for v in vectors]
    found = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for i in range(found + 1, len(rows)):
            factor = rows[i][column] / rows[found][column]
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[found], strict=True)]
        found += 1
    return found


def cone_generators(rows) -> tuple[list[Vector], list[Vector]]:
    """Give the lines and the extreme rays of {y : row . y <= 0 for all rows} (Motzkin et al. 1953).

    A ray is kept with the set of rows that hold there. Two are adjacent where no third holds all that both
    hold.
    """
    n = len(rows[0])
    lines = [tuple(int(i == j) for j in range(n)) for i in range(n)]
    rays: list[tuple[Vector, frozenset[int]]] = []
    for number, row in enumerate(rows):
        leaving = next((line for line in lines if dot(row, line)), None)
        if leaving is not None:
            lines, rays = _cut_line(row, number, lines, rays, leaving)
        else:
            rays = _cut_rays(row, number, rays)
    return lines, [ray for ray, _ in rays]


def _cut_line(row, number, lines, rays, leaving):
    """One line becomes a ray into the half-space; the rest is moved along it onto the hyperplane."""
    slope = dot(row, leaving)
    if slope > 0:
        leaving, slope = tuple(-x for x in leaving), -slope

    def onto(vector):
        value = dot(row, vector)
        return primitive([-slope * x + value * y for x, y in zip(vector, leaving, strict=True)])

    others = [onto(line) for line in lines if line not in (leaving, tuple(-x for x in leaving))]
    before = frozenset(range(number))
    moved = [(onto(ray), tight | {number}) for ray, tight in rays]
    return others, [*moved, (primitive(leaving), before)]


def _cut_rays(row, number, rays):
    values = [dot(row, ray) for ray, _ in rays]
    kept = [
        (ray, tight | {number} if v == 0 else tight)
        for (ray, tight), v in zip(rays, values, strict=True)
        if v <= 0
    ]
    inside = [i for i, v in enumerate(values) if v < 0]
    outside = [i for i, v in enumerate(values) if v > 0]
    for i in inside:
        for j in outside:
            common = rays[i][1] & rays[j][1]
            if any(common <= tight for k, (_, tight) in enumerate(rays) if k not in (i, j)):
                continue
            between = [values[j] * x - values[i] * y for x, y in zip(rays[i][0], rays[j][0], strict=True)]
            kept.append((primitive(between), common | {number}))
    return kept


def vertices_and_rays(A, b):
    """The vertices (Fractions), extreme rays and lines (integers) of {x : A x <= b}; none if it is empty.

    Where there are lines, vertices and rays are one each of the faces that the lines cross, not unique.
    """
    d = len(A[0]) if len(A) else 0
    rows = [primitive([*map(Fraction, a), -Fraction(c)]) for a, c in zip(A, b, strict=True)]
    lines, rays = cone_generators([(0,) * d + (-1,), *rows])
    vertices = {tuple(Fraction(x, ray[-1]) for x in ray[:-1]) for ray in rays if ray[-1] > 0}
    if not vertices:
        return set(), set(), []
    return vertices, {ray[:-1] for ray in rays if ray[-1] == 0}, [line[:-1] for line in lines]


def determinant(matrix) -> Fraction:
    rows = [list(map(Fraction, row)) for row in matrix]
    det = Fraction(1)
    for column in range(len(rows)):
        pivot = next((i for i in range(column, len(rows)) if rows[i][column]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != column:
            rows[column], rows[pivot] = rows[pivot], rows[column]
            det = -det
        det *= rows[column][column]
        for i in range(column + 1, len(rows)):
            factor = rows[i][column] / rows[column][column]
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[column], strict=True)]
    return det


def volume(A, b) -> Fraction:
    """The volume of a bounded polytope: cones from one vertex over a triangulation of every facet."""
    vertices, rays, lines = vertices_and_rays(A, b)
    if not vertices:
        return Fraction(0)
    assert not rays
    assert not lines
    total = Fraction(0)
    d = len(A[0])
    for simplex in _pulled(sorted(vertices), A, b, d):
        apex = simplex[0]
        total += abs(determinant([[x - y for x, y in zip(p, apex, strict=True)] for p in simplex[1:]]))
    return total / factorial(d)


def _pulled(vertices, A, b, dimension):
    """Simplices, as tuples of points, that a face with these vertices is cut into."""
    if dimension == 0:
        yield (vertices[0],)
        return
    apex = vertices[0]
    seen = set()
    for a, c in zip(A, b, strict=True):
        on = tuple(v for v in vertices if dot(a, v) == c)
        if apex in on or on in seen or not on:
            continue
        seen.add(on)
        if rank([[x - y for x, y in zip(v, on[0], strict=True)] for v in on]) == dimension - 1:
            for simplex in _pulled(list(on), A, b, dimension - 1):
                yield (apex, *simplex)


def brute_force_vertices(A, b):
    """All feasible points where d independent rows hold: an oracle for the oracle."""
    d = len(A[0])
    found = set()
    for chosen in combinations(range(len(A)), d):
        rows = [A[i] for i in chosen]
        det = determinant(rows)
        if det == 0:
            continue
        point = []
        for k in range(d):
            replaced = [[b[i] if j == k else A[i][j] for j in range(d)] for i in chosen]
            point.append(determinant(replaced) / det)
        if all(dot(a, point) <= c for a, c in zip(A, b, strict=True)):
            found.add(tuple(point))
    return found
