"""The charts of a report as inline SVG, whose colours are variables of the page: light, dark and print."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours drawn with, and what they become: no chart may use them for anything else.
_THEME = {
    "#010203": "var(--ink)",
    "#010204": "var(--near)",
    "#010205": "var(--far)",
    "#010206": "var(--rule)",
}

_METADATA = ("Creator", "Date", "Format", "Type")
_TIDY = (
    (r"<defs>\s*<style.*?</style>\s*</defs>", ""),  # it would apply to the whole page
    (r"<g id=\"[^\"]*\"", "<g"),  # the same in every chart
    (r"font-family: [^;\"]*", "font-family: inherit"),
    (r"font: ([\d.]+px) [^;\"]*", r"font-size: \1"),  # how matplotlib 3.8 writes it
    (r'(<svg [^>]*?) width="[^"]*"', r"\1"),
    (r'(<svg [^>]*?) height="[^"]*"', r"\1"),
)


def require_matplotlib() -> None:
    """Raise ImportError, saying what to install, where there is no matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError("the report needs matplotlib: pip install 'facetry[survey]'") from error


def svg(draw: Callable[[Axes], object], alt: str, width: float = 4.6, height: float = 3.1) -> str:
    """Draw into axes of so many inches; gives an <svg> element that scales with the page."""
    require_matplotlib()
    import matplotlib as mpl
    from cycler import cycler
    from matplotlib.figure import Figure

    ink, near, far, rule = _THEME
    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": alt,
        "font.size": 10,
        "font.family": "sans-serif",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=[near, far]),
        "grid.color": rule,
        "figure.dpi": 72,
        "savefig.dpi": 200,
        **dict.fromkeys(
            ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), ink
        ),
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata=dict.fromkeys(_METADATA))
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for colour, variable in _THEME.items():
        text = text.replace(colour, variable)
    for pattern, replacement in _TIDY:
        text = re.sub(pattern, replacement, text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
