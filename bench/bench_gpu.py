"""The speed of facetry on a CUDA device, as a Markdown table: ``python bench/bench_gpu.py --peak PROGRAM``.

Inputs are larger than the second-level cache; times are medians, by CUDA events where torch is there. The
peer computes on the same device, in the chunk of rows that suits it best. Every result is compared first.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
from networks import network

import facetry as ft

torch = None  # imported by main, if it is there: pytest imports this file too

REPEATS = 9


def seconds(work) -> float:
    """Median time of a call, which waits for the device itself or is timed by events."""
    times = []
    for i in range(REPEATS + 2):
        if torch is None:
            begin = time.perf_counter()
            work()
            elapsed = time.perf_counter() - begin
        else:
            events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
            torch.cuda.synchronize()
            events[0].record()
            work()
            events[1].record()
            torch.cuda.synchronize()
            elapsed = events[0].elapsed_time(events[1]) / 1e3
        if i >= 2:
            times.append(elapsed)
    return statistics.median(times)


class TorchPatterns:
    """``z > 0`` of every hidden layer with torch, chunk by chunk of rows."""

    def __init__(self, net, x):
        dense = [layer for layer in net.layers if isinstance(layer, ft.Dense)][:-1]
        self.layers = [(torch.tensor(d.weight).cuda().T, torch.tensor(d.bias).cuda()) for d in dense]
        self.x = x

    def __call__(self, chunk):
        found = []
        with torch.inference_mode():
            for a in self.x.split(chunk):
                for weight, bias in self.layers:
                    z = torch.addmm(bias, a, weight)
                    found.append(z > 0)
                    a = z.relu_()
                del z, a
                if chunk < len(self.x):
                    found.clear()  # as a caller does who packs or counts them
        return found

    def best_seconds(self):
        return min(seconds(lambda chunk=chunk: self(chunk)) for chunk in (2**16, 2**18, 2**20))


def patterns(rows, widths, peak):
    """Time the patterns of uniform points; give the rows of the table."""
    net = network(widths)
    on_device = net.to("cuda")
    if torch is None:
        x = np.random.default_rng(1).random((rows, widths[0]), dtype=np.float32)
        few, got = x[:5000], on_device.patterns(x[:5000])
    else:
        x = torch.rand(rows, widths[0], device="cuda", generator=torch.Generator("cuda").manual_seed(1))
        few, got = x[:5000].cpu().numpy(), on_device.patterns(x[:5000]).cpu()
    assert got == net.patterns(few), "the device's patterns differ from the CPU's"
    ours = seconds(lambda: on_device.patterns(x))
    work = f"patterns, {rows:,} x {'-'.join(map(str, widths))} float32"
    flops = 2.0 * rows * sum(a * b for a, b in pairwise(widths[:-1]))
    share = flops / ours / peak["fma_flops"]
    if torch is None:
        return [(work + ", from and to the host", ours, "FMA peak", share, None)]
    peer = TorchPatterns(net, x)
    theirs = peer.best_seconds()
    aim = {784: (1.1, 0.45), 2: (4.0, None)}[widths[0]]
    return [(work, ours, "torch, TF32 off", theirs / ours, aim[0]), (work, ours, "FMA peak", share, aim[1])]


def points(name, n, d, peak, aim, **options):
    """Time points written on the device; give the row of the table."""
    make = getattr(ft, name)
    few = make(1000, d, skip=12345, dtype="float32", seed=7, device="cuda", **options).cpu()
    np.testing.assert_array_equal(few, make(1000, d, skip=12345, dtype="float32", seed=7, **options))
    out = ft.cuda.DeviceArray([n, d], "float32", 0)
    ours = seconds(lambda: make(n, d, dtype="float32", seed=7, out=out, **options))
    share = 4.0 * n * d / ours / peak["fill_bytes_per_second"]
    kind = ", ".join([name.capitalize(), *options.values()])
    return [(f"{kind}, {n:,} x {d} float32", ours, "memset", share, aim)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peak", required=True, help="the program built from peak_gpu.cu")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the rows: does it run at all?")
    arguments = parser.parse_args()
    if not ft.cuda.is_available():
        sys.exit(f"no CUDA device: {ft.cuda.why_not()}")
    peak = json.loads(subprocess.run([arguments.peak], capture_output=True, text=True, check=True).stdout)
    if find_spec("torch"):
        global torch
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
    less = 100 if arguments.quick else 1
    rows = patterns(10**6 // less, [784, 256, 256, 10], peak)
    rows += patterns(10**8 // less, [2, 64, 64, 64, 1], peak)
    rows += points("sobol", 2**26 // less, 64, peak, 0.65)
    rows += points("sobol", 2**26 // less, 64, peak, None, scramble="owen")
    rows += points("halton", 2**24 // less, 64, peak, 0.40)
    rows += points("halton", 2**22 // less, 64, peak, None, scramble="owen")
    versions = f"Python {platform.python_version()}, facetry {ft.__version__}"
    print(f"{peak['name']}, {datetime.date.today()}, {versions}")
    print(f"torch {torch.__version__}" if torch else "no torch: times by the host's clock")
    print(
        f"measured: {peak['fma_flops'] / 1e12:.1f} TFLOP/s float32 FMA, "
        f"{peak['fill_bytes_per_second'] / 1e12:.2f} TB/s memset\n"
    )
    print("| work | facetry ms | against | ratio | at least |\n| --- | ---: | --- | ---: | ---: |")
    for work, ours, against, ratio, aim in rows:
        print(f"| {work} | {ours * 1e3:.2f} | {against} | {ratio:.2f} | {'' if aim is None else aim} |")


if __name__ == "__main__":
    main()
