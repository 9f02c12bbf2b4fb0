"""Pieces on 1000 segments. SyReNN does not install here: its times are recorded ones, and so labelled."""

import numpy as np
import pytest
from conftest import SMALL
from networks import network

import facetry as ft

# Seconds of SyReNN's core (two threads, breakpoints alone), recorded, not run here.
SYRENN = {"2-64-64-64-1": 0.089, "784-256-256-10": 0.629}


def exact_line(layers, a, b):
    """Breakpoints of one segment in plain NumPy: the line partition, layer by layer."""
    t = np.array([0.0, 1.0])
    for k, (weight, bias) in enumerate(layers):
        h = a + np.outer(t, b - a)
        for before, shift in layers[:k]:
            h = np.maximum(h @ before.T + shift, 0)
        z = h @ weight.T + bias
        piece, neuron = np.nonzero(z[:-1] * z[1:] < 0)
        left, right = z[piece, neuron], z[piece + 1, neuron]
        t = np.unique(np.r_[t, t[piece] + left / (left - right) * (t[piece + 1] - t[piece])])
    return t


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("peer_kind", ["recorded", "live"])
@pytest.mark.parametrize(("widths", "at_least"), [([2, 64, 64, 64, 1], 14), ([784, 256, 256, 10], 28)])
def test_segments(race, widths, at_least, peer_kind, values):
    net = network(widths)
    n = 20 if SMALL else 1000
    rng = np.random.default_rng(3)
    a, b = (rng.uniform(-1, 1, (n, widths[0])).astype("f4").astype("f8") for _ in range(2))
    dense = [layer for layer in net.layers if isinstance(layer, ft.Dense)][:-1]
    layers = [(layer.weight.astype("f8"), layer.bias.astype("f8")) for layer in dense]
    shape = "-".join(map(str, widths))
    counts = []

    def numpy_lines():
        counts.append(sum(len(exact_line(layers, *ends)) - 1 for ends in zip(a, b, strict=True)))

    name, peer = "NumPy, a segment at a time (live)", numpy_lines
    if peer_kind == "recorded":
        name, peer = "SyReNN core (recorded)", lambda: SYRENN[shape]
    work = f"{n} segments of {shape}" + (", with values" if values else "")

    def ours():
        return ft.regions_on_segment(net, a, b, values=values)

    race(work, name, at_least, ours, peer)
    if counts:
        assert ours().n_pieces == counts[0]
