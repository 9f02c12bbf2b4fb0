"""Regions on a plane: against rational arithmetic, known counts, and what a complex has to be."""

import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import random_network
from reference_plane import area, exact_classes, exact_faces

import facetry as ft

SQUARE = [[-1, -1], [1, -1], [1, 1], [-1, 1]]
PENTAGON = [[-1, -1], [1, -1], [1.5, 0.5], [0, 1.25], [-1.5, 0.5]]


def on_inputs(net, box=SQUARE, **options):
    """The complex on the first two inputs."""
    origin, axes = np.zeros(net.input_dim), np.eye(net.input_dim)
    return ft.regions_on_plane(net, origin, axes[0], axes[1], box, **options)


def patterns_of(plane):
    return [tuple(map(int, row)) for row in plane.patterns.to_bool()]


def assert_same_faces(plane, exact):
    """The same patterns (and classes) with the same areas."""
    keys = patterns_of(plane)
    if plane.classes is not None:
        keys = list(zip(keys, plane.classes.tolist(), strict=True))
    found = dict(zip(keys, plane.areas, strict=True))
    assert len(found) == len(plane)
    assert set(found) == set(exact)
    for key, polygon in exact.items():
        assert found[key] == pytest.approx(float(area(polygon)), rel=1e-9)


def integer_network(widths, seed, activation=ft.ReLU, bias=True):
    """Weights from -2 to 2, biases in halves: many lines through the same points, many along each other."""
    rng = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in pairwise(widths):
        shift = rng.integers(-1, 2, outputs) / 2.0 * bias
        layers += [ft.Dense(rng.integers(-2, 3, (outputs, inputs)).astype(float), shift), activation()]
    return ft.Network(layers[:-1])


ACTIVATIONS = [
    ft.ReLU,
    ft.Abs,
    ft.HardTanh,
    lambda: ft.LeakyReLU(0.25),
    lambda: ft.LeakyReLU(2.0),
    lambda: ft.PReLU([-0.5]),
]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_integer_networks_have_the_exact_faces(activation, seed):
    net = integer_network([2, 5, 4, 1], seed, activation, bias=seed % 2 == 0)
    for box in (SQUARE, PENTAGON):
        plane = on_inputs(net, box)
        assert_same_faces(plane, exact_faces(net, [0, 0], [1, 0], [0, 1], box))
        assert plane.verify().ok, plane.verify()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("outputs", [1, 2, 3, 6])
def test_outputs_are_cut_where_they_tie(outputs, seed):
    net = integer_network([2, 4, 3, outputs], seed) if seed < 6 else random_network([2, 4, 3, outputs], seed)
    for rule in ("argmax", "argmin"):
        plane = on_inputs(net, PENTAGON, cut_output=True, class_rule=rule)
        rule = "sign" if outputs == 1 else rule
        assert_same_faces(plane, exact_classes(net, [0, 0], [1, 0], [0, 1], PENTAGON, rule))
        assert plane.verify().ok, plane.verify()
        boundary = plane.decision_boundary
        assert np.all(plane.edge_outputs[boundary, 0] != plane.edge_outputs[boundary, 1])
        ties = np.flatnonzero(plane.edge_neurons == -2)
        assert set(ties) <= set(boundary)
        degree = np.bincount(plane.edges.ravel(), minlength=len(plane.vertices))
        assert np.all(degree[len(PENTAGON) :] >= 3)


def test_a_third_output_beats_a_tie_inside_of_a_face():
    """Cones |x - p|: the middle output wins a polygon whose ties with its neighbours have no neuron."""
    net = ft.Network([ft.Dense([[2.0, 0], [-2, 0], [0, 2], [0, -2], [0, 0]], [0.0, 0, 0, 0, 1])])
    plane = on_inputs(net, cut_output=True)
    assert (len(plane), plane.f_vector[0], plane.f_vector[1]) == (5, 8, 12)
    assert plane.class_areas == pytest.approx({0: 0.75, 1: 0.75, 2: 0.75, 3: 0.75, 4: 1.0})
    assert_array_equal(plane.edge_neurons >= 0, False)
    assert plane.verify().ok


