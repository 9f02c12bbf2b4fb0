"""The layers of a network: what each one means, and how it is lowered to the operations of the core.

This is the one place where a kind of layer is added: a frozen dataclass with ``output_width`` and ``lower``,
named in ``LAYERS``.
"""

from ._activations import Abs, HardSigmoid, HardTanh, LeakyReLU, PReLU, ReLU, ReLU6
from ._affine import Dense, Scale
from ._layer import Builder, Layer

__all__ = [
    "LAYERS",
    "Abs",
    "Builder",
    "Dense",
    "HardSigmoid",
    "HardTanh",
    "Layer",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "ReLU6",
    "Scale",
]

LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind for kind in (Dense, Scale, ReLU, LeakyReLU, PReLU, HardTanh, ReLU6, HardSigmoid, Abs)
}
"""Every kind of layer by name, for files."""
