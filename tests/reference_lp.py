"""Linear programmes in exact arithmetic: the least-index criss-cross method on integer dictionaries.

Slow and obvious: one dictionary, one pivot, no phases (Terlaky 1985; Fukuda and Terlaky 1997). Pivots keep
integers whole (Edmonds 1967): every entry is a minor of the data, divided by the pivot before.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np


class Dictionary:
    """Rows ``denominator * basic = row[0] + row[1:] @ nonbasic``; the objective comes first.

    Variables 0 .. d-1 are x, free; d .. d+m-1 are the slacks of A x <= b, which must not be negative.
    """

    def __init__(self, A, b, c):
        self.dim = len(c)
        self.rows = [[0, *map(int, c)]] + [
            [int(right), *(-int(a) for a in row)] for row, right in zip(A, b, strict=True)
        ]
        self.nonbasic = list(range(self.dim))
        self.basic = [-1, *range(self.dim, self.dim + len(b))]
        self.denominator = 1

    def pivot(self, i, j):
        """Exchange basic variable i with nonbasic variable j (positions; column 0 is the constant)."""
        pivot, old = self.rows[i][j], self.denominator
        sign = 1 if pivot > 0 else -1
        for k, row in enumerate(self.rows):
            if k == i:
                continue
            factor = row[j]
            self.rows[k] = [
                sign * (pivot * a - factor * p) // old for a, p in zip(row, self.rows[i], strict=True)
            ]
            self.rows[k][j] = sign * factor
        self.rows[i] = [-sign * a for a in self.rows[i]]
        self.rows[i][j] = sign * old
        self.denominator = sign * pivot
        self.basic[i], self.nonbasic[j - 1] = self.nonbasic[j - 1], self.basic[i]

    def free_to_basis(self):
        """Make the free variables basic, where they no longer matter; give the columns of the others."""
        for j in range(1, self.dim + 1):
            for i in range(1, len(self.rows)):
                if self.basic[i] >= self.dim and self.rows[i][j]:
                    self.pivot(i, j)
                    break
        return [j for j in range(1, self.dim + 1) if self.nonbasic[j - 1] < self.dim]

    def slack_rows(self):
        return [i for i in range(1, len(self.rows)) if self.basic[i] >= self.dim]

    def solve(self):
        """Give "optimal", "empty" or "rising": a ray along which the objective grows, if there is a point."""
        lineality = self.free_to_basis()
        if any(self.rows[0][j] for j in lineality):
            return "rising"
        columns = [j for j in range(1, self.dim + 1) if j not in lineality]
        while True:
            bad = [(self.basic[i], i, 0) for i in self.slack_rows() if self.rows[i][0] < 0]
            bad += [(self.nonbasic[j - 1], 0, j) for j in columns if self.rows[0][j] > 0]
            if not bad:
                return "optimal"
            _, i, j = min(bad)
            if i:
                choices = [(self.nonbasic[q - 1], q) for q in columns if self.rows[i][q] > 0]
                if not choices:
                    return "empty"
                self.pivot(i, min(choices)[1])
            else:
                choices = [(self.basic[p], p) for p in self.slack_rows() if self.rows[p][j] < 0]
                if not choices:
                    return "rising"
                self.pivot(min(choices)[1], j)


def maximize(A, b, c):
    """Give the status and value of max c . x over A x <= b, all integers; the value is a Fraction or None."""
    dictionary = Dictionary(A, b, c)
    status = dictionary.solve()
    if status == "rising":
        return ("empty" if is_empty(A, b) else "unbounded"), None
    value = Fraction(dictionary.rows[0][0], dictionary.denominator) if status == "optimal" else None
    return status, value


def is_empty(A, b):
    return Dictionary(A, b, [0] * len(A[0])).solve() == "empty" if len(A) else False


def equalities(A, b):
    """Rows that hold with equality on the whole polytope, which must not be empty."""
    least = [maximize(A, b, [-int(a) for a in row]) for row in A]
    return [status == "optimal" and -value == int(r) for (status, value), r in zip(least, b, strict=True)]


def rank(rows):
    """Rank of a matrix of integers."""
    left = [[Fraction(int(a)) for a in row] for row in rows]
    found = 0
    for k in range(len(left[0]) if left else 0):
        at = next((i for i in range(found, len(left)) if left[i][k]), None)
        if at is None:
            continue
        left[found], left[at] = left[at], left[found]
        for row in left[found + 1 :]:
            factor = row[k] / left[found][k]
            row[:] = [a - factor * p for a, p in zip(row, left[found], strict=True)]
        found += 1
    return found


def dimension(A, b):
    """Dimension of {A x <= b}, -1 where empty."""
    if is_empty(A, b):
        return -1
    tight = [row for row, equal in zip(A, equalities(A, b), strict=True) if equal]
    return len(A[0]) - rank(tight)


def is_bounded(A, b):
    """Whether {A x <= b} is bounded, which the empty one is."""
    dim = len(A[0])
    axes = np.concatenate([np.eye(dim, dtype=int), -np.eye(dim, dtype=int)])
    return is_empty(A, b) or all(maximize(A, b, axis)[0] == "optimal" for axis in axes)


def follows(A, b, row, right):
    """Whether A x <= b implies row . x <= right."""
    if len(A) == 0:
        return not any(row) and right >= 0
    status, value = maximize(A, b, row)
    return status == "empty" or (status == "optimal" and value <= int(right))


def random_polytope(rng):
    """A small integer polytope with many coincident, parallel and opposite rows; many flat or empty."""
    dim = int(rng.integers(1, 6))
    count = int(rng.integers(1, 4 + 2 * dim))
    A = rng.integers(-2, 3, (count, dim))
    A = np.concatenate([A, np.eye(dim, dtype=int), -np.eye(dim, dtype=int)]) if rng.random() < 0.5 else A
    b = rng.integers(-1, 4, len(A)) if rng.random() < 0.8 else np.zeros(len(A), dtype=int)
    for _ in range(int(rng.integers(0, 4))):
        i, scale = rng.integers(len(A)), rng.integers(1, 4)
        sign = rng.choice([1, -1], p=[0.7, 0.3])
        shift = rng.choice([0, 0, 1])
        A = np.concatenate([A, [sign * scale * A[i]]])
        b = np.append(b, sign * scale * b[i] + shift)
    order = rng.permutation(len(A))
    return A[order].astype(np.int64), b[order].astype(np.int64)
