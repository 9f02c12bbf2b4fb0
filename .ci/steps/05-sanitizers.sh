#!/usr/bin/env bash
# The C++ code under AddressSanitizer and UndefinedBehaviorSanitizer, through the Python tests.
source "$(dirname "$0")/../common.sh"

enter_test_venv
pip install --group build
tree=$CI_WORK/asan
rm -rf "$tree"
copy_sources "$tree"
cd "$tree"
say "cmake --preset asan"
cmake --preset asan -DPython_EXECUTABLE="$VIRTUAL_ENV/bin/python"
cmake --build --preset asan

compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' build/asan/CMakeCache.txt)
# libstdc++ too: the sanitizer must find its __cxa_throw before it starts.
export LD_PRELOAD="$("$compiler" -print-file-name=libasan.so) $("$compiler" -print-file-name=libstdc++.so)"
# Leaks are not looked for: the Python interpreter itself keeps memory until it exits.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH=$tree/python
run_pytest
