"""Half-space polytopes {x : A x <= b}, one at a time and many at once."""

from ._lp import Optimum
from ._polytope import Polytope
from ._polytopes import Polytopes

__all__ = ["Optimum", "Polytope", "Polytopes"]
