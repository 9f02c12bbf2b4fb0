"""Pictures of surveys, with matplotlib, which is imported only when one is drawn.

Every function draws into the axes given, or into a new figure, and returns the axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .patterns import Patterns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .survey import Raster, Slice, Survey

RGB = npt.NDArray[np.float64]

_SAMPLE = 600  # patterns that the colour axes are fitted to, in
_ITERATIONS = 20  # steps: 20 ms for 500 neurons
_JITTER = 0.15
_REPORT_FACES = 2000  # with more of them a page holds a bitmap: 1 MB of lines otherwise


def pattern_colours(patterns: Patterns) -> RGB:
    """Give a colour to every distinct pattern, (n, 3) of sRGB in [0, 1]: similar patterns get similar hues.

    Hue and saturation are the direction and the length in the plane of the patterns' first two principal
    components. A hash of the pattern moves the lightness, so that neighbours, which differ in a neuron or
    two, can be told apart.
    """
    scores = _principal_scores(patterns)
    digest = patterns.hash()
    jitter = (digest >> np.uint64(40)).astype(np.float64) / 2**24 - 0.5
    lightness = 0.63 + 0.05 * np.clip(scores[:, 2], -2, 2) + _JITTER * jitter
    chroma = 0.05 + 0.05 * np.minimum(np.hypot(scores[:, 0], scores[:, 1]), 1.6)
    return _oklch_to_srgb(lightness, chroma, np.arctan2(scores[:, 1], scores[:, 0]))


def regions(picture: Slice | Raster, ax: Axes | None = None) -> Axes:
    """Draw a survey's picture: a colour a pattern, the class boundary, data points as A, B and C.

    Black circles are l2 margin balls: within one, no neuron changes.
    """
    from .survey import Raster

    ax = _axes(ax, 6.4, 6.4)
    plane = picture.plane
    if isinstance(picture, Raster):
        _draw_raster(ax, picture)
    else:
        picture.regions.plot(rasterize_above=_REPORT_FACES, ax=ax).set_aspect("auto")
    _draw_balls(ax, picture)
    for letter, (s, t) in zip("ABC", plane.marks, strict=False):
        ax.plot(s, t, "o", ms=7, mfc="white", mec="black", mew=1.2, zorder=5)
        ax.annotate(
            letter, (s, t), (7, 5), textcoords="offset points", color="white", weight="bold", zorder=5,
            bbox={"boxstyle": "round,pad=0.2", "fc": "black", "ec": "none", "alpha": 0.65},
        )  # fmt: skip
    labels = {
        "inputs": [f"input {k}" for k in plane.numbers],
        "points": ["from A towards B", "across, towards C"],
        "random": ["first direction, in widths of the box", "second direction"],
    }[plane.kind]
    ax.set_xlabel(labels[0])
    if plane.v is not None:
        ax.set_ylabel(labels[1])
    else:
        ax.set_yticks([])
    return ax


def _draw_raster(ax: Axes, picture: Raster) -> None:
    ax.imshow(
        pattern_colours(picture.patterns)[picture.regions],
        origin="lower",
        extent=picture.plane.window,
        aspect="auto",
        interpolation="none",
        zorder=0,
    )
    _draw_boundary(ax, picture)
    ax.set_rasterization_zorder(1)


def curve(survey: Survey, ax: Axes | None = None) -> Axes:
    """Draw the distinct patterns against the points, both in powers of ten."""
    from matplotlib.ticker import EngFormatter, NullLocator

    ax = _axes(ax, 4.6, 3.4)
    points, distinct = np.array(survey.patterns.curve).T
    ax.plot([1, points[-1]], [1, points[-1]], "--", lw=1, color="0.55")
    ax.plot(points, distinct, "-o", ms=3.5, lw=1.6)
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(EngFormatter(sep=""))
        axis.set_minor_locator(NullLocator())
    ax.set_xlabel("points")
    ax.set_ylabel("distinct patterns")
    ax.grid(alpha=0.3)
    return ax


def hamming(survey: Survey, ax: Axes | None = None) -> Axes:
    """Draw the Hamming distances of near and far pairs."""
    ax = _axes(ax, 4.6, 3.4)
    facts = survey.hamming
    edges = facts.bin_width * np.arange(len(facts.near) + 1)
    for counts, label in ((facts.near, "near"), (facts.far, "far")):
        share = 100 * np.array(counts) / facts.pairs
        ax.stairs(share, edges, fill=True, alpha=0.55, label=label)
    ax.set_xlabel("neurons that differ")
    ax.set_ylabel("% of the pairs")
    ax.legend(frameon=False)
    return ax


def margins(survey: Survey, ax: Axes | None = None) -> Axes:
    """Draw how many points have which l2 and which l_inf margin, in powers of ten."""
    ax = _axes(ax, 4.6, 3.4)
    facts = survey.margins
    if facts is None or not facts.edges:
        raise ValueError("the survey has no margins that are positive and finite")
    for name, label in (("2", "l2"), ("inf", "l∞")):
        share = 100 * np.array(facts.counts[name]) / facts.points
        ax.stairs(share, facts.edges, fill=True, alpha=0.55, label=label)
    ax.set_xscale("log")
    ax.set_xlabel("radius of the margin ball")
    ax.set_ylabel("% of the points")
    ax.legend(frameon=False, loc="upper left")
    return ax


def activity(survey: Survey, ax: Axes | None = None) -> Axes:
    """Draw, layer by layer, how many neurons are active at which share of the points."""
    from matplotlib.ticker import MaxNLocator

    layers = survey.layers
    ax = _axes(ax, 4.6, 3.4)
    share = np.array([np.array(layer.activity) / layer.neurons for layer in layers])
    for row, values in enumerate(share):
        width = 100 / len(values)
        for k, value in enumerate(values):
            if value:
                ax.bar(
                    (k + 0.5) * width, 0.86, width, row + 0.57, alpha=float(np.sqrt(value)), color="C0", lw=0
                )
    ax.set_xlim(0, 100)
    ax.set_ylim(len(layers) + 0.5, 0.5)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel("% of the points at which a neuron is active")
    ax.set_ylabel("layer")
    return ax


def _axes(ax: Axes | None, width: float, height: float) -> Axes:
    if ax is not None:
        return ax
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def _draw_boundary(ax: Axes, picture: Raster) -> None:
    """Draw, for every class, where its lead changes sign: at a boundary the runner-up is the other side."""
    s0, s1, t0, t1 = picture.plane.window
    rows, columns = picture.classes.shape
    s = s0 + (s1 - s0) * (np.arange(columns) + 0.5) / columns
    seen = np.unique(picture.classes)
    if rows == 1:
        for k in np.flatnonzero(np.diff(picture.classes[0])):
            ax.axvline((s[k] + s[k + 1]) / 2, color="white", lw=1.4, zorder=0.5)
        return
    t = t0 + (t1 - t0) * (np.arange(rows) + 0.5) / rows
    lead = np.nan_to_num(picture.leads)
    for k in seen[:1] if len(seen) == 2 else seen[: len(seen) if len(seen) > 1 else 0]:
        field = np.where(picture.classes == k, lead, -lead)
        ax.contour(s, t, field, [0.0], colors="white", linewidths=1.4, zorder=0.5)


def _draw_balls(ax: Axes, picture: Slice | Raster) -> None:
    """Draw the margin balls: ellipses where the plane's coordinates are not lengths."""
    plane = picture.plane
    if not len(picture.balls) or plane.v is None:
        return
    frame = np.asarray(np.linalg.qr(np.stack([plane.u, plane.v], axis=1), mode="r"))
    angle = np.linspace(0, 2 * np.pi, 73)
    ring = np.linalg.solve(frame, np.stack([np.cos(angle), np.sin(angle)]))
    for s, t, radius in picture.balls:
        ax.plot(s + radius * ring[0], t + radius * ring[1], color="black", lw=0.8, alpha=0.85, zorder=4)
    s0, s1, t0, t1 = plane.window
    ax.set_xlim(s0, s1)
    ax.set_ylim(t0, t1)


