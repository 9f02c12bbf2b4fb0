"""What importing facetry loads: numpy and the standard library, never a package of an extra."""

import subprocess
import sys
from importlib import metadata

import pytest

import facetry as ft

FORBIDDEN = ["torch", "onnx", "onnxruntime", "matplotlib", "scipy", "typer", "rich", "click", "cupy"]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_facetry_loads_no_extra():
    code = f"import sys, facetry; print([m for m in {FORBIDDEN} if m in sys.modules])"
    assert run(code) == "[]\n"


def test_computing_loads_no_extra():
    code = f"""
import sys
import facetry as ft
net = ft.Network([ft.Dense([[1.0, -1.0]]), ft.ReLU(), ft.Dense([[2.0]])])
net.count_patterns([[1.0, 2.0], [3.0, 1.0]])
print([m for m in {FORBIDDEN} if m in sys.modules])
"""
    assert run(code) == "[]\n"


def test_importing_facetry_starts_no_thread_and_no_cuda_driver():
    code = """
import os, sys
import numpy
before = len(os.listdir("/proc/self/task"))
import facetry
maps = open("/proc/self/maps").read()
print(len(os.listdir("/proc/self/task")) - before, "libcuda" in maps)
"""
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc, which only Linux has")
    assert run(code) == "0 False\n"


def test_version_is_the_installed_one():
    try:
        installed = metadata.version("facetry")
    except metadata.PackageNotFoundError:
        pytest.skip("facetry is not installed: it runs from its sources")
    assert ft.__version__ == installed
