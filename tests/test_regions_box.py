"""Regions in boxes, polytopes and all of space, against known counts, rational arithmetic and evaluation."""

import math
import pickle
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from reference import random_network
from reference_regions_box import count_cells, sampled_patterns

import facetry as ft
from facetry.regions import bounds


def seeded(widths):
    """Give the networks of the published counts: He-normal weights, biases N(0, 0.3), seed 0, float32."""
    return random_network(widths, seed=0)


def unit_box(inputs):
    return [[-1, 1]] * inputs


# Counts of relucent (all of space), regioncam (planes) and edge subdivision (boxes, with the output's cut).
@pytest.mark.parametrize(
    ("widths", "count"),
    [([2, 16, 16, 1], 450), ([3, 12, 12, 1], 1861), ([4, 10, 10, 1], 5804), ([2, 32, 32, 32, 1], 4515)],
)
def test_all_of_space(widths, count):
    regions = ft.regions_in_box(seeded(widths))
    assert len(regions) == count
    assert regions.verify().ok


@pytest.mark.parametrize(
    ("width", "count", "vertices"), [(32, 2874, 2967), (64, 11285, 11455), (128, 43791, 44131)]
)
def test_planar_boxes(width, count, vertices):
    net = seeded([2, width, width, width, 1])
    regions = ft.regions_in_box(net, unit_box(2), neighbors=False)
    assert len(regions) == count
    f = regions.f_vector()
    assert (f[0], f[2], f[0] - f[1] + f[2]) == (vertices, count, 1)


@pytest.mark.parametrize(
    ("widths", "cut_output", "count"),
    [
        ([3, 16, 16, 16, 1], True, 8856),
        ([3, 32, 32, 32, 1], True, 89492),
        ([4, 16, 16, 16, 1], True, 56971),
        ([5, 16, 16, 1], False, 62675),
        ([6, 12, 12, 1], False, 34456),
        ([8, 9, 9, 1], False, 20803),
    ],
)
def test_boxes(isa, widths, cut_output, count):
    if isa == "baseline" and widths[0] > 3:
        pytest.skip("the baseline emulates fma: there only the cases of at most 3 inputs")
    found = ft.regions_in_box(seeded(widths), unit_box(widths[0]), count_only=True, cut_output=cut_output)
    assert found.total == count
    assert found.complete


def test_the_cut_by_the_output():
    regions = ft.regions_in_box(seeded([3, 8, 8, 1]), unit_box(3), cut_output=True)
    assert regions.verify().ok
    np.testing.assert_array_equal(regions.classes, (regions.net(regions.witnesses.astype("f4")) > 0)[:, 0])
    ends = np.repeat(np.arange(len(regions)), np.diff(regions.facets.indptr))
    decided = regions.facets.neurons == regions.net.n_neurons
    assert np.any(decided)
    assert np.all((regions.classes[ends] != regions.classes[regions.facets.indices])[decided])


@pytest.mark.parametrize("inputs", [1, 2, 3, 4, 5, 6, 7, 8])
def test_one_layer_is_an_arrangement(inputs):
    width = {7: 9, 8: 9}.get(inputs, 11)
    regions = ft.regions_in_box(seeded([inputs, width, 1]), neighbors=inputs < 7)
    assert len(regions) == bounds.arrangement(width, inputs)
    assert regions.counts_by_layer[-1] == len(regions)


def test_degenerate_arrangements_against_rational_counts():
    rng = np.random.default_rng(3)
    for _ in range(1000):
        inputs, count = int(rng.integers(1, 5)), int(rng.integers(1, 9))
        normals = rng.integers(-2, 3, (count, inputs))
        offsets = rng.integers(-1, 2, count)
        net = ft.Network([ft.Dense(normals.astype(float), offsets.astype(float)), ft.ReLU()])
        assert ft.regions_in_box(net, count_only=True).total == count_cells(normals, offsets)


@pytest.mark.parametrize("seed", range(12))
def test_degenerate_networks_verify(seed):
    """Integer weights: duplicate neurons, zero rows, points and lines where many walls meet."""
    rng = np.random.default_rng(seed)
    inputs = 2 + seed % 3
    layers, width = [], inputs
    for outputs in (6, 6, 3):
        weight = rng.integers(-2, 3, (outputs, width)).astype(float)
        layers += [ft.Dense(weight, rng.integers(-1, 2, outputs) / 2.0), ft.ReLU()]
        width = outputs
    net = ft.Network(layers)
    for domain in (None, unit_box(inputs)):
        checked = ft.regions_in_box(net, domain).verify()
        assert checked.ok, checked


ACTIVATIONS = [
    ft.ReLU,
    lambda: ft.LeakyReLU(0.1),
    lambda: ft.PReLU([-0.5]),
    lambda: ft.PReLU([1.5]),
    ft.Abs,
    ft.HardTanh,
]


