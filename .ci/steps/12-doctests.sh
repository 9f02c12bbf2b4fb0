#!/usr/bin/env bash
# The examples in the docstrings.
source "$(dirname "$0")/../common.sh"

enter_test_venv
add_torch
cd "$CI_WORK"
run_pytest -c "$root/pyproject.toml" --rootdir "$CI_WORK" --doctest-modules --pyargs facetry
