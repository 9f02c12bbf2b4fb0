"""Oracles for regions in boxes: arrangements counted in rational numbers, patterns of many points."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

import facetry as ft


def _restrict(planes: set[tuple[Fraction, ...]], plane: tuple[Fraction, ...]) -> set[tuple[Fraction, ...]]:
    """Give the other hyperplanes as hyperplanes of this one."""
    column = next(i for i, value in enumerate(plane[:-1]) if value != 0)
    found = set()
    for other in planes:
        factor = other[column] / plane[column]
        rest = [a - factor * b for a, b in zip(other, plane, strict=True)]
        del rest[column]
        if any(rest[:-1]):
            found.add(_normal(rest))
    return found


def _normal(row) -> tuple[Fraction, ...]:
    lead = next(value for value in row if value != 0)
    return tuple(value / lead for value in row)


def count_cells(normals, offsets) -> int:
    """Count the cells of hyperplanes ``n @ x + c = 0`` in all of space, by deletion and restriction.

    Integers or fractions; repeated, parallel and concurrent hyperplanes are what they are.
    """
    rows = [[Fraction(int(v)) for v in (*n, c)] for n, c in zip(normals, offsets, strict=True)]
    return _count({_normal(row) for row in rows if any(row[:-1])})


def _count(planes: set[tuple[Fraction, ...]]) -> int:
    planes, cells = set(planes), 1
    while planes:
        plane = planes.pop()
        cells += _count(_restrict(planes, plane)) if len(plane) > 2 else 1
    return cells


def sampled_patterns(net: ft.Network, box, n: int) -> set[bytes]:
    """Give the patterns of random points."""
    low, high = np.array(box, float).T
    x = low + (high - low) * np.random.default_rng(0).random((n, net.input_dim))
    return {row.tobytes() for row in net.astype("float64").patterns(x).bits}