@pytest.mark.parametrize("seed", range(4))
def test_planes_in_more_dimensions(seed):
    rng = np.random.default_rng(seed)
    net = integer_network([4, 5, 4, 2], seed)
    origin, u, v = rng.integers(-1, 2, (3, 4)) + np.array([[0] * 4, [1, 0, 0, 3], [0, 1, -3, 0]], float)
    box = np.array([[0.5, 2.0], [-3.0, 1.0]])
    corners = [[0.5, -3], [2, -3], [2, 1], [0.5, 1]]
    plane = ft.regions_on_plane(net, origin, u, v, box)
    assert_same_faces(plane, exact_faces(net, origin, u, v, corners))
    assert plane.verify().ok
    assert plane.area_unit == pytest.approx(np.sqrt(np.linalg.det(np.stack([u, v]) @ np.stack([u, v]).T)))


W, B = [[1.0, 2.0], [-2.0, 1.0], [1.0, 2.0]], [0.25, 0.5, 0.25]  # neurons 0 and 2 are the same
DEGENERATE = {
    "no neurons": [ft.Dense([[1.0, 2.0]])],
    "no layer but a scale": [ft.Scale([2.0, 3.0], [0.5, 0.25])],
    "begins with an activation": [ft.ReLU(), ft.Dense(W, B), ft.ReLU()],
    "two activations in a row": [ft.Dense(W, B), ft.LeakyReLU(0.5), ft.HardTanh(), ft.ReLU()],
    "dense after dense": [ft.Dense(W, B), ft.Dense(np.eye(3)), ft.ReLU(), ft.Dense(np.eye(3)), ft.Dense(
        [[1.0, -1.0, 2.0]], [0.25]), ft.ReLU()],
    "scales everywhere": [ft.Scale([2.0, 0.5], [0.0, 1.0]), ft.Dense(W, B),
                          ft.Scale([-1.0, 2, 0], [0.5, 0, -1]), ft.ReLU(),
                          ft.Scale([1.0, 2, 3], [-0.25, 0, 0]), ft.ReLU()],
    "duplicates": [ft.Dense(W * 3, B * 3), ft.ReLU(), ft.Dense(np.ones((2, 9)), [-1.0, -1.0]), ft.ReLU()],
    "dead and always active": [ft.Dense(np.zeros((3, 2)), [0.0, -1.0, 1.0]), ft.ReLU(), ft.Dense(np.eye(3)),
                               ft.ReLU()],
    "lines through one point": [ft.Dense([[np.cos(k), np.sin(k)] for k in range(12)]), ft.ReLU(),
                                ft.Dense(np.eye(12)[:3] * 2), ft.Abs()],
    "a line along the boundary": [ft.Dense([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1.0, -1.0, 2.0]),
                                  ft.ReLU()],
    "everything zero": [ft.Dense(np.zeros((2, 2))), ft.ReLU(), ft.Dense(np.zeros((1, 2)))],
    "parallel lines": [ft.Dense([[1.0, 0.0]] * 9, np.arange(9) / 4 - 1), ft.ReLU(),
                       ft.Dense(np.ones((1, 9)))],
}  # fmt: skip


