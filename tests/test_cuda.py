"""Networks on CUDA devices: the same bits as on the CPU; and, without a device, what is refused and why."""

import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from devices import on_gpu, without_gpu
from reference import random_network

import facetry as ft

DTYPES = ["float32", "float64"]
ROWS = [0, 1, 31, 32, 33, 63, 64, 65, 1023, 1025, 10**6 + 7]
NETWORKS = {
    "narrow": [2, 64, 64, 64, 1],
    "uneven": [5, 33, 130, 1, 7],
    "wide": [97, 256, 300, 10],
    "affine": [3, 4],
}


def points(rows, net, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, net.input_dim), np.float32).astype(net.dtype)


def same_as_on_cpu(net, x):
    """Assert that a network on a device gives the CPU's bits; ``x`` in host memory."""
    cpu = net.to("cpu")
    np.testing.assert_array_equal(net(x), cpu(x))
    np.testing.assert_array_equal(net.preactivations(x), cpu.preactivations(x))
    assert net.patterns(x) == cpu.patterns(x)


class OnDevice:
    """An array on a CUDA device, as other libraries describe theirs."""

    def __dlpack_device__(self):
        return (2, 0)


# Refusals, with a device or without.


def test_availability_and_its_reason_agree():
    assert ft.cuda.is_available() == (ft.cuda.why_not() == "") == (ft.cuda.device_count() > 0)


@without_gpu
def test_a_device_that_is_not_there_is_refused_with_the_reason():
    net = random_network([2, 3, 1])
    for device in ["cuda", "cuda:0", "cuda:3"]:
        with pytest.raises(RuntimeError, match="CUDA cannot be used: ") as refusal:
            net.to(device)
        assert ft.cuda.why_not() in str(refusal.value)
    with pytest.raises(RuntimeError, match="CUDA cannot be used: "):
        ft.cuda.device_name()
    with pytest.raises(RuntimeError, match="CUDA cannot be used: "):
        ft.cuda.DeviceArray([3], "float32", 0)


@without_gpu
@pytest.mark.parametrize("make", [ft.sobol, ft.halton])
def test_points_on_a_device_that_is_not_there_are_refused(make):
    with pytest.raises(RuntimeError, match="CUDA cannot be used: "):
        make(4, 2, device="cuda")


@pytest.mark.parametrize("make", [ft.sobol, ft.halton])
def test_points_on_unknown_devices_are_refused(make):
    with pytest.raises(ValueError, match="device must be 'cpu', 'cuda' or 'cuda:N', is 'tpu'"):
        make(4, 2, device="tpu")
    with pytest.raises(ValueError, match="out is in host memory, expected on cuda:0"):
        make(4, 2, device="cuda", out=np.empty((4, 2)))
    with pytest.raises(TypeError, match="out must be a float64 array, is"):
        make(4, 2, device="cpu", out=OnDevice())


@pytest.mark.parametrize("device", ["tpu", "cuda:", "cuda:-1", "cuda:x", "cuda:1:2", "CUDA", "", "cpu:0"])
def test_unknown_devices_are_refused(device):
    with pytest.raises(ValueError, match="device must be 'cpu', 'cuda' or 'cuda:N'"):
        random_network([2, 1]).to(device)


def test_a_device_is_a_string():
    with pytest.raises(TypeError, match="device must be a string such as 'cuda:0', is 0"):
        random_network([2, 1]).to(0)


def test_a_network_starts_on_the_cpu():
    net = random_network([2, 3, 1])
    assert net.device == "cpu"
    assert net.to("cpu") is net
    assert pickle.loads(pickle.dumps(net)).device == "cpu"


def test_an_array_on_a_device_is_refused_by_a_network_on_the_cpu():
    with pytest.raises(TypeError, match="x is on a CUDA device and the network is on the CPU"):
        random_network([2, 1])(OnDevice())


# On a device.


@on_gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("widths", NETWORKS.values(), ids=NETWORKS.keys())
def test_the_same_bits_as_on_the_cpu(dtype, rows, widths):
    if rows > 10**6 and dtype == "float64" and max(widths) > 256:
        rows //= 8  # half a minute on the CPU otherwise
    net = random_network(widths, dtype=dtype).to("cuda")
    same_as_on_cpu(net, points(rows, net))


@on_gpu
@pytest.mark.parametrize(
    "layer", [ft.LeakyReLU(-2.0), ft.PReLU(np.arange(33) / 8 - 2), ft.ReLU6(), ft.HardSigmoid()]
)
def test_layers(layer):
    dense = random_network([5, 33]).layers[0]
    net = ft.Network([ft.Abs(), dense, layer, ft.Abs(), ft.ReLU()], input_dim=5).astype("float32").to("cuda")
    same_as_on_cpu(net, points(1025, net))


@on_gpu
def test_denormals_are_kept():
    net = ft.Network([ft.Dense(np.full((2, 1), 1e-20, "f4")), ft.ReLU()]).to("cuda")
    x = np.array([[1e-20], [-1e-20], [1e-25]], np.float32)
    assert (net(x)[0] > 0).all()
    same_as_on_cpu(net, x)


