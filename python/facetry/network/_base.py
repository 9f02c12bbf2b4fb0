"""What a network is made of, its values and its activation patterns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray, as_box, as_points, result_array
from .._counting import count_stream, point_blocks
from .._lowering import build_core, propagate_width
from .._progress import Progress, reporter
from ..layers import Layer, Scale
from ..patterns import PatternCount, Patterns, PatternSet

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._device import DeviceNetwork


class BaseNetwork:
    """Layers lowered to the native core; :class:`Network` adds what its methods need, noun by noun."""

    def __init__(
        self, layers: Iterable[Layer], *, input_dim: int | None = None, input_box: npt.ArrayLike | None = None
    ) -> None:
        given = tuple(layers)
        for i, layer in enumerate(given):
            if not isinstance(layer, Layer):
                raise TypeError(f"layers[{i}] is a {type(layer).__name__}, expected a facetry layer")
        if not given:
            raise ValueError("a network needs at least one layer")
        self._input_dim, self._output_dim = propagate_width(given, input_dim)
        dtypes = {
            v.dtype for layer in given for v in layer.parameters().values() if isinstance(v, np.ndarray)
        }
        self._dtype = np.result_type(*dtypes) if dtypes else np.dtype(np.float32)
        self._layers = tuple(layer.astype(self._dtype) for layer in given)
        self._input_box = None if input_box is None else as_box(input_box, self._input_dim)
        self._core = build_core(self._layers, self._input_dim, self._dtype)
        self._on_device: DeviceNetwork | None = None
        self._as_double: Self | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in order."""
        return self._layers

    @property
    def input_dim(self) -> int:
        """Number of inputs."""
        return self._input_dim

    @property
    def output_dim(self) -> int:
        """Number of outputs."""
        return self._output_dim

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float32 or float64: the precision of the weights and of every value."""
        return self._dtype

    @property
    def input_box(self) -> npt.NDArray[np.float64] | None:
        """Lower and upper bound of every input, (inputs, 2), or None."""
        return self._input_box

    @property
    def n_neurons(self) -> int:
        """Number of neurons: scalar pre-activations with a kink."""
        return self._core.neurons

    @property
    def layer_widths(self) -> tuple[int, ...]:
        """Neurons of each layer of neurons. HardTanh, ReLU6 and HardSigmoid have two such layers."""
        return tuple(self._core.layer_widths)

    @property
    def device(self) -> str:
        """Where the network computes: ``"cpu"``, ``"cuda:0"``, ..."""
        return "cpu" if self._on_device is None else self._on_device.device

    def to(self, device: str) -> Self:
        """Give the network on ``"cuda"`` (device 0), ``"cuda:1"``, ... or ``"cpu"``.

        A network on a CUDA device takes CUDA arrays of that device (torch, CuPy, or anything with
        ``__dlpack__`` or ``__cuda_array_interface__``), of the network's dtype and in C order, computes on
        the stream that their library works on, and gives the same kind of array; for other libraries a
        :class:`facetry.cuda.DeviceArray`, and for patterns :class:`facetry.cuda.DevicePatterns`. Host arrays
        are copied there and back. All results are the same bits as on the CPU, save the sign and payload of
        NaN.

        Raises
        ------
        RuntimeError
            Where there is no such device; the message says why.
        ValueError, TypeError
            For another device than these.

        """
        from .._device import DeviceNetwork, parse_device

        index = parse_device(device)
        if device == self.device:
            return self
        moved = object.__new__(type(self))
        moved.__dict__.update(self.__dict__)
        moved._on_device = (
            None if index is None else DeviceNetwork(self._core, self.input_dim, self.output_dim, index)
        )
        return moved

    def __call__(self, x: npt.ArrayLike, *, out: npt.NDArray[Any] | None = None) -> FloatArray:
        """Evaluate the network.

        Parameters
        ----------
        x : (n, inputs) array
            Images may come as (n, C, H, W). A dtype that is not exact in the network's is refused with a
            TypeError; integers that are (uint8 and int16 in float32) are converted. Do not write to ``x``
            from another thread during the call.
        out : (n, outputs) array, optional
            Filled and returned.

        Returns
        -------
        (n, outputs) array of the network's dtype

        Raises
        ------
        ValueError
            For another shape, or NaN or infinity in ``x`` (the message gives the first index).

        """
        if self._on_device is not None:
            return self._on_device.run("outputs", x, out)
        points = self._points(x)
        result = result_array((len(points), self.output_dim), self.dtype, "the outputs", out)
        self._core.propagate(points, outputs=result)
        return result

    def preactivations(self, x: npt.ArrayLike, *, out: npt.NDArray[Any] | None = None) -> FloatArray:
        """Give the pre-activation of every neuron, (n, n_neurons); arguments as for a call of the network."""
        if self._on_device is not None:
            return self._on_device.run("preactivations", x, out)
        points = self._points(x)
        result = result_array((len(points), self.n_neurons), self.dtype, "the pre-activations", out)
        self._core.propagate(points, preactivations=result)
        return result

    def patterns(self, x: npt.ArrayLike) -> Patterns:
        """Give the activation pattern of every point; ``x`` as for calling the network."""
        if self._on_device is not None:
            return self._on_device.patterns(x, self.layer_widths)
        points = self._points(x)
        bits = result_array((len(points), self._core.words), np.uint64, "the patterns")
        self._core.propagate(points, patterns=bits)
        return Patterns(bits, self.layer_widths)

    def count_patterns(
        self,
        points: npt.ArrayLike | Iterable[npt.ArrayLike],
        *,
        chunk: int = 65536,
        max_bytes: int | None = None,
        progress: bool | Progress | None = None,
    ) -> PatternCount:
        """Count the distinct patterns of a stream of points, holding only the set of patterns.

        Parameters
        ----------
        points : (n, inputs) array, or an iterable of such arrays
            The stream.
        chunk : int
            Points propagated at a time.
        max_bytes : int, optional
            Memory for the set of patterns; see :class:`PatternSet`.
        progress : bool or callable, optional
            True counts on standard error; a callable gets (points done, all points or None).

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -0.5]), ft.ReLU()])
        >>> net.count_patterns(ft.sobol(64, 1)).distinct
        3

        """
        if chunk < 1:
            raise ValueError(f"chunk must be at least 1, is {chunk}")
        blocks, total = point_blocks(points, self._points)
        seen = PatternSet(self.layer_widths, max_bytes)
        return count_stream(blocks, total, self.patterns, seen, chunk, reporter(progress, "points"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseNetwork):
            return NotImplemented
        box, other_box = (() if net.input_box is None else net.input_box for net in (self, other))
        same_layers = (self.input_dim, self.layers) == (other.input_dim, other.layers)
        return same_layers and np.array_equal(box, other_box)

    def __hash__(self) -> int:
        return hash((self.input_dim, self.layers))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._rebuild, (self.layers, self.input_dim, self.input_box, self.device)

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        size = f"{self.input_dim} -> {self.output_dim}, {self.n_neurons} neurons, {self.dtype}"
        if self._on_device is not None:
            size += f" on {self.device}"
        return f"Network({size}: {layers})"

    def _double(self) -> Self:
        """Give this network in float64, made once."""
        if self.dtype == np.float64:
            return self
        if self._as_double is None:
            self._as_double = self.astype("float64")
        return self._as_double

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """Give the network with weights of another precision, ``"float32"`` or ``"float64"``."""
        wanted = np.dtype(dtype)
        if wanted not in (np.float32, np.float64):
            raise TypeError(f"dtype must be float32 or float64, is {wanted}")
        if wanted == self.dtype:
            return self
        layers = [layer.astype(wanted) for layer in self.layers]
        if not any(isinstance(v, np.ndarray) for layer in layers for v in layer.parameters().values()):
            layers = [Scale(np.ones(self.input_dim, wanted), np.zeros(self.input_dim, wanted)), *layers]
        return self._rebuild(layers, self.input_dim, self.input_box, self.device)

    def _require_host(self) -> None:
        if self._on_device is not None:
            raise RuntimeError(f"this is not computed on {self.device} yet: use net.to('cpu')")

    def _host_patterns(self, x: npt.ArrayLike) -> Patterns:
        self._require_host()
        return self.patterns(x)

    def _own_patterns(self, patterns: object) -> Patterns:
        """Refuse what are not patterns of this network."""
        self._require_host()
        if not isinstance(patterns, Patterns):
            raise TypeError(f"pattern must be facetry.Patterns, is {type(patterns).__name__}")
        if patterns.layer_widths != self.layer_widths:
            raise ValueError(
                f"pattern has layers of {patterns.layer_widths} neurons, the network of {self.layer_widths}"
            )
        return patterns

    def _own_pattern(self, pattern: object) -> Patterns:
        """Refuse other than one pattern of this network."""
        own = self._own_patterns(pattern)
        if len(own) != 1:
            raise ValueError(f"pattern holds {len(own)} patterns, expected one: select it with pattern[i]")
        return own

    def _points(self, x: object) -> FloatArray:
        return as_points(x, self.input_dim, self.dtype)

    @classmethod
    def _rebuild(
        cls,
        layers: Sequence[Layer],
        input_dim: int,
        input_box: npt.NDArray[np.float64] | None = None,
        device: str = "cpu",
    ) -> Self:
        return cls(layers, input_dim=input_dim, input_box=input_box).to(device)
