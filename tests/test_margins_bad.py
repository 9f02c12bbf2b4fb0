"""Bad arguments of margins and of distances to walls."""

import numpy as np
import pytest
from reference import random_network

NET = random_network([3, 4, 2])
X = np.zeros((2, 3), "float32")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NET.margins(X, 3), r"p is 3, expected 1, 2 or inf"),
        (lambda: NET.margins(X, "2"), r"p is '2', expected 1, 2 or inf"),
        (lambda: NET.margins(X, float("nan")), r"p is nan, expected 1, 2 or inf"),
        (lambda: NET.wall_distances(X, 0), r"p is 0, expected 1, 2 or inf"),
        (lambda: NET.margins(X, precision="half"), r"precision is 'half', expected 'float64' or 'float32'"),
        (lambda: NET.margins(X, precision="float32", certified=True), r"cannot be certified"),
        (
            lambda: NET.astype("float64").margins(X, precision="float32"),
            r"needs a float32 network, this one is float64",
        ),
        (lambda: NET.margins(np.zeros((2, 4))), r"x has shape \(2, 4\), expected \(n, 3\)"),
        (lambda: NET.margins([[0, 0, np.nan]]), r"x is not finite at index \(0, 2\)"),
        (lambda: NET.wall_distances([[0, np.inf, 0]]), r"x is not finite at index \(0, 1\)"),
        (lambda: NET.coordinate_margins([[np.nan, 0, 0]]), r"x is not finite at index \(0, 0\)"),
        (lambda: NET.directional_margins([[np.nan, 0, 0]], np.eye(3)), r"x is not finite at index \(0, 0\)"),
        (lambda: NET.directional_margins(X, [[1, 0, 0], [0, 0, 0]]), r"directions\[1\] has zero length"),
        (lambda: NET.directional_margins(X, np.zeros((2, 1, 3))), r"directions\[0, 0\] has zero length"),
        (lambda: NET.directional_margins(X, np.ones(3)), r"directions has shape \(3,\), expected \(k, 3\)"),
        (lambda: NET.directional_margins(X, np.ones((3, 1, 3))), r"expected \(k, 3\) or \(2, k, 3\)"),
        (lambda: NET.directional_margins(X, [[1, np.nan, 0]]), r"directions is not finite at index \(0, 1\)"),
        (lambda: NET.margins(X, scale=0), r"scale is 0.0, expected a positive number"),
        (lambda: NET.margins(X, scale=[1, -1, 1]), r"scale\[1\] is -1.0, expected a positive number"),
        (lambda: NET.margins(X, scale=[1, 1, np.nan]), r"scale\[2\] is nan, expected a positive number"),
        (lambda: NET.margins(X, scale=[1, 1]), r"scale has shape \(2,\), expected \(\) or \(3,\)"),
        (lambda: NET.wall_distances(X, out=np.empty((2, 3))), r"out has shape \(2, 3\), expected \(2, 4\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NET.margins(X, scale="a"), "scale must hold numbers"),
        (lambda: NET.directional_margins(X, [["a", "b", "c"]]), "directions must hold numbers"),
        (lambda: NET.wall_distances(X, out=np.empty((2, 4), "float32")), "out must be a float64 array"),
    ],
)
def test_wrong_types_are_named(call, message):
    with pytest.raises(TypeError, match=message):
        call()
