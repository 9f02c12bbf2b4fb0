"""Networks on CUDA devices: the same bits as on the CPU; and, without a device, what is refused and why."""

import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
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


def on_gpu(test):
    """Mark a test that needs a device; it is skipped, saying why, where there is none."""
    skip = pytest.mark.skipif(not ft.cuda.is_available(), reason=f"no CUDA device: {ft.cuda.why_not()}")
    return pytest.mark.gpu(skip(test))


without_gpu = pytest.mark.skipif(ft.cuda.is_available(), reason="there is a CUDA device")


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


# Arrays of other libraries.


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this torch has no CUDA")
    return torch


@on_gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [0, 1, 33, 100_003])
def test_torch_in_torch_out(torch, dtype, rows):
    cpu = random_network([7, 70, 33, 3], dtype=dtype)
    net = cpu.to("cuda")
    x = points(rows, cpu)
    there = torch.from_numpy(x).cuda()
    outputs, preactivations, patterns = net(there), net.preactivations(there), net.patterns(there)
    assert outputs.device == preactivations.device == patterns.bits.device == there.device
    np.testing.assert_array_equal(outputs.cpu().numpy(), cpu(x))
    np.testing.assert_array_equal(preactivations.cpu().numpy(), cpu.preactivations(x))
    assert (len(patterns), patterns.n_neurons, patterns.device) == (rows, 103, "cuda:0")
    assert patterns.cpu() == cpu.patterns(x)
    with pytest.raises(TypeError, match=r"the patterns are on cuda:0: call .cpu\(\).unique"):
        patterns.unique()


@on_gpu
def test_torch_is_not_copied(torch):
    net = random_network([4, 9, 2]).to("cuda")
    x = torch.randn(1000, 4, device="cuda")
    out = torch.full((1000, 2), float("nan"), device="cuda")
    pointer = out.data_ptr()
    before = torch.cuda.memory_allocated()
    assert net(x, out=out) is out
    assert (out.data_ptr(), torch.cuda.memory_allocated()) == (pointer, before)
    np.testing.assert_array_equal(out.cpu().numpy(), net.to("cpu")(x.cpu().numpy()))
    images = x.reshape(1000, 2, 1, 2)
    assert torch.equal(net(images), out)


@on_gpu
def test_torch_streams(torch):
    net = random_network([16, 200, 200, 2]).to("cuda")
    expected = {}
    results = {}
    streams = [torch.cuda.Stream() for _ in range(2)]
    for seed, stream in enumerate(streams):
        with torch.cuda.stream(stream):
            torch.cuda._sleep(20_000_000)  # so that work on any other stream would be too early
            x = torch.full((50_000, 16), 0.5 - seed, device="cuda")
            results[seed] = net(x)
            expected[seed] = x
    for seed, x in expected.items():
        np.testing.assert_array_equal(results[seed].cpu().numpy(), net.to("cpu")(x.cpu().numpy()))


@on_gpu
def test_torch_refusals(torch):
    net = random_network([4, 9, 2]).to("cuda")
    x = torch.zeros(10, 4, device="cuda")
    with pytest.raises(ValueError, match=r"C-contiguous: call \.contiguous\(\)"):
        net(torch.zeros(4, 10, device="cuda").T)
    with pytest.raises(TypeError, match="x has dtype float64, expected float32"):
        net(x.double())
    with pytest.raises(ValueError, match=r"x has shape \(10, 5\), expected \(n, 4\)"):
        net(torch.zeros(10, 5, device="cuda"))
    with pytest.raises(ValueError, match=r"out has shape \(10, 3\), expected \(10, 2\)"):
        net(x, out=torch.zeros(10, 3, device="cuda"))
    with pytest.raises(ValueError, match="out is in host memory, expected on cuda:0"):
        net(x, out=np.zeros((10, 2), np.float32))
    with pytest.raises(TypeError, match="x is on a CUDA device and the network is on the CPU"):
        net.to("cpu")(x)
    with pytest.raises((BufferError, RuntimeError), match="detach"):
        net(x.requires_grad_())
    x = torch.zeros(10, 4, device="cuda")
    x[7, 1] = float("nan")
    with pytest.raises(ValueError, match=r"x is not finite at index \(7, 1\)"):
        net(x)


@on_gpu
def test_torch_on_another_device_is_refused(torch):
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two CUDA devices")
    with pytest.raises(ValueError, match="x is on cuda:1, expected on cuda:0"):
        random_network([4, 2]).to("cuda:0")(torch.zeros(3, 4, device="cuda:1"))


@on_gpu
def test_a_device_array_is_taken_without_a_copy(torch):
    array = ft.cuda.DeviceArray([5, 3], "float32", 0)
    tensor = torch.from_dlpack(array)
    assert tensor.data_ptr() == array.__cuda_array_interface__["data"][0]
    tensor.copy_(torch.arange(15.0).reshape(5, 3))
    torch.cuda.synchronize()
    assert array.cpu().tolist() == tensor.tolist()
    net = random_network([3, 8, 2]).to("cuda")
    result = net(array)
    assert isinstance(result, ft.cuda.DeviceArray)
    np.testing.assert_array_equal(result.cpu(), net.to("cpu")(array.cpu()))
    assert net.patterns(array).cpu() == net.to("cpu").patterns(array.cpu())


@on_gpu
def test_points_are_written_into_torch(torch):
    out = torch.full((1000, 3), float("nan"), device="cuda")
    assert ft.sobol(1000, 3, dtype="float32", out=out) is out
    np.testing.assert_array_equal(out.cpu().numpy(), ft.sobol(1000, 3, dtype="float32"))
    with pytest.raises(TypeError, match="out must be a float64 array, is float32"):
        ft.sobol(1000, 3, out=out)
    with pytest.raises(ValueError, match=r"out has shape \(1000, 3\), expected \(9, 3\)"):
        ft.halton(9, 3, dtype="float32", out=out)


@on_gpu
def test_cupy_in_cupy_out():
    cupy = pytest.importorskip("cupy")
    net = random_network([3, 80, 2]).to("cuda")
    x = points(1025, net)
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        result = net(cupy.asarray(x))
    assert isinstance(result, cupy.ndarray)
    np.testing.assert_array_equal(result.get(), net.to("cpu")(x))
    assert net.patterns(cupy.asarray(x)).cpu() == net.to("cpu").patterns(x)
