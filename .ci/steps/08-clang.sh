#!/usr/bin/env bash
# The same with clang, warnings as errors, and the tests against it.
source "$(dirname "$0")/../common.sh"

if ! command -v clang++ >/dev/null; then
  ((EUID == 0)) && command -v apt-get >/dev/null || skip "no clang++, and it cannot be installed here"
  say "apt-get install clang"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update && apt-get -qq install --no-install-recommends -y clang >/dev/null
fi
clang++ --version
enter_test_venv
pip install --group build
tree=$CI_WORK/clang
rm -rf "$tree"
copy_sources "$tree"
cd "$tree"
say "cmake --preset dev, with clang++"
cmake --preset dev -DCMAKE_CXX_COMPILER=clang++ -DPython_EXECUTABLE="$VIRTUAL_ENV/bin/python"
cmake --build --preset dev
PYTHONPATH=$tree/python FACETRY_BUILD_DIR=$tree/build/dev run_pytest
