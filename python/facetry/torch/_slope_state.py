"""What a power iteration keeps from step to step."""

from __future__ import annotations

import torch
from torch import Tensor


class SlopeState:
    """Vectors of the power iteration of :func:`slope_penalty`, kept from call to call.

    Attributes
    ----------
    vectors : (n, inputs) tensor or None
        The present estimate of the direction in which the network is steepest, of unit length, for each row
        of the batch. None, or another shape than the batch's: drawn anew from ``generator``.
    slopes : (n,) tensor or None
        The slopes of the latest call, without gradient.
    residuals : (n,) tensor or None
        How far the latest vectors are from a singular vector: ``|J^T u - s v| / s``, 0 when converged.
    generator : torch.Generator or None
        Where the first vectors come from.

    Examples
    --------
    >>> import torch
    >>> from facetry.torch import SlopeState, slope_penalty
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1))
    >>> _ = model[0].weight.data.copy_(torch.tensor([[3.0, 4.0]]))
    >>> state = SlopeState(torch.Generator().manual_seed(0))
    >>> penalty = slope_penalty(model, torch.zeros(1, 2), iterations=2, state=state)
    >>> state.slopes
    tensor([5.])

    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        self.generator = generator
        self.vectors: Tensor | None = None
        self.slopes: Tensor | None = None
        self.residuals: Tensor | None = None

    def prepare(self, x: Tensor) -> None:
        """Draw vectors where there are none that fit the batch ``x`` (n, inputs)."""
        kept = self.vectors
        if kept is not None and (kept.shape, kept.dtype, kept.device) == (x.shape, x.dtype, x.device):
            return
        device = x.device if self.generator is None else self.generator.device
        drawn = torch.randn(x.shape, generator=self.generator, dtype=x.dtype, device=device)
        self.vectors = torch.nn.functional.normalize(drawn).to(x.device)
