"""A search for regions as jobs that are plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .. import _core
from ..network import Network
from ._box_search import NO_LIMIT, Domain, RegionCount, Search, by_layer
from ._complex import Complex, make_complex
from ._complex_parts import Found


@dataclass(frozen=True)
class SweepPart:
    """The regions that one job found, by their places in the order of the whole search; it pickles.

    Examples
    --------
    >>> import facetry as ft
    >>> sweep = ft.RegionSweep(ft.Network([ft.Dense([[1.0]]), ft.ReLU()]), [[-1, 1]])
    >>> [part.counts for part in [job.run() for job in sweep.split(1)]]
    [(1, 2)]

    """

    pieces: tuple[tuple[tuple[int, ...], Found], ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class SweepJob:
    """A part of a search, to be done anywhere: a cell, its layer and its pattern so far; it pickles.

    Examples
    --------
    >>> import facetry as ft
    >>> sweep = ft.RegionSweep(ft.Network([ft.Dense([[1.0]]), ft.ReLU()]), [[-1, 1]])
    >>> len(sweep.merge([job.run() for job in sweep.split(1)]))
    2

    """

    net: Network
    domain: Domain
    cut_output: bool
    cell: bytes

    def run(self) -> SweepPart:
        """Find its regions."""
        search = _core.BoxSearch(self.domain.problem(self.net, self.cut_output), False)
        search.set_jobs([self.cell])
        while not search.is_done:
            search.run(NO_LIMIT, np.inf)
        return _part(search)


class RegionSweep:
    """:func:`regions_in_box` as jobs that are plain values, for other processes or machines.

    The Complex is the same, bit for bit, whatever the number of jobs and wherever they run (the same
    instruction set supposed).

    Parameters
    ----------
    net, domain, cut_output
        As for :func:`regions_in_box`.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU()])
    >>> sweep = ft.RegionSweep(net, [[-1, 1], [-1, 1]])
    >>> parts = [job.run() for job in sweep.split(8)]  # or executor.map(ft.SweepJob.run, ...)
    >>> len(sweep.merge(parts))
    4

    """

    def __init__(self, net: Network, domain: object = None, *, cut_output: bool = False) -> None:
        self._search = Search(net, domain, cut_output)
        self._jobs = 0
        self._own: list[SweepPart] = []

    def split(self, jobs: int) -> list[SweepJob]:
        """Work until so many jobs are open, or none; regions found on the way are kept for :meth:`merge`."""
        native = self._search.native
        while not native.is_done and native.job_count < jobs:
            native.run(NO_LIMIT, 0.0)
        search = self._search
        made = [SweepJob(search.net, search.given, search.cut_output, cell) for cell in native.jobs()]
        self._jobs = len(made)
        self._own.append(SweepPart(_part(native).pieces, (0,) * len(native.counts)))
        return made

    def merge(self, parts: Iterable[SweepPart], *, neighbors: bool = True) -> Complex:
        """Make the Complex of the parts of all jobs, in any order."""
        search = self._search
        if search.native.job_count and not self._jobs:
            raise ValueError("nothing to merge yet: split() gives the jobs")
        given = list(parts)
        every = [*self._own, _part(search.native), *given]
        pieces = sorted((piece for part in every for piece in part.pieces), key=lambda piece: piece[0])
        found = Found.concatenate([piece for _, piece in pieces], search.net, search.problem.words)
        counts = [int(c) for c in np.sum([part.counts for part in every], axis=0)]
        result = RegionCount(len(found.bits), by_layer(counts), len(given) == self._jobs)
        return make_complex(search.net, search.given, search.problem, found, result, neighbors)


def _part(search: _core.BoxSearch) -> SweepPart:
    pieces = tuple((tuple(key), Found(*arrays)) for key, *arrays in search.take_pieces())
    return SweepPart(pieces, tuple(search.counts))
