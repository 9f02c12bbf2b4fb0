"""The public API: which names there are, and that each one is documented with a runnable example.

A name is public when it is in ``facetry.__all__``. What it is typed as is checked by mypy and stubtest in
.ci/steps/03-types.sh; the examples are run by .ci/steps/12-doctests.sh.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import facetry as ft
from facetry import _core

# A change here is a change that users see: it belongs in CHANGELOG.md too.
PUBLIC = {
    "classes": """
        Layer Dense Scale ReLU LeakyReLU PReLU ReLU6 HardTanh HardSigmoid Abs UnsupportedLayer
        Network AffineMaps HalfSpaces LinearRegionCount Margins Slopes
        Patterns PatternCount PatternSet UniquePatterns
        Halton Sobol
        Polytope Polytopes PolytopeUnion Optimum Estimate Mixing
        Region ClassPiece RegionsNear
        Segment Segments SegmentCheck Piecewise
        PlaneComplex PlaneCheck
        Complex Adjacency MapHistogram Piece Verification RegionBlock RegionCount
        RegionSweep SweepJob SweepPart
        Preimage Classes
    """,
    "functions": """
        available_isas isa num_threads set_num_threads use_isa
        demo_path from_torch load load_vnnlib
        halton sobol
        plane_through regions_near regions_on_segment regions_on_plane regions_on_planes
        iter_regions_in_box regions_in_box decision_regions preimage preimages
    """,
    "modules and data": "LAYERS cuda gradients",
}


def public_objects() -> list[object]:
    """Give the public functions and classes, those of the public modules included."""
    objects = []
    for name in ft.__all__:
        value = getattr(ft, name)
        if isinstance(value, types.ModuleType):
            objects += [
                v for k, v in vars(value).items() if is_documented(v, value) and not k.startswith("_")
            ]
        elif callable(value):
            objects.append(value)
    return objects


def is_documented(value: object, module: types.ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", "").startswith(module.__name__)


def members(kind: type) -> Iterator[tuple[str, object]]:
    """Give the public methods and properties that a class defines itself."""
    for name, value in vars(kind).items():
        if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, property)):
            yield name, value


def test_public_names_are_the_documented_ones():
    documented = " ".join(PUBLIC.values()).split()
    assert sorted(ft.__all__) == sorted(documented)
    assert len(set(ft.__all__)) == len(ft.__all__)


def test_public_names_are_of_the_documented_kind():
    for name in PUBLIC["classes"].split():
        assert inspect.isclass(getattr(ft, name)), name
    for name in PUBLIC["functions"].split():
        assert inspect.isfunction(getattr(ft, name)), name


def test_nothing_else_looks_public():
    """Submodules aside, a name of the package without an underscore is in ``__all__``."""
    names = {k for k, v in vars(ft).items() if not k.startswith("_") and not isinstance(v, types.ModuleType)}
    assert names <= set(ft.__all__)


@pytest.mark.parametrize("value", public_objects(), ids=lambda value: value.__qualname__)
def test_docstring_has_a_summary_and_an_example(value):
    text = inspect.cleandoc(value.__doc__ or "")
    assert text.split("\n")[0].rstrip().endswith((".", ":", "?")), (
        "the docstring should begin with a sentence"
    )
    assert ">>> " in text, "the docstring has no example"


@pytest.mark.parametrize("value", public_objects(), ids=lambda value: value.__qualname__)
def test_public_members_have_docstrings(value):
    if inspect.isclass(value):
        bare = [name for name, member in members(value) if not inspect.getdoc(member)]
        assert bare == [], f"members of {value.__name__} without a docstring"


@pytest.mark.parametrize("value", public_objects(), ids=lambda value: value.__qualname__)
def test_signature_is_annotated(value):
    functions = (
        [value] if inspect.isfunction(value) else [m for _, m in members(value) if inspect.isfunction(m)]
    )
    for function in functions:
        signature = inspect.signature(function)
        assert signature.return_annotation is not inspect.Signature.empty, function.__qualname__
        for name, parameter in signature.parameters.items():
            assert name in ("self", "cls") or parameter.annotation is not parameter.empty, (
                function.__qualname__
            )


def test_the_stub_of_the_native_module_names_what_is_there():
    """Stubtest compares each of them; what it says about classes of pybind11 is partly ignored."""
    stub = ast.parse((Path(ft.__file__).parent / "_core.pyi").read_text())
    typed = {node.name for node in stub.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert typed == {name for name in vars(_core) if not name.startswith("_")}