@pytest.mark.parametrize(
    "activation", ACTIVATIONS, ids=["relu", "leaky", "negative", "steep", "abs", "hardtanh"]
)
@pytest.mark.parametrize("widths", [[2, 1], [2, 8, 1], [2, 33, 7, 1], [3, 9, 5, 6, 2], [2, 5, 6, 5, 6, 5, 1]])
def test_random_networks_verify(activation, widths):
    net = random_network(widths, seed=len(widths), activation=activation)
    box = unit_box(widths[0])
    regions = ft.regions_in_box(net, box)
    assert regions.verify().ok, regions.verify()
    seen = {row.tobytes() for row in regions.patterns.bits}
    assert sampled_patterns(net, box, 2000) <= seen


def test_any_order_of_steps():
    """Activations first or twice in a row, dense after dense, scales, nothing after the last activation."""
    rng = np.random.default_rng(0)
    net = ft.Network(
        [
            ft.ReLU(),
            ft.Scale([2.0, -1.0], [-0.5, 0.25]),
            ft.Abs(),
            ft.LeakyReLU(0.5),
            ft.Dense(rng.standard_normal((5, 2)), rng.standard_normal(5)),
            ft.Dense(rng.standard_normal((4, 5)), rng.standard_normal(4)),
            ft.ReLU(),
        ],
        input_dim=2,
    )
    regions = ft.regions_in_box(net, unit_box(2))
    assert regions.verify().ok
    assert sampled_patterns(net, unit_box(2), 5000) <= {row.tobytes() for row in regions.patterns.bits}


def test_a_trained_lattice_verifies(shared):
    """Pairs of neurons share walls, and a region of area 2e-12 lies between others."""
    net = ft.load(shared / "data/tll/tllBench_n=2_N=M=16_m=1_instance_1_0.onnx")
    regions = ft.regions_in_box(net, [[-1, 1]] * 2)
    assert len(regions) == 2408
    assert regions.volumes().min() < 1e-11
    assert regions.verify().ok


def test_a_network_without_neurons_is_one_region():
    regions = ft.regions_in_box(ft.Network([ft.Dense([[1.0, 2.0]])]), unit_box(2))
    assert len(regions) == 1
    assert regions.verify().ok


def test_dead_neurons_cut_nothing():
    net = ft.Network([ft.Dense(np.zeros((70, 2)), np.r_[np.ones(35), np.zeros(35)]), ft.ReLU()])
    for domain in (None, unit_box(2)):
        regions = ft.regions_in_box(net, domain)
        assert regions.patterns.to_bool().tolist() == [[True] * 35 + [False] * 35]


def test_cells_of_more_than_64_facets():
    """A circle of 71 tangents: the region in the middle has them all."""
    angle = np.linspace(0, 2 * np.pi, 71, endpoint=False)
    normals = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    regions = ft.regions_in_box(ft.Network([ft.Dense(normals, -np.ones(71)), ft.ReLU()]))
    middle = int(regions.locate([[0.0, 0.0]])[0])
    assert np.diff(regions.facets.indptr)[middle] == 71
    assert len(regions.region(middle).vertices) == 71
    assert regions.volumes()[middle] == pytest.approx(71 * math.tan(math.pi / 71), rel=1e-12)
    assert regions.verify().ok


@pytest.mark.parametrize("offset", [1e-12, 1e-10, 1e-8])
def test_near_coincidence(offset):
    rng = np.random.default_rng(5)
    weight = rng.standard_normal((8, 3))
    bias = rng.standard_normal(8) * 0.2
    layers = [ft.Dense(np.tile(weight, (2, 1)), np.r_[bias, bias + offset]), ft.ReLU()]
    regions = ft.regions_in_box(ft.Network(layers), unit_box(3))
    checked = regions.verify()
    assert (checked.wrong_witnesses, checked.wrong_vertices, checked.repeated_patterns) == (0, 0, 0)
    assert checked.volume == pytest.approx(8, rel=1e-9)


def test_same_bits_for_every_thread_count():
    net = seeded([3, 16, 16, 16, 1])
    before, results = ft.num_threads(), []
    for threads in (1, 2, 2, 7):
        ft.set_num_threads(threads)
        results.append(ft.regions_in_box(net, unit_box(3)))
    ft.set_num_threads(before)
    for other in results[1:]:
        assert_same(results[0], other)


def assert_same(a, b):
    assert a.patterns == b.patterns
    np.testing.assert_array_equal(a.witnesses, b.witnesses)
    for name in ("indptr", "indices", "neurons"):
        np.testing.assert_array_equal(getattr(a.facets, name), getattr(b.facets, name))
    assert a.counts_by_layer == b.counts_by_layer
    assert a.complete == b.complete


