"""Regions on planes, beside regioncam."""

import numpy as np
import pytest
from conftest import SMALL
from networks import network

import facetry as ft


class Regioncam:
    """The same complex by regioncam, layer after layer."""

    def __init__(self, net: ft.Network) -> None:
        self._module = pytest.importorskip("regioncam", reason="the peer is regioncam")
        dense = [layer for layer in net.layers if isinstance(layer, ft.Dense)]
        self._layers = [(np.ascontiguousarray(layer.weight.T), layer.bias) for layer in dense]
        self.name = f"regioncam {getattr(self._module, '__version__', '0.5.2')}"
        self.counts = (0, 0)

    def __call__(self) -> None:
        """Run once."""
        regions = self._module.Regioncam(size=1)
        for i, (weight, bias) in enumerate(self._layers):
            regions.linear(weight, bias)
            if i + 1 < len(self._layers):
                regions.relu()
        self.counts = (regions.num_vertices, regions.num_faces)


@pytest.mark.parametrize(("width", "at_least"), [(64, 30), (128, 50)])
def test_plane(race, width, at_least):
    if SMALL:
        width = 16
    net = network([2, width, width, width, 1])
    peer = Regioncam(net)
    found = []
    race(
        f"regions on [-1,1]^2, 2-{width}x3-1",
        peer.name,
        at_least,
        lambda: found.append(ft.regions_on_plane(net, [0, 0], [1, 0], [0, 1])) or found.pop(0),
        peer,
    )
    plane = ft.regions_on_plane(net, [0, 0], [1, 0], [0, 1])
    assert (plane.f_vector[0], len(plane)) == peer.counts


def test_plane_of_images(race):
    """9,352 faces with all ten affine maps; the bound is 1.3 of the 2.3 ms of a sketch of the method."""
    net = network([784, 256, 256, 10])
    x = np.random.default_rng(7).uniform(0, 1, (3, 784))
    frame = x.mean(axis=0), (x[1] - x[0]) / 2, (x[2] - x[0]) / 2
    race(
        "regions on a plane through 784-256-256-10",
        "a sketch of the method, recorded on a Zen 4",
        1 / 1.3,
        lambda: ft.regions_on_plane(net, *frame),
        lambda: 2.3e-3,
    )
