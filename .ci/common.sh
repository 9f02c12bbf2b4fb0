# Sourced by every step: strict mode, the directory this run may write to, and the step's own wall time.
set -euo pipefail
exec </dev/null

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
python=${CI_PYTHON:-python3}
unset FACETRY_ISA FACETRY_NUM_THREADS FACETRY_CUDA CUDACXX PYTHONPATH
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-2}

if [[ -z ${CI_WORK:-} ]]; then
  CI_WORK=$(mktemp -d)
  ci_work_is_ours=1
fi
# pip, matplotlib and others keep caches in the home directory otherwise.
export CI_WORK XDG_CACHE_HOME=$CI_WORK/cache MPLCONFIGDIR=$CI_WORK/matplotlib
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=2 PIP_PROGRESS_BAR=off

step=$(basename "$0" .sh)
close_step() {
  local status=$?
  if [[ -n ${ci_work_is_ours:-} ]]; then rm -rf "$CI_WORK"; fi
  if ((status == 0)); then echo "== $step: passed in $SECONDS s"; else echo "== $step: FAILED ($status) in $SECONDS s"; fi
}
trap close_step EXIT

say() { printf '\n== %s: %s\n' "$step" "$*"; }
fail() { echo "== $step: $*" >&2; exit 1; }
# Stops the step, successfully, where the machine lacks what it needs.
skip() { echo "== $step: SKIPPED: $*"; exit 0; }

# Enters the virtual environment $CI_WORK/venv-$1, making it first if need be.
enter_venv() {
  local venv=$CI_WORK/venv-$1
  if [[ ! -e $venv/ready ]]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --upgrade "pip>=25.1"
    touch "$venv/ready"
  fi
  # shellcheck disable=SC1091
  source "$venv/bin/activate"
}

# Enters the environment that most steps share: facetry as `pip install '.[test]'` gives it.
enter_test_venv() {
  enter_venv test
  if [[ ! -e $VIRTUAL_ENV/installed ]]; then
    pip install '.[test]'
    touch "$VIRTUAL_ENV/installed"
  fi
}

# Torch for the tests that compare with it, where the README's command has left it out.
add_torch() { pip install torch==2.13.0; }

# Copies the sources, without anything built, to $1: as a clean clone has them. The folder of real networks that
# may lie beside the sources lies beside the copy too.
copy_sources() {
  mkdir -p "$1"
  if [[ -d $root/../shared ]]; then ln -sfn "$(cd "$root/../shared" && pwd)" "$(dirname "$1")/shared"; fi
  tar -c --exclude-vcs --exclude=./build --exclude=./dist --exclude=./report --exclude=./.venv --exclude='*.so' \
    --exclude=__pycache__ --exclude='./.*_cache' --exclude=./.hypothesis . | tar -x -C "$1"
}

# Copies the sources to $CI_WORK/$1, builds them in place with the preset $2 (further arguments are CMake's), and
# makes Python import that build.
build_in_place() {
  local tree=$CI_WORK/$1 preset=$2
  shift 2
  rm -rf "$tree"
  copy_sources "$tree"
  cd "$tree"
  pip install --group build
  say "cmake --preset $preset $*"
  cmake --preset "$preset" -DPython_EXECUTABLE="$VIRTUAL_ENV/bin/python" "$@"
  cmake --build --preset "$preset"
  export PYTHONPATH=$tree/python
}

# pytest's output comes through as it is; its closing line is kept for the table of .ci/run.
run_pytest() {
  local log=$CI_WORK/pytest.log status=0
  python -m pytest -q "$@" 2>&1 | tee "$log" || status=$?
  tail -n 1 "$log" >>"$CI_WORK/closing-lines-$step"
  return "$status"
}