@on_gpu
@pytest.mark.parametrize("activation", [ft.ReLU(), ft.PReLU([-1.0, 0.5, 2.0])])
def test_ties_and_signed_zeros(activation):
    net = ft.Network([ft.Dense(np.eye(3, dtype="f4"), [0.0, -0.0, -1.0]), activation]).astype("float32")
    x = np.array([[0.0, -0.0, 1.0], [-0.0, 0.0, 1.0], [1e-45, -1e-45, 1.0]], np.float32)
    on_device = net.to("cuda")
    same_as_on_cpu(on_device, x)
    np.testing.assert_array_equal(np.signbit(on_device(x)), np.signbit(net(x)))


@on_gpu
def test_overflow_and_nan_are_passed_on():
    big = np.float32(3e38)
    net = ft.Network([ft.Dense([[big, big], [big, -big], [-big, -big]]), ft.ReLU(), ft.Dense([[1, -1, 1]])])
    net = net.astype("float32").to("cuda")
    same_as_on_cpu(net, np.array([[1, 1], [3, 3], [-3, -3], [0.5, 0.25]], np.float32))


@on_gpu
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_bad_input_is_named(bad):
    net = random_network([3, 40, 2]).to("cuda")
    x = points(200_000, net)
    x[150_001, 2] = x[199_999, 0] = bad
    with pytest.raises(ValueError, match=r"x is not finite at index \(150001, 2\)"):
        net.patterns(x)
    same_as_on_cpu(net, x[:1000])


@on_gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("d", [1, 3, 64])
@pytest.mark.parametrize("scramble", [None, "owen", "lms", "shift"])
def test_sobol_points_on_the_device(dtype, rows, d, scramble):
    options = {"scramble": scramble, "seed": 3, "skip": 12345, "dtype": dtype, "bits": 40}
    got = ft.sobol(rows, d, device="cuda", **options)
    assert (got.shape, got.dtype, got.device) == ((rows, d), dtype, "cuda:0")
    np.testing.assert_array_equal(got.cpu(), ft.sobol(rows, d, **options))


@on_gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 100_003])
@pytest.mark.parametrize("d", [1, 33, 64])
@pytest.mark.parametrize("scramble", [None, "owen", "digits"])
@pytest.mark.parametrize("leap", [1, 5])
def test_halton_points_on_the_device(dtype, rows, d, scramble, leap):
    options = {"scramble": scramble, "seed": 3, "skip": 12345, "dtype": dtype, "leap": leap}
    got = ft.halton(rows, d, device="cuda", **options)
    np.testing.assert_array_equal(got.cpu(), ft.halton(rows, d, **options))


@on_gpu
def test_many_dimensions_on_the_device():
    for make, scramble in [(ft.sobol, "owen"), (ft.halton, "digits")]:
        options = {"scramble": scramble, "seed": 1, "skip": 77}
        got = make(130, 21_201, device="cuda", **options)
        np.testing.assert_array_equal(got.cpu(), make(130, 21_201, **options))


@on_gpu
def test_a_device_that_does_not_exist_is_refused():
    with pytest.raises(RuntimeError, match=r"there is no CUDA device 99: there are \d+"):
        random_network([2, 1]).to("cuda:99")


@on_gpu
def test_derived_networks_stay_on_the_device():
    net = random_network([3, 4, 2]).to("cuda:0")
    assert net.device == "cuda:0"
    assert "on cuda:0" in repr(net)
    derived = [net.truncate(0), net.astype("float64"), net.standard_form(), net.fix_inputs({0: 1.0})]
    assert {n.device for n in [*derived, pickle.loads(pickle.dumps(net))]} == {"cuda:0"}
    assert net == net.to("cpu")


@on_gpu
def test_cpu_and_device_in_turns_and_from_several_threads():
    cpu = random_network([20, 100, 3])
    net = cpu.to("cuda")
    wrong = []

    def work(seed):
        for i in range(5):
            x = points(3000 + seed, cpu, seed * 100 + i)
            if net.patterns(x) != cpu.patterns(x) or not np.array_equal(net(x), cpu(x)):
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@on_gpu
def test_patterns_are_counted_as_on_the_cpu():
    net = random_network([3, 16, 16, 1])
    x = points(5000, net)
    assert net.to("cuda").count_patterns(x, chunk=1000) == net.count_patterns(x, chunk=1000)


@on_gpu
def test_a_device_array_that_cannot_be_leaves_the_device_usable():
    with pytest.raises(MemoryError, match="out of memory"):
        ft.cuda.DeviceArray([1 << 48], "float32", 0)
    net = random_network([3, 40, 2]).to("cuda")
    same_as_on_cpu(net, points(100, net))


@on_gpu
def test_a_forked_process_is_told():
    code = """
import os, sys
import numpy as np
import facetry as ft
net = ft.Network([ft.Dense(np.ones((2, 2), "f4"))]).to("cuda")
x = np.ones((3, 2), "f4")
net(x)
child = os.fork()
if child == 0:
    try:
        net(x)
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(net(x).tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "forked" in done.stdout
    assert "[[2.0, 2.0], [2.0, 2.0], [2.0, 2.0]]" in done.stdout
