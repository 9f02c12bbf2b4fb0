"""Regions on a plane in rational arithmetic: a polygon is split by one neuron after the other."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from reference import frozen


def exact_faces(net, origin, u, v, polygon):
    """Give {pattern: polygon} of all regions with an interior on a polygon of a plane; a tie is inactive."""
    frame = [[Fraction(float(x)) for x in array] for array in (u, v, origin)]
    corners = [tuple(Fraction(float(x)) for x in corner) for corner in polygon]
    cells = [((), corners)]
    first = 0
    for width in net.layer_widths:
        cells = [part for cell in cells for part in _split_by_layer(net, frame, cell, first, width)]
        first += width
    return dict(cells)


def exact_classes(net, origin, u, v, polygon, rule):
    """Give {(pattern, class): polygon}; of equal outputs the first one wins."""
    frame = [[Fraction(float(x)) for x in array] for array in (u, v, origin)]
    found = {}
    for pattern, corners in exact_faces(net, origin, u, v, polygon).items():
        _, outputs = frozen(net, pattern, Fraction)
        lines = [_on_plane(j, c, frame) for j, c in zip(*outputs, strict=True)]
        if rule == "sign":
            parts = {0: _clip(corners, lines[0], -1), 1: _clip(corners, lines[0], 1)}
            if not any(lines[0]):
                parts = {0: corners}
        else:
            sign = -1 if rule == "argmin" else 1
            parts = {k: _won(corners, lines, k, sign) for k in range(len(lines))}
        found |= {(pattern, k): part for k, part in parts.items() if area(part) > 0}
    return found


def area(corners):
    """Area of a polygon whose corners are in counterclockwise order."""
    if len(corners) < 3:
        return Fraction(0)
    return sum(a[0] * b[1] - a[1] * b[0] for a, b in pairwise([*corners, corners[0]])) / 2


def _split_by_layer(net, frame, cell, first, width):
    pattern = cell[0]
    filled = np.array(pattern + (0,) * (net.n_neurons - len(pattern)), bool)
    (jacobian, offset), _ = frozen(net, filled, Fraction)
    parts = [cell]
    for neuron in range(first, first + width):
        line = _on_plane(jacobian[neuron], offset[neuron], frame)
        parts = [part for before in parts for part in _split(before, line)]
    return parts


def _on_plane(jacobian, offset, frame):
    a, b, c = (sum((j * x for j, x in zip(jacobian, array, strict=True)), Fraction(0)) for array in frame)
    return a, b, c + offset


def _split(cell, line):
    pattern, corners = cell
    halves = {bit: _clip(corners, line, sign) for bit, sign in ((0, -1), (1, 1))}
    found = [((*pattern, bit), half) for bit, half in halves.items() if area(half) > 0]
    return found if any(line) else [((*pattern, 0), corners)]


def _clip(corners, line, sign):
    """Give the part of a polygon where sign * line >= 0."""
    values = [sign * (line[0] * s + line[1] * t + line[2]) for s, t in corners]
    kept = []
    for i, (corner, value) in enumerate(zip(corners, values, strict=True)):
        k = (i + 1) % len(corners)
        if value >= 0:
            kept.append(corner)
        if value * values[k] < 0:
            share = value / (value - values[k])
            kept.append(tuple(a + share * (b - a) for a, b in zip(corner, corners[k], strict=True)))
    return kept


def _won(corners, lines, k, sign):
    for j, other in enumerate(lines):
        lead = [sign * (a - b) for a, b in zip(lines[k], other, strict=True)]
        if j < k and not any(lead):
            return []
        corners = _clip(corners, lead, 1) if any(lead) else corners
    return corners
