"""Activation patterns, packed: which neurons are active at which point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import require_memory

UInt64Array = npt.NDArray[np.uint64]
Int64Array = npt.NDArray[np.int64]


class UniquePatterns(NamedTuple):
    """What :meth:`Patterns.unique` gives; None for what was not asked.

    Examples
    --------
    >>> import facetry as ft
    >>> p = ft.Patterns.from_bool([[True], [False], [True]], [1])
    >>> p.unique(return_counts=True).counts.tolist()
    [2, 1]

    """

    patterns: Patterns
    indices: Int64Array | None
    inverse: Int64Array | None
    counts: Int64Array | None


class Patterns:
    """Activation patterns of n points, one bit a neuron: 1 iff its pre-activation is > 0 (a tie is inactive).

    Parameters
    ----------
    bits : (n, words) uint64 array
        Every layer starts on a word of its own: neuron j of a layer is bit j % 64 of its word j // 64.
        Bits past a layer's width are 0. Not copied; do not write to it afterwards.
    layer_widths : sequence of int
        Neurons of each layer, in order.

    Examples
    --------
    >>> import facetry as ft
    >>> p = ft.Patterns.from_bool([[True, False, True], [False, False, True]], layer_widths=[2, 1])
    >>> len(p), p.n_neurons, p.hamming(p[1]).tolist()
    (2, 3, [1, 0])

    """

    __slots__ = ("bits", "layer_widths")
    bits: UInt64Array
    layer_widths: tuple[int, ...]

    def __init__(self, bits: UInt64Array, layer_widths: Sequence[int]) -> None:
        widths = tuple(int(w) for w in layer_widths)
        words = sum(_words(w) for w in widths)
        array = np.ascontiguousarray(bits)
        if array.dtype != np.uint64:
            raise TypeError(f"bits has dtype {array.dtype}, expected uint64")
        if array.ndim != 2 or array.shape[1] != words:
            raise ValueError(f"bits has shape {array.shape}, expected (n, {words}) for layers {widths}")
        if array is bits:
            array = array.view()
        array.flags.writeable = False
        self.bits = array
        self.layer_widths = widths

    @classmethod
    def from_bool(cls, active: npt.ArrayLike, layer_widths: Sequence[int]) -> Patterns:
        """Pack an (n, n_neurons) array of booleans."""
        array = np.asarray(active)
        if array.dtype != bool:
            raise TypeError(f"active has dtype {array.dtype}, expected bool")
        if array.ndim != 2 or array.shape[1] != sum(layer_widths):
            raise ValueError(f"active has shape {array.shape}, expected (n, {sum(layer_widths)})")
        padded = np.zeros((len(array), 64 * sum(_words(w) for w in layer_widths)), bool)
        padded[:, _columns(tuple(layer_widths))] = array
        bits = np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64, copy=False)
        return cls(bits, layer_widths)

    @property
    def n_neurons(self) -> int:
        """Number of neurons: bits of a pattern."""
        return sum(self.layer_widths)

    def __len__(self) -> int:
        return len(self.bits)

    def __getitem__(self, index: Any) -> Patterns:
        """Select points by a number (a single pattern, still of length 1), a slice, a mask or indices."""
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"pattern {index} of {len(self)}")
            index = slice(index, index + 1 or None)
        return Patterns(self.bits[index], self.layer_widths)

    def __eq__(self, other: object) -> bool:
        """Tell whether both hold the same patterns of the same layers in the same order."""
        if not isinstance(other, Patterns):
            return NotImplemented
        return self.layer_widths == other.layer_widths and np.array_equal(self.bits, other.bits)

    def __hash__(self) -> int:
        return hash((self.layer_widths, self.bits.tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Patterns, (self.bits, self.layer_widths)

    def __repr__(self) -> str:
        return f"Patterns({len(self)} of {self.n_neurons} neurons in layers {self.layer_widths})"

    def hash(self) -> UInt64Array:
        """Give a 64-bit hash of each pattern, (n,): equal patterns have equal hashes."""
        return _core.hash_patterns(self.bits)

    def to_bool(self) -> npt.NDArray[np.bool_]:
        """Unpack to an (n, n_neurons) array: column j is neuron j."""
        require_memory(len(self) * 64 * self.bits.shape[1], f"unpacking {len(self)} patterns")
        as_bytes = self.bits.astype("<u8", copy=False).view(np.uint8)
        unpacked = np.unpackbits(as_bytes, axis=1, bitorder="little").view(bool)
        return np.ascontiguousarray(unpacked[:, _columns(self.layer_widths)])

    def layer(self, i: int) -> Patterns:
        """Give the patterns of layer ``i`` alone (negative: from the end)."""
        count = len(self.layer_widths)
        if not -count <= i < count:
            raise IndexError(f"layer {i} of {count}")
        first = sum(_words(w) for w in self.layer_widths[: i % count])
        width = self.layer_widths[i]
        return Patterns(self.bits[:, first : first + _words(width)], (width,))

    @staticmethod
    def concatenate(parts: Iterable[Patterns]) -> Patterns:
        """Join patterns of the same network, in order."""
        parts = list(parts)
        if not parts:
            raise ValueError("nothing to concatenate")
        for part in parts[1:]:
            parts[0]._require_same_layers(part)
        return Patterns(np.concatenate([p.bits for p in parts]), parts[0].layer_widths)

    @overload
    def unique(self) -> Patterns: ...

    @overload
    def unique(
        self, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False
    ) -> Patterns | UniquePatterns: ...

    def unique(
        self, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False
    ) -> Patterns | UniquePatterns:
        """Give the distinct patterns, in the order of their first appearance.

        With any of the arguments True, a :class:`UniquePatterns` as from ``numpy.unique``: the patterns, the
        indices of their first appearance, the number of the distinct pattern at every point, and how often
        each one appears.
        """
        distinct = _core.PatternSet(self.bits.shape[1])
        wanted = return_index or return_inverse or return_counts
        inverse, _ = distinct.add(self.bits, max_bytes=_NO_LIMIT, want_numbers=wanted)
        patterns = Patterns(distinct.rows(), self.layer_widths)
        if inverse is None:
            return patterns
        indices = None
        if return_index:
            indices = np.empty(len(patterns), np.int64)
            indices[inverse[::-1]] = np.arange(len(self))[::-1]
        counts = np.bincount(inverse, minlength=len(patterns)) if return_counts else None
        return UniquePatterns(patterns, indices, inverse if return_inverse else None, counts)

    def hamming(self, other: Patterns, pairwise: bool = False) -> npt.NDArray[np.int32]:
        """Count the neurons in which patterns differ.

        Elementwise, (n,), for as many patterns in ``other`` or a single one on either side; ``pairwise=True``
        gives all pairs, (n, len(other)).
        """
        self._require_same_layers(other)
        if pairwise:
            require_memory(4 * len(self) * len(other), f"{len(self)} x {len(other)} Hamming distances")
            return _core.hamming_pairwise(self.bits, other.bits)
        if len(self) == len(other):
            return _core.hamming_elementwise(self.bits, other.bits)
        if 1 not in (len(self), len(other)):
            raise ValueError(f"other has {len(other)} patterns, expected {len(self)} or 1 (or pairwise=True)")
        return _core.hamming_pairwise(self.bits, other.bits).ravel()

    def count_active(self) -> Int64Array:
        """Count at how many points each neuron is active, (n_neurons,)."""
        return _core.count_active(self.bits)[_columns(self.layer_widths)]

    def _require_same_layers(self, other: Patterns) -> None:
        if self.layer_widths != other.layer_widths:
            raise ValueError(f"patterns of layers {other.layer_widths}, expected {self.layer_widths}")


class PatternSet:
    """The distinct patterns of a stream of points; holds those patterns and nothing else.

    Parameters
    ----------
    layer_widths : sequence of int
    max_bytes : int, optional
        Memory for the patterns. Once it is full no new pattern is stored: ``complete`` turns False and
        ``len`` is a lower bound.

    Examples
    --------
    >>> import facetry as ft
    >>> seen = ft.PatternSet([2])
    >>> seen.add(ft.Patterns.from_bool([[True, False], [True, True], [True, False]], [2]))
    2
    >>> len(seen), seen.complete
    (2, True)

    """

    def __init__(self, layer_widths: Sequence[int], max_bytes: int | None = None) -> None:
        self.layer_widths = tuple(int(w) for w in layer_widths)
        self._max_bytes = _NO_LIMIT if max_bytes is None else int(max_bytes)
        if self._max_bytes < 0:
            raise ValueError(f"max_bytes must not be negative, is {max_bytes}")
        self._set = _core.PatternSet(sum(_words(w) for w in self.layer_widths))
        self.complete = True

    def add(self, patterns: Patterns) -> int:
        """Add patterns; return how many of them were new (and stored)."""
        if patterns.layer_widths != self.layer_widths:
            raise ValueError(f"patterns of layers {patterns.layer_widths}, expected {self.layer_widths}")
        before = len(self._set)
        _, refused = self._set.add(patterns.bits, max_bytes=self._max_bytes, want_numbers=False)
        self.complete = self.complete and refused == 0
        return len(self._set) - before

    def __len__(self) -> int:
        return len(self._set)

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self._set.nbytes

    def patterns(self) -> Patterns:
        """Give the distinct patterns, in the order of their first appearance."""
        return Patterns(self._set.rows(), self.layer_widths)


@dataclass(frozen=True)
class PatternCount:
    """How many distinct patterns a stream of points has; see :meth:`facetry.Network.count_patterns`.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.ReLU()], input_dim=1)
    >>> net.count_patterns([[-1.0], [1.0], [2.0]]).curve
    ((1, 1), (2, 2), (3, 2))

    """

    points: int
    """Points seen."""
    distinct: int
    """Distinct patterns among them; a lower bound unless ``complete``."""
    complete: bool
    """False where ``max_bytes`` was reached."""
    curve: tuple[tuple[int, int], ...]
    """(points, distinct patterns) at every power of two of points and at the end."""


_NO_LIMIT = 2**63 - 1


def _words(width: int) -> int:
    return (width + 63) // 64


def _columns(layer_widths: tuple[int, ...]) -> Int64Array:
    """Bit position of each neuron in a row of words."""
    first, columns = 0, []
    for width in layer_widths:
        columns.append(64 * first + np.arange(width))
        first += _words(width)
    return np.concatenate(columns) if columns else np.empty(0, np.int64)
