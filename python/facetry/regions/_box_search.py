"""A search for regions under way: its domain, its limits, what it gives."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import memory_limit, numpy_array
from .._progress import Progress
from ..network import Network
from ..patterns import Patterns
from ._complex_parts import Found

F64 = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

NO_LIMIT = 2**63
_MOST_INPUTS = 8
_STEP = 0.2  # seconds between two looks at the limits
_BLOCK = 1 << 16  # regions of a block of a stream


class RegionCount(NamedTuple):
    """What a search that keeps no regions gives.

    Attributes
    ----------
    total : int
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
    RegionCount(total=4, counts_by_layer=(1, 4), complete=True)

    """

    total: int
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
                    f"domain has A of shape {A.shape} and b of shape {b.shape}, net has {inputs} inputs"
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
                f"the network has {net.input_dim} inputs: cells are kept by their vertices, and a cell "
                f"has {2**net.input_dim:,} or more there; at most {_MOST_INPUTS} inputs"
            )
        if cut_output and net.output_dim != 1:
            raise ValueError(f"cut_output needs a network of one output, this one has {net.output_dim}")
        core = net._double()._core
        assert isinstance(core, _core.Network64)
        return _core.BoxProblem(core, self.box, self.A, self.b, cut_output)


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
        self.most = NO_LIMIT if max_regions is None else max_regions
        self.end = None if max_seconds is None else time.monotonic() + max_seconds

    def steps(self, report: Progress, block: int = NO_LIMIT) -> Iterator[None]:
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
        return RegionCount(min(found, self.most), by_layer(self.native.counts), complete)

    def check_memory(self) -> None:
        """Stop before the regions fill the memory; they are copied once."""
        if 3 * self.native.bytes > memory_limit():
            raise MemoryError(
                f"{self.native.found:,} regions take {self.native.bytes:,} bytes and there are more: use "
                "max_regions, count_only=True or iter_regions_in_box"
            )


def by_layer(counts: Sequence[int]) -> tuple[int, ...]:
    """Count the domain as one cell, whatever number of cones all of space was begun with."""
    return (min(counts[0], 1), *counts[1:]) if len(counts) > 1 else tuple(counts)
