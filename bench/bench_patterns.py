"""Operations on packed patterns."""

import numpy as np
from conftest import points

import facetry as ft


def test_unique(race):
    """Most points share a pattern with others, as points of a network do."""
    rng = np.random.default_rng(0)
    n = points(200_000)
    kinds = rng.integers(0, 2**64, (n // 2, 3), dtype=np.uint64)
    patterns = ft.Patterns(kinds[rng.integers(0, len(kinds), n)], [192])
    packed = patterns.bits.view("V24").ravel()
    race(
        f"unique patterns, {n:,} x 192 bits",
        "numpy.unique on packed bytes",
        4,
        patterns.unique,
        lambda: np.unique(packed),
    )
    assert len(patterns.unique()) == len(np.unique(packed))
