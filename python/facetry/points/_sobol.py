"""Sobol points; scrambled ones keep the count of every elementary interval."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import FloatArray
from ._stream import Stream, integer, scramble_name

if TYPE_CHECKING:
    pass


UInt32Array = npt.NDArray[np.uint32]


def sobol(
    n: int,
    d: int,
    scramble: str | bool | None = None,
    seed: int | None = None,
    skip: int = 0,
    dtype: npt.DTypeLike = "float64",
    bits: int = 32,
    out: FloatArray | None = None,
    device: str | None = None,
) -> FloatArray:
    """Give n points of the Sobol sequence in d dimensions.

    Parameters
    ----------
    n : int
        Points; powers of two are balanced best. ``skip + n`` is at most ``2**bits``.
    d : int
        Dimensions, 1 to 21,201 (direction numbers of Joe and Kuo 2008, their set D(6)).
    scramble : None, "owen", "lms" or "shift"
        None: the sequence itself, in Gray-code order, equal to ``scipy.stats.qmc.Sobol`` bit for bit.
        "owen": nested uniform scrambling (Owen 1995), every digit flipped by a hash of the digits above it.
        "lms": a random lower triangular matrix a dimension and a digital shift (Matousek 1998).
        "shift": a random digital shift alone. All keep the count of every elementary interval.
        True and False, as in scipy, are "owen" and None.
    seed : int, optional
        0 to 2**64 - 1; the scrambling is a function of it. None takes one from the operating system.
    skip : int
        Points left out at the start, at no cost.
    dtype : float64 or float32
        float32 points are the float64 ones cut to 24 binary digits, so they stay below 1.
    bits : int
        Binary digits of a coordinate, 1 to 52: with scrambling all of them are random.
    out : (n, d) array of dtype, optional
        Where the points are written.
    device : str, optional
        ``"cuda"`` or ``"cuda:1"``: the same points, made there, as a :class:`facetry.cuda.DeviceArray` that
        ``torch.from_dlpack`` and ``cupy.from_dlpack`` take without a copy. Default: where ``out`` is, which
        may be a CUDA array of any library; else ``"cpu"``.

    Returns
    -------
    (n, d) array of dtype
        Points in [0, 1).

    Raises
    ------
    ValueError
        For d, n, skip, bits or seed out of range, more than ``2**bits`` points, an unknown scramble, an
        ``out`` of another shape.
    TypeError
        For another dtype, an ``out`` of another dtype, or a number that is not an integer.
    MemoryError
        For more points than this machine or device can hold, before any of them is made.
    RuntimeError
        For a device that is not there, saying why.

    References
    ----------
    S. Joe and F. Y. Kuo, SIAM J. Sci. Comput. 30, 2635-2654 (2008); A. B. Owen, in Monte Carlo and
    Quasi-Monte Carlo Methods in Scientific Computing, 299-317 (1995); J. Matousek, J. Complexity 14, 527-556
    (1998).

    Examples
    --------
    >>> import facetry as ft
    >>> ft.sobol(4, 2).tolist()
    [[0.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]

    """
    return Sobol(d, scramble=scramble, seed=seed, bits=bits, dtype=dtype, device=device).points(skip, n, out)


class Sobol(Stream):
    """A stream of Sobol points, called as ``scipy.stats.qmc.Sobol`` is.

    Parameters
    ----------
    d, scramble, seed, bits, dtype, device
        As in :func:`sobol`, but scrambled unless told otherwise.

    Attributes
    ----------
    num_generated : int
        Index of the next point.
    seed : int
        The seed, also where it was None.

    Examples
    --------
    >>> import facetry as ft
    >>> stream = ft.Sobol(2, scramble=False).fast_forward(2)
    >>> stream.random(2).tolist(), stream.num_generated
    ([[0.75, 0.25], [0.25, 0.75]], 4)

    """

    def __init__(
        self,
        d: int,
        *,
        scramble: str | bool | None = True,
        seed: int | None = None,
        bits: int = 32,
        dtype: npt.DTypeLike = "float64",
        device: str | None = None,
    ) -> None:
        super().__init__(d, seed, dtype, device)
        self.bits = integer("bits", bits, 1, 52)
        self._native = _core.Sobol(*_direction_numbers(self.d), self.bits, scramble_name(scramble), self.seed)

    def random_base2(self, m: int) -> FloatArray:
        """Give the next 2**m points; ValueError where they do not end at a power of two."""
        n = 2 ** integer("m", m, 0, self.bits)
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                f"{self.num_generated} points and 2**{m} more are {total}, not a power of 2: use random()"
            )
        return self.random(n)

    def _check_range(self, skip: int, n: int) -> None:
        if skip + n > 2**self.bits:
            raise ValueError(
                f"skip + n = {skip + n} is beyond the period of 2**{self.bits} = {2**self.bits} points"
            )

    def _generate(self, skip: int, out: FloatArray) -> None:
        self._native.generate(skip, out)

    def _generate_on_device(self, skip: int, out: _core.DeviceView, stream: int) -> None:
        _core.cuda_sobol(self._native, skip, out, stream)


@cache
def _joe_kuo() -> tuple[UInt32Array, npt.NDArray[np.uint8]]:
    with np.load(Path(__file__).parents[1] / "data" / "joe_kuo_d6.npz") as file:
        return file["polynomials"], file["initial_bits"]


def _direction_numbers(d: int) -> tuple[UInt32Array, UInt32Array]:
    """Unpack polynomials (d,) and initial numbers (d, 18); the format is in data/LICENSE-joe-kuo.txt."""
    polynomials, planes = _joe_kuo()
    k = np.arange(1, 18)
    weights = np.concatenate([np.uint32(2) << np.arange(bits, dtype=np.uint32) for bits in k])
    bits = np.unpackbits(planes[:, : (d + 7) // 8], axis=1, count=d)
    initial = np.ones((d, 18), np.uint32)
    initial[:, 1:] += np.add.reduceat(bits * weights[:, None], k * (k - 1) // 2, axis=0, dtype=np.uint32).T
    return np.ascontiguousarray(polynomials[:d]), initial
