"""Peers that run in a process of their own: torch (its thread pools stay out of our way) and the FMA peak."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import facetry as ft

FOLDER = Path(__file__).parent

_TORCH_PATTERNS = """
import sys, time, numpy as np, torch
torch.set_num_threads(int(sys.argv[2]))
data = np.load(sys.argv[1])
layers = [torch.from_numpy(data[f"arr_{i}"]) for i in range(len(data.files) - 1)]
layers = list(zip(layers[::2], layers[1::2]))
x = torch.from_numpy(data["x"])

@torch.no_grad()
def patterns():
    parts = []
    for h in x.split(4096):
        signs = []
        for weight, bias in layers:
            z = torch.nn.functional.linear(h, weight, bias)
            signs.append(z > 0)
            h = z.relu_()
        parts.append(torch.cat(signs, 1))
    return torch.cat(parts)

print(torch.__version__, torch.backends.cpu.get_cpu_capability(), flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    result = patterns()
    print(time.perf_counter() - start, result.sum().item(), flush=True)
"""


class TorchPatterns:
    """Patterns by torch: batches of 4096, ``z > 0`` of every hidden layer as booleans, side by side."""

    def __init__(self, net: ft.Network, x: np.ndarray, threads: int, max_isa: str | None = None) -> None:
        environment = dict(os.environ)
        if max_isa:
            environment |= {
                "ATEN_CPU_CAPABILITY": max_isa,
                "ONEDNN_MAX_CPU_ISA": max_isa.upper(),
                "MKL_ENABLE_INSTRUCTIONS": max_isa.upper(),
            }
        dense = [layer for layer in net.layers if isinstance(layer, ft.Dense)][:-1]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "work.npz"
            np.savez(file, *[array for layer in dense for array in (layer.weight, layer.bias)], x=x)
            self._process = subprocess.Popen(
                [sys.executable, "-c", _TORCH_PATTERNS, str(file), str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            self.name = f"torch {self._process.stdout.readline().strip()}"
        self.active = 0

    def __call__(self) -> float:
        """Run once; give the seconds it took."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        seconds, active = self._process.stdout.readline().split()
        self.active = int(active)
        return float(seconds)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@functools.cache
def _peak_program(isa: str) -> str:
    flags = {"avx512": ["-mavx512f", "-mavx2", "-mfma"], "avx2": ["-mavx2", "-mfma"]}[isa]
    program = Path(tempfile.mkdtemp()) / f"peak_{isa}"
    compiler = os.environ.get("CXX", "c++")
    command = [
        compiler,
        "-O3",
        "-std=c++20",
        *flags,
        "-pthread",
        str(FOLDER / "peak.cpp"),
        "-o",
        str(program),
    ]
    subprocess.run(command, check=True)
    return str(program)


def seconds_at_peak(isa: str, threads: int, flops: float) -> float:
    """Give the time that so many float32 operations take at the FMA peak, measured now (bench/peak.cpp)."""
    output = subprocess.run(
        [_peak_program(isa), str(threads)], check=True, capture_output=True, text=True
    ).stdout
    return flops / (float(output) * 1e9)
