"""Threads, instruction sets, forks and Ctrl-C: where work runs never changes what it gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import facetry as ft


@pytest.fixture
def restore_settings():
    """Put the instruction set and the number of threads back, which are settings of the process."""
    isa, threads = ft.isa(), ft.num_threads()
    yield
    ft.use_isa(isa)
    ft.set_num_threads(threads)


def random_network(*widths: int, seed: int = 1) -> ft.Network:
    rng = np.random.default_rng(seed)
    layers: list[ft.Layer] = []
    for inputs, outputs in pairwise(widths):
        layers += [ft.Dense(rng.normal(size=(outputs, inputs)), rng.normal(size=outputs)), ft.ReLU()]
    return ft.Network(layers[:-1])


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {
        k: v for k, v in os.environ.items() if k not in ("FACETRY_ISA", "FACETRY_NUM_THREADS")
    } | environment
    code = textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=120)


def test_num_threads_is_what_was_set(restore_settings):
    ft.set_num_threads(3)
    assert ft.num_threads() == 3


@pytest.mark.parametrize("threads", [0, 4097])
def test_set_num_threads_refuses(threads, restore_settings):
    with pytest.raises(ValueError, match="the number of threads must be from 1 to 4096"):
        ft.set_num_threads(threads)


@pytest.mark.parametrize("threads", [-1, 1.5, "2", None])
def test_set_num_threads_refuses_what_is_no_count(threads, restore_settings):
    with pytest.raises(TypeError, match="set_num_threads"):
        ft.set_num_threads(threads)


def test_number_of_threads_comes_from_the_environment():
    done = run("import facetry as ft; print(ft.num_threads())", FACETRY_NUM_THREADS="7")
    assert done.stdout == "7\n"


def test_number_of_threads_is_the_cpus_of_this_process_by_default():
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("no sched_getaffinity on this system")
    code = """
    import os, facetry as ft
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(ft.num_threads())
    """
    assert run(code).stdout == "1\n"


@pytest.mark.parametrize("value", ["0", "-1", "two", "2.5", "2 ", "4097", "99999999999999999999"])
def test_bad_number_of_threads_in_the_environment_is_refused(value):
    code = "import facetry as ft; print(ft.isa()); ft.num_threads()"
    done = run(code, FACETRY_NUM_THREADS=value)
    assert done.returncode == 1
    expected = f"ValueError: FACETRY_NUM_THREADS must be a number from 1 to 4096, is '{value}'"
    assert done.stderr.splitlines()[-1] == expected


@pytest.mark.parametrize("name", ft.available_isas())
def test_isa_comes_from_the_environment(name):
    assert run("import facetry as ft; print(ft.isa())", FACETRY_ISA=name).stdout == f"{name}\n"


def test_unknown_isa_in_the_environment_is_refused():
    code = "import facetry as ft; ft.Network([ft.Dense([[1.0]]), ft.ReLU()]).patterns([[1.0]])"
    done = run(code, FACETRY_ISA="avx1024")
    choices = ", ".join(ft.available_isas())
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ValueError: no instruction set 'avx1024'")
    assert last.endswith(f"choose from {choices}")


@pytest.mark.parametrize("name", ["", "AVX2", "avx1024", "baseline "])
def test_use_isa_refuses_an_unknown_name_and_changes_nothing(name, restore_settings):
    before = ft.isa()
    with pytest.raises(
        ValueError, match=rf"no instruction set '{name}' here .*choose from .*{ft.available_isas()[-1]}"
    ):
        ft.use_isa(name)
    assert ft.isa() == before


def test_every_isa_can_be_used(restore_settings):
    for name in ft.available_isas():
        ft.use_isa(name)
        assert ft.isa() == name


def test_threads_and_isas_do_not_change_a_bit(restore_settings):
    net = random_network(7, 65, 33, 3)
    x = np.random.default_rng(2).normal(size=(5000, 7))
    expected = net(x), net.preactivations(x), net.patterns(x).bits
    for isa in ft.available_isas():
        for threads in (1, 2, 5):
            ft.use_isa(isa)
            ft.set_num_threads(threads)
            for want, got in zip(
                expected, (net(x), net.preactivations(x), net.patterns(x).bits), strict=True
            ):
                assert_array_equal(got, want)


def test_calls_from_several_threads_agree():
    net = random_network(5, 64, 64, 2)
    blocks = [np.random.default_rng(seed).normal(size=(3000, 5)) for seed in range(8)]
    expected = [net.patterns(x).bits for x in blocks]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for want, got in zip(expected, pool.map(net.patterns, blocks), strict=True):
                assert_array_equal(got.bits, want)


def test_the_gil_is_dropped_during_work(restore_settings):
    """While one thread is inside the library, another runs Python code: it sees the call unfinished."""
    ft.use_isa(ft.available_isas()[0])  # the slowest takes half a minute for this
    net = random_network(64, 512, 512, 512, 2)
    x = np.random.default_rng(3).normal(size=(20000, 64))
    done = threading.Event()
    worker = threading.Thread(target=lambda: (net.patterns(x), done.set()))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        worker.start()
        turns = 0
        while not done.is_set():
            turns += 1
            time.sleep(0.001)
    finally:
        sys.setswitchinterval(interval)
        worker.join()
    assert turns > 10


def test_a_fork_after_a_call_works():
    code = """
    import os
    import numpy as np
    import facetry as ft
    ft.set_num_threads(4)
    rng = np.random.default_rng(0)
    net = ft.Network([ft.Dense(rng.normal(size=(300, 30))), ft.ReLU(), ft.Dense(rng.normal(size=(300, 300)))])
    x = rng.normal(size=(5000, 30))
    expected = net(x)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(net(x), expected) else 1)
    print(os.waitpid(child, 0)[1], np.array_equal(net(x), expected))
    """
    assert run(code).stdout == "0 True\n"


def test_ctrl_c_stops_long_work_and_raises_keyboard_interrupt():
    """Rows are done in order, so a last row that was not written shows that the work was given up."""
    code = """
    import numpy as np
    import facetry as ft
    weight = np.full((512, 512), 1e-3, np.float32)
    layers = [layer for _ in range(10) for layer in (ft.Dense(weight), ft.ReLU())]
    net = ft.Network([*layers, ft.Dense(weight[:1])])
    x = np.ones((100_000, 512), np.float32)
    out = np.full((len(x), 1), np.nan, np.float32)
    print("ready", flush=True)
    try:
        net(x, out=out)
    except KeyboardInterrupt:
        print("given up" if np.isnan(out[-1, 0]) else "finished", flush=True)
        raise
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"FACETRY_NUM_THREADS": "2"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)  # into the work, which takes 10 times that on two threads of a fast machine
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert output == "given up\n"
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert process.returncode == -signal.SIGINT
