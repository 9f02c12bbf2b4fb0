"""The survey of a network: a stream of points, pairs of points, and a picture."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._classes import classify, rule_of
from .._progress import reporter
from ..network import Network
from ..patterns import Patterns, PatternSet
from .environment import environment
from .facts import ClassFacts, LayerFacts, NetworkFacts, PatternFacts, PointFacts, Survey
from .margins import measure_margins
from .pairs import Distances, measure_pairs
from .plane import Plane, PlaneChoice, choose_plane
from .raster import Raster, raster
from .slice import Slice, cut_slice
from .sources import DataPoints, SobolPoints, as_box, block_rows, data_points

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total); the stages are the keys of ``STAGES``."""

STAGES = {
    "points": "points",
    "pairs": "near and far pairs",
    "margins": "margins",
    "picture": "picture",
}

ACTIVITY_BINS = 20
DEFAULT_POINTS = 100_000
DEFAULT_MARGINS = 10_000  # of 100,000 points they would take ten times as long as the rest of a survey


def survey(
    net: Network,
    points: int | None = None,
    *,
    box: npt.ArrayLike | None = None,
    data: npt.ArrayLike | None = None,
    plane: PlaneChoice = None,
    class_rule: str = "argmax",
    pairs: int = 4096,
    margins: int = DEFAULT_MARGINS,
    pixels: int = 600,
    max_bytes: int | None = None,
    seed: int = 0,
    name: str = "network",
    file: str | None = None,
    origin: str | None = None,
    load_seconds: float = 0.0,
    progress: bool | Progress | None = None,
) -> Survey:
    """Survey a network: which activation patterns a box or a data set sees, and how they differ.

    Parameters
    ----------
    net : Network
        What is surveyed.
    points : int, optional
        How many points: of the Sobol sequence in the box (default 100,000), or the first rows of the data
        (default all). At least 2. They are streamed: memory holds the distinct patterns, never all points.
    box : (inputs, 2) array, optional
        Lower and upper bound of every input; ``net.input_box`` unless given.
    data : (n, inputs) array, optional
        Points to survey instead of a box's; the box is then their bounding box. Any shape (n, ...) that
        flattens to it in C order. uint8 data are divided by 255; other types are rounded to the network's.
    plane : "random", (i, j) or (a, b, c), optional
        What the picture shows: a random plane through the middle of the box, two inputs, or the plane through
        three data points. See :func:`facetry.survey.plane.choose_plane` for the default.
    class_rule : "argmax" or "argmin"
        Which output names the class of a point; networks of one output have classes by its sign.
    pairs : int
        Near and far pairs of points for the Hamming distances. Fewer where they would not fit in 128 MiB.
    margins : int
        Points, from the first, whose margins are measured (default 10,000); 0: none.
    pixels : int
        Where there are too many regions to draw (some 100,000), or only one input varies, the picture is a
        raster of ``pixels`` x ``pixels`` samples.
    max_bytes : int, optional
        Memory for the set of distinct patterns; once it is full the counts are lower bounds.
    seed : int
        Of the pairs and of a random plane.
    name, file, origin : str, optional
        How the report calls the network, its file, and the place that the points come from.
    load_seconds : float
        Time it took to load the network, for the report.
    progress : bool or callable, optional
        Called with (stage, done, total); the stages are "points", "pairs", "margins" and "picture". True
        counts on standard error.

    Raises
    ------
    ValueError
        Where there is no box, or an argument does not fit; NaN and infinity are named with their index.

    Examples
    --------
    >>> import facetry as ft
    >>> from facetry.survey import survey
    >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -0.5]), ft.ReLU(), ft.Dense([[1.0, 1.0]])])
    >>> seen = survey(net, 64, box=[[-1, 1]])
    >>> seen.patterns.distinct, seen.layers[0].split
    (3, 2)

    """
    if class_rule not in ("argmax", "argmin"):
        raise ValueError(f"class_rule is {class_rule!r}, expected 'argmax' or 'argmin'")
    if pairs < 1:
        raise ValueError(f"pairs must be at least 1, is {pairs}")
    if pixels < 2:
        raise ValueError(f"pixels must be at least 2, is {pixels}")
    if margins < 0:
        raise ValueError(f"margins must not be negative, is {margins}")
    source = _source(net, points, box, data)
    rng = np.random.default_rng(seed)
    rule = rule_of(net.output_dim, class_rule == "argmin")
    report = _reporter(progress)
    chosen = choose_plane(net, source, plane, rng, rule)

    stream = _measure_points(net, source, rule, max_bytes, report)
    seconds = {"load": load_seconds, **stream.seconds}
    begin = time.perf_counter()
    distances = measure_pairs(net, source, pairs, rng)
    report("pairs", distances.facts.pairs, distances.facts.pairs)
    seconds["pairs"] = time.perf_counter() - begin
    begin = time.perf_counter()
    balls = None
    if margins:
        balls = measure_margins(net, source, margins, lambda done, total: report("margins", done, total))
    seconds["margins"] = time.perf_counter() - begin
    begin = time.perf_counter()
    picture = None if chosen is None else _picture(net, chosen, rule, pixels, report)
    seconds["picture"] = time.perf_counter() - begin

    facts = PointFacts(
        source.kind,
        origin or ("the data" if source.kind == "data" else "its input box"),
        source.n,
        source.note,
        tuple((low, high) for low, high in source.box.tolist()),
    )
    return Survey(
        network=_network_facts(net, name, file),
        points=facts,
        patterns=PatternFacts(len(stream.seen), stream.seen.complete, tuple(stream.curve)),
        layers=_layer_facts(net, stream.active, source.n, distances),
        hamming=distances.facts,
        margins=balls,
        classes=ClassFacts(rule, tuple(stream.classes.tolist())),
        picture=picture,
        seconds=seconds,
        environment=environment(),
        seed=seed,
    )


