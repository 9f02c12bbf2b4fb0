"""Distances from points to the walls around them (Lee et al. 2019, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import as_points, result_array
from ._base import BaseNetwork
from ._walls import Float64Array, Walls, as_directions, as_norm, as_precision, as_scale


@dataclass(frozen=True, eq=False)
class Margins:
    """What :meth:`Network.margins` gives.

    Attributes
    ----------
    radius : (n,) float64 array
        The largest ball around each point within its region; inf where no neuron bounds it. Certified: a
        lower bound of that, 0 where a sign is not certain.
    neuron : (n,) int64 array
        The neuron whose wall the ball touches, the first of equally near ones; -1 where there is none.
    certain : (n,) bool array or None
        Whether the signs of all neurons are certain; None where margins are not certified.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[3.0, 4.0], [1.0, 0.0]], [-5.0, 2.0]), ft.ReLU()])
    >>> margins = net.margins([[0.0, 0.0], [-1.5, 0.0]])
    >>> margins.radius.tolist(), margins.neuron.tolist()
    ([1.0, 0.5], [0, 1])

    """

    radius: Float64Array
    neuron: npt.NDArray[np.int64]
    certain: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.radius)


class MarginMethods(BaseNetwork):
    """Distances to the walls of a network's neurons."""

    def margins(
        self,
        x: npt.ArrayLike,
        p: float = 2,
        *,
        certified: bool = False,
        precision: str = "float64",
        scale: npt.ArrayLike | None = None,
    ) -> Margins:
        """Give the largest l_p ball around each point in which no neuron changes its side.

        ``min |z| / ||grad z||_q`` over the neurons, with q the dual of p (Lee et al. 2019, Propositions 5 and
        6): the radius in which the network is affine. Computed without most of the gradients: proven bounds
        of their norms leave few neurons that can be the nearest, and of those the exact norms are taken.

        Parameters
        ----------
        x : (n, inputs) array
            As for calling the network; float64 points are taken by float32 networks too.
        p : {1, 2, inf}
            The norm of the ball.
        certified : bool
            Give a lower bound of the margin that holds in exact arithmetic for the given weights and points:
            the rounding of pre-activations and gradients is bounded and taken off. Where it leaves the sign
            of a neuron open (a point on a wall, say) the radius is 0, the neuron -1 and ``certain`` False. A
            value that overflows is never certain.
        precision : {"float64", "float32"}
            Of the pre-activations. ``"float32"``, for float32 networks, saves a quarter of the time, and near
            a wall, where ``|z|`` is not large against its rounding error, is off by percents. It cannot be
            certified.
        scale : float or (inputs,) array, optional
            For points that are normalised as ``(raw - mean) / scale``: the radius is in the units of ``raw``
            (Lee et al. 2019, Appendix G).

        Returns
        -------
        Margins
            Where a pre-activation or the nearest neuron's gradient overflows, the radius is NaN and
            ``neuron`` says which. A neuron with zero gradient bounds nothing; otherwise a point with z = 0
            has margin 0.

        Notes
        -----
        The same bits on every instruction set, thread count and split into batches. The first call
        takes the norms of the weights, once for a network.

        Raises
        ------
        ValueError
            For another p or precision, float32 certified or of a float64 network, a scale that is not
            positive; for points as in calling the network.
        RuntimeError
            For a network on a CUDA device.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[3.0, 4.0]], [-5.0]), ft.ReLU()])
        >>> [net.margins([[0.0, 0.0]], p).radius.item() for p in (1, 2, float("inf"))]
        [1.25, 1.0, 0.7142857142857143]
        >>> net.margins([[0.0, 0.0]], scale=0.5).radius.tolist()
        [0.5]
        >>> sure = net.margins([[0.0, 0.0], [1.0, 0.5]], certified=True)
        >>> bool(0.999999 < sure.radius[0] <= 1), sure.certain.tolist()
        (True, [True, False])

        """
        self._require_host()
        norm, factors = as_norm(p), as_scale(scale, self.input_dim)
        kind = as_precision(precision, self.dtype)
        if certified and kind == "float32":
            raise ValueError("precision='float32' cannot be certified: use precision='float64'")
        forward = self if kind == "float32" else self._double()
        points = as_points(x, self.input_dim, forward.dtype)
        radius = result_array((len(points),), np.float64, "the margins")
        neuron = result_array((len(points),), np.int64, "the neurons")
        certain = np.empty(len(points), np.bool_) if certified else None
        self._walls.margins(factors).run(forward._core, points, norm, radius, neuron, certain)
        return Margins(radius, neuron, certain)

    def wall_distances(
        self,
        x: npt.ArrayLike,
        p: float = 2,
        *,
        precision: str = "float64",
        scale: npt.ArrayLike | None = None,
        out: Float64Array | None = None,
    ) -> Float64Array:
        """Give the l_p distance to the wall of every neuron, as if its pattern held everywhere.

        ``|z| / ||grad z||_q`` with q the dual of p: the distance to the hyperplane that the neuron's affine
        piece at the point has. The least one is the margin; the others are the real distances only as far as
        no other neuron changes before.

        Parameters
        ----------
        x, p, scale
            As for :meth:`margins`.
        precision : {"float64", "float32"}
            Of the gradients; pre-activations are in float64. ``"float32"``, for float32 networks, takes half
            the time: relative errors are about 3e-7, more where a gradient is small against its terms.
        out : (n, n_neurons) float64 array, optional
            Filled and returned.

        Returns
        -------
        (n, n_neurons) float64 array
            inf where the gradient is zero.

        Notes
        -----
        For p = 2 the inputs are turned so that the first layer's weights are triangular, which keeps
        lengths: of 784 inputs and 300 neurons that leaves 300 columns of every Jacobian.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[3.0, 4.0], [1.0, 0.0]], [-5.0, 2.0]), ft.ReLU()])
        >>> net.wall_distances([[0.0, 0.0]]).tolist()
        [[1.0, 2.0]]

        """
        self._require_host()
        norm, factors = as_norm(p), as_scale(scale, self.input_dim)
        kind = as_precision(precision, self.dtype)
        points = as_points(x, self.input_dim, np.dtype(np.float64))
        result = result_array((len(points), self.n_neurons), np.float64, "the distances", out)
        if result.size:
            base = self._walls.triangle(factors) if norm == 2 else self._walls.jacobian(factors)
            linear = self if kind == "float32" else self._double()
            _core.wall_distances(
                self._double()._core, linear._core, base.astype(kind, copy=False), norm, points, result
            )
        return result

    def directional_margins(
        self, x: npt.ArrayLike, directions: npt.ArrayLike, *, scale: npt.ArrayLike | None = None
    ) -> Float64Array:
        """Give how far each point can move along each direction before a neuron changes its side.

        The largest e with ``x + e d`` in the closed region of x (Lee et al. 2019, Proposition 4), exactly and
        in one pass: the least ``|z| / |grad z . d|`` of the neurons that d brings nearer to their walls.
        The paper finds it by bisection.

        Parameters
        ----------
        x : (n, inputs) array
            As for :meth:`margins`.
        directions : (k, inputs) array, or (n, k, inputs)
            The same for all points, or k of its own for each. Need not have length 1.
        scale : float or (inputs,) array, optional
            As for :meth:`margins`; directions are then those of the points that are not normalised.

        Returns
        -------
        (n, k) float64 array
            In lengths of each direction; inf where no neuron is in the way. A neuron at 0 is inactive: it
            gives 0 where the direction activates it.

        Raises
        ------
        ValueError
            For a direction of length zero, or one that is not finite.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[3.0, 4.0]], [-5.0]), ft.ReLU()])
        >>> net.directional_margins([[0.0, 0.0]], [[3.0, 4.0], [1.0, 0.0], [-1.0, 0.0]]).tolist()
        [[0.2, 1.6666666666666667, inf]]

        """
        self._require_host()
        factors = as_scale(scale, self.input_dim)
        points = as_points(x, self.input_dim, np.dtype(np.float64))
        vectors = as_directions(directions, len(points), self.input_dim)
        shape = len(points), vectors.shape[-2]
        result = result_array(shape, np.float64, "the directional margins")
        result.fill(np.inf)
        if result.size and self.n_neurons:
            flat = vectors.reshape(-1, self.input_dim)
            flat = flat / factors if factors.size else flat
            _core.directional_margins(self._double()._core, points, flat, result)
        return result

    def coordinate_margins(self, x: npt.ArrayLike, *, scale: npt.ArrayLike | None = None) -> Float64Array:
        """Give how far each input alone can fall and rise before a neuron changes its side.

        The bounds ``[-margin(-e), margin(e)]`` along the unit vectors e of Lee et al. 2019, section 5.2.

        Parameters
        ----------
        x, scale
            As for :meth:`margins`.

        Returns
        -------
        (n, inputs, 2) float64 array
            The lower bound, not above 0, and the upper one, not below 0; infinite where nothing bounds.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0, 0.0], [-1.0, 0.5]], [1.0, 2.0]), ft.ReLU()])
        >>> net.coordinate_margins([[0.0, 0.0]]).tolist()
        [[[-1.0, 2.0], [-4.0, inf]]]

        """
        self._require_host()
        factors = as_scale(scale, self.input_dim)
        points = as_points(x, self.input_dim, np.dtype(np.float64))
        shape = len(points), self.input_dim, 2
        result = result_array(shape, np.float64, "the coordinate margins")
        if self.n_neurons == 0:
            result[:] = -np.inf, np.inf
        elif result.size:
            flat = result.reshape(len(points), -1)
            _core.axis_margins(self._double()._core, self._walls.jacobian(factors), points, flat)
        return result

    @cached_property
    def _walls(self) -> Walls:
        return Walls(self._double())
