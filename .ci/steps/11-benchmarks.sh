#!/usr/bin/env bash
# Every benchmark once, untimed and on small sizes: they run, and the checks inside them hold.
source "$(dirname "$0")/../common.sh"

compgen -G 'bench/bench_*.py' >/dev/null || skip "no bench/bench_*.py yet"
enter_test_venv
pip install "facetry[bench]"  # facetry is there already: this adds what the extra names
FACETRY_BENCH_SMALL=1 run_pytest bench --benchmark-disable
