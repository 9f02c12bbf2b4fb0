"""Linear regions: all pieces on a segment, on a plane, in a box.

Geometry is float64 of the given weights, whatever the network's dtype.
"""

from ._along import SegmentCheck
from ._find_segments import regions_on_segment
from ._segment import Piecewise, Segment, Segments

__all__ = ["Piecewise", "Segment", "SegmentCheck", "Segments", "regions_on_segment"]
