"""facetry: the exact geometry of piecewise-linear networks, at hardware speed.

>>> import facetry as ft
>>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0, -1.0]])])
>>> net([[2.0, 3.0]]).tolist(), len(net.patterns(ft.sobol(16, 2)).unique())
([[-1.0]], 2)
"""

from . import cuda, gradients
from .device import available_isas, isa, num_threads, set_num_threads, use_isa
from .errors import UnsupportedLayer
from .layers import LAYERS, Abs, Dense, HardSigmoid, HardTanh, Layer, LeakyReLU, PReLU, ReLU, ReLU6, Scale
from .loaders import demo_path, from_torch, load, load_vnnlib
from .network import AffineMaps, HalfSpaces, LinearRegionCount, Margins, Network, Slopes
from .patterns import PatternCount, Patterns, PatternSet, UniquePatterns
from .points import Halton, Sobol, halton, sobol
from .polytope import Estimate, Mixing, Optimum, Polytope, Polytopes, PolytopeUnion
from .regions import (
    Adjacency,
    ClassPiece,
    Complex,
    MapHistogram,
    Piece,
    Piecewise,
    PlaneCheck,
    PlaneComplex,
    Region,
    RegionBlock,
    RegionCount,
    RegionsNear,
    RegionSweep,
    Segment,
    SegmentCheck,
    Segments,
    SweepJob,
    SweepPart,
    Verification,
    iter_regions_in_box,
    plane_through,
    regions_in_box,
    regions_near,
    regions_on_plane,
    regions_on_planes,
    regions_on_segment,
)

__all__ = [
    "LAYERS",
    "Abs",
    "Adjacency",
    "AffineMaps",
    "ClassPiece",
    "Complex",
    "Dense",
    "Estimate",
    "HalfSpaces",
    "Halton",
    "HardSigmoid",
    "HardTanh",
    "Layer",
    "LeakyReLU",
    "LinearRegionCount",
    "MapHistogram",
    "Margins",
    "Mixing",
    "Network",
    "Optimum",
    "PReLU",
    "PatternCount",
    "PatternSet",
    "Patterns",
    "Piece",
    "Piecewise",
    "PlaneCheck",
    "PlaneComplex",
    "Polytope",
    "PolytopeUnion",
    "Polytopes",
    "ReLU",
    "ReLU6",
    "Region",
    "RegionBlock",
    "RegionCount",
    "RegionSweep",
    "RegionsNear",
    "Scale",
    "Segment",
    "SegmentCheck",
    "Segments",
    "Slopes",
    "Sobol",
    "SweepJob",
    "SweepPart",
    "UniquePatterns",
    "UnsupportedLayer",
    "Verification",
    "available_isas",
    "cuda",
    "demo_path",
    "from_torch",
    "gradients",
    "halton",
    "isa",
    "iter_regions_in_box",
    "load",
    "load_vnnlib",
    "num_threads",
    "plane_through",
    "regions_in_box",
    "regions_near",
    "regions_on_plane",
    "regions_on_planes",
    "regions_on_segment",
    "set_num_threads",
    "sobol",
    "use_isa",
]

__version__ = "0.1.0"
