"""Affine layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray, as_parameter
from ._layer import Builder, Layer, require_width


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Dense(Layer):
    """``y = weight @ x + bias``.

    Parameters
    ----------
    weight : (outputs, inputs) array
    bias : (outputs,) array, optional
        Zero if left out.

    Float32 and float64 are kept, float16 becomes float32, integers float64 (exactly). NaN and infinity are
    refused. The arrays are copied.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Network([ft.Dense([[1.0, 2.0], [0.0, -1.0]], [0.5, 0.0])])([[1.0, 1.0]]).tolist()
    [[3.5, -1.0]]

    """

    weight: FloatArray
    bias: FloatArray

    def __init__(self, weight: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> None:
        weight = as_parameter("weight", weight, 2)
        bias = as_parameter("bias", np.zeros(weight.shape[0], weight.dtype) if bias is None else bias, 1)
        if 0 in weight.shape:
            raise ValueError(
                f"weight has shape {weight.shape}: a layer needs at least one input and one output"
            )
        if bias.shape != weight.shape[:1]:
            raise ValueError(
                f"bias has shape {bias.shape}, expected {weight.shape[:1]} for weight {weight.shape}"
            )
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)

    def output_width(self, input_width: int | None) -> int:
        """See :meth:`Layer.output_width`."""
        require_width(repr(self), input_width, self.weight.shape[1])
        return len(self.weight)

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        return builder.dense(node, self.weight, self.bias)

    def __repr__(self) -> str:
        return f"Dense({self.weight.shape[1]} -> {self.weight.shape[0]})"


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Scale(Layer):
    """``y = scale * x + shift``, element by element, rounded once: normalisation of inputs or of channels.

    Parameters
    ----------
    scale, shift : (n,) arrays

    Examples
    --------
    >>> import facetry as ft
    >>> ft.Network([ft.Scale([2.0, 0.5], [1.0, 0.0])])([[1.0, 1.0]]).tolist()
    [[3.0, 0.5]]

    """

    scale: FloatArray
    shift: FloatArray

    def __init__(self, scale: npt.ArrayLike, shift: npt.ArrayLike) -> None:
        scale, shift = as_parameter("scale", scale, 1), as_parameter("shift", shift, 1)
        if scale.shape != shift.shape or scale.size == 0:
            raise ValueError(
                f"scale has shape {scale.shape} and shift {shift.shape}: expected the same, not empty"
            )
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "shift", shift)

    def output_width(self, input_width: int | None) -> int:
        """See :meth:`Layer.output_width`."""
        require_width(repr(self), input_width, self.scale.size)
        return self.scale.size

    def lower(self, builder: Builder, node: int) -> int:
        """See :meth:`Layer.lower`."""
        return builder.scale(node, self.scale, self.shift)

    def __repr__(self) -> str:
        return f"Scale({self.scale.size})"