@pytest.mark.parametrize("layers", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_degenerate_networks_have_the_exact_faces(layers):
    net = ft.Network(layers)
    plane = on_inputs(net)
    exact = exact_faces(net, [0, 0], [1, 0], [0, 1], SQUARE)
    exact = {key: polygon for key, polygon in exact.items() if area(polygon) > 1e-12}
    assert_same_faces(plane, exact)
    assert plane.verify().ok, plane.verify()


def test_lines_nearer_than_the_tolerance_are_one():
    net = ft.Network([ft.Dense([[1.0, 0.5], [1.0, 0.5], [1.0, 0.5]], [0.0, 1e-15, 1e-9]), ft.ReLU()])
    plane = on_inputs(net)
    assert Counter(patterns_of(plane)) == {(0, 0, 0): 1, (0, 0, 1): 1, (1, 1, 1): 1}
    assert plane.areas.min() == pytest.approx(2e-9, rel=1e-3)
    assert plane.verify().ok


@pytest.mark.parametrize(
    ("width", "faces", "vertices"), [(32, 2874, 2967), (64, 11285, 11455), (128, 43791, 44131)]
)
def test_counts_of_another_program(shared, width, faces, vertices, monkeypatch):
    """Regioncam 0.5.2 gives these on the seeded networks."""
    monkeypatch.syspath_prepend(shared / "peers")
    common = pytest.importorskip("common")
    layers = []
    for weight, bias in common.mlp([2, width, width, width, 1], 0):
        layers += [ft.Dense(weight, bias), ft.ReLU()]
    plane = on_inputs(ft.Network(layers[:-1]))
    assert (plane.f_vector[0], len(plane)) == (vertices, faces)
    assert plane.verify().ok, plane.verify()
    sys.modules.pop("common")


@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_random_networks_verify(width, depth):
    activation = [ft.ReLU, lambda: ft.LeakyReLU(0.1), lambda: ft.PReLU([-0.4])][width % 3]
    shrink = 1 if depth < 5 else 4
    widths = [3, *[max(width // shrink, 1)] * depth, 1 + width % 3]
    net = random_network(widths, width, activation=activation)
    origin, u, v = np.random.default_rng(width).standard_normal((3, 3))
    plane = ft.regions_on_plane(net, origin, u, v, PENTAGON, cut_output=width % 2 == 0)
    check = plane.verify()
    assert check.ok, check
    assert check.zero_neurons == 0
    inner = plane.inner_edges
    flips = plane.patterns[plane.edge_faces[inner, 0]].hamming(plane.patterns[plane.edge_faces[inner, 1]])
    assert_array_equal(flips, plane.edge_neurons[inner] >= 0)


def test_edges_lie_on_their_neurons_zero():
    net = random_network([2, 9, 9, 2], 3)
    plane = on_inputs(net)
    edges = np.flatnonzero(plane.edge_neurons >= 0)
    middles = plane.vertices[plane.edges[edges]].mean(axis=1)
    values = net.astype("float64").preactivations(plane.inputs(middles))
    assert np.abs(values[np.arange(len(edges)), plane.edge_neurons[edges]]).max() < 1e-13
    layers = plane.edge_layers
    assert_array_equal(layers[edges], plane.edge_neurons[edges] // 9)
    assert_array_equal(layers == -1, np.any(plane.edge_faces == -1, axis=1))
    assert_array_equal(plane.adjacency, plane.edge_faces[plane.inner_edges])


def test_vertices_satisfy_the_half_spaces():
    net = random_network([4, 12, 12, 1], 5).astype("float64")
    plane = ft.regions_on_plane(net, *np.random.default_rng(0).standard_normal((3, 4)))
    for i in range(0, len(plane), 5):
        rows = net.halfspaces(plane.patterns[i])
        excess = plane.inputs(plane.face(i)) @ rows.A.T - rows.b
        assert excess.max() <= 1e-12


def test_affine_maps_are_the_networks():
    net = random_network([3, 8, 8, 2], 1).astype("float64")
    origin, u, v = np.random.default_rng(4).standard_normal((3, 3))
    plane = ft.regions_on_plane(net, origin, u, v, [[2, 5], [-7, -6.5]])
    maps = net.affine_maps(plane.witnesses)
    assert_allclose(plane.affine_maps.jacobian, maps.jacobian @ np.stack([u, v], 1), atol=1e-12)
    expected = np.einsum("foi,i->fo", maps.jacobian, origin) + maps.offset
    assert_allclose(plane.affine_maps.offset, expected, atol=1e-12)


def fields(plane):
    names = (
        "vertices", "edges", "edge_faces", "edge_neurons", "face_offsets", "face_vertices", "maps", "classes",
        "zeros",
    )  # fmt: skip
    return [*(np.asarray(getattr(plane, name)) for name in names), plane.patterns.bits]


@pytest.mark.parametrize("outputs", [1, 4])
def test_the_same_numbers_and_bits_for_every_number_of_threads(threads, outputs):
    net = random_network([2, 40, 40, outputs], 8)
    ft.set_num_threads(1)
    alone = on_inputs(net, cut_output=True)
    ft.set_num_threads(threads)
    for again in (on_inputs(net, cut_output=True), on_inputs(net, cut_output=True)):
        for one, other in zip(fields(alone), fields(again), strict=True):
            assert_array_equal(one, other)


def test_every_instruction_set_finds_the_same_complex(isa):
    net = random_network([2, 33, 17, 3], 8)
    found = on_inputs(net, cut_output=True)
    ft.use_isa("baseline" if "baseline" in ft.available_isas() else ft.available_isas()[-1])
    plain = on_inputs(net, cut_output=True)
    for name in ("edges", "edge_faces", "edge_neurons", "face_offsets", "face_vertices", "classes"):
        assert_array_equal(getattr(found, name), getattr(plain, name))
    assert found.patterns == plain.patterns
    assert_allclose(found.vertices, plain.vertices, atol=1e-12)
    assert found.verify().ok


def test_many_planes_are_the_single_ones(threads):
    net = random_network([3, 20, 20, 3], 2)
    origins, us, vs = np.random.default_rng(1).standard_normal((3, 9, 3))
    many = ft.regions_on_planes(net, origins, us, vs, PENTAGON, cut_output=True)
    for plane, origin, u, v in zip(many, origins, us, vs, strict=True):
        alone = ft.regions_on_plane(net, origin, u, v, PENTAGON, cut_output=True)
        for one, other in zip(fields(plane), fields(alone), strict=True):
            assert_array_equal(one, other)
    assert len(ft.regions_on_planes(net, origins, us[0], vs[0])) == 9
    assert ft.regions_on_planes(net, origins[:0], us[0], vs[0]) == []


def test_far_and_small_boxes_keep_their_digits():
    """The same complex, moved and scaled by powers of two and by a thousand."""
    net = random_network([2, 16, 16, 1], 4)
    plane = on_inputs(net)
    for scale, shift in ((2.0**-20, 0.0), (2.0**30, 0.0), (1000.0, 5000.0)):
        center = np.array([shift, -shift])
        u, v = np.eye(2) / scale
        moved = ft.regions_on_plane(net, -center / scale, u, v, (center + np.array([[-1], [1]]) * scale).T)
        assert moved.f_vector == plane.f_vector
        assert_allclose((moved.vertices - center) / scale, plane.vertices, atol=1e-11)
        assert moved.verify().ok, moved.verify()


def test_locate_finds_the_face_of_every_point():
    net = random_network([2, 24, 24, 3], 6)
    for plane in (on_inputs(net), on_inputs(net, PENTAGON, cut_output=True)):
        points = np.random.default_rng(0).uniform(-1.5, 1.5, (3000, 2))
        faces = plane.locate(points)
        for point, face in zip(points, faces.tolist(), strict=True):
            corners = plane.domain if face < 0 else plane.face(face)
            sides = np.roll(corners, -1, axis=0) - corners
            depth = sides[:, 0] * (point - corners)[:, 1] - sides[:, 1] * (point - corners)[:, 0]
            assert depth.min() < 0 if face < 0 else depth.min() >= -1e-14
        assert_array_equal(plane.locate(plane.centroids), np.arange(len(plane)))


def test_locate_on_walls_gives_a_neighbour():
    plane = on_inputs(random_network([2, 12, 12, 1], 6))
    edges = np.arange(len(plane.edges))
    middles = plane.vertices[plane.edges].mean(axis=1)
    found = plane.locate(middles)
    assert np.all(np.any(plane.edge_faces[edges] == found[:, None], axis=1))


def test_locate_where_neurons_vanish():
    """Here the second layer is 0 but for rounding, so patterns alone would not do."""
    weights = [[0.1, 0.7], [0.3, 0.2]], [[1.0, 1.0], [-1.0, -1.0]], [[3.0, 0.0], [0.1, 0.3]]
    net = ft.Network([layer for w in weights for layer in (ft.Dense(w), ft.ReLU())])
    plane = on_inputs(net)
    points = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    assert np.all(plane.locate(points) >= 0)
    assert plane.verify().ok


def test_raster_labels_the_middles_of_pixels():
    plane = on_inputs(random_network([2, 10, 10, 1], 2), PENTAGON)
    labels = plane.raster(13)
    low, high = plane.domain.min(axis=0), plane.domain.max(axis=0)
    for row in range(13):
        for column in range(13):
            point = low + (high - low) * (np.array([column, row]) + 0.5) / 13
            assert labels[row, column] == plane.locate(point[None])[0]
    assert -1 in labels
    with pytest.raises(ValueError, match="pixels must be at least 1, is 0"):
        plane.raster(0)


def test_plane_through_is_gram_schmidt():
    a, b, c = points = np.random.default_rng(3).standard_normal((3, 6))
    origin, u, v = ft.plane_through(a, b, c)
    frame = np.stack([u, v])
    assert_allclose(frame @ frame.T, np.eye(2), atol=1e-15)
    assert_allclose((points - origin) @ np.array([u, v]).T @ frame + origin, points, atol=1e-14)
    images = ft.plane_through(*points.reshape(3, 2, 3))
    assert_array_equal(images[2], v)


@pytest.mark.parametrize(
    ("file", "box"),
    [
        ("rl/cartpole.onnx", None),
        ("hcas/*.nnet", [[0, 20000], [-10000, 10000]]),
        ("vcas/*.nnet", [[-1000, 1000], [-50, 50]]),
        ("tll/*.onnx", None),
        ("misc/vdp.onnx", None),
        ("acasxu/nnet/*_1_1_batch_2000.nnet", [[0, 60000], [-3, 3]]),
    ],
)
def test_trained_networks_verify(shared, file, box):
    paths = sorted((shared / "data").glob(file))
    assert paths, file
    net = ft.load(paths[0])
    plane = on_inputs(net, SQUARE if box is None else box, cut_output=True)
    check = plane.verify()
    assert check.ok, check
    assert len(plane) > 1


@pytest.fixture(scope="module")
def small():
    return ft.Network([ft.Dense([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]), ft.ReLU(), ft.Dense([[1.0, 1.0]])])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], [1, 0, 0], [0, 1, 0]), "origin, u and v have 2, 3 and 3 inputs"),
        (([0, 0, 0], [1, 0, 0], [2, 0, 0]), "u and v are parallel: they span no plane"),
        (([0, 0, 0], [1, 1, 0], [-1, -1, 1e-10]), "u and v are parallel"),
        (([0, 0, 0], [0, 0, 0], [0, 1, 0]), "u is zero: it spans no plane"),
        (([0, 0, 0], [1, 0, 0], [0, 0, 0]), "v is zero"),
        (([0, 0, np.nan], [1, 0, 0], [0, 1, 0]), r"origin is not finite at index \(2,\)"),
        (([0, 0, 0], [1, np.inf, 0], [0, 1, 0]), r"u is not finite at index \(1,\)"),
        (([0, 0, 0], [1, 0, 0], [0, 1, 0], [[0, 0], [0, 1]]), "empty or flat: expected low < high twice"),
        (([0, 0, 0], [1, 0, 0], [0, 1, 0], [[0, 1], [1, 0]]), "empty or flat"),
        (([0, 0, 0], [1, 0, 0], [0, 1, 0], [[0, 1], [0, np.inf]]), r"box is not finite at index \(1, 1\)"),
        (([0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1]), r"box has shape \(2,\), expected \(2, 2\), or \(k, 2\)"),
        (([0, 0, 0], [1, 0, 0], [0, 1, 0], [[0, 0], [1, 1], [2, 2]]), "the polygon of box is flat"),
        (([0, 0, 0], [1, 0, 0], [0, 1, 0], [[0, 0], [0, 1], [0, 2]]), "the polygon of box is flat"),
        (([0, 0, 0], [1, 0, 0], [0, 1, 0], [[0, 0], [1, 0], [1, 0], [0, 1]]), "the same corner twice"),
        (([0, 0, 0], [1, 0, 0], [0, 1, 0], [[0, 0], [4, 0], [1, 1], [0, 4]]), "is not convex"),
        (
            ([0, 0, 0], [1, 0, 0], [0, 1, 0], [[np.cos(k), np.sin(k)] for k in 4 * np.pi * np.arange(5) / 5]),
            "is not convex, or its corners are not in order",
        ),
        (([0, 0, 0], [1e308, 0, 0], [0, 1, 0], [[-10, 10], [0, 1]]), "inputs overflow on plane 0"),
        (([0, 0, 0], [1e308, 0, 0], [0, 1e308, 0]), "values overflow on plane 0"),
        (([0, 0, 0], [1, 0, 0], [0, 1, 0], [[1, 1 + 1e-16], [0, 1]]), "empty or flat"),
    ],
)
def test_bad_planes(small, arguments, message):
    with pytest.raises(ValueError, match=message):
        ft.regions_on_plane(small, *arguments)


