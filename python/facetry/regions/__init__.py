"""Linear regions: one of them, all pieces on a segment, on a plane, in a box.

Geometry is float64 of the given weights, whatever the network's dtype.
"""

from . import bounds
from ._along import SegmentCheck
from ._box import iter_regions_in_box, regions_in_box
from ._box_search import RegionBlock, RegionCount
from ._complex import Complex
from ._complex_check import Verification
from ._complex_parts import Adjacency, MapHistogram, Piece
from ._find_segments import regions_on_segment
from ._near import RegionsNear, regions_near
from ._plane import plane_through, regions_on_plane, regions_on_planes
from ._plane_check import PlaneCheck
from ._plane_complex import PlaneComplex
from ._preimage import Classes, Preimage, decision_regions, preimage, preimages
from ._region import ClassPiece, Region
from ._segment import Piecewise, Segment, Segments
from ._sweep import RegionSweep, SweepJob, SweepPart

__all__ = [
    "Adjacency",
    "ClassPiece",
    "Classes",
    "Complex",
    "MapHistogram",
    "Piece",
    "Piecewise",
    "PlaneCheck",
    "PlaneComplex",
    "Preimage",
    "Region",
    "RegionBlock",
    "RegionCount",
    "RegionSweep",
    "RegionsNear",
    "Segment",
    "SegmentCheck",
    "Segments",
    "SweepJob",
    "SweepPart",
    "Verification",
    "bounds",
    "decision_regions",
    "iter_regions_in_box",
    "plane_through",
    "preimage",
    "preimages",
    "regions_in_box",
    "regions_near",
    "regions_on_plane",
    "regions_on_planes",
    "regions_on_segment",
]
