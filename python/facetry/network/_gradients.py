"""The gradient methods of a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray, as_points
from ..patterns import Patterns
from ._base import BaseNetwork
from ._jacobians import (
    AffineMaps,
    Chosen,
    HalfSpaces,
    affine_maps,
    as_indices,
    gradient_blocks,
    neuron_gradients,
    pull_back,
    push_forward,
    repeat_of,
    vectors_of,
    walls,
)

Float64Array = npt.NDArray[np.float64]


class GradientMethods(BaseNetwork):
    """Jacobians, affine maps and half-spaces: what is linear once the pattern is fixed."""

    def neurons_of_layer(self, layer: int) -> range:
        """Give the numbers of the neurons of a layer of neurons (negative: from the end).

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0], [2.0]]), ft.ReLU(), ft.Dense([[1.0, 1.0]]), ft.ReLU()])
        >>> net.neurons_of_layer(-1)
        range(2, 3)

        """
        widths = self.layer_widths
        if not -len(widths) <= layer < len(widths):
            raise ValueError(f"layer {layer} of {len(widths)} layers of neurons")
        begin = sum(widths[: layer % len(widths)])
        return range(begin, begin + widths[layer])

    def neuron_gradients(
        self,
        x: npt.ArrayLike,
        axes: Chosen = None,
        neurons: Chosen = None,
        *,
        method: str = "auto",
        max_bytes: int | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> FloatArray:
        """Differentiate the pre-activation of every neuron, with the pattern of each point fixed.

        Parameters
        ----------
        x : (n, inputs) array
            As for calling the network.
        axes, neurons : slice or sequence of int, optional
            A choice of inputs and of neurons, in this order, none twice; negative numbers count from the end.
            See :meth:`neurons_of_layer`.
        method : {"auto", "perturbation", "dynamic", "backprop"}
            ``"perturbation"`` sends unit vectors forward with the pattern fixed (Lee et al. 2019, Eq. 16-18,
            with the biases left out, so that nothing is subtracted), ``"dynamic"`` computes
            ``J = W D J`` layer by layer over the active neurons (Appendix D), ``"backprop"`` one row a neuron
            backwards. The first two give the same bits, the third agrees to rounding. ``"auto"`` takes the
            one with the least multiplications.
        max_bytes : int, optional
            A larger result is refused; see :meth:`iter_neuron_gradients`.
        out : (n, len(neurons), len(axes)) array, optional
            Filled and returned; saves touching new memory for the first time.

        Returns
        -------
        (n, len(neurons), len(axes)) array of the network's dtype
            At a tie a neuron is inactive (ReLU'(0) = 0). A gradient that overflows is infinite or NaN.

        Raises
        ------
        ValueError, TypeError
            For points as in calling the network; for axes or neurons out of range or repeated; an unknown
            method.
        MemoryError
            Where the result exceeds ``max_bytes`` or the machine's memory.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0, 2.0]]), ft.ReLU(), ft.Dense([[3.0]]), ft.ReLU()])
        >>> net.neuron_gradients([[1.0, 1.0], [-1.0, -1.0]]).tolist()
        [[[1.0, 2.0], [3.0, 6.0]], [[1.0, 2.0], [0.0, 0.0]]]

        """
        chosen = as_indices("axes", axes, self.input_dim), as_indices("neurons", neurons, self.n_neurons)
        return neuron_gradients(self, self._host_patterns(x), *chosen, method, out, max_bytes)

    def iter_neuron_gradients(
        self,
        x: npt.ArrayLike,
        axes: Chosen = None,
        neurons: Chosen = None,
        *,
        method: str = "auto",
        max_bytes: int = 2**28,
    ) -> Iterator[tuple[slice, FloatArray]]:
        """Give :meth:`neuron_gradients` in blocks of points, each of at most ``max_bytes``.

        Yields
        ------
        (slice, (k, len(neurons), len(axes)) array)
            Which points, and their gradients.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0, 2.0]]), ft.ReLU()])
        >>> [rows for rows, block in net.iter_neuron_gradients([[1.0, 1.0]] * 3, max_bytes=32)]
        [slice(0, 2, None), slice(2, 3, None)]

        """
        self._require_host()
        chosen = as_indices("axes", axes, self.input_dim), as_indices("neurons", neurons, self.n_neurons)
        points = as_points(x, self.input_dim, self.dtype)
        each = max(len(chosen[0]) * len(chosen[1]) * self.dtype.itemsize, 1)
        if each > max_bytes:
            raise MemoryError(
                f"the gradients of one point need {each:,} bytes, max_bytes is {max_bytes:,}: choose axes or "
                "neurons"
            )
        return gradient_blocks(self, points, *chosen, method, max_bytes // each)

    def affine_maps(self, x: npt.ArrayLike) -> AffineMaps:
        """Give the affine map of the region of every point (Johansson 2022, Eq. 2.2).

        Parameters
        ----------
        x : (n, inputs) array
            As for calling the network.

        Returns
        -------
        AffineMaps
            ``jacobian`` (n, outputs, inputs) and ``offset`` (n, outputs), in the network's dtype:
            ``f(x) = jacobian @ x + offset`` up to rounding, all over the region.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0, 2.0]], [1.0]), ft.ReLU(), ft.Dense([[3.0]])])
        >>> jacobian, offset = net.affine_maps([[1.0, 1.0]])
        >>> jacobian.tolist(), offset.tolist()
        ([[[3.0, 6.0]]], [[3.0]])

        """
        return affine_maps(self, self._host_patterns(x))

    def affine_map_of(self, pattern: Patterns) -> AffineMaps:
        """Give the affine map of every pattern, whether or not any input has it.

        ``J = W_n D_{n-1} ... D_1 W_1`` with ``D`` the derivatives of the activations (Johansson 2022, Eq.
        2.2; Sattelberg 2026, Fig. 5.1, whose printed example has an infeasible pattern and a wrong matrix).

        Parameters
        ----------
        pattern : Patterns
            n patterns of this network.

        Returns
        -------
        AffineMaps
            As for :meth:`affine_maps`.

        Raises
        ------
        TypeError, ValueError
            For other things than patterns, and patterns of other layers.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, 1.0]), ft.ReLU(), ft.Dense([[2.0, 4.0]])])
        >>> infeasible = ft.Patterns.from_bool([[True, False]], net.layer_widths)
        >>> net.affine_map_of(infeasible).jacobian.tolist()
        [[[2.0]]]

        """
        return affine_maps(self, self._own_patterns(pattern))

    def halfspaces(self, pattern: Patterns) -> HalfSpaces:
        """Give the half-spaces whose intersection is the closed region of a pattern (Lee et al., Lemma 2).

        Parameters
        ----------
        pattern : Patterns
            One pattern of this network, feasible or not.

        Returns
        -------
        HalfSpaces
            Rows ``A @ x <= b`` in float64, one a neuron, and ``neuron``, the neuron of each row: row j says
            that neuron j is active (>= 0) or inactive (<= 0) where the neurons before it have their bits.
            Computed in float64 from the weights, whatever the network's dtype. A neuron with zero gradient
            gives the row ``0 <= b``, which with b < 0 nothing satisfies. The open side of active neurons
            (> 0) is closed here.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0], [-2.0]], [0.0, 4.0]), ft.ReLU()])
        >>> A, b, neuron = net.halfspaces(net.patterns([[1.0]]))  # 0 <= x <= 2
        >>> A.tolist(), b.tolist()
        ([[-1.0], [2.0]], [0.0, 4.0])

        """
        A, b = self._region_rows(self._own_pattern(pattern))
        return HalfSpaces(A[0], b[0], np.arange(self.n_neurons))

    def jvp(self, x: npt.ArrayLike, v: npt.ArrayLike) -> FloatArray:
        """Multiply the Jacobians by vectors of input space, without forming them.

        Johansson's forward mode (2022, section 3.4): one pass through the network, pattern fixed, no biases.

        Parameters
        ----------
        x : (n, inputs) array
            As for calling the network.
        v : (n, inputs) or (n, k, inputs) array
            One vector a point, or k.

        Returns
        -------
        (n, outputs) or (n, k, outputs) array of the network's dtype

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0, 2.0]], [1.0]), ft.ReLU(), ft.Dense([[3.0]])])
        >>> net.jvp([[1.0, 1.0]], [[0.0, 1.0]]).tolist()
        [[6.0]]

        """
        patterns = self._host_patterns(x)
        rows, shape = vectors_of("v", v, len(patterns), self.input_dim, self.dtype)
        return push_forward(self, patterns, rows, repeat_of(shape)).reshape(*shape, self.output_dim)

    def vjp(self, x: npt.ArrayLike, u: npt.ArrayLike) -> FloatArray:
        """Multiply vectors of output space by the Jacobians, without forming them.

        Johansson's backward mode (2022, section 3.4): one pass back through the network, pattern fixed.

        Parameters
        ----------
        x : (n, inputs) array
            As for calling the network.
        u : (n, outputs) or (n, k, outputs) array
            One vector a point, or k.

        Returns
        -------
        (n, inputs) or (n, k, inputs) array of the network's dtype

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0, 2.0]], [1.0]), ft.ReLU(), ft.Dense([[3.0]])])
        >>> net.vjp([[1.0, 1.0]], [[2.0]]).tolist()
        [[6.0, 12.0]]

        """
        patterns = self._host_patterns(x)
        rows, shape = vectors_of("u", u, len(patterns), self.output_dim, self.dtype)
        return pull_back(self, patterns, rows, repeat_of(shape)).reshape(*shape, self.input_dim)

    def _region_rows(self, patterns: Patterns) -> tuple[Float64Array, Float64Array]:
        """Give :meth:`halfspaces` of n patterns: (n, m, d) and (n, m)."""
        rows, right = walls(self._double(), self._own_patterns(patterns))
        return rows.astype(np.float64, copy=False), right.astype(np.float64, copy=False)
