#!/usr/bin/env bash
# mypy --strict on the package; stubtest, which compares the native module and the public API with their types.
source "$(dirname "$0")/../common.sh"

enter_test_venv
add_torch
pip install --group types
say "mypy --strict"
mypy
say "stubtest"
python -m mypy.stubtest --mypy-config-file pyproject.toml --allowlist .ci/stubtest-allowlist.txt facetry
