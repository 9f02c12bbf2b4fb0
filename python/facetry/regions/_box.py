"""Every region in a box, a polytope or all of space: the search, its limits, its jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import memory_limit, numpy_array
from .._progress import Progress, reporter
from ..network import Network
from ..patterns import Patterns
from ._complex import Complex, Found, make_complex

F64 = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

_MOST_INPUTS = 8
_NO_LIMIT = 2**63
_STEP = 0.2  # seconds between two looks at the limits
_BLOCK = 1 << 16  # regions of a block of a stream


class RegionCount(NamedTuple):
    """What a search that keeps no regions gives.

    Attributes
    ----------
    count : int
        Regions found.
    counts_by_layer : tuple of int
        Cells after 0, 1, 2, ... layers of neurons.
    complete : bool
        False where a limit ended the search.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU()])
    >>> ft.regions_in_box(net, count_only=True)
    RegionCount(count=4, counts_by_layer=(1, 4), complete=True)

    """

    count: int
    counts_by_layer: tuple[int, ...]
    complete: bool


class RegionBlock(NamedTuple):
    """Some of the regions that a search finds.

    Attributes
    ----------
    patterns : Patterns
        One a region.
    witnesses : (k, inputs) array
        A point inside each.
    classes : (k,) integers or None
        With ``cut_output``: 1 where the output is positive, else 0.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU()])
    >>> [len(block.patterns) for block in ft.iter_regions_in_box(net)]
    [4]

    """

    patterns: Patterns
    witnesses: F64
    classes: Int64Array | None


@dataclass(frozen=True)
class Domain:
    """Where to look: a box (d, 2), rows of a polytope, or (neither) all of space."""

    box: F64 | None
    A: F64
    b: F64

    @classmethod
    def of(cls, domain: object, inputs: int) -> Domain:
        """Coerce what the caller gives."""
        none = np.zeros((0, inputs)), np.zeros(0)
        if domain is None:
            return cls(None, *none)
        if hasattr(domain, "A") and hasattr(domain, "b"):
            A, b = (np.ascontiguousarray(getattr(domain, k), np.float64) for k in "Ab")
            if A.ndim != 2 or A.shape[1] != inputs or b.shape != A.shape[:1]:
                raise ValueError(
                    f"domain has A of shape {A.shape} and b of shape {b.shape}, the network has {inputs} inputs"
                )
            if not (np.isfinite(A).all() and np.isfinite(b).all()):
                raise ValueError("domain must be finite")
            scale = np.maximum(np.abs(A).max(axis=1, initial=0), np.abs(b))
            scale[scale == 0] = 1
            return cls(None, A / scale[:, None], b / scale)
        array = numpy_array("domain", domain)
        if array.dtype.kind not in "iuf":
            raise TypeError(f"domain has dtype {array.dtype}, expected numbers")
        if array.shape != (inputs, 2):
            raise ValueError(
                f"domain has shape {array.shape}, expected ({inputs}, 2): lower and upper per input, "
                "a Polytope, or None for all of space"
            )
        box = np.ascontiguousarray(array, np.float64)
        bad = np.flatnonzero(~np.isfinite(box).all(axis=1))
        if bad.size:
            raise ValueError(f"domain[{bad[0]}] is {box[bad[0]].tolist()}, expected finite bounds")
        bad = np.flatnonzero(~(box[:, 0] < box[:, 1]))
        if bad.size:
            raise ValueError(f"domain[{bad[0]}] is {box[bad[0]].tolist()}: the box is empty or flat")
        return cls(box, *none)

    def problem(self, net: Network, cut_output: bool) -> _core.BoxProblem:
        """Make the native problem."""
        if net.input_dim > _MOST_INPUTS:
            raise ValueError(
                f"the network has {net.input_dim} inputs: cells are kept by their vertices, of which a cell has "
                f"about {2**net.input_dim:,} there; at most {_MOST_INPUTS} inputs"
            )
        if cut_output and net.output_dim != 1:
            raise ValueError(f"cut_output needs a network of one output, this one has {net.output_dim}")
        return _core.BoxProblem(net._double()._core, self.box, self.A, self.b, cut_output)


@overload
def regions_in_box(
    net: Network,
    domain: object = ...,
    *,
    max_regions: int | None = ...,
    max_seconds: float | None = ...,
    count_only: Literal[False] = ...,
    on_region: None = ...,
    progress: bool | Progress | None = ...,
    method: str = ...,
    neighbors: bool = ...,
    cut_output: bool = ...,
) -> Complex: ...


@overload
def regions_in_box(
    net: Network,
    domain: object = ...,
    *,
    max_regions: int | None = ...,
    max_seconds: float | None = ...,
    count_only: bool = ...,
    on_region: Callable[[RegionBlock], object] | None = ...,
    progress: bool | Progress | None = ...,
    method: str = ...,
    neighbors: bool = ...,
    cut_output: bool = ...,
) -> Complex | RegionCount: ...


def regions_in_box(
    net: Network,
    domain: object = None,
    *,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    count_only: bool = False,
    on_region: Callable[[RegionBlock], object] | None = None,
    progress: bool | Progress | None = None,
    method: str = "auto",
    neighbors: bool = True,
    cut_output: bool = False,
) -> Complex | RegionCount:
    """Find every linear region that meets a box, a polytope, or all of space.

    Cells are cut depth first, layer by layer, by the neurons that change sign on their vertices; no linear
    programme is solved. The work grows with the number of regions and of their vertices.

    Parameters
    ----------
    net : Network
        At most 8 inputs. Float32 weights are taken as they are, in float64.
    domain : (inputs, 2) array, Polytope, or None
        Lower and upper bound of every input; anything with ``A`` and ``b``, the points with ``A @ x <= b``;
        or all of space, in homogeneous coordinates: unbounded regions are regions like the others.
    max_regions, max_seconds : optional
        Limits. A search that they end gives what was found until then, with ``complete`` False; the first
        ``max_regions`` of it.
    count_only : bool
        Give a :class:`RegionCount`, in constant memory.
    on_region : callable, optional
        Gets every region once, many at a time, as :class:`RegionBlock`; nothing is kept. See also
        :func:`iter_regions_in_box`.
    progress : bool or callable, optional
        True counts on standard error; a callable gets (regions found, None).
    method : {"auto", "vertices"}
        There is one method so far.
    neighbors : bool
        Find the region across every facet.
    cut_output : bool
        Also cut where the network's single output is 0, so that its sign is the same on each region.

    Returns
    -------
    Complex, or RegionCount where no regions are kept

    Raises
    ------
    ValueError
        For a domain that is empty, flat, or of another shape, more than 8 inputs, and values that overflow.
    MemoryError
        Where the regions found do not fit in memory; count them, or take them as a stream.

    Notes
    -----
    A value counts as 0 up to 1e-13 times the magnitude that the neuron's terms add up to on the domain. A
    neuron that is 0 in this sense on a whole cell does not split it, and its bit there is 0 (in
    :meth:`Network.patterns`, rounding may make it 1). All regions are found whose inradius is above what
    this makes of it, and each one reported has an interior.

    Regions have the same numbers and bits whatever the number of threads.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0, -1.0]])])
    >>> len(ft.regions_in_box(net)), ft.regions_in_box(net, [[-1, 1], [-1, 3]]).volumes().tolist()
    (4, [3.0, 1.0, 3.0, 1.0])

    """
    if count_only and on_region is not None:
        raise ValueError("count_only gives no regions to on_region: choose one of them")
    search = Search(net, domain, cut_output, method, max_regions, max_seconds, count_only)
    report = reporter(progress, "regions")
    if count_only or on_region is not None:
        for block in search.blocks(report):
            if on_region is not None:
                on_region(block)
        return search.result()
    for _ in search.steps(report):
        search.check_memory()
    found = search.take()
    return make_complex(search.net, search.given, search.problem, found, search.result(), neighbors)


def iter_regions_in_box(
    net: Network,
    domain: object = None,
    *,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    progress: bool | Progress | None = None,
    cut_output: bool = False,
) -> Iterator[RegionBlock]:
    """Find the regions of :func:`regions_in_box` one block after the other, in constant memory.

    Every region comes once; their order may differ from the order of :func:`regions_in_box`.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 0.0], [0.0, 1.0]]), ft.ReLU()])
    >>> sum(len(block.patterns) for block in ft.iter_regions_in_box(net, [[-1, 1], [-1, 1]]))
    4

    """
    search = Search(net, domain, cut_output, "auto", max_regions, max_seconds, False)
    return search.blocks(reporter(progress, "regions"))


class Search:
    """One search under way."""

    def __init__(
        self,
        net: Network,
        domain: object,
        cut_output: bool = False,
        method: str = "auto",
        max_regions: int | None = None,
        max_seconds: float | None = None,
        only_counts: bool = False,
    ) -> None:
        if method not in ("auto", "vertices"):
            raise ValueError(f"method is {method!r}, expected 'auto' or 'vertices'")
        if max_regions is not None and max_regions < 0:
            raise ValueError(f"max_regions must not be negative, is {max_regions}")
        if max_seconds is not None and not max_seconds >= 0:
            raise ValueError(f"max_seconds must not be negative, is {max_seconds}")
        net._require_host()
        self.net = net
        self.given = Domain.of(domain, net.input_dim)
        self.problem = self.given.problem(net, cut_output)
        self.native = _core.BoxSearch(self.problem, only_counts)
        self.cut_output = cut_output
        self.most = _NO_LIMIT if max_regions is None else max_regions
        self.end = None if max_seconds is None else time.monotonic() + max_seconds

    def steps(self, report: Progress, block: int = _NO_LIMIT) -> Iterator[None]:
        """Work until the end or a limit, with a pause every so often."""
        native = self.native
        while not native.is_done and native.found < self.most:
            left = np.inf if self.end is None else self.end - time.monotonic()
            if left <= 0:
                break
            native.run(min(self.most, native.found + block), min(left, _STEP))
            report(min(native.found, self.most), None)
            yield

    def blocks(self, report: Progress) -> Iterator[RegionBlock]:
        """Give the regions of each step."""
        given = 0
        for _ in self.steps(report, _BLOCK):
            found = self.take().first(self.most - given)
            given += len(found.bits)
            if len(found.bits):
                patterns, classes = found.patterns(self.net, self.cut_output)
                yield RegionBlock(patterns, found.witnesses, classes)

    def take(self) -> Found:
        """Give what was found since the last time."""
        return Found(*self.native.take())

    def result(self) -> RegionCount:
        """Count what was found."""
        found = self.native.found
        complete = self.native.is_done and found <= self.most
        return RegionCount(min(found, self.most), tuple(self.native.counts), complete)

    def check_memory(self) -> None:
        """Stop before the regions fill the memory; they are copied once."""
        if 3 * self.native.bytes > memory_limit():
            raise MemoryError(
                f"{self.native.found:,} regions take {self.native.bytes:,} bytes and there are more: use "
                "max_regions, count_only=True or iter_regions_in_box"
            )


@dataclass(frozen=True)
class SweepPart:
    """The regions that one job found, by their places in the order of the whole search; it pickles."""

    pieces: tuple[tuple[tuple[int, ...], Found], ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class SweepJob:
    """A part of a search, which can be done anywhere: a cell, its layer and its pattern so far; it pickles."""

    net: Network
    domain: Domain
    cut_output: bool
    cell: bytes

    def run(self) -> SweepPart:
        """Find its regions."""
        search = _core.BoxSearch(self.domain.problem(self.net, self.cut_output), False)
        search.set_jobs([self.cell])
        while not search.is_done:
            search.run(_NO_LIMIT, np.inf)
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
            native.run(_NO_LIMIT, 0.0)
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
        counts = tuple(int(c) for c in np.sum([part.counts for part in every], axis=0))
        result = RegionCount(len(found.bits), counts, len(given) == self._jobs)
        return make_complex(search.net, search.given, search.problem, found, result, neighbors)


def _part(search: Any) -> SweepPart:
    pieces = tuple((tuple(key), Found(*arrays)) for key, *arrays in search.take_pieces())
    return SweepPart(pieces, tuple(search.counts))
