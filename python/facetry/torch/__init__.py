"""Training losses made of neurons' gradients, for torch (``pip install 'facetry[torch]'``).

They take an ordinary module, read its weights where they lie, and compute loss and gradient in native code.
:func:`why_not` tells where plain torch operations serve instead.
"""

try:
    import torch as _torch  # noqa: F401 - the message below is better than what comes later
except ImportError as error:
    raise ImportError("facetry.torch needs torch: pip install 'facetry[torch]'") from error

from ._losses import margin_loss, roll_loss, slope_penalty, tsvm_loss, why_not
from ._slope_state import SlopeState

__all__ = ["SlopeState", "margin_loss", "roll_loss", "slope_penalty", "tsvm_loss", "why_not"]
