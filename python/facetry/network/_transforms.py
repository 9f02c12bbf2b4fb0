"""Networks made from a network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .._lowering import StandardForm
from ..layers import Dense
from ._base import BaseNetwork

if TYPE_CHECKING:
    from typing_extensions import Self


class Transforms(BaseNetwork):
    """Slices, parts, other precisions, files."""

    def fix_inputs(self, values: Mapping[int, float]) -> Self:
        """Give the network of the other inputs, with some inputs fixed (a slice: Matoba, section 3.D.3).

        Matoba folds the values into the first layer; here they come from a Dense layer of zeros and ones
        before it, so the slice's values are bit for bit those of this network; ``standard_form()`` folds
        them.

        Parameters
        ----------
        values : mapping
            Values by index of the input (negative: from the end). They must be exact in the network's dtype.

        Examples
        --------
        >>> import facetry as ft
        >>> net = ft.Network([ft.Dense([[1.0, 10.0, 100.0]])])
        >>> net.fix_inputs({1: 5.0})([[1.0, 2.0]]).tolist()
        [[251.0]]

        """
        fixed: dict[int, float] = {}
        for index, value in values.items():
            if not -self.input_dim <= index < self.input_dim:
                raise ValueError(f"input {index} of {self.input_dim}")
            if index % self.input_dim in fixed:
                raise ValueError(f"input {index} is fixed twice")
            fixed[index % self.input_dim] = float(value)
        free = [i for i in range(self.input_dim) if i not in fixed]
        if not free:
            raise ValueError("all inputs are fixed: at least one must stay free")
        embed = np.zeros((self.input_dim, len(free)), self.dtype)
        embed[free, range(len(free))] = 1
        shift = np.zeros(self.input_dim, self.dtype)
        for index, value in fixed.items():
            shift[index] = value
            if np.isfinite(value) and float(shift[index]) != value:
                raise ValueError(f"the value of input {index}, {value!r}, is not exact in {self.dtype}")
        box = None if self.input_box is None else self.input_box[free]
        return self._rebuild([Dense(embed, shift), *self.layers], len(free), box, self.device)

    def truncate(self, layer: int) -> Self:
        """Give the network that ends with ``layers[layer]`` (negative: from the end)."""
        count = len(self.layers)
        if not -count <= layer < count:
            raise ValueError(f"layer {layer} of {count}")
        return self._rebuild(self.layers[: layer % count + 1], self.input_dim, self.input_box, self.device)

    def standard_form(self) -> Self:
        """Give an equal network of alternating Dense and ReLU layers, Dense first and last (Matoba, 3.C).

        Affine layers in a row are multiplied out in float64 and ``slope * min(z, 0)`` becomes a neuron
        ``ReLU(-z)``, so values agree up to rounding, not by bits, and there may be more neurons.
        """
        form = StandardForm(self.input_dim)
        node = 0
        for layer in self.layers:
            node = layer.lower(form, node)
        layers = [layer.astype(self.dtype) for layer in form.finish()]
        return self._rebuild(layers, self.input_dim, self.input_box, self.device)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to an ``.npz`` file that :func:`facetry.load` reads; no pickles."""
        from ..loaders.npz import save_npz

        save_npz(self, path)
