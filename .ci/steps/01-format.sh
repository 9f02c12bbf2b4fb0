#!/usr/bin/env bash
# Formatters and linters, in the versions that pyproject.toml pins.
source "$(dirname "$0")/../common.sh"

enter_venv lint
pip install --group lint
say "clang-format"
find cpp cuda -regextype egrep -regex '.*\.(hpp|cpp|inc|cu|cuh)' -print0 | xargs -0 clang-format --dry-run -Werror
say "ruff"
ruff format --check .
ruff check .
