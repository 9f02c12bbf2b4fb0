"""How many linear regions a network can have: bounds to hold beside a count."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import comb, factorial, prod

__all__ = ["arrangement", "hanin_rolnick", "montufar_lower", "montufar_upper", "serra"]


def arrangement(hyperplanes: int, inputs: int) -> int:
    """Count the cells of hyperplanes in general position: the sum of C(k, i), i = 0..n (Zaslavsky).

    Examples
    --------
    >>> from facetry.regions import bounds
    >>> bounds.arrangement(3, 2), bounds.arrangement(2, 5)
    (7, 4)

    """
    if hyperplanes < 0 or inputs < 0:
        raise ValueError(f"hyperplanes and inputs must not be negative, are {hyperplanes} and {inputs}")
    return sum(comb(hyperplanes, i) for i in range(inputs + 1))


def montufar_upper(inputs: int, widths: Sequence[int]) -> int:
    """Bound the number of regions from above, layer by layer (Sattelberg 2026, Eq. 2.26).

    A layer cuts what the layers before it can span: the dimension is the least of the inputs and their
    widths, which the printed formula leaves out.

    Examples
    --------
    >>> from facetry.regions import bounds
    >>> bounds.montufar_upper(2, [4, 4])
    121

    """
    _check(inputs, widths)
    bound, dimension = 1, inputs
    for width in widths:
        dimension = min(dimension, width)
        bound *= arrangement(width, dimension)
    return bound


def montufar_lower(inputs: int, widths: Sequence[int]) -> int:
    """Give a number of regions that some network of these widths reaches (Montufar et al. 2014; Eq. 2.27).

    Every width must be at least the number of inputs.

    Examples
    --------
    >>> from facetry.regions import bounds
    >>> bounds.montufar_lower(2, [4, 4])
    44

    """
    _check(inputs, widths)
    if min(widths) < inputs:
        raise ValueError(f"every width must be at least the {inputs} inputs, widths are {list(widths)}")
    folds: int = prod((width // inputs) ** inputs for width in widths[:-1])
    return folds * arrangement(widths[-1], inputs)


def serra(inputs: int, widths: Sequence[int]) -> int:
    """Bound the number of regions from above, counting active neurons (Serra et al. 2018, Theorem 1).

    The sum of the products of C(n_l, j_l) over all (j_1, ..., j_L) with j_l at most the inputs, n_l, and
    n_k - j_k for the layers k before.

    Examples
    --------
    >>> from facetry.regions import bounds
    >>> bounds.serra(2, [4, 4]) <= bounds.montufar_upper(2, [4, 4])
    True

    """
    _check(inputs, widths)

    @cache
    def below(layer: int, dimension: int) -> int:
        if layer == len(widths):
            return 1
        width = widths[layer]
        return sum(
            comb(width, j) * below(layer + 1, min(dimension, width - j))
            for j in range(min(dimension, width) + 1)
        )

    return below(0, inputs)


def hanin_rolnick(inputs: int, widths: Sequence[int], scale: float = 1.0) -> float:
    """Estimate the regions a unit of volume at initialisation (Hanin and Rolnick 2019, Theorem 5).

    ``(scale * N)^n / n!`` for N neurons and n <= N inputs, else ``2^N``: whatever the depth; for one input,
    linear in the number of neurons. The theorem bounds the mean with some constant ``scale``; with 1 it is
    what they observe in order of magnitude.

    Examples
    --------
    >>> from facetry.regions import bounds
    >>> bounds.hanin_rolnick(1, [8, 8]), bounds.hanin_rolnick(2, [8, 8])
    (16.0, 128.0)

    """
    _check(inputs, widths)
    neurons = sum(widths)
    if neurons < inputs:
        return float(2**neurons)
    return (scale * neurons) ** inputs / factorial(inputs)


def _check(inputs: int, widths: Sequence[int]) -> None:
    if inputs < 1 or not widths or min(widths) < 1:
        raise ValueError(f"inputs and widths must be at least 1, are {inputs} and {list(widths)}")
