"""Exact preimages, against the backward recursion over all patterns and against evaluation."""

import itertools
import pickle

import numpy as np
import pytest
from reference import random_network

import facetry as ft

BOX = [[-2.0, 2.0]] * 2


def backward(net, A, b, box):
    """Matoba's recursion, Lemmas 3 and 4: pieces A x <= b from the last layer to the first, all patterns."""
    pieces = [(A, b)]
    for layer in reversed(net.layers):
        if isinstance(layer, ft.Dense):
            pieces = [(A @ layer.weight, b - A @ layer.bias) for A, b in pieces]
        else:
            cut = []
            for A, b in pieces:
                for active in itertools.product([0.0, 1.0], repeat=A.shape[1]):
                    on = np.diag(active)
                    rows = np.vstack([A @ on, np.eye(len(on)) - on, -on])
                    right = np.append(b, np.zeros(2 * len(on)))
                    keep = np.any(rows != 0, axis=1) | (right < 0)
                    cut.append((rows[keep], right[keep]))
            pieces = cut
    around = ft.Polytope.box(*np.transpose(box))
    found = [ft.Polytope(*piece) & around for piece in pieces]
    return [P for P in found if P.dimension == net.input_dim]


@pytest.mark.parametrize("seed", range(6))
def test_pieces_are_those_of_the_backward_recursion(seed):
    net = random_network([2, 4, 3, 2], seed=seed, dtype="float64")
    target = ft.Classes(0)
    found = ft.preimage(net, target, BOX)
    wanted = backward(net, *target.rows(2), BOX)
    assert len(found.patterns) == len(wanted)
    assert sorted(P.volume() for P in found.pieces if len(wanted)) == pytest.approx(
        sorted(P.volume() for P in wanted), rel=1e-9
    )


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
@pytest.mark.parametrize("domain", ["box", "all"])
def test_points_are_inside_iff_their_outputs_are(dim, domain):
    net = random_network([dim, 7, 6, 3], seed=dim, dtype="float64")
    target = ft.PolytopeUnion(
        [ft.Polytope.box([-0.5] * 3, [0.5] * 3), ft.Polytope.box([0.5] * 3, [np.inf, np.inf, 2.0])]
    )
    found = ft.preimage(net, target, [[-1.0, 1.0]] * dim if domain == "box" else None)
    x = np.random.default_rng(0).uniform(-1, 1, (4000, dim))
    y = net(x)
    np.testing.assert_array_equal(found.contains(x), target.contains(y))
    assert len(found.patterns) == (len(found) if not found.is_empty else 0)
    for piece, pattern in zip(found.pieces, found.patterns.to_bool(), strict=False):
        inside = piece.interior_point()[None]
        np.testing.assert_array_equal(net.patterns(inside).to_bool()[0], pattern)
        assert target.contains(net(inside)[0])


def test_decision_regions_tile_the_box_and_the_largest_output_wins():
    net = random_network([2, 8, 8, 3], seed=4)
    regions = ft.decision_regions(net, BOX)
    assert sum(one.volume() for one in regions) == pytest.approx(16, rel=1e-9)
    x = np.random.default_rng(1).uniform(-2, 2, (3000, 2))
    label = net.astype("float64")(x).argmax(axis=1)
    for k, one in enumerate(regions):
        np.testing.assert_array_equal(one.contains(x), label == k)
    one = ft.preimage(net, ft.Classes(1), BOX)
    assert one == regions[1]


def test_a_domain_may_be_a_polytope():
    net = random_network([2, 5, 2], seed=2)
    triangle = ft.Polytope.simplex(2)
    parts = ft.decision_regions(net, triangle)
    assert sum(part.volume() for part in parts) == pytest.approx(0.5, rel=1e-9)


def test_nothing_is_an_empty_union():
    net = ft.Network([ft.Dense([[1.0]]), ft.ReLU()])
    found = ft.preimage(net, ft.Polytope.box([-2], [-1]), [[-1, 1]])
    assert found.is_empty
    assert len(found.patterns) == 0
    assert found.volume() == 0
    again = pickle.loads(pickle.dumps(found))
    assert again.is_empty
    assert again.patterns == found.patterns


def test_networks_without_neurons():
    net = ft.Network([ft.Dense([[1.0, 1.0]])])
    found = ft.preimage(net, ft.Polytope([[1.0]], [0.0]), [[-1, 1], [-1, 1]])
    assert found.volume() == pytest.approx(2)


def test_bad_input_is_named():
    net = random_network([2, 3, 2], seed=0)
    with pytest.raises(TypeError, match="target is a list, expected Polytope, PolytopeUnion or Classes"):
        ft.preimage(net, [1.0], BOX)
    with pytest.raises(ValueError, match="target has 3 dimensions, the network has 2 outputs"):
        ft.preimage(net, ft.Polytope.simplex(3), BOX)
    with pytest.raises(ValueError, match="target is class 2, the network has 2 outputs"):
        ft.preimage(net, ft.Classes(2), BOX)
    one = random_network([2, 3, 1], seed=0)
    with pytest.raises(
        ValueError, match="target is a class, but the network has one output: pass a Polytope"
    ):
        ft.preimage(one, ft.Classes(0), BOX)
    with pytest.raises(ValueError, match=r"expected \(2, 2\): lower and upper per input"):
        ft.preimage(net, ft.Classes(0), [[0, 1]])
