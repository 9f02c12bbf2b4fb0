"""Arrays of torch, CuPy and facetry on CUDA devices: taken where they are, and results of their kind."""

import numpy as np
import pytest
from devices import on_gpu
from reference import random_network

import facetry as ft

DTYPES = ["float32", "float64"]


def points(rows, net, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, net.input_dim), np.float32).astype(net.dtype)


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
