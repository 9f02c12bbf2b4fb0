"""Marks of tests that need a CUDA device, or that there is none."""

import pytest

import facetry as ft


def on_gpu(test):
    """Mark a test that needs a device; it is skipped, saying why, where there is none."""
    skip = pytest.mark.skipif(not ft.cuda.is_available(), reason=f"no CUDA device: {ft.cuda.why_not()}")
    return pytest.mark.gpu(skip(test))


without_gpu = pytest.mark.skipif(ft.cuda.is_available(), reason="there is a CUDA device")
