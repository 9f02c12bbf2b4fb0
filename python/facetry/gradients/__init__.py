"""Studies of gradients over batches of points: how they change nearby, what they attribute, their ranks.

``gradient`` below is that of one output of a network, ``grad f_y``, with y the label of a point; batches are
(n, inputs) arrays and every function gives one answer a point.

>>> import facetry as ft
>>> net = ft.Network([ft.Dense([[1.0, 1.0]]), ft.ReLU(), ft.Dense([[3.0], [-1.0]])])
>>> ft.gradients.label_gradients(net, [[1.0, 0.5]], [1]).tolist()
[[-1.0, -1.0]]
"""

from ._attribution import IntegratedGradients, attribution_image, integrated_gradients
from ._distortion import (
    ExpectedDistortion,
    WorstDistortion,
    expected_distortion,
    worst_distortion,
)
from ._edges import EdgeStudy, distance_to_edge, edge_study
from ._labels import label_gradients
from ._robustness import relative_robustness
from ._singular import WallChange, expected_rank, initial_unit_bound, initial_wall_bound, wall_bound

__all__ = [
    "EdgeStudy",
    "ExpectedDistortion",
    "IntegratedGradients",
    "WallChange",
    "WorstDistortion",
    "attribution_image",
    "distance_to_edge",
    "edge_study",
    "expected_distortion",
    "expected_rank",
    "initial_unit_bound",
    "initial_wall_bound",
    "integrated_gradients",
    "label_gradients",
    "relative_robustness",
    "wall_bound",
    "worst_distortion",
]
