#!/usr/bin/env bash
# A build where no nvcc can be found: AUTO gives the stub, ON is refused.
source "$(dirname "$0")/../common.sh"

enter_venv without-nvcc
pip install --group build
nvccs=$(type -aP nvcc || true)

# A mount namespace hides the toolkits from this step alone. Where it is not permitted, PATH leads to copies,
# made of links, of the directories that hold an nvcc.
hide_by_mount='
  for toolkit in /usr/local/cuda*; do
    if [[ -d $toolkit && ! -L $toolkit ]]; then mount -t tmpfs none "$toolkit"; fi
  done
  for nvcc in $0; do if [[ -e $nvcc ]]; then mount --bind /dev/null "$nvcc"; fi; done
  exec "$@"'
hide_by_path() {
  local path="" directory
  while read -r directory; do
    if [[ -e $directory/nvcc ]]; then
      local links=$CI_WORK/links$directory
      mkdir -p "$links"
      ln -sf "$directory"/* "$links"
      rm "$links/nvcc"
      directory=$links
    fi
    path+=:$directory
  done < <(tr : '\n' <<<"$PATH")
  env -u CUDA_PATH -u CUDA_HOME -u CUDAToolkit_ROOT PATH="${path#:}" "$@"
}

if [[ -z $nvccs ]]; then
  say "no nvcc on this machine: nothing to hide"
  hidden() { "$@"; }
elif [[ -z ${CI_NO_UNSHARE:-} ]] && unshare -m true 2>/dev/null; then
  say "hiding $(echo $nvccs) and /usr/local/cuda* in a mount namespace"
  hidden() { unshare -m bash -euc "$hide_by_mount" "$nvccs" "$@"; }
else
  say "no mount namespaces here: hiding $(echo $nvccs) with another PATH"
  hidden() { hide_by_path "$@"; }
fi
if hidden bash -c 'nvcc --version' 2>/dev/null; then fail "nvcc still runs"; fi

say "FACETRY_CUDA=AUTO"
hidden pip install . -C cmake.define.FACETRY_CUDA=AUTO
cd "$CI_WORK"
python - <<'EOF'
import facetry as ft

assert not ft.cuda.is_available() and ft.cuda.device_count() == 0
assert "built without CUDA" in ft.cuda.why_not(), ft.cuda.why_not()
print("why_not():", ft.cuda.why_not())
EOF

say "FACETRY_CUDA=ON must be refused"
if hidden cmake -S "$root" -B "$CI_WORK/refused" -DFACETRY_CUDA=ON >"$CI_WORK/refused.log" 2>&1; then
  fail "configured with FACETRY_CUDA=ON and no nvcc"
fi
grep "FACETRY_CUDA=ON" "$CI_WORK/refused.log" || { cat "$CI_WORK/refused.log"; fail "refused without saying why"; }
