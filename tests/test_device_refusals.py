"""What is not computed on a GPU yet says so; it never moves to the CPU behind the caller's back."""

from types import SimpleNamespace

import numpy as np
import pytest
from reference import random_network

import facetry as ft

X = np.zeros((1, 2), "float32")
CALLS = {
    "neuron_gradients": lambda net: net.neuron_gradients(X),
    "iter_neuron_gradients": lambda net: next(net.iter_neuron_gradients(X)),
    "affine_maps": lambda net: net.affine_maps(X),
    "affine_map_of": lambda net: net.affine_map_of(ft.Patterns(np.zeros((1, 1), np.uint64), [3])),
    "halfspaces": lambda net: net.halfspaces(ft.Patterns(np.zeros((1, 1), np.uint64), [3])),
    "jvp": lambda net: net.jvp(X, X),
    "vjp": lambda net: net.vjp(X, X),
    "margins": lambda net: net.margins(X),
    "wall_distances": lambda net: net.wall_distances(X),
    "directional_margins": lambda net: net.directional_margins(X, [[1.0, 0.0]]),
    "coordinate_margins": lambda net: net.coordinate_margins(X),
    "slopes": lambda net: net.slopes(X),
    "singular_values": lambda net: net.singular_values(X),
    "rank": lambda net: net.rank(X),
    "count_linear_regions": lambda net: net.count_linear_regions(X),
    "region": lambda net: net.region(X),
    "regions_near": lambda net: ft.regions_near(net, X[0], hops=1),
    "regions_on_segment": lambda net: ft.regions_on_segment(net, X[0], X[0] + 1),
    "regions_on_plane": lambda net: ft.regions_on_plane(net, [0, 0], [1, 0], [0, 1]),
    "regions_in_box": lambda net: ft.regions_in_box(net, [[-1, 1]] * 2),
    "preimage": lambda net: ft.preimage(net, ft.Classes(0), [[-1, 1]] * 2),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_network_on_a_gpu_is_refused(name):
    net = random_network([2, 3, 2])
    CALLS[name](net)
    net._on_device = SimpleNamespace(device="cuda:0")  # as net.to("cuda") leaves it
    with pytest.raises(RuntimeError, match=r"this is not computed on cuda:0 yet: use net\.to\('cpu'\)"):
        CALLS[name](net)
