"""What a report must be: whole, valid, self-contained, and equal to its survey."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from facetry.survey import Survey


class Page(HTMLParser):
    """Collects what the page refers to, and checks that elements are closed in order."""

    VOID = ("meta", "br", "img", "link", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.charts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        names = dict(attrs)
        self.references += [names[key] or "" for key in ("href", "src", "xlink:href") if key in names]
        if tag == "svg":
            self.charts += 1
            assert names["role"] == "img"
            assert names["aria-label"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_page(path: Path, seen: Survey) -> None:
    text = path.read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert all(ref.startswith(("#", "data:image/png;base64,")) for ref in page.references)
    assert re.findall(r"url\((?!#)|@import|<script|<link", text) == []
    assert len(re.findall(r"\bnan\b", text, flags=re.IGNORECASE)) == 0
    has_histogram = seen.margins is not None and bool(seen.margins.edges)
    assert page.charts == (seen.picture is not None) + 1 + 2 * bool(seen.layers) + has_histogram
    numbers = json.loads(
        (path.parent / "survey.json").read_text(encoding="utf-8"), parse_constant=pytest.fail
    )
    assert numbers == json.loads(seen.to_json())
