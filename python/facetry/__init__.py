"""facetry: the exact geometry of piecewise-linear networks, at hardware speed.

>>> import facetry as ft
>>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0, -1.0]])])
>>> net([[2.0, 3.0]]).tolist(), len(net.patterns(ft.sobol(16, 2)).unique())
([[-1.0]], 2)
"""

from . import cuda
from .device import available_isas, isa, num_threads, set_num_threads, use_isa
from .errors import UnsupportedLayer
from .layers import LAYERS, Abs, Dense, HardSigmoid, HardTanh, Layer, LeakyReLU, PReLU, ReLU, ReLU6, Scale
from .loaders import demo_path, from_torch, load, load_vnnlib
from .network import AffineMaps, HalfSpaces, Network
from .patterns import PatternCount, Patterns, PatternSet, UniquePatterns
from .points import Halton, Sobol, halton, sobol
from .regions import Piecewise, Segment, SegmentCheck, Segments, regions_on_segment

__all__ = [
    "LAYERS",
    "Abs",
    "AffineMaps",
    "Dense",
    "HalfSpaces",
    "Halton",
    "HardSigmoid",
    "HardTanh",
    "Layer",
    "LeakyReLU",
    "Network",
    "PReLU",
    "PatternCount",
    "PatternSet",
    "Patterns",
    "Piecewise",
    "ReLU",
    "ReLU6",
    "Scale",
    "Segment",
    "SegmentCheck",
    "Segments",
    "Sobol",
    "UniquePatterns",
    "UnsupportedLayer",
    "available_isas",
    "cuda",
    "demo_path",
    "from_torch",
    "halton",
    "isa",
    "load",
    "load_vnnlib",
    "num_threads",
    "regions_on_segment",
    "set_num_threads",
    "sobol",
    "use_isa",
]

__version__ = "0.1.0"
