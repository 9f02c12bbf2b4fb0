"""Packed patterns: layout, selection, counting, distances, hashing."""

import pickle

import numpy as np
import pytest

import facetry as ft

WIDTHS = [3, 64, 1, 65, 130]


def random_patterns(n, widths=WIDTHS, seed=0, density=0.5):
    active = np.random.default_rng(seed).random((n, sum(widths))) < density
    return active, ft.Patterns.from_bool(active, widths)


def few_patterns(n, kinds=5):
    active, _ = random_patterns(kinds)
    choice = np.random.default_rng(1).integers(0, kinds, n)
    return active[choice], ft.Patterns.from_bool(active[choice], WIDTHS)


def test_layout():
    active = np.zeros((1, 70), bool)
    active[0, [0, 2, 3, 66, 69]] = True
    p = ft.Patterns.from_bool(active, [3, 67])
    assert p.bits.dtype == np.uint64
    np.testing.assert_array_equal(p.bits, [[0b101, 1 | 1 << 63, 0b100]])


@pytest.mark.parametrize("n", [0, 1, 7, 100])
def test_round_trip_through_booleans(n):
    active, p = random_patterns(n)
    np.testing.assert_array_equal(p.to_bool(), active)
    assert p.to_bool().dtype == bool
    assert (len(p), p.n_neurons, p.layer_widths) == (n, 263, tuple(WIDTHS))


def test_layers():
    active, p = random_patterns(20)
    begin = 0
    for i, width in enumerate(WIDTHS):
        np.testing.assert_array_equal(p.layer(i).to_bool(), active[:, begin : begin + width])
        assert p.layer(i - len(WIDTHS)) == p.layer(i)
        begin += width
    with pytest.raises(IndexError, match="layer 5 of 5"):
        p.layer(5)


def test_selection():
    active, p = random_patterns(20)
    np.testing.assert_array_equal(p[3].to_bool(), active[3:4])
    np.testing.assert_array_equal(p[-1].to_bool(), active[-1:])
    np.testing.assert_array_equal(p[5:9].to_bool(), active[5:9])
    np.testing.assert_array_equal(p[[4, 4, 1]].to_bool(), active[[4, 4, 1]])
    np.testing.assert_array_equal(p[active[:, 0]].to_bool(), active[active[:, 0]])
    assert p[5:9].bits.base is not None, "a slice is a view"
    assert len(list(p)) == 20
    with pytest.raises(IndexError, match="pattern 20 of 20"):
        p[20]


def test_equality_hash_pickle_concatenate():
    _, p = random_patterns(20)
    assert p == p[:]
    assert p != p[::-1]
    assert p != p[:19]
    assert p != p.layer(0)
    assert p != 3
    assert hash(p) == hash(p[:])
    assert pickle.loads(pickle.dumps(p)) == p
    assert ft.Patterns.concatenate([p[:7], p[7:7], p[7:]]) == p
    assert repr(p) == "Patterns(20 of 263 neurons in layers (3, 64, 1, 65, 130))"


