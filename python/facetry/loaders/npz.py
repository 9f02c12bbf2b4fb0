"""facetry's own file: an uncompressed .npz of the layers' arrays, and one text that says what they are.

``numpy.load`` opens it, but it is read here by a stricter reader: no pickles, no compression, no header that
numpy would not have written, every array exactly as long as its shape says.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import os
import re
import secrets
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UnsupportedLayer
from ..layers import LAYERS, Layer
from ..network import BaseNetwork, Network
from ._chain import Budget

_FORMAT = "facetry network 1"
_SHAPE = rb"\((|[0-9]+,|[0-9]+(?:, [0-9]+)+)\)"
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(?s:..)"
    rb"\{'descr': '(<f4|<f8|\|u1)', 'fortran_order': False, 'shape': " + _SHAPE + rb", \} *\n"
)
_CORRUPT = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, struct.error, OverflowError)

Array = npt.NDArray[Any]


def save_npz(net: BaseNetwork, path: str | os.PathLike[str]) -> None:
    """Write a network; see :meth:`facetry.Network.save`."""
    target = Path(path)
    if target.suffix.lower() != ".npz":
        raise ValueError(f"{target}: the suffix must be .npz")
    arrays: dict[str, Array] = {}
    layers = []
    for index, layer in enumerate(net.layers):
        settings: dict[str, Any] = {"kind": type(layer).__name__}
        if LAYERS.get(settings["kind"]) is not type(layer):
            raise ValueError(f"layers[{index}] is a {settings['kind']}, which is not in facetry.LAYERS")
        for name, value in layer.parameters().items():
            if isinstance(value, np.ndarray):
                arrays[f"{index}.{name}"] = value.astype(value.dtype.newbyteorder("<"))
            else:
                settings[name] = value
        layers.append(settings)
    box = None if net.input_box is None else net.input_box.tolist()
    text = json.dumps({"format": _FORMAT, "input_dim": net.input_dim, "input_box": box, "layers": layers})
    arrays["network"] = np.frombuffer(text.encode(), np.uint8)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with part.open("xb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def parse_npz(data: bytes) -> Network:
    """Read what :func:`save_npz` wrote."""
    arrays = _arrays(data)
    try:
        content = json.loads(arrays.pop("network").tobytes().decode())
        if content["format"] != _FORMAT:
            raise ValueError(f"its format is {content['format']!r}, expected {_FORMAT!r}")
        layers = [_layer(index, dict(given), arrays) for index, given in enumerate(content["layers"])]
        inputs = width = int(content["input_dim"])
        budget = Budget(len(data), inputs)
        for layer in layers:
            width = layer.output_width(width) or width
            budget.spend(width)
        net = Network(layers, input_dim=inputs, input_box=content["input_box"])
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"it does not describe a facetry network: {error!r}") from error
    if arrays:
        raise ValueError(f"the array {next(iter(arrays))!r} belongs to no layer")
    return net


def _layer(index: int, given: dict[str, Any], arrays: dict[str, Array]) -> Layer:
    kind = LAYERS.get(given.pop("kind"))
    if kind is None:
        raise UnsupportedLayer(f"layers[{index}] is of a kind that this version of facetry does not know")
    parameters = {
        field.name: given.pop(field.name) if field.name in given else arrays.pop(f"{index}.{field.name}")
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
    }
    if given:
        raise ValueError(f"layers[{index}] has the unknown setting {next(iter(given))!r}")
    try:
        return kind(**parameters)
    except ValueError as error:
        raise ValueError(f"layers[{index}]: {error}") from None


def _arrays(data: bytes) -> dict[str, Array]:
    """Read all arrays, checking every declared size before anything of that size is made."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise ValueError("it is compressed, which facetry's files are not")
            if sum(entry.file_size for entry in entries) > len(data):
                raise ValueError(f"it declares more than the {len(data)} bytes that it has")
            contents = {entry.filename.removesuffix(".npy"): archive.read(entry) for entry in entries}
    except _CORRUPT as error:
        raise ValueError(f"not an .npz file, or a damaged one: {error}") from error
    if len(contents) != len(entries):
        raise ValueError("it has two arrays of one name")
    return {name: _array(name, content) for name, content in contents.items()}


def _array(name: str, content: bytes) -> Array:
    header = _HEADER.match(content)
    if header is None:
        raise ValueError(f"{name!r} is not an array that facetry wrote")
    dtype = np.dtype(header[1].decode())
    shape = tuple(int(size) for size in header[2].decode().split(",") if size.strip())
    values = content[header.end() :]
    if math.prod(shape) * dtype.itemsize != len(values):
        raise ValueError(f"{name!r} is declared {shape} of {dtype}, but holds {len(values)} bytes")
    return np.frombuffer(values, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
