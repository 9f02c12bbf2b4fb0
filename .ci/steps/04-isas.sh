#!/usr/bin/env bash
# The dev preset (warnings are errors), in a copy of the sources; every test under each instruction set here,
# this time with torch, and the tests of the object files.
source "$(dirname "$0")/../common.sh"

enter_test_venv
add_torch
pip install --group build
tree=$CI_WORK/dev
rm -rf "$tree"
copy_sources "$tree"
cd "$tree"
say "cmake --preset dev"
cmake --preset dev -DPython_EXECUTABLE="$VIRTUAL_ENV/bin/python"
cmake --build --preset dev
export PYTHONPATH=$tree/python FACETRY_BUILD_DIR=$tree/build/dev
isas=$(python -c 'import facetry; print(*facetry.available_isas())')
for isa in $isas; do
  say "FACETRY_ISA=$isa"
  FACETRY_ISA=$isa run_pytest
done