def test_bad_arguments(small):
    plane = ([0, 0, 0], [1, 0, 0], [0, 1, 0])
    with pytest.raises(ValueError, match="class_rule is 'best', expected 'argmax' or 'argmin'"):
        ft.regions_on_plane(small, *plane, class_rule="best")
    with pytest.raises(TypeError, match=r"net must be a facetry\.Network, is int"):
        ft.regions_on_plane(5, *plane)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="origin has dtype complex128, expected real numbers"):
        ft.regions_on_plane(small, np.zeros(3, complex), *plane[1:])
    with pytest.raises(ValueError, match=r"origin, u and v have 2 inputs, the network has 3"):
        ft.regions_on_plane(small, [0, 0], [1, 0], [0, 1])
    with pytest.raises(MemoryError, match="need more than 1,000 bytes: use a smaller box"):
        ft.regions_on_plane(small, *plane, max_bytes=1000)
    with pytest.raises(ValueError, match=r"have shapes \(3,\), \(3,\), \(3,\): expected \(n, inputs\)"):
        ft.regions_on_planes(small, *plane)
    with pytest.raises(ValueError, match=r"have shapes \(2, 3\), \(4, 3\), \(3,\)"):
        ft.regions_on_planes(small, np.zeros((2, 3)), np.ones((4, 3)), plane[2])
    with pytest.raises(ValueError, match=r"us has shape \(2,\), expected \(n, 3\)"):
        ft.regions_on_planes(small, np.zeros((2, 3)), np.ones(2), plane[2])
    for points, message in (
        (([0, 0, 0], [0, 0, 0], [1, 0, 0]), "a and b are the same point"),
        (([0, 0, 0], [1, 1, 1], [3, 3, 3]), "a, b and c lie on one line: they span no plane"),
        (([0, 0, 0], [1, 1, 1], [0, 0, 0]), "a, b and c lie on one line"),
        (([0, 0, 0], [1, 1], [3, 3, 3]), "b has 2 inputs, a has 3"),
        (([0, 0, 0], [1, 1, np.nan], [3, 3, 3]), r"b is not finite at index \(2,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            ft.plane_through(*points)


def test_bad_questions(small):
    plane = ft.regions_on_plane(small, [0, 0, 0], [1, 0, 0], [0, 1, 0])
    with pytest.raises(ValueError, match=r"points is not finite at index \(1, 0\)"):
        plane.locate([[0, 0], [np.nan, 0]])
    with pytest.raises(ValueError, match=r"points has shape \(1, 3\), expected \(n, 2\)"):
        plane.locate([[0.0, 0.0, 0.0]])
    with pytest.raises(IndexError, match="face 9 of "):
        plane.face(9)
    for ask in (lambda: plane.class_areas, lambda: plane.decision_boundary, lambda: plane.plot("class")):
        with pytest.raises(ValueError, match="use cut_output=True"):
            ask()
    with pytest.raises(ValueError, match="color is 'red', expected 'pattern', 'class', 'slope', 'layer'"):
        plane.plot("red")
    with pytest.raises(ValueError, match=r"color gives an array of shape \(2,\)"):
        plane.plot(lambda complex_: np.zeros(2))


def test_a_point_outside_is_in_no_face(small):
    plane = ft.regions_on_plane(small, [0, 0, 0], [1, 0, 0], [0, 1, 0])
    assert plane.locate([[2, 0], [0, -1.001], [0, 0.5]]).tolist()[:2] == [-1, -1]
    assert plane.locate(np.empty((0, 2))).tolist() == []
