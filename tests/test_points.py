"""Sobol and Halton points: against scipy and against the definitions, and their balance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import digits_of, halton_digits, halton_owen, radical_inverse, sobol_owen
from scipy.stats import qmc

import facetry as ft

SOBOL = [None, "owen", "lms", "shift"]
HALTON = [None, "owen", "digits"]
EVERY = [(ft.sobol, s) for s in SOBOL] + [(ft.halton, s) for s in HALTON]
PRIMES = [2, 3, 5, 7, 11, 13, 17, 19]


def scipy_points(engine, n, d, skip):
    stream = engine(d, scramble=False)
    if engine is qmc.Sobol:
        if skip:
            stream.fast_forward(skip)
    else:
        stream.num_generated = skip  # its fast_forward makes every point
    return stream.random(n)


def digits(points, count):
    return (points * 2.0**count).astype(np.uint64)


SIZES = [
    *[(0, 3, 0), (1, 1, 0), (1, 1, 1), (2, 5, 0), (4096, 1, 5), (1000, 2, 77), (512, 7, 12345), (300, 16, 1)],
    *[(129, 17, 2), (64, 63, 9), (65, 64, 0), (257, 65, 1023), (100, 127, 3), (100, 128, 3), (99, 129, 3)],
    *[(40, 1023, 17), (130, 1024, 0), (20, 1025, 1), (30_000, 3, 40_000)],
]


@pytest.mark.filterwarnings("ignore:The balance properties")
@pytest.mark.parametrize(("n", "d", "skip"), SIZES)
def test_sobol_has_the_bits_of_scipy(isa, threads, n, d, skip):
    expected = scipy_points(qmc.Sobol, n, d, skip)
    np.testing.assert_array_equal(ft.sobol(n, d, skip=skip), expected)
    np.testing.assert_array_equal(ft.sobol(n, d, skip=skip, bits=52), expected)


@pytest.mark.filterwarnings("ignore:The balance properties")
def test_sobol_in_all_dimensions_has_the_bits_of_scipy():
    np.testing.assert_array_equal(ft.sobol(100, 21_201, skip=3), scipy_points(qmc.Sobol, 100, 21_201, 3))


@pytest.mark.parametrize(("n", "d", "skip"), [*SIZES, (5000, 30, 2**47 - 4000)])
def test_halton_has_the_bits_of_scipy(isa, threads, n, d, skip):
    np.testing.assert_array_equal(ft.halton(n, d, skip=skip), scipy_points(qmc.Halton, n, d, skip))


def test_first_points():
    assert ft.sobol(5, 3).tolist() == [
        [0, 0, 0],
        [0.5, 0.5, 0.5],
        [0.75, 0.25, 0.25],
        [0.25, 0.75, 0.75],
        [0.375, 0.375, 0.625],
    ]
    assert ft.halton(4, 3).tolist() == [
        [0, 0, 0],
        [1 / 2, 1 / 3, 1 / 5],
        [1 / 4, 2 / 3, 2 / 5],
        [3 / 4, 1 / 9, 3 * (1 / 5)],
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**48 - 1), st.integers(0, 7))
def test_halton_is_the_radical_inverse(index, j):
    exact = radical_inverse(digits_of(index, PRIMES[j]), PRIMES[j])
    point = ft.halton(1, 8, skip=index)[0, j]
    assert abs(exact - point) < 2.0**-48.8  # the bound of points/sequence.hpp, which keeps points below 1
    assert 0 <= point < 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**52 - 1), st.integers(0, 2**64 - 1), st.integers(0, 4))
def test_owen_sobol_is_its_definition(index, seed, j):
    plain = int(digits(ft.sobol(1, 5, skip=index, bits=52), 52)[0, j])
    scrambled = ft.sobol(1, 5, "owen", seed=seed, skip=index, bits=52)
    assert int(digits(scrambled, 52)[0, j]) == sobol_owen(plain, seed, j)


@pytest.mark.parametrize(("scramble", "definition"), [("digits", halton_digits), ("owen", halton_owen)])
@pytest.mark.parametrize("skip", [0, 3000, 2**48 - 5000])
def test_scrambled_halton_is_its_definition(isa, scramble, definition, skip):
    points = ft.halton(5000, 8, scramble, seed=7, skip=skip)
    for i in (0, 1, 2, 1023, 1024, 4999):
        for j, base in enumerate(PRIMES):
            error = definition(skip + i, base, 7, j) - float(points[i, j])
            assert 0 <= error < 2**-52 + 2**-56


@pytest.mark.parametrize(("sequence", "scramble"), EVERY)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("d", [1, 3, 70, 1030])
def test_the_same_bits_everywhere(sequence, scramble, dtype, d):
    n, before = (200_000 if d < 70 else 6000), (ft.isa(), ft.num_threads())
    options = {"scramble": scramble, "seed": 3, "dtype": dtype}
    points = sequence(n, d, skip=100, **options)
    assert points.dtype == dtype
    assert points.min() >= 0
    assert points.max() < 1
    try:
        for isa in ft.available_isas():
            for threads in (1, 3):
                ft.use_isa(isa)
                ft.set_num_threads(threads)
                np.testing.assert_array_equal(sequence(n, d, skip=100, **options), points)
    finally:
        ft.use_isa(before[0])
        ft.set_num_threads(before[1])
    for first, last in [(0, 1), (1, 2), (127, 4321), (5000, 5000), (4096, 6000)]:
        block = sequence(last - first, d, skip=100 + first, **options)
        np.testing.assert_array_equal(block, points[first:last])


@pytest.mark.parametrize(("sequence", "scramble"), EVERY)
def test_float32_is_float64_cut(isa, sequence, scramble):
    points = sequence(3000, 9, scramble, seed=1, skip=10)
    single = sequence(3000, 9, scramble, seed=1, skip=10, dtype=np.float32)
    np.testing.assert_array_equal(single, np.floor(points * 2**24) / 2**24)


@pytest.mark.parametrize("bits", [1, 2, 24, 25, 31, 32, 33, 52])
def test_the_largest_sobol_point_stays_below_one(isa, bits):
    index = 0xAAAAAAAAAAAAA >> (52 - bits)  # its Gray code is all ones, and so is its first coordinate
    largest = ft.sobol(1, 1, skip=index, bits=bits)[0, 0]
    assert largest == 1 - 2.0**-bits
    single = ft.sobol(1, 1, skip=index, bits=bits, dtype="float32")[0, 0]
    assert single == 1 - 2.0 ** -min(bits, 24)


@pytest.mark.parametrize("j", range(8))
def test_the_largest_halton_points_stay_below_one(isa, j):
    base, count = PRIMES[j], len(digits_of(2**48 - 1, PRIMES[j])) - 1
    for dtype in ("float64", "float32"):
        assert ft.halton(1, 8, skip=base**count - 1, dtype=dtype)[0, j] < 1
        assert ft.halton(5000, 8, skip=base**count - 5000, dtype=dtype)[-1, j] < 1


@pytest.mark.parametrize("bits", [1, 5, 13, 32, 40, 52])
@pytest.mark.parametrize("scramble", ["owen", "lms", "shift"])
def test_fewer_bits_are_the_first_bits(isa, scramble, bits):
    n = min(2**bits, 500)
    points = ft.sobol(n, 5, scramble, seed=9, bits=bits)
    np.testing.assert_array_equal(
        points, np.floor(ft.sobol(n, 5, scramble, seed=9, bits=52) * 2.0**bits) / 2.0**bits
    )


@pytest.mark.parametrize("scramble", SOBOL)
def test_every_block_of_sobol_points_is_stratified(scramble):
    points = ft.sobol(2**12, 200, scramble, seed=11)
    for m in range(13):
        strata = np.sort(digits(points, m).reshape(-1, 2**m, 200), axis=1)
        assert (strata == np.arange(2**m)[:, None]).all()


@pytest.mark.parametrize("scramble", ["owen", "lms", "shift"])
def test_scrambling_keeps_the_counts_of_elementary_intervals(scramble):
    plain, points = ft.sobol(2**9, 6), ft.sobol(2**9, 6, scramble, seed=5)

    def counts(p, i, j, k, m):
        cells = digits(p[:, i], k) * 2**m + digits(p[:, j], m)
        return np.sort(np.bincount(cells.astype(int), minlength=2 ** (k + m))).tolist()

    for i in range(6):
        for j in range(i):
            for k in range(10):
                for m in range(11 - k):
                    assert counts(points, i, j, k, m) == counts(plain, i, j, k, m)


@pytest.mark.parametrize("scramble", HALTON)
def test_halton_boxes_hold_one_point_each(scramble):
    for j, base in enumerate(PRIMES):
        n = base ** (2 if base > 7 else 4)
        points = ft.halton(5 * n, 8, scramble, seed=2, skip=3)
        # half a unit of the 52nd digit, since 3 / 9 lies below 1 / 3 when cut
        strata = np.floor((points[:, j] + 2.0**-50) * n).reshape(5, n)
        assert (np.sort(strata, axis=1) == np.arange(n)).all()
    points = ft.halton(8 * 9 * 5, 3, scramble, seed=2) + 2.0**-50
    boxes = np.floor(points * [8, 9, 5]) @ [45, 5, 1]
    assert (np.sort(boxes) == np.arange(360)).all()


def test_owen_flips_hang_on_the_digits_above_alone():
    plain = digits(ft.sobol(2**10, 3), 32)
    flips = plain ^ digits(ft.sobol(2**10, 3, "owen", seed=8), 32)
    for k in range(11):
        prefix, flip = plain >> np.uint64(32 - k), flips >> np.uint64(31 - k) & np.uint64(1)
        for j in range(3):
            of_prefix = {(int(p), int(f)) for p, f in zip(prefix[:, j], flip[:, j], strict=True)}
            assert len(of_prefix) == 2**k


def test_owen_flips_of_different_nodes_are_uncorrelated():
    # 63 nodes of the first six digits, in 20,000 dimensions; five standard deviations are allowed
    plain, points = (digits(ft.sobol(64, 20_000, s, seed=2), 6).astype(int) for s in (None, "owen"))
    order = np.argsort(plain, axis=0)  # of the points by their first six digits
    flips = np.take_along_axis(plain ^ points, order, axis=0)
    nodes = np.concatenate([flips[:: 64 >> k] >> (5 - k) & 1 for k in range(6)]).astype(float)
    assert abs(nodes.mean(axis=1) - 0.5).max() < 5 * 0.5 / np.sqrt(20_000)
    assert abs(np.corrcoef(nodes) - np.eye(63)).max() < 5 / np.sqrt(20_000)


@pytest.mark.parametrize("bits", [32, 52])
@pytest.mark.parametrize("scramble", ["owen", "lms", "shift"])
def test_all_bits_of_a_scrambled_point_are_random(scramble, bits):
    # one point in 20,000 dimensions for each scrambling, five standard deviations allowed
    points = digits(ft.sobol(1, 20_000, scramble, seed=1, skip=5, bits=bits)[0], bits)
    table = (points[:, None] >> np.arange(bits, dtype=np.uint64)) & np.uint64(1)
    assert abs(table.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(20_000)
    correlation = np.corrcoef(table.T.astype(float)) - np.eye(bits)
    assert abs(correlation).max() < 5 / np.sqrt(20_000)


def test_owen_bits_below_the_resolution_are_random():
    points = digits(ft.sobol(2**14, 4, "owen", seed=4), 32)
    table = ((points[..., None] >> np.arange(16, dtype=np.uint64)) & np.uint64(1)).reshape(2**14, -1)
    assert abs(table.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(2**14)
    correlation = np.corrcoef(table.T.astype(float)) - np.eye(64)
    assert abs(correlation).max() < 5 / np.sqrt(2**14)


@pytest.mark.parametrize(("sequence", "scramble"), [e for e in EVERY if e[1]])
def test_moments_and_unbiasedness(sequence, scramble):
    points = sequence(2**14, 8, scramble, seed=6)
    assert abs(points.mean(axis=0) - 1 / 2).max() < 1e-3
    assert abs(points.var(axis=0) - 1 / 12).max() < 1e-3
    # over seeds each single point is uniform: its mean over 2000 seeds to five standard deviations
    first = np.array([sequence(2, 3, scramble, seed=s)[1] for s in range(2000)])
    assert abs(first.mean(axis=0) - 1 / 2).max() < 5 * np.sqrt(1 / 12 / 2000)
    assert abs(np.corrcoef(first.T) - np.eye(3)).max() < 5 / np.sqrt(2000)


def test_leap_takes_every_so_manieth_point(isa):
    for scramble in HALTON:
        points = ft.halton(10_000, 6, scramble, seed=3, skip=7)
        np.testing.assert_array_equal(ft.halton(2500, 6, scramble, seed=3, skip=7, leap=4), points[::4])


@pytest.mark.parametrize(("engine", "function"), [(ft.Sobol, ft.sobol), (ft.Halton, ft.halton)])
def test_streams(engine, function):
    stream = engine(3, seed=5)
    points = function(100, 3, "owen", seed=5)
    np.testing.assert_array_equal(stream.random(), points[:1])
    np.testing.assert_array_equal(stream.random(7), points[1:8])
    assert stream.fast_forward(10).num_generated == 18
    np.testing.assert_array_equal(stream.random(82), points[18:])
    assert stream.reset().num_generated == 0
    out = np.empty((5, 3))
    assert stream.random(5, out=out) is out
    np.testing.assert_array_equal(out, points[:5])
    np.testing.assert_array_equal(stream.points(50, 50), points[50:])
    plain = engine(3, scramble=False, dtype="float32")
    np.testing.assert_array_equal(plain.random(9), function(9, 3, dtype="float32"))


def test_a_seed_of_none_is_fresh_and_told():
    first, second = ft.Sobol(2), ft.Halton(2)
    assert first.seed != second.seed
    np.testing.assert_array_equal(ft.sobol(9, 2, "owen", seed=first.seed), first.random(9))
    np.testing.assert_array_equal(ft.halton(9, 2, "owen", seed=second.seed), second.random(9))


def test_random_base2():
    stream = ft.Sobol(2, scramble=None)
    np.testing.assert_array_equal(stream.random_base2(3), ft.sobol(8, 2))
    with pytest.raises(ValueError, match=r"8 points and 2\*\*2 more are 12, not a power of 2"):
        stream.random_base2(2)


@pytest.mark.parametrize("function", [ft.sobol, ft.halton])
@pytest.mark.parametrize(
    ("error", "match", "arguments"),
    [
        (ValueError, "d must be from 1 to 21201, is 0", {"d": 0}),
        (ValueError, "d must be from 1 to 21201, is 21202", {"d": 21_202}),
        (ValueError, "n must be 0 or more, is -1", {"n": -1}),
        (ValueError, "skip must be 0 or more, is -2", {"skip": -2}),
        (ValueError, r"seed must be from 0 to .*, is -1", {"seed": -1}),
        (ValueError, r"seed must be from 0 to .*, is 18446744073709551616", {"seed": 2**64}),
        (ValueError, "scramble must be None, 'owen'.* is 'faure'", {"scramble": "faure"}),
        (TypeError, "scramble must be a string, True, False or None, is 3", {"scramble": 3}),
        (TypeError, "'float' object cannot be interpreted as an integer", {"n": 3.0}),
        (TypeError, "dtype must be float32 or float64, is int64", {"dtype": np.int64}),
        (TypeError, "dtype must be float32 or float64, is float16", {"dtype": "float16"}),
        (ValueError, r"out has shape \(8, 3\), expected \(8, 2\)", {"out": np.empty((8, 3))}),
        (TypeError, "out must be a float64 array, is float32", {"out": np.empty((8, 2), "f4")}),
        (TypeError, "out must be a float64 array, is list", {"out": [[0.0] * 2] * 8}),
        (ValueError, "out must be C-contiguous and writable", {"out": np.empty((2, 8)).T}),
        (ValueError, "out must be C-contiguous and writable", {"out": np.broadcast_to(0.0, (8, 2))}),
        (MemoryError, "needs 728,460,639,461,376 bytes", {"n": 2**32 - 2**10, "d": 21_201}),
    ],
)
def test_bad_input(function, error, match, arguments):
    with pytest.raises(error, match=match):
        function(**({"n": 8, "d": 2} | arguments))


def test_beyond_the_period():
    with pytest.raises(ValueError, match=r"skip \+ n = 4294967297 .* 2\*\*32 = 4294967296 points"):
        ft.sobol(2**32 + 1, 1)
    with pytest.raises(ValueError, match=r"skip \+ n = 9 is beyond the period of 2\*\*3 = 8 points"):
        ft.sobol(2, 1, skip=7, bits=3)
    assert ft.sobol(1, 1, skip=2**32 - 1).shape == (1, 1)
    assert ft.sobol(0, 2, skip=2**52, bits=52).shape == (0, 2)
    for bits in (0, 53):
        with pytest.raises(ValueError, match=f"bits must be from 1 to 52, is {bits}"):
            ft.sobol(1, 1, bits=bits)
    with pytest.raises(ValueError, match=r"the last index, 281474976710656, is beyond 2\*\*48 - 1"):
        ft.halton(2, 1, skip=2**48 - 1)
    assert ft.halton(1, 1, skip=2**48 - 1).shape == (1, 1)
    with pytest.raises(ValueError, match="leap must be from 1"):
        ft.halton(2, 1, leap=0)
