"""Linear regions: one of them, all pieces on a segment, on a plane, in a box.

Geometry is float64 of the given weights, whatever the network's dtype.
"""

from . import bounds
from ._box import iter_regions_in_box, regions_in_box
from ._box_search import RegionBlock, RegionCount
from ._complex import Complex
from ._complex_check import Verification
from ._complex_parts import Adjacency, MapHistogram, Piece
from ._near import RegionsNear, regions_near
from ._region import ClassPiece, Region
from ._sweep import RegionSweep, SweepJob, SweepPart

__all__ = [
    "Adjacency",
    "ClassPiece",
    "Complex",
    "MapHistogram",
    "Piece",
    "Region",
    "RegionBlock",
    "RegionCount",
    "RegionSweep",
    "RegionsNear",
    "SweepJob",
    "SweepPart",
    "Verification",
    "bounds",
    "iter_regions_in_box",
    "regions_in_box",
    "regions_near",
]
