"""Low-discrepancy points in the unit cube: Sobol and Halton, scrambled or not.

Every point is a function of its index and the seed alone, so that blocks, threads, instruction sets and
``skip`` agree in every bit.
"""

from __future__ import annotations

import operator
import os
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import FloatArray, result_array
from ._device import device_index, on_device, parse_device

if TYPE_CHECKING:
    from typing_extensions import Self

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


def halton(
    n: int,
    d: int,
    scramble: str | bool | None = None,
    seed: int | None = None,
    skip: int = 0,
    dtype: npt.DTypeLike = "float64",
    leap: int = 1,
    out: FloatArray | None = None,
    device: str | None = None,
) -> FloatArray:
    """Give n points of the Halton sequence in d dimensions, the bases being the first d primes.

    Parameters
    ----------
    n : int
        Points; the last index, ``skip + (n - 1) * leap``, is below ``2**48``.
    d : int
        Dimensions, 1 to 21,201.
    scramble : None, "owen" or "digits"
        None: the sequence itself, with the bits of ``scipy.stats.qmc.Halton`` on x86-64 (within 1e-15 where
        scipy was built with fused multiply-adds).
        "digits": a random permutation for each digit position, as in scipy (Owen 2017).
        "owen": nested, a permutation ``a * digit + c`` modulo the base for each prefix of digits, which has
        the variances of uniform permutations (Owen 2003).
        Both keep the count of every elementary interval. True and False, as in scipy, are "owen" and None.
    seed : int, optional
        0 to 2**64 - 1; the scrambling is a function of it. None takes one from the operating system.
    skip : int
        Index of the first point; points left out cost nothing.
    dtype : float64 or float32
        float32 points are the float64 ones cut to 24 binary digits, so they stay below 1. Scrambled float64
        points are cut to 52.
    leap : int
        Every so manieth point is taken (Kocis and Whiten 1997); 1 is fastest.
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
        For d, n, skip, leap or seed out of range, an index of ``2**48`` or more, an unknown scramble, an
        ``out`` of another shape.
    TypeError
        For another dtype, an ``out`` of another dtype, or a number that is not an integer.
    MemoryError
        For more points than this machine or device can hold, before any of them is made.
    RuntimeError
        For a device that is not there, saying why.

    References
    ----------
    J. H. Halton, Numer. Math. 2, 84-90 (1960); A. B. Owen, ACM Trans. Model. Comput. Simul. 13, 363-378
    (2003) and arXiv:1706.02808 (2017); L. Kocis and W. J. Whiten, ACM Trans. Math. Softw. 23, 266-294 (1997).

    Examples
    --------
    >>> import facetry as ft
    >>> ft.halton(4, 2).round(3).tolist()
    [[0.0, 0.0], [0.5, 0.333], [0.25, 0.667], [0.75, 0.111]]

    """
    stream = Halton(d, scramble=scramble, seed=seed, dtype=dtype, leap=leap, device=device)
    return stream.points(skip, n, out)


