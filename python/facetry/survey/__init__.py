"""Surveys of networks: the measurements behind ``facetry survey``, for use in a program or a notebook.

>>> import facetry as ft
>>> from facetry.survey import survey
>>> net = ft.Network([ft.Dense([[1.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0]])])
>>> survey(net, 256, box=[[-1, 1], [-1, 1]]).patterns.distinct
2
"""

from .environment import environment
from .facts import Survey
from .measure import STAGES, Progress, survey
from .plane import Plane, PlaneChoice
from .raster import Raster
from .slice import Slice

__all__ = ["STAGES", "Plane", "PlaneChoice", "Progress", "Raster", "Slice", "Survey", "environment", "survey"]
