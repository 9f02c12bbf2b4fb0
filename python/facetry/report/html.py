"""Pieces of HTML and of plain English for the page."""

from __future__ import annotations

from collections.abc import Sequence

ROWS = 20
"""Of a table, before the rest is summed up."""


def section(title: str, text: str, body: str) -> str:
    """Give a section with a heading and, unless it is empty, a paragraph."""
    paragraph = f"<p>{text}</p>\n" if text else ""
    return f"<section>\n<h2>{title}</h2>\n{paragraph}{body}\n</section>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """Give a table with a row of headings; the first column is text, the others are numbers."""
    kind = f' class="{kind}"' if kind else ""
    top = "".join(f"<th scope='col'>{name}</th>" for name in head)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    rows_of = f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return f'<div class="scroll"><table{kind}>{rows_of}</table></div>'


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Give a table of names and values."""
    body = "\n".join(
        f"<tr><th scope='row' class='text'>{name}</th><td class='text wrap'>{value}</td></tr>"
        for name, value in rows
    )
    return f"<table><tbody>\n{body}\n</tbody></table>"


def shortened(rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Keep the first rows and say how many are left out."""
    if len(rows) <= ROWS:
        return rows
    rest = (f"… {len(rows) - ROWS:,} more", *[""] * (len(rows[0]) - 1))
    return [*rows[:ROWS], rest]


def plural(count: int, noun: str) -> str:
    """Give a noun, in the plural unless there is one."""
    return noun if count == 1 else noun + "s"


def count(count: int, noun: str) -> str:
    """Give a number with its noun."""
    return f"{count:,} {plural(count, noun)}"


def are(count: int) -> str:
    """Give the verb for a number."""
    return "is" if count == 1 else "are"


def mean(value: float) -> str:
    """Give a mean with about two significant digits."""
    return f"{value:,.1f}" if value >= 10 else f"{value:.2g}"


def short(value: float) -> str:
    """Give a number with three digits and a unit prefix."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.0f}"


def number(value: float) -> str:
    """Give six digits, with a minus sign that is as wide as a digit."""
    return f"{value:g}".replace("-", "−")


def scientific(value: float) -> str:
    """Give three digits, in powers of ten where it is below a thousandth or a hundred thousand and more."""
    if value == 0 or 1e-3 <= value < 1e5:
        return f"{value:.3g}"
    digits, exponent = f"{value:.2e}".split("e")
    return f"{digits} × 10<sup>{int(exponent)}</sup>".replace("-", "−")
