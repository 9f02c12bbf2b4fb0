"""What a measured time needs beside it: versions, processor, instruction set and threads."""

from __future__ import annotations

import os
import platform
from typing import Any

import numpy as np

from .. import _core


def environment() -> dict[str, Any]:
    """Give versions, processor, instruction set and threads, by name."""
    from .. import __version__

    return {
        "facetry": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "isa": _core.isa(),
        "threads": _core.num_threads(),
    }


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