@pytest.mark.parametrize("jobs", [1, 7, 100])
@pytest.mark.parametrize("domain", [None, [[-1, 1]] * 3])
def test_jobs_merge_to_the_same_complex(jobs, domain):
    net = seeded([3, 12, 12, 1])
    sweep = ft.RegionSweep(net, domain)
    work = pickle.loads(pickle.dumps(sweep.split(jobs)))
    parts = pickle.loads(pickle.dumps([job.run() for job in work]))
    assert_same(sweep.merge(parts[::-1]), ft.regions_in_box(net, domain))
    if len(parts) > 1:
        assert not sweep.merge(parts[1:]).complete


def test_jobs_in_other_processes():
    net = seeded([3, 12, 12, 1])
    sweep = ft.RegionSweep(net, unit_box(3))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(ft.SweepJob.run, sweep.split(6)))
    assert_same(sweep.merge(parts), ft.regions_in_box(net, unit_box(3)))


def test_streams_give_every_region_once():
    net = seeded([3, 16, 16, 1])
    whole = ft.regions_in_box(net, unit_box(3))
    rows = []
    count = ft.regions_in_box(net, unit_box(3), on_region=lambda block: rows.append(block.patterns.bits))
    assert count == (len(whole), whole.counts_by_layer, True)
    seen = np.concatenate(rows)
    assert {r.tobytes() for r in seen} == {r.tobytes() for r in whole.patterns.bits}
    assert len(seen) == len(whole)
    assert sum(len(b.patterns) for b in ft.iter_regions_in_box(net, unit_box(3), max_regions=9)) == 9


@pytest.mark.parametrize("most", [0, 1, 100])
def test_max_regions(most):
    net = seeded([3, 16, 16, 1])
    regions = ft.regions_in_box(net, unit_box(3), max_regions=most)
    assert (len(regions), regions.complete) == (most, False)
    assert regions.verify().ok
    assert ft.regions_in_box(net, unit_box(3), max_regions=most, count_only=True).total == most


def test_limits_that_are_not_met():
    net = seeded([2, 8, 1])
    whole = ft.regions_in_box(net, unit_box(2))
    assert ft.regions_in_box(net, unit_box(2), max_regions=len(whole), max_seconds=1e6).complete
    assert not ft.regions_in_box(net, unit_box(2), max_seconds=0).complete


def test_progress():
    calls = []
    ft.regions_in_box(seeded([2, 8, 1]), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(ft.regions_in_box(seeded([2, 8, 1]))), None)


def test_ctrl_c():
    net = seeded([6, 24, 24, 24, 1])
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            ft.regions_in_box(net, unit_box(6), count_only=True)
    finally:
        timer.cancel()
    assert ft.regions_in_box(seeded([2, 8, 1]), unit_box(2)).complete


def test_polytopes():
    net = seeded([3, 16, 16, 1])
    simplex = ft.Polytope([[-1, 0, 0], [0, -1, 0], [0, 0, -1], [1, 1, 1]], [1, 1, 1, 1])
    regions = ft.regions_in_box(net, simplex)
    assert regions.verify().ok
    assert regions.volumes().sum() == pytest.approx(4**3 / 6)
    octant = ft.regions_in_box(net, ft.Polytope([[-1, 0, 0], [0, -1, 0]], [1, 1]))
    assert octant.verify().ok
    assert math.isinf(octant.volumes().sum())
    box = ft.Polytope.box([-1] * 3, [1] * 3)
    assert len(ft.regions_in_box(net, box)) == len(ft.regions_in_box(net, unit_box(3)))


def test_locate():
    net = seeded([3, 16, 16, 1]).astype("float64")
    regions = ft.regions_in_box(net, unit_box(3))
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    where = regions.locate(x)
    np.testing.assert_array_equal(regions.patterns.bits[where], net.patterns(x).bits)
    np.testing.assert_array_equal(regions.locate(regions.witnesses), np.arange(len(regions)))
    assert regions.locate([[1.5, 0, 0], [0, 0, -1.0001]]).tolist() == [-1, -1]
    assert len(regions.locate(np.empty((0, 3)))) == 0
    for i in (0, 17):
        assert np.all(regions.locate(np.clip(regions.region(i).vertices, -1, 1)) >= 0)


def test_neighbors_share_a_wall():
    net = seeded([3, 10, 10, 1]).astype("float64")
    regions = ft.regions_in_box(net, unit_box(3))
    adjacency = regions.adjacency.toarray()
    np.testing.assert_array_equal(adjacency, adjacency.T)
    ends = np.repeat(np.arange(len(regions)), np.diff(regions.facets.indptr))
    distance = regions.patterns[ends].hamming(regions.patterns[regions.facets.indices])
    assert set(distance.tolist()) == {1}


