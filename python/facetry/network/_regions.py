"""The region methods of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from ..patterns import Patterns
from ._base import BaseNetwork

if TYPE_CHECKING:
    from ..network import Network
    from ..regions import Region


class RegionMethods(BaseNetwork):
    """One region; all regions of a set are functions of :mod:`facetry`."""

    def region(self, x: npt.ArrayLike) -> Region:
        """Give the region of a point, found in float64 whatever the network's dtype.

        Parameters
        ----------
        x : (inputs,) or (1, inputs) array
            The point.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -1.0]), ft.ReLU(), ft.Dense([[1.0, 1.0]])])
        >>> region = net.region([0.25])
        >>> region.jacobian.tolist(), region.center.tolist(), region.radius
        ([[1.0]], [0.5], 0.5)

        """
        self._require_host()
        points = np.atleast_2d(np.asarray(x))
        if len(points) != 1:
            raise ValueError(f"x has shape {np.shape(x)}, expected one point")
        return self.region_of(self._double().patterns(points))

    def region_of(self, pattern: Patterns) -> Region:
        """Give the region of a pattern, which may be empty.

        Parameters
        ----------
        pattern : Patterns
            One pattern of this network.

        Raises
        ------
        TypeError, ValueError
            For other things than patterns, patterns of other layers, and more than one.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -1.0]), ft.ReLU()])
        >>> net.region_of(ft.Patterns.from_bool([[False, True]], [2])).polytope.is_empty
        True

        """
        from ..regions import Region

        return Region(cast("Network", self), self._own_pattern(pattern))
