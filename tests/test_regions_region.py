"""One region, its facets and neighbours, and the regions around a point."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from reference import frozen, random_network

import facetry as ft

COUNTS = [([2, 16, 16, 1], 450), ([3, 12, 12, 1], 1861), ([4, 10, 10, 1], 5804)]  # of all space, by relucent


def shared_network(widths, seed=0):
    """The seeded networks whose regions others have counted: He-normal weights, biases N(0, 0.3)."""
    rng = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in pairwise(widths):
        weight = (rng.standard_normal((outputs, inputs)) * np.sqrt(2 / inputs)).astype("float32")
        layers += [ft.Dense(weight, (rng.standard_normal(outputs) * 0.3).astype("float32")), ft.ReLU()]
    return ft.Network(layers[:-1])


@pytest.mark.parametrize("dim", [1, 2, 3, 6])
def test_a_region_is_where_the_pattern_is(dim):
    net = random_network([dim, 12, 9, 2], seed=dim)
    rng = np.random.default_rng(1)
    for x in rng.standard_normal((8, dim)):
        region = net.region(x)
        double = net.astype("float64")
        y = region.center + rng.standard_normal((300, dim))
        inside = np.asarray(region.contains(y))
        same = double.patterns(y).hamming(region.pattern) == 0
        np.testing.assert_array_equal(inside, same)
        assert region.contains(x)
        np.testing.assert_allclose(double([x])[0], region.jacobian @ x + region.offset, atol=1e-12)
        (_, _), (jacobian, offset) = frozen(net, region.pattern.to_bool()[0])
        np.testing.assert_allclose(region.jacobian, jacobian, atol=1e-12)
        np.testing.assert_allclose(region.offset, offset, atol=1e-12)
        assert region.radius > 0


@pytest.mark.parametrize("dim", [1, 2, 3, 6])
def test_facets_are_the_rows_that_bind(dim):
    net = random_network([dim, 12, 9, 2], seed=dim)
    optimize = pytest.importorskip("scipy.optimize", reason="solves the linear programmes")
    for x in np.random.default_rng(2).standard_normal((5, dim)):
        region = net.region(x)
        A, b, neuron = region.halfspaces
        rows = np.flatnonzero(np.any(A != 0, axis=1))
        binding = []
        for i in rows:
            others = rows[rows != i]
            found = optimize.linprog(-A[i], A_ub=A[others], b_ub=b[others], bounds=[(None, None)] * dim)
            if found.status == 3 or -found.fun > b[i] + 1e-9:
                binding.append(neuron[i])
        assert region.facets().neuron.tolist() == binding


@pytest.mark.parametrize("dim", [1, 2, 3, 6])
def test_neighbors_share_the_facet_and_are_neighbors_back(dim):
    net = random_network([dim, 14, 10, 2], seed=dim)
    region = net.region(np.random.default_rng(3).standard_normal(dim))
    neighbors = region.neighbors()
    assert len(neighbors) == len(region.facets().b)
    for neuron, neighbor in zip(region.facets().neuron, neighbors, strict=True):
        flipped = neighbor.pattern.to_bool()[0] != region.pattern.to_bool()[0]
        assert flipped.nonzero()[0].tolist() == [neuron]
        assert region in neighbor.neighbors()


def test_neurons_that_share_a_wall_flip_together():
    duplicate = ft.Dense([[1.0, 0.0], [1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]], [0.0, 0.0, 0.0, 3.0])
    net = ft.Network([duplicate, ft.ReLU(), ft.Dense([[1.0, 1.0, -1.0, 1.0]]), ft.ReLU()])
    region = net.region([1.0, 1.0])
    assert region.facets().neuron.tolist() == [0, 3]
    across = region.neighbors()[0].pattern.to_bool()[0]
    assert across[:3].tolist() == [False, False, True]


@pytest.mark.parametrize(("widths", "count"), COUNTS)
def test_regions_of_all_space_are_as_many_as_others_count(widths, count):
    net = shared_network(widths)
    near = ft.regions_near(net, np.full(widths[0], 0.01), hops=10**9)
    assert len(near) == count
    assert near.complete
    assert len(near.patterns.unique()) == count


def test_hops_are_the_distance_in_the_graph_of_neighbors():
    net = shared_network([2, 8, 8, 1])
    x = [0.1, -0.2]
    near = ft.regions_near(net, x, hops=3)
    level = seen = {net.region(x)}
    for depth in range(4):
        assert {near.region(i) for i in np.flatnonzero(near.hops == depth)} == level
        level = {n for region in level for n in region.neighbors()} - seen
        seen = seen | level
    assert near.distances is None


@pytest.mark.parametrize("norm", [2, float("inf")])
@pytest.mark.parametrize("widths", [[2, 10, 10, 1], [3, 12, 12, 1], [5, 8, 8, 1]])
def test_all_regions_that_meet_a_ball_are_found(widths, norm):
    net = shared_network(widths).astype("float64")
    dim = widths[0]
    x = np.full(dim, 0.05)
    near = ft.regions_near(net, x, radius=0.6, norm=norm)
    rng = np.random.default_rng(4)
    offsets = rng.uniform(-0.6, 0.6, (30_000, dim))
    if norm == 2:
        offsets = offsets[np.linalg.norm(offsets, axis=1) <= 0.6]
    seen = net.patterns(x + offsets).unique()
    assert len(ft.Patterns.concatenate([near.patterns, seen]).unique()) == len(near)
    assert (near.distances <= 0.6).all()
    everywhere = ft.regions_near(net, x, hops=10**9)
    far = rng.standard_normal((30_000, dim)) * 2
    found = ft.Patterns.concatenate([everywhere.patterns, net.patterns(x + far)])
    assert len(found.unique()) == len(everywhere)
    apart = np.linalg.norm(far, axis=1, ord=norm)
    for i in rng.integers(0, len(near), 10):  # the distance is a lower bound of all points of the region
        mine = net.patterns(x + far).hamming(near.patterns[int(i)]) == 0
        assert (apart[mine] >= near.distances[i] - 1e-9).all()
        assert net.region_of(near.patterns[int(i)]).contains(x) == (near.distances[i] <= 1e-9)


def test_a_search_that_is_cut_short_says_so():
    net = shared_network([2, 16, 16, 1])
    near = ft.regions_near(net, [0.1, 0.1], hops=50, max_regions=20)
    assert len(near) == 20
    assert not near.complete
    whole = ft.regions_near(net, [0.1, 0.1], hops=2)
    assert whole.complete
    calls = []
    ft.regions_near(net, [0.1, 0.1], hops=2, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(whole), None)


def test_decision_pieces_cover_the_region_and_the_largest_output_wins():
    net = random_network([2, 6, 3], seed=5)
    region = net.region([0.3, 0.2])
    lo, hi = (np.clip(v, -3, 3) for v in region.bounding_box())
    x = np.random.default_rng(6).uniform(lo, hi, (2000, 2))
    x = x[np.asarray(region.contains(x))]
    assert len(x) > 100
    winner = net.astype("float64")(x).argmax(axis=1)
    pieces = {piece.label: piece.polytope for piece in region.decision()}
    assert set(winner) <= set(pieces)
    for label, piece in pieces.items():
        np.testing.assert_array_equal(piece.contains(x), winner == label)
    for one, other in combinations(pieces.values(), 2):
        assert (one & other).dimension < 2


def test_vertices_and_volumes_of_regions_tile_a_square():
    net = random_network([2, 6, 5, 1], seed=7)
    corners = ft.Network([ft.Dense([[1.0, 0], [-1, 0], [0, 1], [0, -1]], [1.0, 1, 1, 1]), ft.ReLU()])
    both = ft.Network(
        [
            ft.Dense(
                np.vstack([corners.layers[0].weight, net.layers[0].weight]),
                np.append(corners.layers[0].bias, net.layers[0].bias),
            ),
            ft.ReLU(),
            ft.Dense(np.hstack([np.zeros((5, 4)), net.layers[2].weight]), net.layers[2].bias),
            ft.ReLU(),
        ]
    )
    near = ft.regions_near(both, [0.0, 0.0], radius=1, norm=float("inf"))
    inside = [i for i in range(len(near)) if near.patterns[i].to_bool()[0, :4].all()]
    regions = [near.region(i) for i in inside]
    assert sum(region.volume() for region in regions) == pytest.approx(4)
    for region in regions:
        vertices = region.vertices()
        assert len(vertices) == len(region.facets().b)
        slack = region.facets().b - vertices @ region.facets().A.T
        assert (np.sort(slack, axis=1)[:, :2] < 1e-9).all()
        assert slack.min() > -1e-9


def test_networks_without_neurons_have_one_region():
    net = ft.Network([ft.Dense([[1.0, 2.0]], [3.0])])
    region = net.region([0.0, 0.0])
    assert region.radius == np.inf
    assert region.neighbors() == []
    assert len(ft.regions_near(net, [0.0, 0.0], hops=5)) == 1


def test_bad_input_is_named():
    net = shared_network([2, 4, 1])
    empty = ft.Network([ft.Dense([[1.0], [1.0]], [0.0, -1.0]), ft.ReLU()])
    infeasible = ft.Patterns.from_bool([[False, True]], [2])
    with pytest.raises(ValueError, match="the region has no interior, so it has no neighbours across facets"):
        empty.region_of(infeasible).neighbors()
    assert empty.region_of(infeasible).facets().A.shape == (0, 1)
    with pytest.raises(ValueError, match=r"x has shape \(2, 2\), expected one point"):
        net.region([[0.0, 0.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="the network has one output: a decision needs at least two"):
        net.region([0.0, 0.0]).decision()
    with pytest.raises(TypeError, match=r"pattern must be facetry\.Patterns, is list"):
        net.region_of([True] * 4)
    for arguments, message in [
        ({}, "pass either hops= or radius="),
        ({"hops": 1, "radius": 1}, "pass either hops= or radius="),
        ({"hops": -1}, "hops must not be negative, is -1"),
        ({"radius": float("nan")}, "radius must be a finite number, not negative, is nan"),
        ({"radius": 1, "norm": 1}, "norm is 1, expected 2 or inf"),
        ({"hops": 1, "max_regions": 0}, "max_regions must be at least 1, is 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            ft.regions_near(net, [0.0, 0.0], **arguments)
    walls = ft.Network([ft.Dense([[1.0], [-1.0]]), ft.ReLU()])
    with pytest.raises(ValueError, match="x lies in a region without an interior: it is on several walls"):
        ft.regions_near(walls, [0.0], hops=1)
