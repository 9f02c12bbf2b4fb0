#!/usr/bin/env bash
# The dev preset with clang, warnings as errors, and every test against it.
source "$(dirname "$0")/../common.sh"

if ! command -v clang++ >/dev/null; then
  ((EUID == 0)) && command -v apt-get >/dev/null || skip "no clang++, and it cannot be installed here"
  say "apt-get install clang"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update && apt-get -qq install --no-install-recommends -y clang >/dev/null
fi
clang++ --version
enter_test_venv
build_in_place clang dev -DCMAKE_CXX_COMPILER=clang++
FACETRY_BUILD_DIR=$PWD/build/dev run_pytest
