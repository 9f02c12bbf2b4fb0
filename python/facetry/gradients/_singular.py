"""What singular values and ranks of Jacobians may be: the law of ranks, and changes across walls."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray
from ..layers import Builder
from ..network import Network
from ..patterns import Patterns
from ._labels import Int64Array

F64 = npt.NDArray[np.float64]


class WallChange(NamedTuple):
    """What a wall changes of the singular values s, for n patterns.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[3.0, 4.0]]), ft.ReLU(), ft.Dense([[2.0]])])
    >>> change = ft.gradients.wall_bound(net, net.patterns([[1.0, 1.0]]), 0)
    >>> change.change.tolist(), change.bound.tolist()
    ([10.0], [10.0])

    """

    change: F64
    """(n,): ``sqrt(sum (s - s')^2)`` over the singular values, largest first."""
    bound: F64
    """(n,): ``|J - J'|_F``, which the change does not exceed but by rounding."""


def expected_rank(net: Network, x: npt.ArrayLike) -> Int64Array:
    """Give the rank that the Jacobian has at every point if the weights are random (Johansson, Eq. 2.3).

    ``min(inputs, outputs, active neurons of each layer)``: the rank with probability 1 for independent
    weights of continuous distributions (2022, Corollary 1), and an upper bound of it for all weights. Counted
    are the values that each layer lets through: with LeakyReLU or Abs inactive neurons pass too.

    Returns
    -------
    (n,) int64 array

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU()])
    >>> ft.gradients.expected_rank(net, [[1.0, 1.0], [1.0, -1.0]]).tolist()
    [2, 1]

    """
    patterns = net.patterns(x)
    passing = _Passing(patterns.to_bool(), net.input_dim)
    node = 0
    for layer in net.layers:
        node = layer.lower(passing, node)
    return passing.rank()


class _Passing(Builder):
    """Which values of a chain depend on the inputs, for given patterns."""

    def __init__(self, active: npt.NDArray[np.bool_], inputs: int) -> None:
        self._active = active
        self._neuron = 0
        self._passes = [np.ones((len(active), inputs), bool)]
        self._least = np.full(len(active), inputs)

    def rank(self) -> Int64Array:
        rank: Int64Array = np.minimum(self._least, self._passes[-1].sum(axis=1))
        return rank

    def width(self, node: int) -> int:
        return self._passes[node].shape[1]

    def dense(self, node: int, weight: FloatArray, bias: FloatArray) -> int:
        self._least = np.minimum(self._least, self._passes[node].sum(axis=1))
        return self._append(np.ones((len(self._active), len(weight)), bool))

    def scale(self, node: int, scale: FloatArray, shift: FloatArray) -> int:
        return self._append(self._passes[node] & (scale != 0))

    def activation(self, node: int, slopes: FloatArray | None) -> int:
        width = self.width(node)
        active = self._active[:, self._neuron : self._neuron + width]
        self._neuron += width
        passes = active if slopes is None else active | (slopes != 0)
        return self._append(self._passes[node] & passes)

    def _append(self, passes: npt.NDArray[np.bool_]) -> int:
        self._passes.append(passes)
        return len(self._passes) - 1


def wall_bound(net: Network, patterns: Patterns, neuron: int) -> WallChange:
    """Compare the singular values on the two sides of a neuron's wall (Johansson 2022, Eq. 2.4-2.7).

    J is the Jacobian of a pattern, J' that of the pattern with one bit flipped. Their difference has rank
    one, and ``sqrt(sum (s - s')^2) <= |J - J'|_F``. For one hidden layer and ReLU, neuron k, the bound's
    square is ``sum_ij W2[j, k]^2 W1[k, i]^2`` (Eq. 2.8).

    Parameters
    ----------
    net : Network
        Of any layers.
    patterns : Patterns
        Of this network, feasible or not.
    neuron : int
        Whose bit is flipped; negative numbers count from the end.

    Returns
    -------
    WallChange
        In float64 from the weights.

    Raises
    ------
    ValueError, TypeError
        For other things than patterns, patterns of other layers, a neuron that is not there.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [2.0]]), ft.ReLU(), ft.Dense([[1.0, -1.0]])])
    >>> ft.gradients.wall_bound(net, net.patterns([[1.0]]), 1)
    WallChange(change=array([0.]), bound=array([2.]))

    """
    if not -net.n_neurons <= neuron < net.n_neurons:
        raise ValueError(f"neuron is {neuron}, the network has {net.n_neurons}")
    double = net._double()
    here = double.affine_map_of(patterns).jacobian
    flipped = patterns.to_bool()
    flipped[:, neuron] ^= True
    there = double.affine_map_of(Patterns.from_bool(flipped, patterns.layer_widths)).jacobian
    own, other = (np.linalg.svd(j, compute_uv=False) for j in (here, there))
    return WallChange(np.linalg.norm(own - other, axis=1), np.linalg.norm(here - there, axis=(1, 2)))


def initial_wall_bound(hidden: int, outputs: int, variance: float = 1 / 3) -> float:
    """Bound the expected squared change of the singular values across a wall of a new network.

    ``E sum (s - s')^2 <= C^2 outputs / hidden`` for one hidden layer, with independent weights of mean 0 and
    variance ``C / fan-in`` (Johansson 2022, Eq. 2.13); PyTorch's default has C = 1/3.

    Examples
    --------
    >>> import facetry as ft
    >>> round(ft.gradients.initial_wall_bound(hidden=200, outputs=10), 6)
    0.005556

    """
    _require_sizes(hidden=hidden, outputs=outputs)
    _require_variance(variance)
    return variance**2 * outputs / hidden


def initial_unit_bound(hidden: int, variance: float = 1 / 3) -> float:
    """Bound the expected squared difference of slopes at distance one, for one input and one output.

    ``E (s - s')^2 <= 2 C^2 - 2 C^2 / hidden`` for a new network of one hidden layer (Johansson 2022, Eq.
    2.18), where about as many walls as neurons are crossed on the way: an estimate more than a bound.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.gradients.initial_unit_bound(hidden=1), round(ft.gradients.initial_unit_bound(hidden=100), 3)
    (0.0, 0.22)

    """
    _require_sizes(hidden=hidden)
    _require_variance(variance)
    return 2 * variance**2 - 2 * variance**2 / hidden


def _require_sizes(**sizes: int) -> None:
    for name, value in sizes.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, is {value}")


def _require_variance(variance: float) -> None:
    if not 0 < variance < np.inf:
        raise ValueError(f"variance is {variance}, expected a positive number")
