"""How the gradient of a labelled output changes near a point."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .._arrays import FloatArray, require_memory
from .._progress import Progress, reporter
from ..network import Network
from ._balls import Ball, as_domain, as_radius
from ._labels import Int64Array, as_labels, gradients_of

F64 = npt.NDArray[np.float64]

_BLOCK_BYTES = 2**26  # of samples that are made at a time


class ExpectedDistortion(NamedTuple):
    """Mean distortions of n points.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0, 2.0]])])
    >>> ft.gradients.expected_distortion(net, [[0.0, 0.0]], 0, 0.1, samples=10).value.tolist()
    [0.0]

    """

    value: F64
    """(n,): the mean over the samples."""
    standard_error: F64
    """(n,): the samples' standard deviation divided by the root of their number."""


class WorstDistortion(NamedTuple):
    """Largest distortions found near n points.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    >>> worst = ft.gradients.worst_distortion(net, [[0.5]], 0, 1.0, population=16, epochs=2)
    >>> worst.value.tolist(), bool(worst.points[0, 0] <= 0)
    ([1.0], True)

    """

    value: F64
    """(n,): a lower bound of the largest distortion."""
    points: FloatArray
    """(n, inputs): where it was found."""


def expected_distortion(
    net: Network,
    x: npt.ArrayLike,
    labels: npt.ArrayLike,
    radius: float,
    *,
    domain: npt.ArrayLike | None = None,
    samples: int = 8000,
    seed: int = 0,
    progress: bool | Progress | None = None,
) -> ExpectedDistortion:
    """Give the expected l1 distortion of the gradient near every point (Lee et al. 2019, section 5.3).

    ``E |grad f_y(x') - grad f_y(x)|_1`` over x' uniform in the l_inf ball about x cut with the domain.

    Parameters
    ----------
    net : Network
        Of any layers.
    x : (n, inputs) array
        As for calling the network; inside the domain.
    labels : int or (n,) array of int
        The output of each point.
    radius : float
        Of the ball; 8/256 in the paper, for images in [0, 1].
    domain : (2,) or (inputs, 2) array, optional
        Lower and upper bound of all inputs or of each; ``net.input_box`` unless given, which may be none.
    samples : int
        A point.
    seed : int
        Point i has the samples of ``numpy.random.default_rng([seed, i])``, rounded to the network's dtype.
    progress : bool or callable, optional
        True counts points on standard error; a callable gets (points done, all points).

    Raises
    ------
    ValueError, TypeError
        For points as in calling the network, or outside of the domain; labels out of range; radius <= 0; a
        domain with lower > upper; samples < 2.

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    >>> near = ft.gradients.expected_distortion(net, [[0.0]], 0, 1.0)  # 0 on the left, 1 on the right
    >>> bool(abs(near.value[0] - 0.5) < 4 * near.standard_error[0])
    True

    """
    points, outputs, radius, low, high = _arguments(net, x, labels, radius, domain)
    if samples < 2:
        raise ValueError(f"samples must be at least 2, is {samples}")
    report = reporter(progress, "points")
    gradients = gradients_of(net, points, outputs)
    value, error = np.zeros(len(points)), np.zeros(len(points))
    step = max(1, _BLOCK_BYTES // (8 * net.input_dim))
    for i, point in enumerate(points):
        rng, ball = np.random.default_rng([seed, i]), Ball(point, radius, low, high)
        found = np.concatenate(
            [
                _distortion(net, ball.sample(min(step, samples - begin), rng), outputs[i], gradients[i])
                for begin in range(0, samples, step)
            ]
        )
        value[i], error[i] = found.mean(), found.std(ddof=1) / np.sqrt(samples)
        report(i + 1, len(points))
    return ExpectedDistortion(value, error)


def worst_distortion(
    net: Network,
    x: npt.ArrayLike,
    labels: npt.ArrayLike,
    radius: float,
    *,
    domain: npt.ArrayLike | None = None,
    population: int = 4800,
    epochs: int = 30,
    keep: float = 0.25,
    overshoot: float = 0.25,
    seed: int = 0,
    progress: bool | Progress | None = None,
) -> WorstDistortion:
    """Search the largest l1 distortion of the gradient near every point by a genetic algorithm.

    ``max |grad f_y(x') - grad f_y(x)|_1`` over the l_inf ball about x cut with the domain (Lee et al. 2019,
    Appendix J). The population begins uniform in it. In each epoch the fraction ``keep`` of largest
    distortion stays; pairs of them, drawn with replacement, give ``a c + (1 - a) c'`` for the others, with a
    uniform in [-overshoot, 1 + overshoot], projected to the ball and the domain. No mutation.

    Parameters
    ----------
    net, x, labels, radius, domain, progress
        As for :func:`expected_distortion`.
    population, epochs, keep, overshoot
        The printed parameters unless given. Gradients are taken ``epochs * (1 - keep) + 1`` times for the
        whole population, since the kept ones are known.
    seed : int
        Point i has the random numbers of ``numpy.random.default_rng([seed, i])``.

    Returns
    -------
    WorstDistortion
        The value at a point that was evaluated: a lower bound of the maximum.

    Raises
    ------
    ValueError, TypeError
        As for :func:`expected_distortion`; a population below 2, negative epochs or overshoot, keep outside
        of (0, 1).

    Examples
    --------
    >>> import facetry as ft
    >>> net = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -0.5]), ft.ReLU(), ft.Dense([[1.0, 5.0]])])
    >>> ft.gradients.worst_distortion(net, [[0.2]], 0, 0.5, population=64).value.tolist()
    [5.0]

    """
    points, outputs, radius, low, high = _arguments(net, x, labels, radius, domain)
    if population < 2:
        raise ValueError(f"population must be at least 2, is {population}")
    if epochs < 0:
        raise ValueError(f"epochs must not be negative, is {epochs}")
    if not 0 < keep < 1:
        raise ValueError(f"keep is {keep}, expected a fraction between 0 and 1")
    if not 0 <= overshoot < np.inf:
        raise ValueError(f"overshoot is {overshoot}, expected a number of at least 0")
    require_memory(4 * population * net.input_dim * 8, "the population")
    report = reporter(progress, "points")
    gradients = gradients_of(net, points, outputs)
    value, where = np.zeros(len(points)), points.copy()
    kept = max(1, int(keep * population))
    for i, point in enumerate(points):
        rng, ball = np.random.default_rng([seed, i]), Ball(point, radius, low, high)
        pool = ball.sample(population, rng)
        found = _distortion(net, pool, outputs[i], gradients[i])
        for _ in range(epochs):
            best = np.argsort(-found, kind="stable")[:kept]
            first, second = pool[best[rng.integers(kept, size=(2, population - kept))]].astype(np.float64)
            share = rng.uniform(-overshoot, 1 + overshoot, (population - kept, 1))
            children = ball.project(share * first + (1 - share) * second)
            grown = _distortion(net, children, outputs[i], gradients[i])
            pool, found = np.concatenate([pool[best], children]), np.concatenate([found[best], grown])
        winner = int(found.argmax())
        value[i], where[i] = found[winner], pool[winner]
        report(i + 1, len(points))
    return WorstDistortion(value, where)


def _arguments(
    net: Network, x: npt.ArrayLike, labels: npt.ArrayLike, radius: float, domain: npt.ArrayLike | None
) -> tuple[FloatArray, Int64Array, float, F64, F64]:
    points = net._points(x)
    bad = np.argwhere(~np.isfinite(points))
    if len(bad):
        raise ValueError(f"x is not finite at index ({bad[0][0]}, {bad[0][1]})")
    outputs = as_labels(net, labels, len(points))
    return points, outputs, as_radius(radius), *as_domain(net, domain, points)


def _distortion(net: Network, samples: FloatArray, label: np.int64, gradient: FloatArray) -> F64:
    """Give the l1 distance of the samples' gradients from a gradient, (samples,)."""
    change = gradients_of(net, samples, np.repeat(label, len(samples)))
    change -= gradient
    distances: F64 = np.abs(change, out=change).sum(axis=1, dtype=np.float64)
    return distances