def _principal_scores(patterns: Patterns) -> RGB:
    """Give the first three principal components of the patterns, each scaled to unit spread, (n, 3).

    Found by orthogonal iteration on a sample: LAPACK's eigensolver cannot be interrupted, and with threads of
    its own it has taken 10 s on cores that other work kept busy.
    """
    if 0 in (len(patterns), patterns.n_neurons):
        return np.zeros((len(patterns), 3))
    sample = patterns[:: max(1, len(patterns) // _SAMPLE)].to_bool().astype(np.float64)
    mean = sample.mean(axis=0)
    sample -= mean
    axes = np.random.default_rng(0).standard_normal((patterns.n_neurons, 3))
    for _ in range(_ITERATIONS):
        axes = sample.T @ (sample @ np.linalg.qr(axes)[0])
    axes = np.linalg.qr(axes)[0]
    spread = (sample @ axes).std(axis=0)
    spread = np.maximum(spread, max(spread.max() / 3, 1e-6))  # components that hardly vary stay small
    axes *= np.where(axes.sum(axis=0) < 0, -1, 1) / spread  # the sign of a component is arbitrary
    scores = np.zeros((len(patterns), 3))
    block = max(1, 2**20 // max(patterns.n_neurons, 1))
    for begin in range(0, len(patterns), block):
        part = patterns[begin : begin + block].to_bool() - mean
        scores[begin : begin + block, : axes.shape[1]] = part @ axes
    return scores


def _oklch_to_srgb(lightness: Any, chroma: Any, hue: Any) -> RGB:
    """Convert from Oklab's polar form (Ottosson 2020, "A perceptual color space for image processing")."""
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    long, middle, short = (
        (lightness + p * a + q * b) ** 3
        for p, q in (
            (0.3963377774, 0.2158037573),
            (-0.1055613458, -0.0638541728),
            (-0.0894841775, -1.291485548),
        )
    )
    linear = np.stack(
        [
            4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
        ],
        axis=-1,
    ).clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
