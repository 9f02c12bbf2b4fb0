"""The HTML page of a survey: sections of a few plain sentences, a chart and a table each."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template

from .. import plot
from ..survey import Raster, Slice, Survey
from . import html
from .charts import svg


def render(survey: Survey) -> str:
    """Give the whole page."""
    sections = (_picture, _patterns, _margins, _layers, _hamming, _classes, _points, _network, _times)
    template = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(survey.network.name),
        header=_header(survey),
        body="\n".join(section(survey) for section in sections),
        footer=f"Written by facetry {escape(survey.environment['facetry'])}. "
        "The same numbers for programs: <code>survey.json</code>, beside this page.",
    )


def summary(survey: Survey) -> str:
    """Say the main findings in a few plain sentences."""
    net, patterns, hamming = survey.network, survey.patterns, survey.hamming
    if not net.neurons:
        return f"This network of {html.count(net.inputs, 'input')} has no neurons: it is one affine map."
    at_least = "" if patterns.complete else "at least "
    split = sum(layer.split for layer in survey.layers)
    always = sum(layer.always_active for layer in survey.layers)
    never = sum(layer.never_active for layer in survey.layers)
    return (
        f"This network has {html.count(net.inputs, 'input')}, {html.count(net.neurons, 'neuron')} in "
        f"{html.count(len(survey.layers), 'layer')} and {html.count(net.outputs, 'output')}. "
        f"{survey.points.count:,} points of {survey.points.origin} fall into "
        f"{at_least}{html.count(patterns.distinct, 'different linear region')}. "
        f"{html.count(split, 'neuron')} {html.are(split)} split, active at some of these points and not at "
        f"others; {always:,} {html.are(always)} always active and {never:,} never. Two far points differ in "
        f"{html.mean(hamming.far_mean)} neurons on average, two near ones in {html.mean(hamming.near_mean)}."
    )


def _header(survey: Survey) -> str:
    patterns = survey.patterns
    cards = [
        ("points", f"{survey.points.count:,}"),
        ("distinct patterns", ("" if patterns.complete else "≥ ") + f"{patterns.distinct:,}"),
        ("split neurons", f"{sum(layer.split for layer in survey.layers):,} of {survey.network.neurons:,}"),
        ("neurons differ, near points", html.mean(survey.hamming.near_mean)),
        ("neurons differ, far points", html.mean(survey.hamming.far_mean)),
        ("points per second", f"{html.short(survey.points_per_second)}"),
    ]
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in cards)
    return f'<p class="lead">{escape(summary(survey))}</p>\n<dl class="cards">{items}</dl>'


def _picture(survey: Survey) -> str:
    picture = survey.picture
    if picture is None:
        return ""
    plane, count = picture.plane, len(picture.patterns)
    border = {
        "sign": "Thick lines are where the output is zero.",
        "argmax": "Thick lines are where the class, the largest output, changes.",
        "argmin": "Thick lines are where the class, the lowest output, changes.",
    }[survey.classes.rule]
    if plane.marks:
        classes = ", ".join(f"{letter} is point {k}" for letter, k in zip("ABC", plane.numbers, strict=True))
        border += f" {classes}."
    if len(picture.balls):
        border += " In a black circle, the largest l2 ball around its centre, no neuron changes."
    chart = svg(
        lambda ax: plot.regions(picture, ax),
        f"Map of the linear regions in {plane.caption}: {count:,} patterns, one colour each, "
        "with the class boundary.",
        6.2,
        1.3 if plane.v is None else 6.0,
    )
    return html.section(
        "Regions on a line" if plane.v is None else "Regions in a plane",
        "Inside a region the same neurons are active and the network is one affine map. A colour is a "
        f"pattern of active neurons; similar patterns have similar hues. {border}",
        f'<figure class="wide">{chart}<figcaption>{escape(plane.caption[0].upper() + plane.caption[1:])}. '
        f"{_extent(picture)}</figcaption></figure>",
    )


def _extent(picture: Slice | Raster) -> str:
    seen = html.count(len(picture.patterns), "pattern")
    if isinstance(picture, Raster):
        rows, columns = picture.regions.shape
        return (
            f"A raster: {columns} × {rows} samples, {seen} seen; a region smaller than a pixel can be missed."
        )
    return f"All {html.count(len(picture.patterns), 'linear region')} in this window, exactly."


def _patterns(survey: Survey) -> str:
    facts = survey.patterns
    curve = list(facts.curve)
    half = max((point for point in curve if 2 * point[0] <= curve[-1][0]), default=curve[0])
    late = (curve[-1][1] - half[1]) / max(curve[-1][0] - half[0], 1)
    cap = "" if facts.complete else " The memory for patterns was full: these counts are lower bounds."
    rows = [(f"{n:,}", f"{k:,}", f"{100 * k / n:.1f} %") for n, k in curve]
    chart = svg(
        lambda ax: plot.curve(survey, ax),
        f"Curve of distinct patterns against points: {facts.distinct:,} among {curve[-1][0]:,}.",
    )
    return html.section(
        "Distinct patterns",
        f"Of the last {curve[-1][0] - half[0]:,} points {100 * late:.1f} % fell into a region not seen "
        "before. A curve along the dashed line, where every point has a region of its own, has hardly "
        f"begun to count them; one that turns flat has seen most of what points can hit.{cap}",
        f'<div class="pair"><figure>{chart}</figure>'
        + html.table(("points", "distinct patterns", "of the points"), rows[-10:])
        + "</div>",
    )


def _margins(survey: Survey) -> str:
    facts = survey.margins
    if facts is None:
        return ""
    names = {"1": "l1", "2": "l2", "inf": "l∞"}
    head = ("norm", *(f"{p} %" if p < 100 else "largest" for p in facts.percentiles))
    rows = [
        (name, *("unbounded" if r is None else html.scientific(r) for r in facts.radii[p]))
        for p, name in names.items()
    ]
    remarks = [
        (facts.on_a_wall, "on a wall, with margin 0"),
        (facts.unbounded, "in a region without walls"),
        (facts.overflowing, "where a value overflows, and left out"),
    ]
    notes = "; ".join(
        f"{html.count(count, 'point')} {html.are(count)} {what}" for count, what in remarks if count
    )
    chart = ""
    if facts.edges:
        drawn = svg(
            lambda ax: plot.margins(survey, ax),
            f"Histogram of l2 and l-infinity margins of {facts.points:,} points, in powers of ten.",
        )
        chart = f"<figure>{drawn}</figure>"
    return html.section(
        "Margins",
        "The margin of a point is the radius of the largest ball around it in which no neuron changes: there "
        f"the network is one affine map. Of {html.count(facts.points, 'point')}, so many per cent have at "
        f"most the radius in the table, in the units of the inputs.{' ' + notes + '.' if notes else ''}",
        f'<div class="pair">{chart}{html.table(head, rows)}</div>',
    )


def _layers(survey: Survey) -> str:
    if not survey.layers:
        return ""
    rows = []
    for number, layer in enumerate(survey.layers, 1):
        parts = (("always", layer.always_active), ("split", layer.split), ("never", layer.never_active))
        bar = "".join(
            f'<i class="{kind}" style="width:{100 * count / layer.neurons:.2f}%"></i>'
            for kind, count in parts
        )
        rows.append(
            (
                str(number),
                f"{layer.neurons:,}",
                *(f"{count:,}" for _, count in parts),
                f'<div class="bar" aria-hidden="true">{bar}</div>',
                f"{100 * layer.mean_active:.1f} %",
            )
        )
    head = ("layer", "neurons", "always active", "split", "never active", "", "active on average")
    chart = svg(
        lambda ax: plot.activity(survey, ax),
        "Share of points at which the neurons of each layer are active.",
        6.2,
        min(1.1 + 0.36 * len(survey.layers), 5),
    )
    return html.section(
        "Neurons, layer by layer",
        "A neuron that is always or never active at these points does not bend the network here; only split "
        'neurons make regions. <span class="key"><i class="always"></i>always active <i class="split"></i>'
        'split <i class="never"></i>never active</span>',
        html.table(head, rows, "full")
        + f'<figure class="wide">{chart}<figcaption>Every layer by the share of points at which its neurons '
        "are active: the stronger the colour, the more neurons.</figcaption></figure>",
    )


def _hamming(survey: Survey) -> str:
    facts = survey.hamming
    if not survey.layers:
        return ""
    where = "two rows of the data" if survey.points.kind == "data" else "two random points of the box"
    rows = [
        (str(number), f"{layer.neurons:,}", f"{layer.near:.2f}", f"{layer.far:.2f}")
        for number, layer in enumerate(survey.layers, 1)
    ]
    total = ("all", f"{survey.network.neurons:,}", f"{facts.near_mean:.2f}", f"{facts.far_mean:.2f}")
    chart = svg(
        lambda ax: plot.hamming(survey, ax),
        f"Histogram of Hamming distances: near pairs differ in {html.mean(facts.near_mean)} neurons on "
        f"average, far pairs in {html.mean(facts.far_mean)}.",
    )
    return html.section(
        "How far apart patterns are",
        f"{facts.pairs:,} far pairs are {where}. A near pair is the first of them and the point that lies "
        f"{100 * facts.near_step:g} % of the diagonal of the box away in a random direction, every input "
        f"measured in widths of the box and clipped to it. {100 * facts.near_same:.1f} % of the near pairs "
        f"and {100 * facts.far_same:.1f} % of the far ones share their region. The table has the mean "
        "number of neurons that differ.",
        f'<div class="pair"><figure>{chart}</figure>'
        + html.table(("layer", "neurons", "near pairs", "far pairs"), [*html.shortened(rows), total])
        + "</div>",
    )


def _classes(survey: Survey) -> str:
    facts = survey.classes
    names = ["≤ 0", "> 0"] if facts.rule == "sign" else [str(k) for k in range(len(facts.counts))]
    total = sum(facts.counts)
    order = (
        sorted(range(len(names)), key=lambda k: -facts.counts[k])
        if len(names) > html.ROWS
        else range(len(names))
    )
    rows = []
    for k in order:
        share = 100 * facts.counts[k] / total
        bar = f'<div class="bar" aria-hidden="true"><i class="always" style="width:{share:.2f}%"></i></div>'
        rows.append((names[k], f"{facts.counts[k]:,}", f"{share:.1f} %", bar))
    text = {
        "sign": "How many points have a positive output.",
        "argmax": "The class of a point is its largest output; the first one wins a tie.",
        "argmin": "The class of a point is its lowest output; the first one wins a tie.",
    }[facts.rule]
    head = ("output" if facts.rule == "sign" else "class", "points", "share", "")
    return html.section("Classes", text, html.table(head, html.shortened(rows), "full"))


def _points(survey: Survey) -> str:
    facts = survey.points
    kind = {
        "sobol": f"The first {facts.count:,} points of the Sobol sequence, which fill {facts.origin} evenly.",
        "data": f"{facts.count:,} points of {facts.origin}; the box is their bounding box.",
    }[facts.kind]
    note = f" {facts.note[0].upper()}{facts.note[1:]}." if facts.note else ""
    rows = [(str(k), html.number(low), html.number(high)) for k, (low, high) in enumerate(facts.box)]
    return html.section(
        "Points", escape(kind + note), html.table(("input", "from", "to"), html.shortened(rows))
    )


def _network(survey: Survey) -> str:
    net = survey.network
    rows = [
        ("file", escape(net.file or "none")),
        ("inputs", f"{net.inputs:,}"),
        ("outputs", f"{net.outputs:,}"),
        ("neurons", f"{net.neurons:,}"),
        ("parameters", f"{net.parameters:,}"),
        ("precision", net.dtype),
        ("layers", escape(" → ".join(net.layers))),
    ]
    return html.section("Network", "", html.facts(rows))


def _times(survey: Survey) -> str:
    names = {
        "load": "loading the network",
        "sample": "making the points",
        "propagate": "values and patterns of the points",
        "count": "counting",
        "pairs": "near and far pairs",
        "margins": "margins",
        "picture": "the picture's regions",
    }
    machine = survey.environment
    seconds = [(names[stage], f"{value:.3f} s") for stage, value in survey.seconds.items()]
    where = [
        ("processor", escape(f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['threads']} threads used")),
        ("instruction set", escape(machine["isa"])),
        ("system", escape(machine["platform"])),
        (
            "versions",
            escape(f"facetry {machine['facetry']}, Python {machine['python']}, NumPy {machine['numpy']}"),
        ),
        ("seed", str(survey.seed)),
    ]
    return html.section(
        "Times",
        f"{survey.points_per_second:,.0f} points a second were made, propagated and counted.",
        f'<div class="pair">{html.table(("stage", "time"), seconds)}{html.facts(where)}</div>',
    )
