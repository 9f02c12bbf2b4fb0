"""Gradients and slopes as they are computed in torch today, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import facetry as ft

_TORCH_JACOBIANS = """
import sys, time, numpy as np, torch
from torch.func import jacrev, vmap
file, threads, method = sys.argv[1:]
torch.set_num_threads(int(threads))
data = np.load(file)
arrays = [torch.from_numpy(data[f"arr_{i}"]) for i in range(len(data.files) - 1)]
layers = list(zip(arrays[::2], arrays[1::2]))
x = torch.from_numpy(data["x"])
linear = torch.nn.functional.linear

def outputs(h):
    for weight, bias in layers[:-1]:
        h = linear(h, weight, bias).relu()
    return linear(h, *layers[-1])

@torch.no_grad()
def gradients():
    "J = W D J by batched products, into one tensor that is kept."
    h, jacobian, row = x, None, 0
    for weight, bias in layers[:-1]:
        end = row + len(bias)
        if jacobian is None:
            kept[:, row:end] = weight
            jacobian = weight.unsqueeze(0)
        else:
            jacobian = torch.matmul(weight, mask * jacobian)
            kept[:, row:end] = jacobian
        z = linear(h, weight, bias)
        mask, h, row = (z > 0).float().unsqueeze(2), z.relu(), end
    return kept

def slopes():
    "Singular values of torch.func.vmap(jacrev)."
    return torch.linalg.svdvals(vmap(jacrev(outputs), chunk_size=100)(x).detach())[:, 0]

def svd():
    "The same by the full torch.linalg.svd."
    return torch.linalg.svd(vmap(jacrev(outputs), chunk_size=100)(x).detach(), full_matrices=False).S[:, 0]

if method == "gradients":
    kept = torch.empty(len(x), sum(len(bias) for _, bias in layers[:-1]), x.shape[1])
run = dict(gradients=gradients, slopes=slopes, svd=svd)[method]
print(torch.__version__, flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - start
    np.save(file + ".npy", result.numpy())
    print(seconds, flush=True)
"""

_NAMES = {
    "gradients": "masked GEMM in torch",
    "slopes": "torch.linalg.svdvals of vmap(jacrev)",
    "svd": "torch.linalg.svd of vmap(jacrev)",
}


class TorchJacobians:
    """Gradients of all neurons (``"gradients"``), or largest singular values (``"slopes"``, ``"svd"``)."""

    def __init__(self, net: ft.Network, x: np.ndarray, threads: int, method: str) -> None:
        dense = [layer for layer in net.layers if isinstance(layer, ft.Dense)]
        self._folder = tempfile.TemporaryDirectory()
        self._file = Path(self._folder.name) / "work.npz"
        np.savez(self._file, *[array for layer in dense for array in (layer.weight, layer.bias)], x=x)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TORCH_JACOBIANS, str(self._file), str(threads), method],
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

    def result(self) -> np.ndarray:
        """Give what the last run computed."""
        return np.load(str(self._file) + ".npy")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._folder.cleanup()
