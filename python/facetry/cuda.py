"""Which CUDA device can be used, and why not. Nothing is probed before one of these is called."""

from __future__ import annotations

from . import _core


def is_available() -> bool:
    """Tell whether work can run on a CUDA device."""
    return not _core.cuda_why_not()


def why_not() -> str:
    """Say why no CUDA device can be used; the empty string where one can."""
    return _core.cuda_why_not()


def device_count() -> int:
    """Count the CUDA devices; 0 without a driver."""
    return _core.cuda_device_count()


def device_name(device: int = 0) -> str:
    """Name a CUDA device; RuntimeError, saying why, where there is none."""
    return _core.cuda_device_name(device)
