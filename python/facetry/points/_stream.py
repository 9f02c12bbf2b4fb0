"""What the streams of points share: where they are, where points are made, and their arguments."""

from __future__ import annotations

import operator
import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._arrays import FloatArray, result_array
from .._device import device_index, on_device, parse_device

if TYPE_CHECKING:
    from typing_extensions import Self


class Stream:
    """What the streams of points have in common."""

    MAXDIM = 21_201
    """Dimensions, at most."""
    d: int
    dtype: np.dtype[Any]
    seed: int
    num_generated: int
    device: str | None
    """Where points are made; None: where ``out`` is."""

    def __init__(self, d: int, seed: int | None, dtype: npt.DTypeLike, device: str | None) -> None:
        self.d = integer("d", d, 1, self.MAXDIM)
        self.dtype = float_dtype(dtype)
        self.seed = seed_or_fresh(seed)
        self.num_generated = 0
        self.device = device
        self._cuda = None if device is None else parse_device(device)

    def random(self, n: int = 1, *, out: FloatArray | None = None) -> FloatArray:
        """Give the next n points, (n, d)."""
        points = self.points(self.num_generated, n, out)
        self.num_generated += len(points)
        return points

    def fast_forward(self, n: int) -> Self:
        """Leave out the next n points."""
        self.num_generated += integer("n", n, 0)
        return self

    def reset(self) -> Self:
        """Start again with the first point, with the same scrambling."""
        self.num_generated = 0
        return self

    def points(self, skip: int, n: int, out: FloatArray | None = None) -> FloatArray:
        """Give points ``skip`` to ``skip + n - 1``, (n, d), wherever the stream is."""
        skip, n = integer("skip", skip, 0), integer("n", n, 0)
        self._check_range(skip, n)
        cuda = device_index(out) if self.device is None else self._cuda
        if cuda is not None:
            generate = partial(self._generate_on_device, skip)
            return on_device(cuda, (n, self.d), self.dtype, out, generate)
        result = result_array((n, self.d), self.dtype, f"an array of {n} points in {self.d} dimensions", out)
        self._generate(skip, result)
        return result

    def _check_range(self, skip: int, n: int) -> None:
        raise NotImplementedError

    def _generate(self, skip: int, out: FloatArray) -> None:
        raise NotImplementedError

    def _generate_on_device(self, skip: int, out: _core.DeviceView, stream: int) -> None:
        raise NotImplementedError


def integer(name: str, value: int, low: int, high: int | None = None) -> int:
    number = operator.index(value)
    if number < low or (high is not None and number > high):
        span = f"{low} or more" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be {span}, is {number}")
    return number


def float_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    result = np.dtype(dtype)
    if result not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, is {result}")
    return result


def seed_or_fresh(seed: int | None) -> int:
    return int.from_bytes(os.urandom(8), "little") if seed is None else integer("seed", seed, 0, 2**64 - 1)


def scramble_name(scramble: str | bool | None) -> str:
    if isinstance(scramble, bool) or scramble is None:
        return "owen" if scramble else "none"
    if not isinstance(scramble, str):
        raise TypeError(f"scramble must be a string, True, False or None, is {scramble!r}")
    return scramble
