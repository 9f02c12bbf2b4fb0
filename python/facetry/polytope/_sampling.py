"""Uniform points of a polytope: exact through pyramids, by hit-and-run beyond; volumes by Monte Carlo."""

from __future__ import annotations

import math
import warnings
from typing import Literal, NamedTuple, overload

import numpy as np

from .. import _core
from .._arrays import result_array
from ..points._stream import integer, seed_or_fresh
from ._tolerance import F64, row_norms
from ._volume import EXACT_DIMENSIONS, Estimate, Volumes

CHAINS = 16
STUDENT = 2.947  # 0.995 quantile of Student's t with CHAINS - 1 degrees of freedom: two-sided 0.99
MIXED = 1.05  # R-hat of chains that have forgotten where they began (Vehtari et al. 2021 ask for 1.01)
LEAST_POINTS = 64  # a chain, for R-hat to tell anything


class Mixing(NamedTuple):
    """What is known about how random a sample is.

    Attributes
    ----------
    method : str
        ``"exact"`` or ``"hit-and-run"``.
    r_hat : float
        The largest split R-hat of a coordinate (Gelman et al. 2013): 1 for exact samples and chains that have
        mixed, larger where they have not.
    effective : float
        How many independent points the sample is worth for the mean of its worst coordinate.

    Examples
    --------
    >>> import facetry as ft
    >>> points, mixing = ft.Polytope.simplex(3).sample(100, seed=1, diagnostic=True)
    >>> mixing
    Mixing(method='exact', r_hat=1.0, effective=100.0)

    """

    method: str
    r_hat: float
    effective: float