def test_row_hashes_follow_equality():
    _, p = few_patterns(300)
    hashes = p.hash()
    assert (hashes.shape, hashes.dtype) == ((300,), np.uint64)
    same = p.hamming(p, pairwise=True) == 0
    np.testing.assert_array_equal(hashes[:, None] == hashes[None], same)


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33, 3000])
def test_unique_agrees_with_numpy(n):
    active, p = few_patterns(n)
    unique = p.unique(return_index=True, return_inverse=True, return_counts=True)
    rows, index, inverse, counts = np.unique(
        active, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(index)  # numpy sorts the rows; ours come in the order of appearance
    np.testing.assert_array_equal(unique.patterns.to_bool(), rows[order])
    np.testing.assert_array_equal(unique.indices, index[order])
    np.testing.assert_array_equal(unique.counts, counts[order])
    np.testing.assert_array_equal(order[unique.inverse], inverse.ravel())
    assert p.unique() == unique.patterns
    alone = p.unique(return_counts=True)
    assert alone.indices is None
    assert alone.inverse is None


def test_unique_of_all_distinct_rows_and_of_words_that_differ_in_one_bit():
    bits = (np.uint64(1) << np.arange(64, dtype=np.uint64))[:, None]
    p = ft.Patterns(bits, [64])
    assert p.unique() == p
    _, q = random_patterns(5000)
    assert q.unique() == q


@pytest.mark.parametrize("n", [0, 1, 5, 200])
def test_hamming(isa, threads, n):
    a, p = random_patterns(n)
    b, q = random_patterns(n, seed=1)
    np.testing.assert_array_equal(p.hamming(q), (a != b).sum(axis=1))
    pairs = (a[:, None] != b[None]).sum(axis=2)
    np.testing.assert_array_equal(p.hamming(q, pairwise=True), pairs)
    if n:
        np.testing.assert_array_equal(p.hamming(q[0]), pairs[:, 0])
        np.testing.assert_array_equal(p[0].hamming(q), pairs[0])


@pytest.mark.parametrize("n", [0, 1, 254, 255, 256, 9000])
def test_count_active(isa, threads, n):
    active, p = random_patterns(n, density=0.9)
    np.testing.assert_array_equal(p.count_active(), active.sum(axis=0))


def test_a_set_holds_no_more_memory_than_it_may():
    _, p = random_patterns(4000)
    for limit in (0, 100, 1000, 40_000):
        seen = ft.PatternSet(WIDTHS, max_bytes=limit)
        added = seen.add(p)
        assert added == len(seen) < 4000
        assert not seen.complete
        assert seen.nbytes <= max(limit, 64), "an empty set holds 64 bytes"
        assert seen.patterns() == p[: len(seen)], "what fits is kept"
        assert seen.add(p[: len(seen)]) == 0
    whole = ft.PatternSet(WIDTHS)
    assert whole.add(p) == 4000
    assert whole.complete
    assert 4000 * 8 * 8 <= whole.nbytes < 3 * 4000 * 8 * 8


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda p: ft.Patterns(p.bits.astype(np.int64), WIDTHS),
            TypeError,
            "bits has dtype int64, expected uint64",
        ),
        (lambda p: ft.Patterns(p.bits, [64]), ValueError, r"bits has shape \(9, 8\), expected \(n, 1\)"),
        (lambda p: ft.Patterns(p.bits[0], WIDTHS), ValueError, r"bits has shape \(8,\), expected \(n, 8\)"),
        (lambda p: ft.Patterns.from_bool([[0, 1]], [2]), TypeError, "active has dtype int64, expected bool"),
        (
            lambda p: ft.Patterns.from_bool([[True]], [2]),
            ValueError,
            r"active has shape \(1, 1\), expected \(n, 2\)",
        ),
        (
            lambda p: p.hamming(p.layer(0)),
            ValueError,
            r"patterns of layers \(3,\), expected \(3, 64, 1, 65, 130\)",
        ),
        (
            lambda p: p.hamming(p[:4]),
            ValueError,
            r"other has 4 patterns, expected 9 or 1 \(or pairwise=True\)",
        ),
        (lambda p: ft.Patterns.concatenate([]), ValueError, "nothing to concatenate"),
        (
            lambda p: ft.Patterns.concatenate([p, p.layer(0)]),
            ValueError,
            r"patterns of layers \(3,\), expected",
        ),
        (
            lambda p: ft.PatternSet([3]).add(p),
            ValueError,
            r"patterns of layers \(3, 64, 1, 65, 130\), expected \(3,\)",
        ),
        (lambda p: ft.PatternSet([3], max_bytes=-1), ValueError, "max_bytes must not be negative, is -1"),
    ],
)
def test_bad_input_is_refused(make, error, message):
    _, p = random_patterns(9)
    with pytest.raises(error, match=message):
        make(p)


def test_bits_cannot_be_written():
    _, p = random_patterns(3)
    with pytest.raises(ValueError, match="read-only"):
        p.bits[0, 0] = 1
