#!/usr/bin/env bash
# The dev preset (warnings are errors), in a copy of the sources; the tests under each instruction set here, this
# time with the loaders' oracles, torch and onnxruntime, and the tests of the object files. What has no kernels of
# its own is tested once.
source "$(dirname "$0")/../common.sh"

enter_test_venv
add_torch
pip install onnxruntime
build_in_place dev dev
export FACETRY_BUILD_DIR=$PWD/build/dev
isas=$(python -c 'import facetry; print(*facetry.available_isas())')
once=()
for isa in $isas; do
  say "FACETRY_ISA=$isa"
  FACETRY_ISA=$isa run_pytest "${once[@]}"
  once=(--ignore-glob='tests/test_cli*' --ignore-glob='tests/test_loaders*' --ignore-glob='tests/test_survey*'
    --ignore=tests/test_report.py --ignore=tests/test_studies.py --ignore=tests/test_typing.py)
done
