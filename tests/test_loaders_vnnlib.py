"""Input boxes of .vnnlib properties."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import facetry as ft

SMALL = """; a property
(declare-const X_0 Real)
(declare-const X_1 Real) ; two inputs
(declare-const Y_0 Real)
(assert (<= X_0 0.5))
(assert (>= X_0 -5e-1))
(assert (and (<= X_1 2) (>= X_1 (- 1.25))))
(assert (or (and (<= Y_0 0.0) (>= Y_0 -1)) (>= Y_0 7)))
"""


def load(folder, text):
    path = folder / "small.vnnlib"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return ft.load_vnnlib(path)


def test_box(tmp_path):
    box = load(tmp_path, SMALL)
    assert box.dtype == np.float64
    np.testing.assert_array_equal(box, [[-0.5, 0.5], [-1.25, 2]])


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("(<= X_0 0.5)", "(>= 0.5 X_0)", [-0.5, 0.5]),
        ("(>= X_0 -5e-1)", "(<= -.5 X_0)", [-0.5, 0.5]),
        ("(<= X_0 0.5)", "(and (<= X_0 3) (<= X_0 0.25) (<= X_0 9.))", [-0.5, 0.25]),
        ("(<= X_0 0.5)", "(or (and (<= X_0 0.25) (>= Y_0 3)))", [-0.5, 0.25]),
        ("(<= X_0 0.5)", "\n(<=\n\tX_0 ; why not\n0.5\n)", [-0.5, 0.5]),
        ("(declare-const X_0 Real)", "(declare-fun X_0 () Real)", [-0.5, 0.5]),
        ("(<= X_0 0.5)", "(and (<= X_0 -0.5))", [-0.5, -0.5]),
    ],
)
def test_ways_to_write_it(tmp_path, old, new, wanted):
    assert old in SMALL
    np.testing.assert_array_equal(load(tmp_path, SMALL.replace(old, new)), [wanted, [-1.25, 2]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("(assert (<= X_0 0.5))", "", "X_0 has no upper bound"),
        ("(assert (>= X_0 -5e-1))", "", "X_0 has no lower bound"),
        ("(<= X_0 0.5)", "(<= X_0 -1)", "X_0 has the lower bound -0.5, above its upper bound -1.0"),
        ("(<= X_0 0.5)", "(or (<= X_0 1) (<= X_0 2))", r"the inputs are in one of 2 boxes \(an or\)"),
        ("(<= X_0 0.5)", "(or (<= X_0 1) (<= Y_0 2))", r"\(or .* does not bound an input by a number"),
        ("(<= X_0 0.5)", "(<= X_0 X_1)", r"\(<= X_0 X_1\) does not bound an input by a number"),
        ("(<= X_0 0.5)", "(<= (+ X_0 X_1) 0.5)", "does not bound an input by a number"),
        ("(<= X_0 0.5)", "(<= X_0 half)", "does not bound an input by a number"),
        ("(<= X_0 0.5)", "(<= X_0 nan)", "does not bound an input by a number"),
        ("(<= X_0 0.5)", "(<= X_0 1e999)", "does not bound an input by a number"),
        ("(<= X_0 0.5)", "(<= X_0)", "does not bound an input by a number"),
        ("(<= X_0 0.5)", "(not (<= X_0 0.5))", "does not bound an input by a number"),
        ("(<= X_0 0.5)", "(<= X_2 0.5)", r"X_2 in \(<= X_2 0.5\) is not declared"),
        ("(<= X_0 0.5)", "X_0", "X_0 does not bound an input by a number"),
        ("(assert (<= X_0 0.5))", "(assert)", r"\(assert\) must have one condition"),
        ("(assert (<= X_0 0.5))", "(check-sat)", r"unknown command \(check-sat\)"),
        ("(assert (<= X_0 0.5))", "assert", "assert must have one condition"),
        ("(assert (<= X_0 0.5))", "()", r"unknown command \(\)"),
        ("(declare-const X_0 Real)", "(declare-const X_1 Real)", "X_1 is declared twice"),
        ("(declare-const X_0 Real)", "(declare-const X_0 Int)", "is not the declaration of a Real"),
        ("(declare-const X_0 Real)", "(declare-const)", "is not the declaration of a Real"),
        ("(<= X_0 0.5)", "(<= X_0 0.5", "1 parentheses are not closed: is the file truncated"),
        ("(<= X_0 0.5)", "(<= X_0 0.5))", r"'\)' without '\('"),
        ("(<= X_0 0.5)", "(and " * 200, "more than 99 parentheses inside each other"),
        ("; a property", "\u00b2", "unknown command \u00b2"),
    ],
)
def test_what_is_no_box(tmp_path, old, new, message):
    assert old in SMALL
    text = SMALL.replace(old, new, 1)
    with pytest.raises(ValueError, match=rf"small\.vnnlib: .*{message}"):
        load(tmp_path, text)


def test_no_inputs_and_no_text(tmp_path):
    with pytest.raises(ValueError, match="2 inputs are declared, but not X_0"):
        load(tmp_path, SMALL.replace("X_0", "X_7"))
    with pytest.raises(ValueError, match="no input X_0 is declared"):
        load(tmp_path, "")
    with pytest.raises(ValueError, match="utf-8"):
        load(tmp_path, b"\xff\xfe")
    with pytest.raises(FileNotFoundError, match=r"gone\.vnnlib"):
        ft.load_vnnlib(tmp_path / "gone.vnnlib")


def test_real_properties(shared):
    folder = shared / "data" / "acasxu" / "vnnlib"
    np.testing.assert_array_equal(
        ft.load_vnnlib(folder / "prop_1.vnnlib"),
        [[0.6, 0.679857769], [-0.5, 0.5], [-0.5, 0.5], [0.45, 0.5], [-0.5, -0.45]],
    )
    with pytest.raises(ValueError, match="one of 2 boxes"):
        ft.load_vnnlib(folder / "prop_6.vnnlib")
    for path in sorted((shared / "data").glob("**/*.vnnlib")):
        if path.stem != "prop_6":
            assert len(ft.load_vnnlib(path)) == (784 if "mnist" in str(path) else 5)


@settings(max_examples=200, deadline=None)
@given(
    edits=st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, len(SMALL)),
)
def test_damaged_files_raise_only_value_errors(tmp_path_factory, edits, cut):
    content = bytearray(SMALL.encode())
    for position, byte in edits:
        content[position] = byte
    with contextlib.suppress(ValueError):
        assert load(tmp_path_factory.getbasetemp(), bytes(content[:cut])).ndim == 2
