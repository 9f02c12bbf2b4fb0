#!/usr/bin/env bash
# The examples in the docstrings.
source "$(dirname "$0")/../common.sh"

enter_test_venv
cd "$CI_WORK"
run_pytest -c "$root/pyproject.toml" --rootdir "$CI_WORK" --doctest-modules --pyargs facetry
