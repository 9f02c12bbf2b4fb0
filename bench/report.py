"""Run the benchmarks and print their table as Markdown: ``python bench/report.py [-k NAME] [-o FILE]``."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import facetry as ft

FOLDER = Path(__file__).parent
THREADS = 2  # as in conftest.py


def cpu_model() -> str:
    """Name the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def versions() -> str:
    """List the versions of what was compared."""
    found = [f"Python {platform.python_version()}", f"facetry {ft.__version__}"]
    found += [f"{name} {version(name)}" for name in ("numpy", "scipy", "torch") if find_spec(name)]
    return ", ".join(found)


def measure(expression: str) -> list[dict]:
    """Run the benchmarks; give pytest-benchmark's records."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "benchmarks.json"
        command = [sys.executable, "-m", "pytest", str(FOLDER), "-q", f"--benchmark-json={file}"]
        subprocess.run([*command, "--benchmark-quiet", "-k", expression], check=True, stdout=sys.stderr)
        return json.loads(file.read_text(encoding="utf-8"))["benchmarks"]


def table(records: list[dict]) -> str:
    """Write one row a benchmark: medians of both, and the ratio of peer to ours beside the one aimed at."""
    rows = [
        "| work | ISA | facetry ms | peer | peer ms | peer / facetry | at least |",
        "| --- | --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for record in records:
        info = record["extra_info"]
        ours = record["stats"]["median"]
        ratio = info["peer_seconds"] / ours
        rows.append(
            f"| {info['work']} | {info['isa']} | {ours * 1e3:.1f} | {info['peer']} "
            f"| {info['peer_seconds'] * 1e3:.1f} | {ratio:.2f} | {info['at_least']:.2f} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Write the table to standard output or a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="", metavar="EXPRESSION", help="benchmarks to run, as in pytest")
    parser.add_argument("-o", default=None, metavar="FILE", help="where to write, instead of standard output")
    arguments = parser.parse_args()
    records = measure(arguments.k)
    machine = f"{cpu_model()}, widest ISA {ft.available_isas()[0]}, {THREADS} threads"
    text = f"{machine}; {versions()}\n\n{table(records)}\n"
    if arguments.o:
        Path(arguments.o).write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
