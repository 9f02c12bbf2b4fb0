"""Linear regions: one of them, all pieces on a segment, on a plane, in a box.

Geometry is float64 of the given weights, whatever the network's dtype.
"""

from ._near import RegionsNear, regions_near
from ._region import ClassPiece, Region

__all__ = ["ClassPiece", "Region", "RegionsNear", "regions_near"]
