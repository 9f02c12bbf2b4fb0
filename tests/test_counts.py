"""Bounds of the number of complete linear regions among points (Lee et al. 2019, Lemma 7)."""

import numpy as np
import pytest
from reference import frozen, random_network
from test_gradients import every_kind, points

import facetry as ft


def counts(net, x):
    """Distinct Jacobians, compared after rounding, and distinct patterns, one point at a time."""
    patterns = net.patterns(x).to_bool()
    jacobians = [frozen(net, row)[1][0] for row in patterns]
    size = max(abs(j).max() for j in jacobians)
    rounded = {(np.round(j / size, 9) + 0.0).tobytes() for j in jacobians}
    return len(rounded), len({row.tobytes() for row in patterns})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_counts_are_those_of_the_oracle(isa, threads, dtype):
    net = random_network([2, 8, 2, 2], seed=1, dtype=dtype)
    x = points(net, 400)
    count = net.count_linear_regions(x)
    assert (count.lower, count.upper) == counts(net, x)
    assert 1 < count.lower < count.upper < 400
    assert count.points == 400
    assert count.complete


def test_upper_is_the_count_of_patterns_in_any_blocks():
    net = every_kind()
    x = points(net, 300)
    whole = net.count_linear_regions(x)
    assert whole.upper == net.count_patterns(x).distinct
    assert net.count_linear_regions(x, chunk=7) == whole
    assert net.count_linear_regions(iter([x[:100], x[100:101], x[101:]])) == whole
    assert net.count_linear_regions(np.concatenate([x, x])) == ft.LinearRegionCount(
        whole.lower, whole.upper, 600, True
    )


def test_patterns_with_one_map_are_one_complete_region():
    """|x| - |x| has two patterns and one map; a neuron that nothing reads makes more patterns only."""
    fold = ft.Network([ft.Dense([[1.0], [-1.0], [1.0]], [0, 0, -5]), ft.ReLU(), ft.Dense([[1.0, 1.0, 0.0]])])
    count = fold.count_linear_regions([[-1.0], [1.0], [6.0]])
    assert (count.lower, count.upper) == (2, 3)
    affine = ft.Network([ft.Dense([[1.0, 2.0]])])
    assert affine.count_linear_regions(np.zeros((4, 2))) == ft.LinearRegionCount(1, 1, 4, True)


def test_negative_zero_is_zero():
    net = ft.Network([ft.Dense([[1.0], [-1.0]]), ft.ReLU(), ft.Dense([[0.0, 0.0]])])
    assert net.count_linear_regions([[1.0], [-1.0]]).lower == 1


def test_no_points():
    net = every_kind()
    assert net.count_linear_regions(np.empty((0, 5))) == ft.LinearRegionCount(0, 0, 0, True)
    assert net.count_linear_regions(iter([])) == ft.LinearRegionCount(0, 0, 0, True)


@pytest.mark.parametrize("max_bytes", [0, 1000, 3000, 10_000])
def test_bounds_hold_where_memory_is_full(max_bytes):
    net = random_network([2, 8, 2, 2], seed=1, dtype="float64")
    x = points(net, 400)
    lower, upper = counts(net, x)
    count = net.count_linear_regions(x, max_bytes=max_bytes)
    assert count.lower <= lower
    assert upper <= count.upper <= 400
    assert count.upper == upper or not count.complete
    assert max_bytes > 0 or count == ft.LinearRegionCount(0, 400, 400, False)


def test_progress_is_told():
    net, told = every_kind(), []
    net.count_linear_regions(
        points(net, 20), chunk=8, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(8, 20), (16, 20), (20, 20)]


def test_bad_input_is_named():
    net = every_kind()
    with pytest.raises(ValueError, match="chunk must be at least 1, is 0"):
        net.count_linear_regions(np.zeros((1, 5)), chunk=0)
    with pytest.raises(ValueError, match="max_bytes must not be negative, is -1"):
        net.count_linear_regions(np.zeros((1, 5)), max_bytes=-1)
    with pytest.raises(ValueError, match=r"x is not finite at index \(0, 2\)"):
        net.count_linear_regions([[0.0, 0.0, np.inf, 0.0, 0.0]])
    with pytest.raises(ValueError, match=r"x has shape \(1, 4\), expected \(n, 5\)"):
        net.count_linear_regions(iter([np.zeros((1, 4))]))
