#!/usr/bin/env bash
# The C++ code under AddressSanitizer and UndefinedBehaviorSanitizer, through the Python tests.
source "$(dirname "$0")/../common.sh"

enter_test_venv
build_in_place asan asan
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' build/asan/CMakeCache.txt)
# libstdc++ too: the sanitizer must find its __cxa_throw before it starts.
LD_PRELOAD="$("$compiler" -print-file-name=libasan.so) $("$compiler" -print-file-name=libstdc++.so)"
# Leaks are not looked for: the Python interpreter itself keeps memory until it exits. Reports go to files, because
# pytest would keep them to itself when the process is aborted.
reports=$CI_WORK/sanitizer
rm -f "$reports".*
export LD_PRELOAD ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:log_path=$reports
export UBSAN_OPTIONS=print_stacktrace=1:log_path=$reports
status=0
run_pytest || status=$?
unset LD_PRELOAD
if compgen -G "$reports.*" >/dev/null; then
  cat "$reports".*
  fail "the sanitizers have reported"
fi
exit "$status"