class Sampling(Volumes):
    """The group of operations on random points."""

    @overload
    def sample(
        self, n: int, seed: int | None = None, *, method: str = "auto", diagnostic: Literal[False] = False
    ) -> F64: ...
    @overload
    def sample(
        self, n: int, seed: int | None = None, *, method: str = "auto", diagnostic: Literal[True]
    ) -> tuple[F64, Mixing]: ...
    def sample(
        self, n: int, seed: int | None = None, *, method: str = "auto", diagnostic: bool = False
    ) -> F64 | tuple[F64, Mixing]:
        """Draw points uniformly, (n, d); of a lower-dimensional polytope, uniformly within its affine hull.

        Parameters
        ----------
        n : int
            Points.
        seed : int, optional
            0 to 2**64 - 1: the points are a function of it. None takes one from the operating system.
        method : "auto", "exact" or "hit-and-run"
            "exact": independent points, from a triangulation that is never written down (see :meth:`volume`).
            "hit-and-run": 16 chains in a polytope that is first made round; points are a little dependent.
            "auto" is "exact" up to 8 dimensions.
        diagnostic : bool
            Give a :class:`Mixing` too. Without it, chains that have not mixed are a RuntimeWarning.

        Returns
        -------
        (n, d) array, or that and a Mixing
            Inside up to rounding.

        Raises
        ------
        ValueError
            For an empty or unbounded polytope, an unknown method, n or seed out of range.
        MemoryError, RuntimeError
            As for :meth:`volume`.

        References
        ----------
        R. L. Smith, Operations Research 32, 1296-1308 (1984).

        Examples
        --------
        >>> import facetry as ft
        >>> P = ft.Polytope.simplex(3)
        >>> bool(P.contains(P.sample(1000, seed=0)).all())
        True

        """
        n = integer("n", n, 0, 2**40)
        start = seed_or_fresh(seed)
        if method not in ("auto", "exact", "hit-and-run"):
            raise ValueError(f"method is {method!r}, expected 'auto', 'exact' or 'hit-and-run'")
        if method == "exact" or (method == "auto" and self.dim <= EXACT_DIMENSIONS):
            points, mixing = self._sample_exactly(n, start), Mixing("exact", 1.0, float(n))
        else:
            points, mixing = self._hit_and_run(n, start)
        if diagnostic:
            return points, mixing
        if mixing.r_hat > MIXED:
            warnings.warn(
                f"hit-and-run has not mixed: R-hat is {mixing.r_hat:.2f}, expected at most {MIXED}",
                RuntimeWarning,
                stacklevel=2,
            )
        return points

    def _sample_exactly(self, n: int, seed: int) -> F64:
        solid, basis, origin = self._solid()
        if solid is None:
            return np.tile(origin, (n, 1))
        inside = result_array((n, len(basis)), np.float64, f"{n:,} points")
        solid.sample(seed, inside)
        points: F64 = origin + inside @ basis if len(basis) < self.dim else inside
        return points

    def _hit_and_run(self, n: int, seed: int) -> tuple[F64, Mixing]:
        relative, basis, origin = self._relative()
        if relative is None:
            return np.tile(origin, (n, 1)), Mixing("hit-and-run", 1.0, float(n))
        body = Rounded(relative, seed)
        each = max(-(-n // CHAINS), LEAST_POINTS)
        thinning = 4 * body.dim
        chains = body.walk(seed, each, thinning, burn_in=16 * body.dim * thinning)
        r_hat, share = split_r_hat(chains)
        inside = chains.transpose(1, 0, 2).reshape(-1, body.dim)[:n] @ body.shape.T + body.centre
        return origin + inside @ basis, Mixing("hit-and-run", r_hat, share * n)


class Rounded:
    """A bounded polytope of full dimension as centre + shape @ K, with K about as wide in every direction."""

    ROUNDS = 24

    def __init__(self, polytope: Volumes, seed: int) -> None:
        self._given = polytope
        self.dim = polytope.dim
        self.centre, radius = polytope.chebyshev()
        self.shape = np.eye(self.dim) * radius
        thinning = 4 * self.dim
        for turn in range(self.ROUNDS):
            points = self.walk(seed + turn + 1, 2 * self.dim + 8, thinning, burn_in=4 * thinning)
            points = points.reshape(-1, self.dim)
            spread = np.atleast_2d(np.cov(points.T))
            values = np.linalg.eigvalsh(spread)
            self.centre = self.centre + self.shape @ points.mean(axis=0)
            self.shape = self.shape @ np.linalg.cholesky(spread)
            if values[-1] < 4 * values[0]:
                break

    def rows(self) -> tuple[F64, F64]:
        """K = {y : A y <= b}, rows of length 1."""
        A, b = self._given.A @ self.shape, self._given.b - self._given.A @ self.centre
        norms = row_norms(A)
        return np.ascontiguousarray(A / norms[:, None]), b / norms

    def walk(self, seed: int, n: int, thinning: int, burn_in: int) -> F64:
        """Points of K, (CHAINS, n, d)."""
        out = result_array((CHAINS, n, self.dim), np.float64, f"{CHAINS * n:,} points")
        _core.polytope_hit_and_run(*self.rows(), seed % 2**64, burn_in, thinning, out)
        return out


def split_r_hat(chains: F64) -> tuple[float, float]:
    """Give the largest R-hat of a coordinate and what share of (chains, n, d) points is effective."""
    half = chains.shape[1] // 2
    halves = np.concatenate([chains[:, :half], chains[:, half : 2 * half]])
    within = halves.var(axis=1, ddof=1).mean(axis=0)
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    r_hat = float(np.sqrt((half - 1) / half + between / within).max())
    # The means of halves of n independent points would vary by within / half.
    return r_hat, min(1.0, float((within / half / between).min()))


def estimate_volume(polytope: Volumes, precision: float, seed: int | None) -> float | Estimate:
    """Estimate by multiphase Monte Carlo; see :meth:`Volumes.volume`."""
    if not 0 < precision < 1:
        raise ValueError(f"precision is {precision!r}, expected a number between 0 and 1")
    start = seed_or_fresh(seed)
    if polytope.dimension < polytope.dim:
        return 0.0
    if not polytope.is_bounded:
        return math.inf
    body = Rounded(polytope, start)
    A, b = body.rows()
    d = body.dim
    points = body.walk(start + 1000, LEAST_POINTS, 4 * d, burn_in=16 * d)
    middle = float(np.median(np.linalg.norm(points, axis=2)))
    radii = [float(b.min())]
    while radii[-1] < middle:
        radii.append(radii[-1] * 3 ** (1 / d))  # so at least a third of each body is in the one before
    ball = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1) + d * math.log(radii[0])
    known = ball + float(np.linalg.slogdet(body.shape)[1])
    steps = max(2000, 20 * d * d)
    for doubling in range(7):
        shares = _core.polytope_ball_shares(
            A, b, np.array(radii), (start + doubling) % 2**64, CHAINS, steps << doubling
        )
        with np.errstate(divide="ignore"):
            logs = known - np.log(shares).sum(axis=1)
        error = STUDENT * float(logs.std(ddof=1)) / math.sqrt(CHAINS)
        if math.expm1(error) <= precision:
            break
    value = float(logs.mean())
    return Estimate(math.exp(value), math.exp(value - error), math.exp(value + error))
