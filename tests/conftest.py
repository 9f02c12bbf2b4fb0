"""Fixtures that several test files share."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import facetry as ft


@pytest.fixture(params=[ft.isa()] if os.environ.get("FACETRY_ISA") else ft.available_isas())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test once for every instruction set of this machine, or for the one that FACETRY_ISA names."""
    before = ft.isa()
    ft.use_isa(request.param)
    yield request.param
    ft.use_isa(before)


@pytest.fixture(params=[1, 2, 7])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """Run the test with so many threads."""
    before = ft.num_threads()
    ft.set_num_threads(request.param)
    yield request.param
    ft.set_num_threads(before)


@pytest.fixture(params=["auto", "tangents", "gram"])
def method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the losses of facetry.torch find squared gradients axis by axis, or by Gram matrices."""
    from facetry.torch import _losses, _request

    monkeypatch.setattr(_losses, "Request", functools.partial(_request.Request, method=request.param))
    return request.param


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real networks and data sets, beside the project."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared, which only the developers have")
    return folder
