"""Halton points; scrambled ones keep the count of every elementary interval."""

from __future__ import annotations

import numpy.typing as npt

from .. import _core
from .._arrays import FloatArray
from ._stream import Stream, integer, scramble_name


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


class Halton(Stream):
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
        self.leap = integer("leap", leap, 1, 2**48)
        self._native = _core.Halton(self.d, scramble_name(scramble), self.seed)

    def _check_range(self, skip: int, n: int) -> None:
        last = skip + max(n - 1, 0) * self.leap
        if last >= 2**48:
            raise ValueError(f"the last index, {last}, is beyond 2**48 - 1 = {2**48 - 1}")

    def _generate(self, skip: int, out: FloatArray) -> None:
        self._native.generate(skip, self.leap, out)

    def _generate_on_device(self, skip: int, out: _core.DeviceView, stream: int) -> None:
        _core.cuda_halton(self._native, skip, self.leap, out, stream)