def test_to_networkx():
    networkx = pytest.importorskip("networkx", reason="an optional dependency")
    graph = ft.regions_in_box(seeded([2, 6, 1]), unit_box(2)).to_networkx()
    assert networkx.is_connected(graph)


def test_linear_pieces_merge_regions_of_the_same_map():
    net = ft.Network([ft.Dense([[1.0, 0], [0, 1.0], [1, 1]]), ft.ReLU(), ft.Dense([[1.0, 0, 0]])])
    regions = ft.regions_in_box(net)
    assert sorted(regions.map_histogram.counts.tolist()) == [3, 3]


def test_save_and_load(tmp_path):
    net = seeded([3, 8, 8, 1])
    for domain, cut_output in ((None, False), (unit_box(3), True)):
        regions = ft.regions_in_box(net, domain, cut_output=cut_output)
        regions.save(tmp_path / "regions.npz")
        again = ft.Complex.load(tmp_path / "regions.npz", net)
        assert_same(regions, again)
        assert again.verify().ok
    with pytest.raises(ValueError, match="other layers of neurons"):
        ft.Complex.load(tmp_path / "regions.npz", seeded([3, 8, 8, 70, 1]))
    np.savez(tmp_path / "other.npz", x=1)
    with pytest.raises(ValueError, match="not a file of a Complex"):
        ft.Complex.load(tmp_path / "other.npz", net)


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ([[-1, 1]], r"domain has shape \(1, 2\), expected \(2, 2\)"),
        ([[-1, 1], [0, 0]], r"domain\[1\] is \[0.0, 0.0\]: the box is empty or flat"),
        ([[1, -1], [0, 1]], r"domain\[0\] is \[1.0, -1.0\]: the box is empty or flat"),
        ([[-1, 1], [0, math.inf]], r"domain\[1\] is \[0.0, inf\], expected finite"),
        ([[-1, 1], [math.nan, 1]], r"domain\[1\] is \[nan, 1.0\], expected finite"),
        (ft.Polytope([[1.0, 0], [-1, 0]], [0, 0]), "no interior"),
        (ft.Polytope([[1.0, 0], [-1, 0]], [0, -1]), "no interior"),
        (ft.Polytope([[1.0]], [0]), "2 inputs"),
    ],
)
def test_bad_domains(domain, message):
    with pytest.raises(ValueError, match=message):
        ft.regions_in_box(seeded([2, 4, 1]), domain)


def test_bad_arguments():
    net = seeded([2, 4, 2])
    with pytest.raises(ValueError, match="at most 8 inputs"):
        ft.regions_in_box(seeded([9, 4, 1]))
    with pytest.raises(ValueError, match="method is 'lp'"):
        ft.regions_in_box(net, method="lp")
    with pytest.raises(ValueError, match="max_regions must not be negative"):
        ft.regions_in_box(net, max_regions=-1)
    with pytest.raises(ValueError, match="max_seconds must not be negative"):
        ft.regions_in_box(net, max_seconds=math.nan)
    with pytest.raises(ValueError, match="one output"):
        ft.regions_in_box(net, cut_output=True)
    with pytest.raises(ValueError, match="choose one"):
        ft.regions_in_box(net, count_only=True, on_region=print)
    with pytest.raises(ValueError, match="overflow"):
        ft.regions_in_box(ft.Network([ft.Dense([[1e200]]), ft.ReLU(), ft.Dense([[1e200]]), ft.ReLU()]))
    with pytest.raises(ValueError, match="neighbours were not asked for"):
        _ = ft.regions_in_box(net, unit_box(2), neighbors=False).map_histogram
    with pytest.raises(IndexError, match="region 99"):
        ft.regions_in_box(net, unit_box(2)).region(99)
    search = ft.RegionSweep(net)._search.native
    with pytest.raises(ValueError, match="no job"):
        search.set_jobs([b"nonsense"])


def test_bounds_hold():
    for inputs, widths in ((2, [8, 8]), (3, [6, 5, 4]), (4, [3, 8]), (1, [5, 5, 5])):
        count = len(ft.regions_in_box(seeded([inputs, *widths, 1]), neighbors=False))
        assert count <= bounds.serra(inputs, widths) <= bounds.montufar_upper(inputs, widths)
    assert bounds.montufar_lower(2, [4, 4]) == 4 * 11
    assert bounds.serra(2, [4]) == bounds.arrangement(4, 2) == 11
    assert bounds.hanin_rolnick(3, [2]) == 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bounds.arrangement(-1, 2), "must not be negative"),
        (lambda: bounds.serra(0, [3]), "must be at least 1"),
        (lambda: bounds.montufar_upper(2, []), "must be at least 1"),
        (lambda: bounds.montufar_lower(3, [4, 2]), "at least the 3 inputs"),
    ],
)
def test_bad_bounds(call, message):
    with pytest.raises(ValueError, match=message):
        call()
