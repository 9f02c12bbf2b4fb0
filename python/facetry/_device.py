"""Networks on a CUDA device: which arrays go there, how results come back.

A CUDA array in (torch, CuPy, or anything with ``__dlpack__`` or ``__cuda_array_interface__``) is computed
where it is, on the stream its library works on, and gives the same kind of array; host arrays are copied
there and back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import FloatArray, as_points, result_array
from .patterns import Patterns

_DLPACK_CUDA = (2, 13)  # device memory, managed memory
_LEGACY_STREAM = 1  # the protocol's number for stream 0


def parse_device(device: object) -> int | None:
    """Give the index of ``"cuda"`` or ``"cuda:1"``, None for ``"cpu"``.

    Raises
    ------
    TypeError, ValueError
        For anything else.

    """
    if not isinstance(device, str):
        raise TypeError(f"device must be a string such as 'cuda:0', is {device!r}")
    name, colon, index = device.partition(":")
    if device == "cpu":
        return None
    if name != "cuda" or (colon and not (index.isascii() and index.isdigit())):
        raise ValueError(f"device must be 'cpu', 'cuda' or 'cuda:N', is {device!r}")
    return int(index) if colon else 0


def device_index(array: object) -> int | None:
    """Tell which CUDA device holds an array; None for one in host memory, or what is no array."""
    device = getattr(array, "__dlpack_device__", None)
    if device is not None:
        kind, index = device()
        return int(index) if int(kind) in _DLPACK_CUDA else None
    interface = getattr(array, "__cuda_array_interface__", None)
    if interface is None:
        return None
    pointer = interface["data"][0]
    return _core.cuda_pointer_device(pointer) if pointer else 0


class DevicePatterns:
    """Activation patterns on a CUDA device.

    ``bits`` is the kind of array that the points were, (n, words), uint64 as in :class:`facetry.Patterns`
    (int64 of the same bits in torch, which has no operations on uint64). ``cpu()`` gives
    :class:`facetry.Patterns`, which has the operations.
    """

    __slots__ = ("bits", "device", "layer_widths")

    def __init__(self, bits: Any, layer_widths: tuple[int, ...]) -> None:
        self.bits = bits
        self.layer_widths = layer_widths
        self.device = f"cuda:{device_index(bits)}"

    @property
    def n_neurons(self) -> int:
        """Number of neurons: bits of a pattern."""
        return sum(self.layer_widths)

    def __len__(self) -> int:
        return len(self.bits)

    def __repr__(self) -> str:
        size = f"{len(self)} of {self.n_neurons} neurons in layers {self.layer_widths}"
        return f"DevicePatterns({size} on {self.device})"

    def cpu(self) -> Patterns:
        """Copy to host memory."""
        return Patterns(_to_host(self.bits).view(np.uint64), self.layer_widths)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(Patterns, name):
            raise TypeError(f"the patterns are on {self.device}: call .cpu().{name}")
        raise AttributeError(f"'DevicePatterns' object has no attribute {name!r}")


class DeviceNetwork:
    """The network of a :class:`facetry.Network` on one CUDA device.

    Results are typed as what they are for host arrays; for CUDA arrays they are of those arrays' kind.
    """

    def __init__(self, core: _core.Network32 | _core.Network64, input_dim: int, output_dim: int, device: int):
        self.device = f"cuda:{device}"
        self._index = device
        self._input_dim = input_dim
        self._widths = {"outputs": output_dim, "preactivations": core.neurons, "patterns": core.words}
        if isinstance(core, _core.Network32):
            self._core: _core.CudaNetwork32 | _core.CudaNetwork64 = _core.CudaNetwork32(core, device)
            self._dtype: np.dtype[Any] = np.dtype(np.float32)
        else:
            self._core = _core.CudaNetwork64(core, device)
            self._dtype = np.dtype(np.float64)

    def run(self, what: str, x: object, out: Any = None) -> FloatArray:
        """Give ``"outputs"``, ``"preactivations"`` or the bits of ``"patterns"``, where the points are."""
        dtype = np.dtype(np.uint64) if what == "patterns" else self._dtype
        if device_index(x) is None:
            points = as_points(x, self._input_dim, self._dtype)
            result = result_array((len(points), self._widths[what]), dtype, f"the {what}", out)
            self._core.propagate_host(points, **{what: result})
            return result
        _require_device("x", x, self._index)
        _require_device("out", out, self._index)
        library = _library_of(x)
        stream = library.stream(self._index)
        view = _core.device_view(x, stream)
        if out is None:
            rows = view.shape[0] if view.shape else 0
            out = library.empty((rows, self._widths[what]), dtype, self._index)
        self._core.propagate(view, stream=_pointer(stream), **{what: _core.device_view(out, stream)})
        given: FloatArray = out
        return given

    def patterns(self, x: object, layer_widths: tuple[int, ...]) -> Patterns:
        """Give :class:`facetry.Patterns`; :class:`DevicePatterns` of points on the device."""
        bits: Any = self.run("patterns", x)
        kind: Any = Patterns if isinstance(bits, np.ndarray) else DevicePatterns
        patterns: Patterns = kind(bits, layer_widths)
        return patterns


def on_device(
    device: int,
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    out: Any,
    generate: Callable[[_core.DeviceView, int], None],
) -> FloatArray:
    """Fill ``out``, or a new :class:`facetry.cuda.DeviceArray`, with ``generate(view, stream)``."""
    _require_device("out", out, device)
    library = _Own(out) if out is None else _library_of(out)
    result = library.empty(shape, dtype, device) if out is None else out
    stream = library.stream(device)
    view = _core.device_view(result, stream)
    if view.dtype != dtype.name:
        raise TypeError(f"out must be a {dtype} array, is {view.dtype}")
    if tuple(view.shape) != shape:
        raise ValueError(f"out has shape {tuple(view.shape)}, expected {shape}")
    generate(view, _pointer(stream))
    filled: FloatArray = result
    return filled


def _require_device(name: str, array: object, device: int) -> None:
    index = device_index(array)
    if array is not None and index != device:
        where = "in host memory" if index is None else f"on cuda:{index}"
        raise ValueError(f"{name} is {where}, expected on cuda:{device}")


def _pointer(stream: int) -> int:
    return 0 if stream == _LEGACY_STREAM else stream


class _Own:
    """Results for arrays of other libraries, as :class:`facetry.cuda.DeviceArray`."""

    def __init__(self, array: object) -> None:
        interface = getattr(array, "__cuda_array_interface__", None) or {}
        self._stream = interface.get("stream") or _LEGACY_STREAM

    def stream(self, device: int) -> int:
        return int(self._stream)

    def empty(self, shape: tuple[int, int], dtype: np.dtype[Any], device: int) -> Any:
        return _core.DeviceArray(list(shape), dtype.name, device)


class _Torch:
    def stream(self, device: int) -> int:
        torch = sys.modules["torch"]
        return int(torch.cuda.current_stream(device).cuda_stream) or _LEGACY_STREAM

    def empty(self, shape: tuple[int, int], dtype: np.dtype[Any], device: int) -> Any:
        torch = sys.modules["torch"]
        name = "int64" if dtype == np.uint64 else dtype.name
        return torch.empty(shape, dtype=getattr(torch, name), device=f"cuda:{device}")


class _CuPy:
    def stream(self, device: int) -> int:
        cupy = sys.modules["cupy"]
        with cupy.cuda.Device(device):
            return int(cupy.cuda.get_current_stream().ptr) or _LEGACY_STREAM

    def empty(self, shape: tuple[int, int], dtype: np.dtype[Any], device: int) -> Any:
        cupy = sys.modules["cupy"]
        with cupy.cuda.Device(device):
            return cupy.empty(shape, dtype)


def _library_of(array: object) -> _Own | _Torch | _CuPy:
    name = type(array).__module__.partition(".")[0]
    if name == "torch" or ("torch" in sys.modules and isinstance(array, sys.modules["torch"].Tensor)):
        return _Torch()
    return _CuPy() if name == "cupy" else _Own(array)


def _to_host(array: Any) -> npt.NDArray[Any]:
    if hasattr(array, "cpu"):  # torch, DeviceArray
        return np.asarray(array.cpu())
    if hasattr(array, "get"):  # CuPy
        return np.asarray(array.get())
    raise TypeError(f"cannot copy a {type(array).__name__} to host memory")
