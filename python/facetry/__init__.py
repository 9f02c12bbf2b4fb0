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
from .network import AffineMaps, HalfSpaces, Margins, Network
from .patterns import PatternCount, Patterns, PatternSet, UniquePatterns
from .points import Halton, Sobol, halton, sobol
from .polytope import Estimate, Mixing, Optimum, Polytope, Polytopes, PolytopeUnion
from .regions import (
    ClassPiece,
    PlaneCheck,
    PlaneComplex,
    Region,
    RegionsNear,
    plane_through,
    regions_near,
    regions_on_plane,
    regions_on_planes,
)

__all__ = [
    "LAYERS",
    "Abs",
    "AffineMaps",
    "ClassPiece",
    "Dense",
    "Estimate",
    "HalfSpaces",
    "Halton",
    "HardSigmoid",
    "HardTanh",
    "Layer",
    "LeakyReLU",
    "Margins",
    "Mixing",
    "Network",
    "Optimum",
    "PReLU",
    "PatternCount",
    "PatternSet",
    "Patterns",
    "PlaneCheck",
    "PlaneComplex",
    "Polytope",
    "PolytopeUnion",
    "Polytopes",
    "ReLU",
    "ReLU6",
    "Region",
    "RegionsNear",
    "Scale",
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
    "plane_through",
    "regions_near",
    "regions_on_plane",
    "regions_on_planes",
    "set_num_threads",
    "sobol",
    "use_isa",
]

__version__ = "0.1.0"
