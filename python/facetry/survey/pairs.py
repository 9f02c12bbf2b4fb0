"""Hamming distances between the patterns of near points and of far ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..network import Network
from .facts import HammingFacts
from .sources import DataPoints, SobolPoints

NEAR_STEP = 0.01
BINS = 50


class Distances(NamedTuple):
    """What was measured, and the mean distance of near and of far pairs in every layer."""

    facts: HammingFacts
    near: list[float]
    far: list[float]


def measure_pairs(
    net: Network, source: SobolPoints | DataPoints, pairs: int, rng: np.random.Generator
) -> Distances:
    """Measure near and far pairs; what they are is said at :class:`HammingFacts`."""
    pairs = max(1, min(pairs, 2**22 // net.input_dim))
    a, b = source.pairs(rng, pairs)
    low, high = source.box.T
    free = high > low
    step = rng.standard_normal(a.shape) * free
    length = np.linalg.norm(step, axis=1, keepdims=True)
    step *= NEAR_STEP * np.sqrt(np.count_nonzero(free)) / np.where(length > 0, length, 1)
    moved = np.clip(a + step * (high - low), low, high)
    here, there, beside = (net.patterns(x.astype(net.dtype)) for x in (a, b, moved))
    near, far = here.hamming(beside), here.hamming(there)
    width = max(1, -(-(int(max(near.max(), far.max())) + 1) // BINS))
    bins = int(max(near.max(), far.max())) // width + 1
    facts = HammingFacts(
        pairs=pairs,
        near_step=NEAR_STEP,
        bin_width=width,
        near=tuple(np.bincount(near // width, minlength=bins).tolist()),
        far=tuple(np.bincount(far // width, minlength=bins).tolist()),
        near_mean=float(near.mean()),
        far_mean=float(far.mean()),
        near_same=float(np.mean(near == 0)),
        far_same=float(np.mean(far == 0)),
    )
    layers = range(len(net.layer_widths))
    return Distances(
        facts,
        [float(here.layer(i).hamming(beside.layer(i)).mean()) for i in layers],
        [float(here.layer(i).hamming(there.layer(i)).mean()) for i in layers],
    )
