"""The networks that are timed."""

from itertools import pairwise

import numpy as np

import facetry as ft


def network(widths) -> ft.Network:
    """He-normal weights, biases N(0, 0.3), seed 0, float32."""
    rng = np.random.default_rng(0)
    layers = []
    for inputs, outputs in pairwise(widths):
        weight = rng.standard_normal((outputs, inputs)) * np.sqrt(2 / inputs)
        layers += [
            ft.Dense(weight.astype("f4"), (rng.standard_normal(outputs) * 0.3).astype("f4")),
            ft.ReLU(),
        ]
    return ft.Network(layers[:-1])
