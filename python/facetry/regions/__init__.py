"""Linear regions: one of them, all pieces on a segment, on a plane, in a box.

Geometry is float64 of the given weights, whatever the network's dtype.
"""

from . import bounds
from ._box import (
    RegionBlock,
    RegionCount,
    RegionSweep,
    SweepJob,
    SweepPart,
    iter_regions_in_box,
    regions_in_box,
)
from ._complex import Adjacency, Complex, MapHistogram, Piece, Verification
from ._near import RegionsNear, regions_near
from ._region import ClassPiece, Region

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
