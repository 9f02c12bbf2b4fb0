"""Regions of real networks through the polytope operations, against HiGHS."""

import numpy as np
import pytest

import facetry as ft

highs = pytest.importorskip("scipy.optimize", reason="HiGHS comes with scipy")
FREE = (None, None)


def maximum(c, A, b):
    """Give max c . x over A x <= b; inf where unbounded."""
    found = highs.linprog(-np.asarray(c), A_ub=A, b_ub=b, bounds=[FREE] * len(c), method="highs")
    assert found.status in (0, 3)
    return np.inf if found.status == 3 else -found.fun


def networks(shared):
    """The shipped network, and an ACAS Xu network of 5 inputs and 300 neurons."""
    return [ft.load(ft.demo_path()), ft.load(next((shared / "data" / "acasxu").rglob("*1_1*.nnet")))]


@pytest.mark.parametrize("which", [0, 1])
def test_regions_of_real_networks(shared, which):
    net = networks(shared)[which].astype("float64")
    dim = net.input_dim
    box = net.input_box
    for x in box[:, 0] + ft.sobol(4, dim, scramble="owen", seed=3) * (box[:, 1] - box[:, 0]):
        region = net.region(x)
        P = region.polytope & ft.Polytope.box(box[:, 0], box[:, 1])
        norms = np.linalg.norm(P.A, axis=1)
        A, b = P.A / norms[:, None], P.b / norms
        lo, hi = P.bounding_box()
        for i in range(dim):
            assert hi[i] == pytest.approx(maximum(np.eye(dim)[i], A, b), rel=1e-6, abs=1e-7)
            assert -lo[i] == pytest.approx(maximum(-np.eye(dim)[i], A, b), rel=1e-6, abs=1e-7)
        _, radius = P.chebyshev()
        ball = maximum(np.append(np.zeros(dim), 1), np.column_stack([A, np.ones(len(A))]), b)
        assert radius == pytest.approx(ball, rel=1e-6, abs=1e-9)
        kept = P.minimal_rows()
        for i in range(len(A)):
            others = kept & (np.arange(len(A)) != i)
            beyond = maximum(A[i], A[others], b[others]) - b[i]
            assert beyond > 0 if kept[i] else beyond <= 1e-7
        vertices = P.minimal().vertices()
        np.testing.assert_allclose(vertices.min(axis=0), lo, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(vertices.max(axis=0), hi, rtol=1e-6, atol=1e-9)
        assert (b[:, None] + 1e-8 >= A @ vertices.T).all()
