"""Reports of surveys: a self-contained HTML page and its numbers as JSON."""

from __future__ import annotations

import os
from pathlib import Path

from ..survey import Survey
from .files import check_writable, write_files

PAGE, NUMBERS = "index.html", "survey.json"


def write_report(survey: Survey, folder: str | os.PathLike[str]) -> Path:
    """Write ``index.html`` (opens offline) and ``survey.json`` into a folder, made where it is missing.

    Both are written whole or not at all; files of these names are replaced. Needs matplotlib.

    Returns
    -------
    Path of ``index.html``

    Examples
    --------
    >>> import tempfile
    >>> import facetry as ft
    >>> from facetry.report import write_report
    >>> from facetry.survey import survey
    >>> net = ft.Network([ft.Dense([[1.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0]])])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(survey(net, 64, box=[[-1, 1], [-1, 1]]), folder).name
    'index.html'

    """
    write_files(report_files(survey, folder))
    return Path(folder) / PAGE


def report_files(survey: Survey, folder: str | os.PathLike[str]) -> dict[Path, str]:
    """Give the files that :func:`write_report` writes, and their text."""
    from .page import render

    place = Path(folder)
    return {place / NUMBERS: survey.to_json(), place / PAGE: render(survey)}


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Raise ImportError or OSError, in one line, where :func:`write_report` would; leaves nothing behind."""
    from .charts import require_matplotlib

    require_matplotlib()
    check_writable([Path(folder) / NUMBERS, Path(folder) / PAGE])
