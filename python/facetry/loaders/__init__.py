"""Networks from files and from torch; input boxes from property files."""

from __future__ import annotations

import os
from typing import Any

import numpy.typing as npt

from ..network import Network


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network from an ``.onnx``, ``.nnet`` or ``.npz`` file."""
    raise NotImplementedError


def from_torch(module: Any, input_shape: tuple[int, ...]) -> Network:
    """Convert a torch module."""
    raise NotImplementedError


def load_vnnlib(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read the input box of a ``.vnnlib`` property."""
    raise NotImplementedError
