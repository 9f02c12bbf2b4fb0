#!/usr/bin/env bash
# The CUDA build: it compiles, imports without touching a driver, and says why where there is no device.
source "$(dirname "$0")/../common.sh"

command -v nvcc >/dev/null || skip "no nvcc on this machine"
enter_venv cuda
say "pip install . with FACETRY_CUDA=ON"
pip install '.[test]' -C cmake.define.FACETRY_CUDA=ON -C cmake.define.FACETRY_WERROR=ON
(
  cd "$CI_WORK"
  python - <<'EOF'
import facetry as ft
from facetry import _core

assert _core.cuda_built()
libraries = open("/proc/self/maps").read()
assert "libcuda" not in libraries, "importing facetry loaded the CUDA driver or runtime"
print(ft.cuda.device_count(), "devices; why_not():", ft.cuda.why_not() or "(a device can be used)")
assert ft.cuda.is_available() == (ft.cuda.why_not() == "")
if not ft.cuda.is_available():
    try:
        ft.cuda.device_name()
    except RuntimeError as error:
        print("device_name():", error)
    else:
        raise AssertionError("device_name() named a device that cannot be used")
EOF
)
run_pytest tests/test_cuda*.py tests/test_dlpack.py