def _picture(net: Network, plane: Plane, rule: str, pixels: int, report: Progress) -> Slice | Raster:
    found = cut_slice(net, plane, rule)
    if found is None:
        return raster(
            net, plane, rule, pixels=pixels, progress=lambda done, total: report("picture", done, total)
        )
    report("picture", 1, 1)
    return found


def _reporter(progress: bool | Progress | None) -> Progress:
    if callable(progress):
        return progress
    stages = {what: reporter(progress, name) for what, name in STAGES.items()}
    return lambda stage, done, total: stages[stage](done, total)


def _source(
    net: Network, points: int | None, box: npt.ArrayLike | None, data: npt.ArrayLike | None
) -> SobolPoints | DataPoints:
    if points is not None and points < 2:
        raise ValueError(f"points is {points}, a survey needs at least 2")
    if data is not None:
        if box is not None:
            raise ValueError("give a box or data, not both: the box of data is their bounding box")
        return data_points(data, net, points)
    wanted = net.input_box if box is None else box
    if wanted is None:
        raise ValueError("the network has no input box: give a box or data")
    return SobolPoints(DEFAULT_POINTS if points is None else points, as_box(wanted, net))


@dataclass
class _Stream:
    """What is counted while the points pass."""

    seen: PatternSet
    active: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    curve: list[tuple[int, int]]
    seconds: dict[str, float]


def _measure_points(
    net: Network, source: SobolPoints | DataPoints, rule: str, max_bytes: int | None, report: Progress
) -> _Stream:
    stream = _Stream(
        PatternSet(net.layer_widths, max_bytes),
        np.zeros(net.n_neurons, np.int64),
        np.zeros(max(net.output_dim, 2), np.int64),
        [],
        dict.fromkeys(("sample", "propagate", "count"), 0.0),
    )
    rows = min(block_rows(net), source.n)
    outputs = np.empty((rows, net.output_dim), net.dtype)
    bits = np.empty((rows, net._core.words), np.uint64)
    blocks = source.blocks(net)
    done = 0
    while done < source.n:
        marks = [time.perf_counter()]
        x = next(blocks)
        marks.append(time.perf_counter())
        net._core.propagate(x, outputs=outputs[: len(x)], patterns=bits[: len(x)])
        marks.append(time.perf_counter())
        patterns = Patterns(bits[: len(x)], net.layer_widths)
        _count_distinct(stream, patterns, done)
        stream.active += patterns.count_active()
        stream.classes += np.bincount(classify(outputs[: len(x)], rule), minlength=len(stream.classes))
        marks.append(time.perf_counter())
        for stage, elapsed in zip(stream.seconds, np.diff(marks).tolist(), strict=True):
            stream.seconds[stage] += elapsed
        done += len(x)
        report("points", done, source.n)
    if stream.curve[-1][0] != done:
        stream.curve.append((done, len(stream.seen)))
    return stream


def _count_distinct(stream: _Stream, patterns: Patterns, done: int) -> None:
    """Add patterns to the set, stopping at every power of two of points for the curve."""
    begin = 0
    while begin < len(patterns):
        mark = 1 << (done + begin).bit_length()
        if done + begin == 0:
            mark = 1
        end = min(len(patterns), mark - done)
        stream.seen.add(patterns[begin:end])
        begin = end
        if done + end == mark:
            stream.curve.append((mark, len(stream.seen)))


def _layer_facts(
    net: Network, active: npt.NDArray[np.int64], points: int, distances: Distances
) -> tuple[LayerFacts, ...]:
    facts = []
    last = np.cumsum(net.layer_widths)
    for i, width in enumerate(net.layer_widths):
        counts = active[last[i] - width : last[i]]
        always, never = int(np.sum(counts == points)), int(np.sum(counts == 0))
        bins = np.minimum(counts * ACTIVITY_BINS // points, ACTIVITY_BINS - 1)
        facts.append(
            LayerFacts(
                neurons=width,
                always_active=always,
                never_active=never,
                split=width - always - never,
                mean_active=float(counts.mean() / points),
                activity=tuple(np.bincount(bins, minlength=ACTIVITY_BINS).tolist()),
                near=distances.near[i],
                far=distances.far[i],
            )
        )
    return tuple(facts)


def _network_facts(net: Network, name: str, file: str | None) -> NetworkFacts:
    parameters = sum(
        value.size
        for layer in net.layers
        for value in layer.parameters().values()
        if isinstance(value, np.ndarray)
    )
    return NetworkFacts(
        name=name,
        file=file,
        description=repr(net),
        layers=tuple(map(repr, net.layers)),
        inputs=net.input_dim,
        outputs=net.output_dim,
        neurons=net.n_neurons,
        parameters=int(parameters),
        dtype=str(net.dtype),
    )
