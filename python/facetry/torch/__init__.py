"""Training losses made of neurons' gradients, for torch (``pip install 'facetry[torch]'``).

They take an ordinary module, read its weights where they lie, and compute loss and gradient in native code.
:func:`why_not` tells where plain torch operations serve instead.
"""

from importlib.util import find_spec

if find_spec("torch") is None:
    raise ImportError("facetry.torch needs torch: pip install 'facetry[torch]'")

from ._losses import margin_loss, roll_loss, slope_penalty, tsvm_loss, why_not
from ._slope_state import SlopeState

__all__ = ["SlopeState", "margin_loss", "roll_loss", "slope_penalty", "tsvm_loss", "why_not"]
