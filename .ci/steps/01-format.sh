#!/usr/bin/env bash
# Formatters and linters, in the versions that pyproject.toml pins. All of them run before the step fails.
source "$(dirname "$0")/../common.sh"

enter_venv lint
pip install --group lint
status=0
say "clang-format"
find cpp cuda -regextype egrep -regex '.*\.(hpp|cpp|inc|cu|cuh)' -print0 |
  xargs -0 clang-format --dry-run -Werror || status=1
say "ruff"
ruff format --check . || status=1
ruff check . || status=1
exit "$status"
