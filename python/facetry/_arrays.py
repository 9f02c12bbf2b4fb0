"""Arrays at the border: what callers may pass, and how results are allocated.

Nothing is cast behind the caller's back: a conversion happens only where every value of the source type is
exact in the target type.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
_DLPACK_CPU = 1
_ALWAYS_FITS = 2**26  # asking for the limit takes 6 us, half of a small call


def numpy_array(name: str, value: object) -> npt.NDArray[Any]:
    """Give ``value`` as a NumPy array, without a copy where it is in host memory already."""
    device = getattr(value, "__dlpack_device__", None)
    if device is not None and not isinstance(value, np.ndarray):
        if int(device()[0]) != _DLPACK_CPU:
            raise TypeError(f"{name} is on a CUDA device and the network is on the CPU: use net.to('cuda')")
        if not hasattr(value, "__array__"):
            value = np.from_dlpack(value)  # type: ignore[arg-type]
    array = np.asarray(value)
    if array.dtype == object:
        raise TypeError(f"{name} must hold numbers, holds Python objects (dtype object)")
    return array


def is_exact(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Tell whether every value of ``source`` is a value of ``target``."""
    if source.kind in "iu":
        return bool(source.itemsize * 8 <= np.finfo(target).nmant + 1)
    return source.kind in "bf" and bool(np.can_cast(source, target, "safe"))


def as_points(x: object, width: int, dtype: np.dtype[Any], name: str = "x") -> FloatArray:
    """Coerce points to a C-contiguous (n, width) array of ``dtype``.

    Raises
    ------
    TypeError
        Where a conversion could change a value: float64 or int64 points for a float32 network, say.
    ValueError
        For a shape other than (n, width), or (n, C, H, W) with width = C * H * W.

    """
    scalars = not hasattr(x, "dtype") and not hasattr(x, "__dlpack__")
    array = numpy_array(name, x)
    if scalars and array.dtype.kind in "fiub":  # a list of Python numbers has no precision of its own
        array = array.astype(dtype)
    if not is_exact(array.dtype, dtype):
        raise TypeError(
            f"{name} has dtype {array.dtype}, which is not exact in the network's {dtype}: "
            f"convert it with .astype({str(dtype)!r}), or the network with net.astype('float64')"
        )
    if array.ndim < 2 or math.prod(array.shape[1:]) != width:
        hint = f"; for one point pass {name}[None]" if array.shape == (width,) else ""
        raise ValueError(f"{name} has shape {array.shape}, expected (n, {width}){hint}")
    if array.dtype != dtype or not array.flags.c_contiguous:
        require_memory(array.size * dtype.itemsize, f"a C-contiguous {dtype} copy of {name}")
    return np.ascontiguousarray(array.reshape(array.shape[0], width), dtype=dtype)


def as_parameter(name: str, value: object, ndim: int) -> FloatArray:
    """Copy weights to a read-only float32 or float64 array; float16 becomes float32, integers float64."""
    array = numpy_array(name, value)
    if array.ndim != ndim:
        raise ValueError(f"{name} has shape {array.shape}, expected {ndim} dimensions")
    if array.dtype.kind in "iub":
        converted = array.astype(np.float64)
        if array.dtype.itemsize == 8 and not np.array_equal(converted.astype(array.dtype), array):
            raise ValueError(f"{name} holds integers that are not exact in float64")
    elif array.dtype in (np.float16, np.float32, np.float64):
        converted = array.astype(np.float64 if array.dtype == np.float64 else np.float32)
    else:
        raise TypeError(f"{name} has dtype {array.dtype}, expected float32 or float64")
    finite = np.isfinite(converted)
    if not finite.all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"{name} is not finite at index {index}")
    result: FloatArray = np.ascontiguousarray(converted)
    result.flags.writeable = False
    return result


def memory_limit() -> int:
    """Bytes that this process may use: physical memory, or its control group's limit where that is less."""
    limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
            text = file.read().strip()
    except OSError:
        return limit
    return min(limit, int(text)) if text.isdigit() else limit


def require_memory(nbytes: int, what: str) -> None:
    """Refuse a result that cannot fit before any of it is allocated."""
    if nbytes < _ALWAYS_FITS:
        return
    limit = memory_limit()
    if nbytes > limit:
        raise MemoryError(
            f"{what} needs {nbytes:,} bytes, this machine has {limit:,}: work in blocks of points"
        )


def result_array(
    shape: tuple[int, ...], dtype: npt.DTypeLike, what: str, out: npt.NDArray[Any] | None = None
) -> npt.NDArray[Any]:
    """Allocate a result, or check the caller's ``out=``."""
    if out is None:
        require_memory(math.prod(shape) * np.dtype(dtype).itemsize, what)
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.dtype != np.dtype(dtype):
        raise TypeError(
            f"out must be a {np.dtype(dtype)} array, is {getattr(out, 'dtype', type(out).__name__)}"
        )
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}, expected {shape}")
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError("out must be C-contiguous and writable")
    return out


def as_box(box: npt.ArrayLike, dim: int) -> npt.NDArray[np.float64]:
    """Copy an input box to a read-only float64 array."""
    array = np.array(box, dtype=np.float64)
    if array.shape != (dim, 2):
        raise ValueError(f"input_box has shape {array.shape}, expected ({dim}, 2): lower and upper per input")
    bad = np.flatnonzero(~(array[:, 0] <= array[:, 1]) | ~np.isfinite(array).all(axis=1))
    if bad.size:
        raise ValueError(f"input_box[{bad[0]}] is {array[bad[0]].tolist()}, expected finite lower <= upper")
    array.flags.writeable = False
    return array
