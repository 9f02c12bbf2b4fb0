"""What distances to walls need of a network, made once; and the checks of their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import numpy_array

if TYPE_CHECKING:
    from ._base import BaseNetwork

Float64Array = npt.NDArray[np.float64]


class Walls:
    """The bounds and the first Jacobian of a float64 network, for the last scale asked for."""

    def __init__(self, net: BaseNetwork) -> None:
        self._net = net
        self._margins: dict[bytes, _core.Margins] = {}
        self._jacobian: Float64Array | None = None
        self._triangle: tuple[bytes, Float64Array] | None = None

    def margins(self, scale: Float64Array) -> _core.Margins:
        """Give the bounds for inputs that are divided by ``scale``, which may be empty."""
        key = scale.tobytes()
        made = self._margins.get(key)
        if made is None:
            core = self._net._core
            assert isinstance(core, _core.Network64)
            made = _core.Margins(core, scale.tolist())
            plain = {k: v for k, v in self._margins.items() if k == b""}
            self._margins = {**plain, key: made}
        return made

    def jacobian(self, scale: Float64Array) -> Float64Array:
        """Give the derivative of the first layer of neurons by the inputs, (neurons, inputs)."""
        if self._jacobian is None:
            net = self._net
            neurons = np.arange(net.layer_widths[0])
            result = np.empty((len(neurons), net.input_dim))
            bits = np.zeros((1, net._core.words), np.uint64)
            _core.neuron_gradients(net._core, bits, np.arange(net.input_dim), neurons, "auto", result)
            self._jacobian = result
        return self._jacobian / scale if scale.size else self._jacobian

    def triangle(self, scale: Float64Array) -> Float64Array:
        """Give that matrix with its rows turned into as few columns as there are rows.

        ``J = L Q`` with orthonormal rows of Q: ``v J`` and ``v L`` have the same length for every v.
        """
        jacobian = self.jacobian(scale)
        if jacobian.shape[1] <= jacobian.shape[0]:
            return jacobian
        key = scale.tobytes()
        if self._triangle is None or self._triangle[0] != key:
            upper: Float64Array = np.asarray(np.linalg.qr(jacobian.T, mode="r"))
            self._triangle = key, np.ascontiguousarray(upper.T)
        return self._triangle[1]


def as_scale(scale: npt.ArrayLike | None, inputs: int) -> Float64Array:
    """Coerce the scale to no elements (1), or one an input."""
    if scale is None:
        return np.empty(0)
    array = numpy_array("scale", scale)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"scale must hold numbers, has dtype {array.dtype}")
    array = array.astype(np.float64)
    if array.shape not in ((), (inputs,)):
        raise ValueError(f"scale has shape {array.shape}, expected () or ({inputs},)")
    bad = np.flatnonzero(
        ~(array > 0) | ~np.isfinite(array) | ~np.isfinite(1 / np.where(array == 0, 1, array))
    )
    if bad.size:
        where = f"[{bad[0]}]" if array.ndim else ""
        raise ValueError(f"scale{where} is {array.ravel()[bad[0]]}, expected a positive number")
    return np.full(inputs, array) if array.ndim == 0 else array


def as_norm(p: object) -> float:
    """Coerce p to 1, 2 or inf."""
    if isinstance(p, int | float | np.integer | np.floating) and p in (1, 2, np.inf):
        return float(p)
    raise ValueError(f"p is {p!r}, expected 1, 2 or inf")


def as_precision(precision: str, dtype: np.dtype[Any]) -> str:
    """Refuse a precision that there is not, or that the network does not have."""
    if precision == "float64":
        return "float64"
    if precision != "float32":
        raise ValueError(f"precision is {precision!r}, expected 'float64' or 'float32'")
    if dtype != np.float32:
        raise ValueError(f"precision='float32' needs a float32 network, this one is {dtype}")
    return "float32"


def as_directions(directions: npt.ArrayLike, points: int, inputs: int) -> Float64Array:
    """Coerce directions to (k, inputs) or (points, k, inputs); none may be zero or not finite."""
    array = numpy_array("directions", directions)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"directions must hold numbers, has dtype {array.dtype}")
    array = np.ascontiguousarray(array, np.float64)
    if array.ndim not in (2, 3) or array.shape[-1] != inputs or (array.ndim == 3 and len(array) != points):
        raise ValueError(
            f"directions has shape {array.shape}, expected (k, {inputs}) or ({points}, k, {inputs})"
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(f"directions is not finite at index {tuple(map(int, bad[0]))}")
    zero = np.argwhere(~array.any(axis=-1))
    if len(zero):
        index = ", ".join(str(int(i)) for i in zero[0])
        raise ValueError(f"directions[{index}] has zero length")
    return array
