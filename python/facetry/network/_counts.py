"""Counts of regions among points."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import FloatArray, require_memory
from .._counting import point_blocks
from .._progress import Progress, reporter
from ..patterns import Patterns
from ._base import BaseNetwork
from ._jacobians import affine_maps

_BLOCK_BYTES = 2**26  # of the Jacobians that are held at a time
_DIGEST_WORDS = 2  # 128 bits: among 10^9 Jacobians two hash alike with probability 2e-21
_NO_LIMIT = 2**63 - 1


@dataclass(frozen=True)
class LinearRegionCount:
    """Bounds of the number of complete linear regions among points; see ``Network.count_linear_regions``.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -1.0]), ft.ReLU(), ft.Dense([[1.0, 0.0]])])
    >>> net.count_linear_regions([[-1.0], [0.5], [2.0]])
    LinearRegionCount(lower=2, upper=3, points=3, complete=True)

    """

    lower: int
    """Distinct Jacobians of the outputs."""
    upper: int
    """Distinct patterns; where not ``complete``, those stored and every point whose pattern was not."""
    points: int
    """Points seen."""
    complete: bool
    """False where ``max_bytes`` was reached: the bounds hold and are farther apart."""


class CountMethods(BaseNetwork):
    """Counts of linear regions."""

    def count_linear_regions(
        self,
        points: npt.ArrayLike | Iterable[npt.ArrayLike],
        *,
        chunk: int = 65536,
        max_bytes: int | None = None,
        progress: bool | Progress | None = None,
    ) -> LinearRegionCount:
        """Bound the number of complete linear regions that points lie in (Lee et al. 2019, Lemma 7).

        A complete linear region is a largest connected set on which the network is one affine map: it may
        join regions of several patterns. The distinct Jacobians of the outputs are at most as many, the
        distinct patterns at least as many.

        Parameters
        ----------
        points : (n, inputs) array, or an iterable of such arrays
            The stream. Memory holds the distinct patterns and 16 bytes of each distinct Jacobian.
        chunk : int
            Points propagated at a time.
        max_bytes : int, optional
            Memory for the set of patterns, and as much again for the Jacobians.
        progress : bool or callable, optional
            True counts on standard error; a callable gets (points done, all points or None).

        Notes
        -----
        The Jacobian of every distinct pattern is computed once, in float64 from the weights, by fixed
        arithmetic, and two are equal where all their bits are (-0 as +0; compared by a 128-bit hash). Maps
        that are equal in exact arithmetic and that rounding tells apart count as two, so that ``lower`` is a
        bound up to rounding. The lemma is for points off all walls; a point on one has the pattern in which
        its ties are inactive.

        Raises
        ------
        ValueError, TypeError
            For points as in calling the network; a chunk below 1; a negative ``max_bytes``.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0], [-1.0]]), ft.ReLU(), ft.Dense([[1.0, -1.0]])])  # f(x) = x
        >>> count = net.count_linear_regions([[-1.0], [1.0]])
        >>> count.lower, count.upper
        (1, 2)

        """
        if chunk < 1:
            raise ValueError(f"chunk must be at least 1, is {chunk}")
        if max_bytes is not None and max_bytes < 0:
            raise ValueError(f"max_bytes must not be negative, is {max_bytes}")
        self._require_host()
        blocks, total = point_blocks(points, self._points)
        seen = _Seen(self, _NO_LIMIT if max_bytes is None else max_bytes)
        report = reporter(progress, "points")
        done = 0
        for x in blocks:
            for begin in range(0, len(x), chunk):
                part = x[begin : begin + chunk]
                seen.add(self.patterns(part))
                done += len(part)
                report(done, total)
        return LinearRegionCount(
            len(seen.jacobians), len(seen.patterns) + seen.unstored, done, seen.unstored == 0
        )


class _Seen:
    """The distinct patterns of a stream, and of each the hash of its Jacobian."""

    def __init__(self, net: BaseNetwork, max_bytes: int) -> None:
        self._net = net._double()
        self._max_bytes = max_bytes
        self.patterns = _core.PatternSet(net._core.words)
        self.jacobians = _core.PatternSet(_DIGEST_WORDS)
        self.unstored = 0
        jacobian_bytes = 8 * net.output_dim * net.input_dim
        require_memory(2 * jacobian_bytes, "the Jacobian of one point")
        self._step = max(1, _BLOCK_BYTES // jacobian_bytes)

    def add(self, patterns: Patterns) -> None:
        before = len(self.patterns)
        numbers, refused = self.patterns.add(patterns.bits, max_bytes=self._max_bytes, want_numbers=True)
        assert numbers is not None
        self.unstored += refused
        new, first = np.unique(numbers, return_index=True)
        first = np.sort(first[(new >= before) | (new < 0)])
        for begin in range(0, len(first), self._step):
            jacobian = affine_maps(self._net, patterns[first[begin : begin + self._step]]).jacobian
            self.jacobians.add(_digests(jacobian), max_bytes=self._max_bytes, want_numbers=False)


def _digests(jacobians: FloatArray) -> npt.NDArray[np.uint64]:
    """Hash each Jacobian to two words; -0 becomes +0."""
    rows = jacobians + 0.0
    digests = [hashlib.blake2b(row, digest_size=8 * _DIGEST_WORDS).digest() for row in rows]
    return np.frombuffer(b"".join(digests), np.uint64).reshape(-1, _DIGEST_WORDS)
