#!/usr/bin/env bash
# Builds facetry on a machine with a CUDA device, runs the CUDA tests and benchmarks, and prints their table. Needs
# python3 with numpy, nvcc, CMake and Ninja, and no network: missing Python packages (pybind11, pytest) come as
# wheels from a folder. bench/gpu.sh [--quick] [--sanitize] [WHEELS_DIR [REPORT.md]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

quick=()
sanitize=false
while [[ ${1:-} == --* ]]; do
  case $1 in
    --quick) quick=(--quick) ;;
    --sanitize) sanitize=true ;;
    *) echo "unknown option: $1" >&2; exit 2 ;;
  esac
  shift
done
wheels=${1:-}
report=${2:-/dev/null}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

if [[ -n $wheels ]]; then
  say "wheels from $wheels"
  python3 -m pip install --quiet --no-index --no-deps --no-compile --target "$work/site" "$wheels"/*.whl
fi
export PYTHONPATH="$PWD/python:$work/site${PYTHONPATH:+:$PYTHONPATH}"

say "build"
cmake --preset cuda -DPython_EXECUTABLE="$(command -v python3)" >"$work/configure.log" ||
  { cat "$work/configure.log"; exit 1; }
cmake --build --preset cuda | tail -n 3
nvcc -O3 -std=c++17 -arch=native -o "$work/peak" bench/peak_gpu.cu
python3 -c 'import facetry as ft; print(ft.cuda.why_not() or ft.cuda.device_name())'

status=0
say "tests"
timeout 240 python3 -m pytest tests/test_cuda.py tests/test_cuda_arrays.py tests/test_dlpack.py -q -m "gpu or not gpu" \
  -W ignore::DeprecationWarning -p no:cacheprovider || status=$?

if $sanitize && command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck; do
    say "compute-sanitizer, $tool"
    timeout 120 compute-sanitizer --tool "$tool" --error-exitcode 9 --print-limit 10 \
      python3 -m pytest tests/test_cuda.py -q -k "(same_bits and 33) or points_on_the_device" \
      -p no:cacheprovider | tail -n 15 || status=$?
  done
fi

say "benchmarks"
timeout 240 python3 bench/bench_gpu.py --peak "$work/peak" "${quick[@]}" | tee "$report" || status=$?
say "done"
exit "$status"
