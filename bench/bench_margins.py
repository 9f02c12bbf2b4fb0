"""Margins against dense gradients in torch, and certified margins against plain ones."""

import numpy as np
import pytest
from conftest import SMALL, THREADS
from networks import network
from peers_margins import TorchMargins

import facetry as ft

POINTS = 10 if SMALL else 100


def work(depth):
    net = network([784, *[300] * depth, 10])
    return net, np.random.default_rng(1).random((POINTS, 784), dtype=np.float32)


def assert_agree(found, peer):
    """Float32 pre-activations are off by 1e-6 or so: absolutely, and so by percents where they are small."""
    np.testing.assert_allclose(found, peer, rtol=1e-2, atol=2e-5)


@pytest.mark.parametrize(
    ("depth", "p", "method", "at_least"),
    [
        (3, 2, "masked", 80),
        (3, 2, "roll", 250),
        (3, 2, "func", 300),
        (3, np.inf, "masked", 60),
        (3, 1, "masked", 35),
        (10, 2, "masked", 12),
    ],
)
def test_least_margin(race, depth, p, method, at_least):
    pytest.importorskip("torch", reason="the peer is torch")
    net, x = work(depth)
    peer = TorchMargins(net, x, THREADS, method, p)
    name = f"least l{p} margin, {POINTS} x 784-300x{depth}-10"
    try:
        race(name, peer.name, at_least, lambda: net.margins(x, p), peer)
        assert_agree(net.margins(x, p).radius, peer.distances().min(axis=1))
    finally:
        peer.close()


@pytest.mark.parametrize(("precision", "at_least"), [("float32", 10), ("float64", 5)])
def test_all_walls(race, precision, at_least):
    pytest.importorskip("torch", reason="the peer is torch")
    net, x = work(3)
    peer = TorchMargins(net, x, THREADS, "masked", 2)
    out = np.empty((POINTS, net.n_neurons))
    name = f"l2 distances to all walls, {POINTS} x 784-300x3-10, gradients in {precision}"
    try:
        race(name, peer.name, at_least, lambda: net.wall_distances(x, precision=precision, out=out), peer)
        assert_agree(out, peer.distances())
    finally:
        peer.close()


@pytest.mark.parametrize("depth", [3, 10])
def test_certified(race, depth):
    """The peer is the plain call: at least half as fast."""
    net, x = work(depth)
    name = f"certified l2 margin, {POINTS} x 784-300x{depth}-10"
    race(name, "the plain call", 0.5, lambda: net.margins(x, certified=True), lambda: net.margins(x))
    plain, certified = net.margins(x), net.margins(x, certified=True)
    assert certified.certain.all()
    assert (certified.radius <= plain.radius).all()
    assert np.median(certified.radius / plain.radius) > 0.999


def test_small_inputs(race):
    """A network of the size of ACAS Xu: dense products in numpy are the peer."""
    net = network([5, *[50] * 6, 5])
    x = np.random.default_rng(1).random((POINTS * 100, 5), dtype=np.float32)
    dense = [layer for layer in net.astype("float64").layers if isinstance(layer, ft.Dense)][:-1]

    def products():
        h, jacobian, least = x.astype(float), None, np.full(len(x), np.inf)
        for layer in dense:
            h = h @ layer.weight.T + layer.bias
            jacobian = (
                np.broadcast_to(layer.weight, (len(x), *layer.weight.shape))
                if jacobian is None
                else (layer.weight @ jacobian)
            )
            norms = np.sqrt(np.einsum("nji,nji->nj", jacobian, jacobian))
            least = np.minimum(least, (abs(h) / np.maximum(norms, 1e-300)).min(axis=1))
            jacobian = jacobian * (h > 0)[:, :, None]
            h = np.maximum(h, 0)
        return least

    name = f"least l2 margin, {len(x):,} x 5-50x6-5"
    race(name, "dense products in numpy", 10, lambda: net.margins(x), products)
    np.testing.assert_allclose(net.margins(x).radius, products(), rtol=1e-8)
