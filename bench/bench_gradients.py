"""Gradients of every neuron, and slopes, against torch."""

import numpy as np
import pytest
from conftest import SMALL, THREADS
from networks import network
from peers_slopes import TorchJacobians


def work(n):
    points = max(n // 50, 8) if SMALL else n
    return network([784, 300, 300, 300, 10]), np.random.default_rng(1).random((points, 784), dtype=np.float32)


def test_full_gradients(race):
    """Both write into memory that is there already: its first touch takes as long as the work."""
    pytest.importorskip("torch", reason="the peer is torch")
    net, x = work(100)
    out = np.empty((len(x), net.n_neurons, net.input_dim), np.float32)
    peer = TorchJacobians(net, x, THREADS, "gradients")
    name = f"gradients of all neurons, {len(x)} x 784-300x3-10 float32"
    try:
        race(name, peer.name, 2.5, lambda: net.neuron_gradients(x, out=out), peer)
        theirs = peer.result()
        np.testing.assert_allclose(out, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
    finally:
        peer.close()


@pytest.mark.parametrize(("method", "at_least"), [("svd", 20), ("slopes", 16)])
def test_slopes(race, method, at_least):
    pytest.importorskip("torch", reason="the peer is torch")
    net, x = work(1000)
    peer = TorchJacobians(net, x, THREADS, method)
    name = f"slopes, {len(x)} x 784-300x3-10 float32"
    try:
        race(name, peer.name, at_least, lambda: net.slopes(x), peer)
        np.testing.assert_allclose(net.slopes(x).value, peer.result(), rtol=1e-5)
    finally:
        peer.close()
