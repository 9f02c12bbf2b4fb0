"""How steep a network is at a point: operator norms, singular values and ranks of its Jacobians."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import FloatArray, require_memory
from ..layers import Dense
from ..patterns import Patterns
from ._base import BaseNetwork
from ._jacobians import affine_maps, pull_back, push_forward

_NORMS = {1: "1", 2: "2", np.inf: "inf"}
_EXACT_UP_TO = 64  # outputs or inputs: then J and its Gram matrix cost less than a power iteration
_TRIANGLE_FLOPS = 2e9  # of the factorization of the first layer: a tenth of a second
_BLOCK_BYTES = 2**26  # of the Jacobians that a block of points has


class Slopes(NamedTuple):
    """Slopes of n points, and how each was found.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[3.0, 0.0], [0.0, 4.0]])])
    >>> slopes = net.slopes([[1.0, 1.0]], method="power")
    >>> bool(slopes.converged[0]), round(float(slopes.value[0]), 3)
    (True, 4.0)

    """

    value: FloatArray
    """The slopes, (n,), in the network's dtype."""
    converged: npt.NDArray[np.bool_]
    """(n,): True everywhere for the exact method."""
    iterations: npt.NDArray[np.int64]
    """(n,): iterations of the power method, 0 for the exact one."""
    residual: FloatArray
    """(n,): ``|J' u - value * v| / value`` of the last iterates; 0 for the exact method."""


