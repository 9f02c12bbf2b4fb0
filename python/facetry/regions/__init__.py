"""Linear regions: all pieces on a segment, on a plane, in a box.

Geometry is float64 of the given weights, whatever the network's dtype.
"""

__all__: list[str] = []
