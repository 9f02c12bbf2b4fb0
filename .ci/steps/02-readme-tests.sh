#!/usr/bin/env bash
# The README's test command, word for word, in a fresh environment with build isolation.
source "$(dirname "$0")/../common.sh"

command=$(grep -om1 "^pip install '\.\[test\]' && pytest" README.md) || fail "the README's test command has changed"
rm -rf "$CI_WORK/venv-test"
enter_venv test
say "$command"
eval "${command/%pytest/true}"
touch "$VIRTUAL_ENV/installed"
run_pytest
say "import time in us, own and cumulative (the second of two runs; the budget is 150 ms, numpy included)"
cd /
python -c 'import facetry'
python -X importtime -c 'import facetry' 2>&1 | grep -E '\| +(facetry|facetry\._core|numpy)$'