class SlopeMethods(BaseNetwork):
    """Norms, singular values and ranks of the Jacobians of the outputs."""

    _triangle: FloatArray | None = None

    def slopes(
        self,
        x: npt.ArrayLike,
        p: float = 2,
        *,
        method: str = "auto",
        tolerance: float = 1e-4,
        max_iterations: int = 1000,
        seed: int = 0,
    ) -> Slopes:
        """Give the slope at every point: the largest growth of the outputs in a direction.

        That is ``max |f(x + t v) - f(x)|_p / t`` over ``|v|_p = 1`` for small t (Johansson 2022,
        Definition 1), the norm of the Jacobian J: its largest singular value (p = 2), its largest sum of
        magnitudes of a column (p = 1) or of a row (p = inf). On a wall, J is that of the point's own pattern.

        Parameters
        ----------
        x : (n, inputs) array
            As for calling the network.
        p : 1, 2 or inf
            Norm of inputs and of outputs.
        method : {"auto", "exact", "power"}
            ``"exact"`` forms J row by row, as few rows as there are outputs, and the largest eigenvalue of
            ``J J'`` in float64. ``"power"`` (p = 2) multiplies a vector by J and J' in turns, one pass
            forward and one back each, and never forms J (Johansson, section 3.4). ``"auto"``: power for
            p = 2 where J has more than 64 rows and columns.
        tolerance : float
            Of the power method: it stops where the residual is at most this. Then a singular value lies
            within ``tolerance * value`` of ``value``, which never exceeds the largest one, rounding apart.
            That it is the largest one is likely, not certain.
        max_iterations : int
            Of the power method. Points that need more have ``converged`` False.
        seed : int
            Of the power method's first vector, which all points share.

        Returns
        -------
        Slopes
            ``value``, and what the power method did. J is rounded as the network's dtype rounds (about 1e-6
            of the product of the layers' norms in float32); an element that overflows gives infinity or NaN.

        Raises
        ------
        ValueError, TypeError
            For points as in calling the network; another p or method; power with p other than 2; tolerance
            or max_iterations that are not positive.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0, 2.0]]), ft.ReLU(), ft.Dense([[2.0], [0.0]])])
        >>> net.slopes([[1.0, 1.0], [-1.0, -1.0]], p=float("inf")).value.tolist()
        [6.0, 0.0]

        """
        if p not in _NORMS:
            raise ValueError(f"p is {p!r}, expected 1, 2 or inf")
        if method not in ("auto", "exact", "power"):
            raise ValueError(f"method is {method!r}, expected 'auto', 'exact' or 'power'")
        if method == "power" and p != 2:
            raise ValueError(f"method 'power' is for p = 2, p is {p}: the others are exact at any size")
        if not 0 < tolerance < 1:
            raise ValueError(f"tolerance is {tolerance}, expected a number between 0 and 1")
        if max_iterations < 1:
            raise ValueError(f"max_iterations must be at least 1, is {max_iterations}")
        self._require_host()
        patterns = self.patterns(x)
        shorter = min(self.input_dim, self.output_dim)
        if method == "power" or (method == "auto" and p == 2 and shorter > _EXACT_UP_TO):
            first = np.random.default_rng(seed).standard_normal(self.input_dim)
            with np.errstate(
                invalid="ignore", over="ignore"
            ):  # a J that overflows is reported, not warned of
                return _power_iteration(self, patterns, first.astype(self.dtype), tolerance, max_iterations)
        return _exact(self, patterns, _NORMS[p], self._first_triangle() if p == 2 else None)

    def singular_values(self, x: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Give the singular values of the Jacobian at every point, largest first.

        Parameters
        ----------
        x : (n, inputs) array
            As for calling the network, which decides the patterns in its dtype.

        Returns
        -------
        (n, min(outputs, inputs)) float64 array
            Of J itself, made in float64 from the weights (not from ``J J'``, so that small ones are right to
            1e-16 of the largest).

        Raises
        ------
        numpy.linalg.LinAlgError
            Where J overflows float64.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])])
        >>> net.singular_values([[1.0, 1.0]]).tolist()
        [[4.0, 3.0]]

        """
        self._require_host()
        patterns = self.patterns(x)
        net = self._double()
        jacobian_bytes = 8 * self.output_dim * self.input_dim
        require_memory(3 * jacobian_bytes, "the Jacobian of one point")
        step = max(1, _BLOCK_BYTES // max(jacobian_bytes, 1))
        result = np.empty((len(patterns), min(self.output_dim, self.input_dim)))
        for begin in range(0, len(patterns), step):
            block = slice(begin, begin + step)
            result[block] = np.linalg.svd(affine_maps(net, patterns[block]).jacobian, compute_uv=False)
        return result

    def rank(self, x: npt.ArrayLike, tol: float | None = None) -> npt.NDArray[np.int64]:
        """Give the rank of the Jacobian at every point: singular values above ``tol``, (n,).

        Parameters
        ----------
        x : (n, inputs) array
            As for calling the network.
        tol : float, optional
            NumPy's rule unless given: the largest singular value times ``max(outputs, inputs)`` times the
            machine epsilon of the network's dtype, since the weights have no more precision than that.

        Notes
        -----
        For random weights the rank is that of :func:`facetry.gradients.expected_rank`; a rank that falls
        below it while training is a sign of collapse (Johansson 2022, section 2.2.1).

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.ReLU(), ft.Dense([[1.0, 1.0], [1.0, -1.0]])])
        >>> net.rank([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]).tolist()
        [2, 1, 0]

        """
        if tol is not None and not tol >= 0:
            raise ValueError(f"tol is {tol}, expected a number of at least 0")
        values = self.singular_values(x)
        size = max(self.output_dim, self.input_dim)
        limit = values[:, :1] * (size * float(np.finfo(self.dtype).eps)) if tol is None else tol
        counts: npt.NDArray[np.int64] = (values > limit).sum(axis=1, dtype=np.int64)
        return counts

    def _first_triangle(self) -> FloatArray | None:
        """Give L of the first layer, W = L Q, where a product with L costs less than one with W.

        In float64 from float32 weights, so rounding it to float32 errs as rounding W itself would.
        """
        first = self.layers[0]
        if self.dtype != np.float32 or not isinstance(first, Dense):
            return None
        width, inputs = first.weight.shape
        if inputs <= width or 2.0 * inputs * width**2 > _TRIANGLE_FLOPS:
            return None
        if self._triangle is None:
            transpose: FloatArray = first.weight.astype(np.float64).T
            r = np.asarray(np.linalg.qr(transpose, mode="r"))
            self._triangle = np.ascontiguousarray(r.T.astype(np.float32))
        return self._triangle


def _exact(net: BaseNetwork, patterns: Patterns, p: str, triangle: FloatArray | None) -> Slopes:
    count = len(patterns)
    value = np.empty((count, 1), net.dtype)
    _core.slopes(net._core, patterns.bits, p, triangle, value)
    return Slopes(value[:, 0], np.ones(count, bool), np.zeros(count, np.int64), np.zeros(count, net.dtype))


def _power_iteration(
    net: BaseNetwork, patterns: Patterns, first: FloatArray, tolerance: float, max_iterations: int
) -> Slopes:
    """Iterate ``v = J' J v``; points leave when they have converged."""
    count = len(patterns)
    require_memory(2 * count * (net.input_dim + net.output_dim) * net.dtype.itemsize, "the vectors")
    v = np.tile(first / np.linalg.norm(first), (count, 1))
    value, residual = np.zeros(count, net.dtype), np.zeros(count, net.dtype)
    iterations, converged = np.zeros(count, np.int64), np.zeros(count, bool)
    left: npt.NDArray[Any] = np.arange(count)
    for _ in range(max_iterations):
        u = push_forward(net, patterns[left], v, 1)
        sigma = _lengths(u)
        back = pull_back(
            net, patterns[left], (u / np.where(sigma > 0, sigma, 1)[:, None]).astype(net.dtype), 1
        )
        error = _lengths(back - sigma[:, None] * v) / np.where(sigma > 0, sigma, 1)
        done = (error <= tolerance) | (sigma == 0) | ~np.isfinite(sigma)
        value[left], residual[left], iterations[left] = sigma, error, iterations[left] + 1
        converged[left] = done & np.isfinite(sigma)
        left, back = left[~done], back[~done]
        if not len(left):
            break
        v = (back / _lengths(back)[:, None]).astype(net.dtype)
    return Slopes(value, converged, iterations, residual)


def _lengths(rows: FloatArray) -> npt.NDArray[np.float64]:
    """Give the Euclidean length of every row, in float64: squares of float32 may overflow."""
    lengths: npt.NDArray[np.float64] = np.linalg.norm(rows.astype(np.float64), axis=1)
    return lengths
