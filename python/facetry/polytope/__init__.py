"""Half-space polytopes {x : A x <= b}, one at a time and many at once."""

from ._lp import Optimum
from ._polytope import Polytope
from ._polytopes import Polytopes
from ._sampling import Mixing
from ._union import PolytopeUnion
from ._volume import Estimate

__all__ = ["Estimate", "Mixing", "Optimum", "Polytope", "PolytopeUnion", "Polytopes"]
