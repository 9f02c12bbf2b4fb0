"""Low-discrepancy points in the unit cube: Sobol and Halton, scrambled or not.

Every point is a function of its index and the seed alone, so that blocks, threads, instruction sets and
``skip`` agree in every bit.
"""

from ._halton import Halton, halton
from ._sobol import Sobol, sobol

__all__ = ["Halton", "Sobol", "halton", "sobol"]
