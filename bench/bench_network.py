"""Activation patterns of whole networks, and the dense kernel alone."""

import numpy as np
import pytest
from conftest import THREADS, points
from networks import network
from peers import TorchPatterns, seconds_at_peak

import facetry as ft


def uniform(n, dim):
    return np.random.default_rng(1).random((n, dim), dtype=np.float32)


@pytest.mark.parametrize(
    ("n", "widths", "isa", "at_least"),
    [
        (100_000, [784, 256, 256, 10], None, 1.35),
        (1_000_000, [2, 64, 64, 64, 1], None, 4),
        (100_000, [784, 256, 256, 10], "avx2", 1.1),
    ],
)
def test_patterns(race, n, widths, isa, at_least):
    pytest.importorskip("torch", reason="the peer is torch")
    if isa:
        ft.use_isa(isa)
    net, x = network(widths), uniform(points(n), widths[0])
    peer = TorchPatterns(net, x, THREADS, max_isa=isa)
    shape = "-".join(map(str, widths))
    try:
        race(f"patterns, {len(x):,} x {shape} float32", peer.name, at_least, lambda: net.patterns(x), peer)
        active = net.patterns(x).count_active().sum()
        # torch adds in another order, so a sign in ten million may differ
        assert abs(int(active) - peer.active) <= 1e-6 * active + 2
    finally:
        peer.close()


@pytest.mark.parametrize("isa", ["avx512", "avx2"])
def test_dense_kernel(race, isa):
    if isa not in ft.available_isas():
        pytest.skip(f"this CPU has no {isa}")
    ft.use_isa(isa)
    net, x = network([784, 256]), uniform(points(20_000), 784)
    out = np.empty((len(x), 256), np.float32)
    flops = 2.0 * len(x) * 784 * 256
    race(
        f"dense kernel, {len(x):,} x 784-256 float32",
        f"FMA peak of {isa}",
        0.75,
        lambda: net(x, out=out),
        lambda: seconds_at_peak(isa, THREADS, flops),
    )
    np.testing.assert_array_equal(out[:3], net(x[:3]))
