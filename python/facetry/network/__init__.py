"""Networks: an immutable chain of layers and what is computed from it.

A file a noun: :class:`Network` is the sum of them, so that each can be read alone.
"""

from ._base import BaseNetwork
from ._counts import CountMethods, LinearRegionCount
from ._gradients import GradientMethods
from ._jacobians import AffineMaps, HalfSpaces
from ._margins import MarginMethods, Margins
from ._regions import RegionMethods
from ._slopes import SlopeMethods, Slopes
from ._transforms import Transforms

__all__ = [
    "AffineMaps",
    "BaseNetwork",
    "HalfSpaces",
    "LinearRegionCount",
    "Margins",
    "Network",
    "Slopes",
]


class Network(CountMethods, GradientMethods, MarginMethods, RegionMethods, SlopeMethods, Transforms):
    """A piecewise-linear network. Immutable; calls from several threads are safe.

    Parameters
    ----------
    layers : sequence of Layer
        Applied one after the other. The network's dtype is float64 if any parameter is, else float32.
    input_dim : int, optional
        Needed only where no layer tells the number of inputs (a network that begins with ``ReLU()``, say).
    input_box : (inputs, 2) array, optional
        Lower and upper bound of every input, for sampling and geometry; kept as float64.

    Notes
    -----
    Every value is ``z = bias; for k ascending: z = fma(weight[k], a[k], z)`` in the network's dtype, whatever
    the instruction set, the number of threads and the split into batches: the same bits everywhere.
    A neuron is active iff ``z > 0``. A value that overflows becomes infinite or NaN as in IEEE 754; a NaN
    pre-activation is inactive and is passed on.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, -1.0]], [0.5]), ft.ReLU(), ft.Dense([[2.0]], [0.0])])
    >>> net([[1.0, 0.0], [0.0, 1.0]]).tolist()
    [[3.0], [0.0]]
    >>> net.patterns([[1.0, 0.0], [0.0, 1.0]]).to_bool().tolist()
    [[True], [False]]

    """