class _Stream:
    """What the streams of points have in common."""

    MAXDIM = 21_201
    """Dimensions, at most."""
    d: int
    dtype: np.dtype[Any]
    seed: int
    num_generated: int
    device: str | None
    """Where points are made; None: where ``out`` is."""

    def __init__(self, d: int, seed: int | None, dtype: npt.DTypeLike, device: str | None) -> None:
        self.d = _integer("d", d, 1, self.MAXDIM)
        self.dtype = _float_dtype(dtype)
        self.seed = _seed(seed)
        self.num_generated = 0
        self.device = device
        self._cuda = None if device is None else parse_device(device)

    def random(self, n: int = 1, *, out: FloatArray | None = None) -> FloatArray:
        """Give the next n points, (n, d)."""
        points = self.points(self.num_generated, n, out)
        self.num_generated += len(points)
        return points

    def fast_forward(self, n: int) -> Self:
        """Leave out the next n points."""
        self.num_generated += _integer("n", n, 0)
        return self

    def reset(self) -> Self:
        """Start again with the first point, with the same scrambling."""
        self.num_generated = 0
        return self

    def points(self, skip: int, n: int, out: FloatArray | None = None) -> FloatArray:
        """Give points ``skip`` to ``skip + n - 1``, (n, d), wherever the stream is."""
        skip, n = _integer("skip", skip, 0), _integer("n", n, 0)
        self._check_range(skip, n)
        cuda = device_index(out) if self.device is None else self._cuda
        if cuda is not None:
            generate = partial(self._generate_on_device, skip)
            return on_device(cuda, (n, self.d), self.dtype, out, generate)
        result = result_array((n, self.d), self.dtype, f"an array of {n} points in {self.d} dimensions", out)
        self._generate(skip, result)
        return result

    def _check_range(self, skip: int, n: int) -> None:
        raise NotImplementedError

    def _generate(self, skip: int, out: FloatArray) -> None:
        raise NotImplementedError

    def _generate_on_device(self, skip: int, out: _core.DeviceView, stream: int) -> None:
        raise NotImplementedError


class Sobol(_Stream):
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
        self.bits = _integer("bits", bits, 1, 52)
        self._native = _core.Sobol(*_direction_numbers(self.d), self.bits, _scramble(scramble), self.seed)

    def random_base2(self, m: int) -> FloatArray:
        """Give the next 2**m points; ValueError where they do not end at a power of two."""
        n = 2 ** _integer("m", m, 0, self.bits)
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


class Halton(_Stream):
    """A stream of Halton points, called as ``scipy.stats.qmc.Halton`` is.

    Parameters
    ----------
    d, scramble, seed, leap, dtype, device
        As in :func:`halton`, but scrambled unless told otherwise.

    Attributes
    ----------
    num_generated : int
        Points given or left out so far.
    seed : int
        The seed, also where it was None.

    Examples
    --------
    >>> import facetry as ft
    >>> stream = ft.Halton(1, scramble=False).fast_forward(2)
    >>> stream.random(2).tolist(), stream.num_generated
    ([[0.25], [0.75]], 4)

    """

    def __init__(
        self,
        d: int,
        *,
        scramble: str | bool | None = True,
        seed: int | None = None,
        leap: int = 1,
        dtype: npt.DTypeLike = "float64",
        device: str | None = None,
    ) -> None:
        super().__init__(d, seed, dtype, device)
        self.leap = _integer("leap", leap, 1, 2**48)
        self._native = _core.Halton(self.d, _scramble(scramble), self.seed)

    def _check_range(self, skip: int, n: int) -> None:
        last = skip + max(n - 1, 0) * self.leap
        if last >= 2**48:
            raise ValueError(f"the last index, {last}, is beyond 2**48 - 1 = {2**48 - 1}")

    def _generate(self, skip: int, out: FloatArray) -> None:
        self._native.generate(skip, self.leap, out)

    def _generate_on_device(self, skip: int, out: _core.DeviceView, stream: int) -> None:
        _core.cuda_halton(self._native, skip, self.leap, out, stream)


def _integer(name: str, value: int, low: int, high: int | None = None) -> int:
    number = operator.index(value)
    if number < low or (high is not None and number > high):
        span = f"{low} or more" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be {span}, is {number}")
    return number


def _float_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    result = np.dtype(dtype)
    if result not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, is {result}")
    return result


def _seed(seed: int | None) -> int:
    return int.from_bytes(os.urandom(8), "little") if seed is None else _integer("seed", seed, 0, 2**64 - 1)


def _scramble(scramble: str | bool | None) -> str:
    if isinstance(scramble, bool) or scramble is None:
        return "owen" if scramble else "none"
    if not isinstance(scramble, str):
        raise TypeError(f"scramble must be a string, True, False or None, is {scramble!r}")
    return scramble


@cache
def _joe_kuo() -> tuple[UInt32Array, npt.NDArray[np.uint8]]:
    with np.load(Path(__file__).with_name("data") / "joe_kuo_d6.npz") as file:
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
