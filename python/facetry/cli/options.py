"""What the values of options mean: a wrong spelling raises UsageError, an unfit file ValueError."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import typer

from ..survey import PlaneChoice

Choice = TypeVar("Choice", bound=str)

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def read_box(text: str, inputs: int) -> npt.NDArray[np.float64]:
    """Read ``LO,HI``, the same for every input, or a .npy file of an (inputs, 2) array."""
    numbers = _numbers(text, float)
    if numbers is not None and len(numbers) == 2:
        return np.tile(np.array(numbers), (inputs, 1))
    if not text.endswith(".npy"):
        raise typer.BadParameter(f"{text!r} is neither LO,HI nor a .npy file", param_hint="--box")
    return np.asarray(_load(Path(text)), dtype=np.float64)


def read_data(text: str, inputs: int) -> tuple[npt.NDArray[Any], str]:
    """Read ``FILE`` or ``FILE:ARRAY``, a .npy or .npz file; gives the array and what to call it.

    Where no array of a .npz file is named, exactly one of them has to fit the network.
    """
    path, wanted = Path(text), ""
    if not path.exists() and ":" in text:
        before, _, wanted = text.rpartition(":")
        path = Path(before)
    found = _load(path)
    if isinstance(found, np.ndarray):
        if wanted:
            raise ValueError(f"{path} holds a single array: leave out :{wanted}")
        return found, path.name
    if wanted:
        if wanted not in found:
            raise ValueError(f"{path} has no array {wanted!r}, it has {', '.join(found)}")
        return found[wanted], f"{path.name}:{wanted}"
    fitting = [name for name, array in found.items() if array.ndim > 1 and np.prod(array.shape[1:]) == inputs]
    if len(fitting) != 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in found.items())
        raise ValueError(
            f"{len(fitting)} arrays of {path} fit {inputs} inputs, of {shapes}: name one as {path}:ARRAY"
        )
    return found[fitting[0]], f"{path.name}:{fitting[0]}"


def read_plane(text: str | None) -> PlaneChoice:
    """Read ``random``, ``I,J`` (inputs) or ``A,B,C`` (data points)."""
    if text is None or text == "random":
        return text  # type: ignore[return-value]
    numbers = _numbers(text, int)
    if numbers is None or len(numbers) not in (2, 3):
        raise typer.BadParameter(
            f"{text!r} is neither random nor two inputs I,J nor three data points A,B,C", param_hint="--plane"
        )
    return tuple(numbers)


def read_choice(text: str, option: str, choices: tuple[Choice, ...]) -> Choice:
    """Read one of a few words."""
    for choice in choices:
        if text == choice:
            return choice
    raise typer.BadParameter(f"{text!r} is not one of {', '.join(choices)}", param_hint=option)


def read_bytes(text: str) -> int:
    """Read a number of bytes such as ``500M`` or ``2G``, in powers of 1024."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if not match:
        raise typer.BadParameter(f"{text!r} is not a size such as 500M or 2G", param_hint="--max-memory")
    return int(float(match[1]) * _UNITS[match[2]])


def _numbers(text: str, kind: type) -> list[Any] | None:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        return None


def _load(path: Path) -> npt.NDArray[Any] | dict[str, npt.NDArray[Any]]:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            return {name: found[name] for name in found.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a .npy or .npz file of numbers ({error})") from None
