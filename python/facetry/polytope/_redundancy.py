"""Rows that the polytope does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .. import _core
from ._lp import LinearProgramming

if TYPE_CHECKING:
    from typing_extensions import Self


class Redundancy(LinearProgramming):
    """The group of operations that drop rows."""

    def minimal_rows(self) -> npt.NDArray[np.bool_]:
        """Tell which rows a minimal description keeps, (m,).

        The rows kept describe the same polytope, and none of them follows from the others: a row follows when
        the others keep its slack above ``-tolerance * size``. Of equal rows (scaled copies, or rows that
        differ by less than the tolerance) one is kept, the first where they are equal. On a flat polytope the
        rows that are equalities are thinned out too. Of an empty one a contradiction is kept, none of whose
        rows can go.

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope([[1], [2], [1], [-1]], [1, 2, 3, 0]).minimal_rows().tolist()
        [True, False, False, True]

        """
        if "minimal_rows" not in self._cache:
            kept = _core.polytope_minimal_rows(*self._batch)
            kept.flags.writeable = False
            self._cache["minimal_rows"] = kept
        result: npt.NDArray[np.bool_] = self._cache["minimal_rows"]
        return result

    def minimal(self) -> Self:
        """Give the same polytope with the rows of :meth:`minimal_rows` only (Matoba, B.3.1).

        Examples
        --------
        >>> import facetry as ft
        >>> ft.Polytope([[1, 0], [0, 1], [-1, -1], [1, 1]], [1, 1, 0, 5]).minimal()
        Polytope(2 dimensions, 3 rows, bounded)

        """
        kept = self.minimal_rows()
        if kept.all():
            return self
        return type(self)._of_checked(self._A[kept], self._b[kept], self._tolerance)
