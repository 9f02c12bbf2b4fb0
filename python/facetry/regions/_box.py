"""Every region in a box, a polytope or all of space."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, overload

from .._progress import Progress, reporter
from ..network import Network
from ._box_search import RegionBlock, RegionCount, Search
from ._complex import Complex, make_complex


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
