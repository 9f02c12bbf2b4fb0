"""Networks from files and from torch; input boxes from property files.

Nothing here runs what a file says: no pickle is loaded, and no size that a file declares is believed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._arrays import memory_limit
from ..errors import UnsupportedLayer
from ..network import Network

_LARGEST_PROTOBUF = 2**31 - 1
_PICKLES = (".pt", ".pth", ".th", ".pkl", ".pickle", ".ckpt")


def load(
    path: str | os.PathLike[str], *, strip_softmax: bool = False, dtype: npt.DTypeLike | None = None
) -> Network:
    """Read a network from a file; what it is, is told by the suffix.

    ========== ============================================================== ==========================
    suffix     what is read                                                   dtype if none is given
    ========== ============================================================== ==========================
    ``.nnet``  fully connected ReLU networks (the text format of K. D.        float64, nearest to the text
               Julian). ``layers[0]`` is a Scale of the file's input means
               and ranges, ``layers[-1]`` one of its output mean and range
               (always: ``Network(net.layers[1:-1])`` is the normalised
               network); ``input_box`` is the file's minima and maxima, to
               which inputs are *not* clipped.
    ``.onnx``  a chain of Gemm; MatMul by a constant; Add, Sub, Mul, Div      the file's; float16 and
               with a constant; Relu, LeakyRelu, PRelu, Clip (as ReLU,        bfloat16 become float32
               ReLU6 or HardTanh), HardSigmoid, Abs; BatchNormalization;      (exactly)
               Flatten, Reshape, Squeeze, Unsqueeze, Transpose that leave
               the order of the values; Identity, Dropout, Cast to the same
               type, Constant. Needs ``pip install 'facetry[onnx]'``.
    ``.npz``   what :meth:`Network.save` wrote; nothing else.                 the file's
    ========== ============================================================== ==========================

    Parameters
    ----------
    path : str or path
        The file.
    strip_softmax : bool
        Leave out a final Softmax or LogSoftmax of an ``.onnx`` file, which is refused otherwise: the outputs
        are then the logits. Nothing changes where there is none.
    dtype : "float32" or "float64", optional
        Converts the weights, see :meth:`Network.astype`.

    Raises
    ------
    UnsupportedLayer
        For a layer that facetry does not know; names the operation, the node and its place.
    ValueError
        For an unknown suffix, or a file that is truncated, too large or contradicts itself. Nothing is
        allocated for what a file declares but does not hold.
    FileNotFoundError, ImportError
        Where the file, or the ``onnx`` package, is missing.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.load(ft.demo_path())
    >>> net.input_dim, net.output_dim, net.n_neurons
    (3, 5, 125)

    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix in _PICKLES:
        raise ValueError(
            f"{file}: {suffix} files are pickles, which can run code and are never loaded. Build the module, "
            "load its weights with torch.load(path, weights_only=True), and use facetry.from_torch"
        )
    if suffix not in (".nnet", ".npz", ".onnx"):
        raise ValueError(f"{file}: unknown suffix {suffix!r}, expected .nnet, .npz or .onnx")
    data = _read(file)
    try:
        with np.errstate(all="ignore"):  # what becomes infinite or NaN here is refused by the layers
            net = _parse(suffix, data, strip_softmax)
            return net if dtype is None else net.astype(dtype)
    except UnsupportedLayer as error:
        raise UnsupportedLayer(f"{file}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def from_torch(module: Any, input_shape: int | Sequence[int], *, strip_softmax: bool = False) -> Network:
    """Convert a torch module, as it is in eval mode, by tracing it with ``torch.fx``.

    ============ ===================================================================================
    modules      Sequential and any module that ``torch.fx.symbolic_trace`` follows, made of Linear,
                 ReLU, LeakyReLU, PReLU, Hardtanh, ReLU6, Hardsigmoid, BatchNorm1d, Flatten,
                 Identity, Dropout (which does nothing, whatever the module's mode)
    functions    the same of ``torch`` and ``torch.nn.functional``, and ``abs``, ``clamp``, ``neg``,
                 ``reshape``, ``squeeze``, ``unsqueeze``
    methods      the same of the value, and ``view``, ``contiguous``, ``size``, ``shape``
    arithmetic   ``+ - * / @`` with numbers, buffers and parameters (not ``c / x``)
    ============ ===================================================================================

    Parameters
    ----------
    module : torch.nn.Module
        On the CPU. Its weights are copied; float16 and bfloat16 become float32 (exactly). The module is left
        as it was, in its mode.
    input_shape : int or sequence of int
        Shape of one input, without the batch: ``4``, ``(4,)``, ``(1, 28, 28)``.
    strip_softmax : bool
        Leave out a final Softmax or LogSoftmax, which is refused otherwise.

    Raises
    ------
    UnsupportedLayer
        For anything else; names the class or function, its name in the module and its place in the graph.
    TypeError
        If ``module`` is not a torch module, or its weights are not on the CPU.
    ValueError
        For weights that are not finite, or an input shape that does not fit.
    ImportError
        Where torch is missing: ``pip install 'facetry[torch]'``.

    Examples
    --------
    >>> import facetry as ft
    >>> import torch
    >>> module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> ft.from_torch(module, 4).layers
    (Dense(4 -> 8), ReLU(), Dense(8 -> 2))

    """
    from .torch import convert_module

    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    return convert_module(module, shape, strip_softmax)


def load_vnnlib(path: str | os.PathLike[str]) -> npt.NDArray[np.float64]:
    """Read the input box of a ``.vnnlib`` property: lower and upper bound of ``X_0, X_1, ...``.

    Only the box is read: conditions that speak of the outputs ``Y_i`` alone are ignored.

    Returns
    -------
    (inputs, 2) float64 array

    Raises
    ------
    ValueError
        For a property that is not one box (several boxes in an ``or``, other conditions on the inputs), a
        missing or contradictory bound, or a file that is malformed or truncated.

    Examples
    --------
    >>> import pathlib, tempfile, facetry as ft
    >>> text = "(declare-const X_0 Real) (assert (>= X_0 -0.5)) (assert (<= X_0 0.5))"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "half.vnnlib")
    ...     _ = path.write_text(text)
    ...     ft.load_vnnlib(path).tolist()
    [[-0.5, 0.5]]

    """
    from .vnnlib import parse_vnnlib

    file = Path(path)
    data = _read(file)
    try:
        return parse_vnnlib(data)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def demo_path() -> Path:
    """Give the path of the network that ships with facetry: HCAS_rect_v6_pra0_tau05 of sisl/HorizontalCAS.

    It advises an aircraft that meets another one. Inputs are the position x, y [ft] and the heading psi [rad]
    of the other aircraft relative to this one; outputs are the scores of clear of conflict and of weak left,
    weak right, strong left and strong right turns, of which the highest is advised. Earlier advice: clear of
    conflict; time to the loss of vertical separation: 5 s. By the Stanford Intelligent Systems Laboratory.
    Its MIT licence is in the file LICENSE-hcas beside it.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.load(ft.demo_path()).layer_widths
    (25, 25, 25, 25, 25)

    """
    return Path(__file__).parents[1] / "data" / "hcas.nnet"


def _parse(suffix: str, data: bytes, strip_softmax: bool) -> Network:
    if suffix == ".nnet":
        from .nnet import parse_nnet

        return parse_nnet(data)
    if suffix == ".npz":
        from .npz import parse_npz

        return parse_npz(data)
    from .onnx import parse_onnx

    return parse_onnx(data, strip_softmax)


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a regular file")
    size = path.stat().st_size
    limit = _LARGEST_PROTOBUF if path.suffix.lower() == ".onnx" else memory_limit() // 2
    if size > limit:
        raise ValueError(f"{path} has {size:,} bytes, expected at most {limit:,}")
    return path.read_bytes()
