"""The upper bound of the spectral norm, which margins are pruned with."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetry import _core


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 5), (17, 17), (40, 33), (300, 784)])
@pytest.mark.parametrize("kind", ["random", "rank one", "huge", "tiny", "zero"])
def test_the_spectral_bound_is_above_the_norm(isa, shape, kind):
    weight = np.random.default_rng(0).standard_normal(shape)
    if kind == "rank one":
        weight = np.outer(weight[:, 0], weight[0])
    weight *= {"huge": 1e300, "tiny": 1e-310, "zero": 0}.get(kind, 1)
    bound, norm = _core.spectral_bound(weight), np.linalg.norm(weight / (abs(weight).max() or 1), 2)
    norm *= abs(weight).max()
    assert norm * (1 - 1e-12) <= bound <= norm * 1.12 + 1e-300


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6), st.sampled_from([0, 3, 40]))
def test_the_spectral_bound_is_proven(seed, rows, columns, spread):
    """``bound**2 I - W^T W`` is positive semidefinite: its LDL^T in fractions has no negative pivot."""
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((rows, columns)) * 10.0 ** rng.integers(-spread, spread + 1, (rows, 1))
    if seed % 3 == 0:
        weight[:] = weight[0]  # rank one: the bound is tightest
    exact = [[Fraction(float(v)) for v in row] for row in weight]
    square = Fraction(_core.spectral_bound(weight)) ** 2
    gram = [
        [(square if i == j else 0) - sum(row[i] * row[j] for row in exact) for j in range(columns)]
        for i in range(columns)
    ]
    for k in range(columns):
        pivot = gram[k][k]
        assert pivot >= 0
        if pivot == 0:
            assert not any(gram[k][k:])
            continue
        for i in range(k + 1, columns):
            factor = gram[i][k] / pivot
            gram[i] = [a - factor * b for a, b in zip(gram[i], gram[k], strict=True)]
