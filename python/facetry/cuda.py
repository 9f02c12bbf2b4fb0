"""Which CUDA device can be used, and why not; arrays and patterns on one.

Nothing is probed before one of these is called.
"""

from __future__ import annotations

from . import _core
from ._core import DeviceArray
from ._device import DevicePatterns

__all__ = ["DeviceArray", "DevicePatterns", "device_count", "device_name", "is_available", "why_not"]


def is_available() -> bool:
    """Tell whether work can run on a CUDA device.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.cuda.is_available() == (ft.cuda.device_count() > 0)
    True

    """
    return not _core.cuda_why_not()


def why_not() -> str:
    """Say why no CUDA device can be used; the empty string where one can.

    Examples
    --------
    >>> import facetry as ft
    >>> (ft.cuda.why_not() == "") == ft.cuda.is_available()
    True

    """
    return _core.cuda_why_not()


def device_count() -> int:
    """Count the CUDA devices; 0 without a driver.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.cuda.device_count() >= 0
    True

    """
    return _core.cuda_device_count()


def device_name(device: int = 0) -> str:
    """Name a CUDA device; RuntimeError, saying why, where there is none.

    Examples
    --------
    >>> import facetry as ft
    >>> names = [ft.cuda.device_name(i) for i in range(ft.cuda.device_count())]

    """
    return _core.cuda_device_name(device)
