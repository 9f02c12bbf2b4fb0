"""Lists an sdist and a wheel, and fails where either holds too much, too little, or is too large."""

import sys
import tarfile
import zipfile
from pathlib import Path

MAX_WHEEL_BYTES = 3_000_000
FILES = {"pyproject.toml", "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "CHANGELOG.md"}
IN_SDIST = FILES | {"cpp", "cuda", "python", "tests", "bench"}
NOT_IN_SDIST = {".ci", ".github", "build", "dist", "report"}

sdist_path, wheel_path = map(Path, sys.argv[1:])
with tarfile.open(sdist_path) as sdist:
    sources = [name.split("/", 1)[1] for name in sdist.getnames() if "/" in name]
with zipfile.ZipFile(wheel_path) as wheel:
    files = wheel.namelist()
    for info in wheel.infolist():
        print(f"{info.file_size:9} {info.filename}")
print(f"{wheel_path.name}: {wheel_path.stat().st_size:,} bytes")
print(f"{sdist_path.name}: {sdist_path.stat().st_size:,} bytes, {len(sources)} files")

top = {name.split("/")[0] for name in sources}
problems = [f"the sdist lacks {name}" for name in sorted(IN_SDIST - top)]
problems += [f"the sdist holds {name}" for name in sorted(NOT_IN_SDIST & top)]
built = [name for name in sources if name.endswith((".so", ".pyc", ".o", ".whl"))]
problems += [f"the sdist holds {name}" for name in built]
if wheel_path.stat().st_size > MAX_WHEEL_BYTES:
    problems.append(f"the wheel is larger than {MAX_WHEEL_BYTES:,} bytes")
if {name.split("/")[0].split("-")[0] for name in files} != {"facetry"}:
    problems.append("the wheel holds more than facetry and its metadata")
libraries = [name for name in files if ".so" in name]
if len(libraries) != 1:
    problems.append(f"the wheel should hold one native module, holds {libraries}")
for name in ("facetry/py.typed", "facetry/_core.pyi"):
    if name not in files:
        problems.append(f"the wheel lacks {name}")
sys.exit("\n".join(problems) or 0)
