"""What the compiler made: no code for a wide CPU where a narrow one may run it.

An inline function of external linkage in a kernel file becomes a weak symbol; the linker keeps one copy of it
for the whole library, perhaps the AVX-512 one, and an older CPU stops with an illegal instruction.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from facetry import _core

ROOT = Path(__file__).resolve().parent.parent
WIDE = {"avx2", "avx512"}
# Instructions that an x86-64 without extensions lacks: everything VEX or EVEX encoded, and scalar ones that
# come with them. (tzcnt is not here: it is encoded as `rep bsf`, which runs everywhere and which gcc emits.)
EXTENSION = re.compile(
    r"\b(v[a-z]\w+|andn|bextr|bls[ir]|blsmsk|bzhi|mulx|pdep|pext|rorx|s[ah][lr]x|lzcnt|popcnt)\b"
)
FAST_MATH = {
    "-ffast-math",
    "-Ofast",
    "-funsafe-math-optimizations",
    "-fassociative-math",
    "-ffinite-math-only",
}
ONLY_AVX512 = re.compile(r"%zmm|%k[0-7]|%[xy]mm(1[6-9]|2\d|3[01])")

needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF files with binutils")


@pytest.fixture(scope="module")
def build() -> Path:
    """Give the build tree: FACETRY_BUILD_DIR, which must then be there, or the dev preset's."""
    if named := os.environ.get("FACETRY_BUILD_DIR"):
        assert (Path(named) / "compile_commands.json").exists(), f"no build tree in FACETRY_BUILD_DIR={named}"
        return Path(named)
    tree = ROOT / "build" / "dev"
    if not (tree / "compile_commands.json").exists():
        pytest.skip("no build tree: cmake --preset dev && cmake --build --preset dev")
    return tree


@cache
def commands(build: Path) -> dict[Path, list[str]]:
    """Map each object file of the host compiler to the command that made it."""
    made = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        arguments = shlex.split(entry["command"])
        if entry["file"].endswith(".cpp"):
            made[Path(entry["directory"], arguments[arguments.index("-o") + 1])] = arguments
    return made


def isa_of(path: Path) -> str:
    """Give the instruction set that an object's name ends with: dense_avx2.cpp.o."""
    suffix = path.name.split(".")[0].rpartition("_")[2]
    return suffix if suffix in WIDE else "baseline"


def disassemble(path: Path) -> list[str]:
    tool = shutil.which("objdump") or pytest.skip("no objdump on this machine")
    text = subprocess.run(
        [tool, "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True
    ).stdout
    return [line.split("\t", 1)[1] for line in text.splitlines() if "\t" in line]


def symbols(path: Path, *options: str) -> list[tuple[str, str]]:
    """Give (kind, name) of every symbol."""
    tool = shutil.which("nm") or pytest.skip("no nm on this machine")
    text = subprocess.run([tool, *options, path], capture_output=True, text=True, check=True).stdout
    return [tuple(line[17:].split(" ", 1)) for line in text.splitlines() if line[17:]]


def kernel_objects(build: Path) -> list[Path]:
    objects = [
        path for path in commands(build) if re.search(r"_(baseline|neon|avx2|avx512)\.cpp\.o$", path.name)
    ]
    assert objects, f"no kernel objects in {build}"
    return objects


@needs_linux
def test_kernels_share_no_symbol_between_instruction_sets(build):
    for path in kernel_objects(build):
        weak = [name for kind, name in symbols(path, "-C") if kind in "VWuvw"]
        assert weak == [], f"weak symbols in {path.name}"


@needs_linux
def test_kernels_define_one_table_in_the_namespace_of_their_instruction_set(build):
    for path in kernel_objects(build):
        family, _, isa = path.name.split(".")[0].rpartition("_")
        exported = [name for kind, name in symbols(path, "-C") if kind in "BDRT"]
        assert len(exported) == 1, f"{path.name} exports {exported}"
        assert exported[0].startswith(f"facetry::{isa}::"), f"{path.name} ({family}) exports {exported}"


@needs_linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="looks for x86-64 instructions")
def test_code_outside_the_kernels_runs_on_every_x86_64(build):
    seen = 0
    for path in commands(build):
        if isa_of(path) != "baseline" or "-flto" in " ".join(commands(build)[path]):
            continue  # objects of link-time optimisation hold no machine code; their options are tested below
        code = disassemble(path)
        seen += len(code)
        assert [line for line in code if EXTENSION.match(line)] == [], f"foreign instructions in {path.name}"
    assert seen > 1000


@needs_linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="looks for x86-64 instructions")
def test_avx2_kernels_use_avx2_and_nothing_wider(build):
    for path in kernel_objects(build):
        if isa_of(path) == "avx2":
            code = disassemble(path)
            assert [line for line in code if ONLY_AVX512.search(line)] == [], f"AVX-512 in {path.name}"
            assert any("%ymm" in line for line in code), f"no 32-byte registers in {path.name}"


def test_only_kernels_are_compiled_for_an_instruction_set(build):
    for path, arguments in commands(build).items():
        chosen = [a for a in arguments if re.match(r"-m(avx|fma|bmi|lzcnt|popcnt|sse[34]|arch|cpu|tune)", a)]
        assert bool(chosen) == (isa_of(path) in WIDE), f"{path.name} is compiled with {chosen}"


def test_every_file_is_compiled_with_exact_floating_point(build):
    for path, arguments in commands(build).items():
        assert "-ffp-contract=off" in arguments, path.name
        fast = {
            "-ffast-math",
            "-Ofast",
            "-funsafe-math-optimizations",
            "-fassociative-math",
            "-ffinite-math-only",
        }
        assert fast.isdisjoint(arguments), path.name


@needs_linux
def test_the_module_exports_nothing_of_its_own_but_the_entry_point():
    """Symbols of facetry or of the static CUDA runtime could be taken for those of another library."""
    exported = [name for _, name in symbols(Path(_core.__file__), "-D", "-C", "--defined-only")]
    assert "PyInit__core" in exported
    assert [name for name in exported if "facetry::" in name or re.match(r"_*cu(da|[A-Z])", name)] == []
