#!/usr/bin/env bash
# sdist -> wheel -> auditwheel; the repaired wheel is small, holds what it should, and passes the sdist's own
# tests in a fresh environment outside the sources.
source "$(dirname "$0")/../common.sh"

enter_venv wheel
pip install --group wheel
rm -rf "$CI_WORK/dist" "$CI_WORK/wheelhouse" "$CI_WORK/outside"
say "python -m build"
python -m build --outdir "$CI_WORK/dist" . >"$CI_WORK/build.log" 2>&1 || { cat "$CI_WORK/build.log"; exit 1; }
auditwheel repair --wheel-dir "$CI_WORK/wheelhouse" "$CI_WORK"/dist/*.whl

say "contents"
python .ci/wheel_contents.py "$CI_WORK"/dist/*.tar.gz "$CI_WORK"/wheelhouse/*.whl

say "tests outside the sources"
mkdir "$CI_WORK/outside"
tar -xzf "$CI_WORK"/dist/*.tar.gz -C "$CI_WORK/outside" --strip-components=1
cd "$CI_WORK/outside"
rm -rf python cpp cuda
rm -rf "$CI_WORK/venv-repaired"
enter_venv repaired
pip install "$(echo "$CI_WORK"/wheelhouse/*.whl)[test]"
run_pytest
