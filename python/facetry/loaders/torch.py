"""Torch modules."""

from __future__ import annotations

from typing import Any

from ..network import Network


def convert_module(module: Any, shape: tuple[int, ...], strip_softmax: bool) -> Network:
    raise NotImplementedError
