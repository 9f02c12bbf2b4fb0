"""Margins as they are computed in torch today, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import facetry as ft

_TORCH_MARGINS = """
import sys, time, numpy as np, torch
from torch.func import jacrev, vmap
file, threads, method, order = sys.argv[1:]
torch.set_num_threads(int(threads))
order = float(order)
data = np.load(file)
arrays = [torch.from_numpy(data[f"arr_{i}"]) for i in range(len(data.files) - 1)]
layers = list(zip(arrays[::2], arrays[1::2]))
x = torch.from_numpy(data["x"])
linear = torch.nn.functional.linear

def hidden(h):
    parts = []
    for weight, bias in layers:
        parts.append(linear(h, weight, bias))
        h = parts[-1].relu()
    return torch.cat(parts, -1)

@torch.no_grad()
def masked():
    "J = W D J by batched products, a few points at a time where the network is deep."
    distances = []
    for points in x.split(100 if len(layers) < 6 else 10):
        z = hidden(points)
        masks = (z > 0).float().split([len(bias) for _, bias in layers], 1)
        jacobian, norms = layers[0][0].unsqueeze(0), []
        for k, (weight, _) in enumerate(layers):
            if k:
                jacobian = torch.matmul(weight, masks[k - 1].unsqueeze(2) * jacobian)
            norms.append(torch.linalg.vector_norm(jacobian, order, dim=2).expand(len(points), -1))
        distances.append(z.abs() / torch.cat(norms, 1))
    return torch.cat(distances)

@torch.no_grad()
def roll():
    "The perturbation of Lee et al. 2019: zero and the unit vectors through the frozen network, in one batch."
    z = hidden(x)
    masks = (z > 0).float().split([len(bias) for _, bias in layers], 1)
    inputs = x.shape[1]
    h = torch.cat([torch.zeros(1, inputs), torch.eye(inputs)]).repeat(len(x), 1)
    norms = []
    for k, (weight, bias) in enumerate(layers):
        h = linear(h, weight, bias).view(len(x), inputs + 1, -1)
        norms.append(torch.linalg.vector_norm(h[:, 1:] - h[:, :1], order, dim=1))
        h = (h * masks[k].unsqueeze(1)).view(-1, h.shape[-1])
    return z.abs() / torch.cat(norms, 1)

def func():
    "torch.func.vmap(jacrev), ten points at a time."
    jacobian = vmap(jacrev(hidden), chunk_size=10)(x)
    return (hidden(x).abs() / torch.linalg.vector_norm(jacobian, order, dim=2)).detach()

run = dict(masked=masked, roll=roll, func=func)[method]
print(torch.__version__, flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    result = run()
    least = result.min(1).values
    seconds = time.perf_counter() - start
    np.save(file + ".npy", result.numpy())
    print(seconds, flush=True)
"""


_NAMES = {"masked": "masked GEMM in torch", "roll": "ROLL in torch", "func": "torch.func vmap(jacrev)"}


class TorchMargins:
    """Distances to all walls and their minimum; ``method`` is masked (products by hand), roll or func."""

    def __init__(self, net: ft.Network, x: np.ndarray, threads: int, method: str, p: float) -> None:
        dual = {1: np.inf, 2: 2, np.inf: 1}[p]
        dense = [layer for layer in net.layers if isinstance(layer, ft.Dense)][:-1]
        self._folder = tempfile.TemporaryDirectory()
        self._file = Path(self._folder.name) / "work.npz"
        np.savez(self._file, *[array for layer in dense for array in (layer.weight, layer.bias)], x=x)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TORCH_MARGINS, str(self._file), str(threads), method, str(dual)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.name = f"{_NAMES[method]} {self._process.stdout.readline().strip()}"

    def __call__(self) -> float:
        """Run once; give the seconds it took."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def distances(self) -> np.ndarray:
        """Give the distances of the last run, (points, neurons)."""
        return np.load(str(self._file) + ".npy")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._folder.cleanup()
