"""Low-discrepancy points against scipy, and against writing as many numbers at all."""

import warnings

import numpy as np
import pytest
from conftest import points

import facetry as ft

qmc = pytest.importorskip("scipy.stats", reason="the peer is scipy").qmc


def fill(n, d):
    """Fresh memory, every page of it touched: the least that any generator of points has to do."""
    array = np.empty((n, d))
    array.fill(0.5)
    return array


def scipy_sobol(n, d, scramble):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that n is no power of two
        return qmc.Sobol(d, scramble=scramble, rng=0).random(n)


def assert_stratified(x):
    """Each coordinate of 2**m scrambled Sobol points is in a stratum of its own."""
    m = len(x).bit_length() - 1
    strata = np.sort((x[: 2**m] * 2**m).astype(int), axis=0)
    assert (strata == np.arange(2**m)[:, None]).all()


def test_sobol(race):
    n, d = points(2**20), 64
    race(f"Sobol {n:,} x {d} float64", "numpy fill", 1 / 1.3, lambda: ft.sobol(n, d), lambda: fill(n, d))
    np.testing.assert_array_equal(ft.sobol(n, d), scipy_sobol(n, d, False))


def test_owen_sobol(race):
    n, d = points(2**20), 64
    race(
        f"Owen-scrambled Sobol {n:,} x {d} float64",
        "scipy, linear scrambling",
        1,
        lambda: ft.sobol(n, d, "owen", seed=0),
        lambda: scipy_sobol(n, d, True),
    )
    assert_stratified(ft.sobol(n, d, "owen", seed=0))


def test_halton(race):
    n, d = points(10**6), 64
    race(
        f"Halton {n:,} x {d} float64",
        "scipy",
        7,
        lambda: ft.halton(n, d),
        lambda: qmc.Halton(d, scramble=False).random(n),
    )
    np.testing.assert_array_equal(ft.halton(n, d), qmc.Halton(d, scramble=False).random(n))


@pytest.mark.parametrize(("scramble", "at_least"), [("digits", 10), ("owen", 3)])
def test_scrambled_halton(race, scramble, at_least):
    n, d = points(10**6), 64
    race(
        f"Halton {n:,} x {d} float64, scrambled ({scramble})",
        "scipy, scrambled (digits)",
        at_least,
        lambda: ft.halton(n, d, scramble, seed=0),
        lambda: qmc.Halton(d, rng=0).random(n),
    )
    x = ft.halton(n, d, scramble, seed=0)
    assert abs(x.mean(axis=0) - 0.5).max() < 10 / np.sqrt(n)
