# ./run test [--sanitize] [CTEST OPTIONS]
# shellcheck shell=bash

need_packages build test

run_ctest() {
  local preset="$1" jobs="$2"
  shift 2
  ctest --preset "$preset" -j "$jobs" "$@"
}

# TSan of GCC 12 does not start where the kernel spreads addresses widely (vm.mmap_rnd_bits above 28).
without_address_randomisation() {
  if setarch -R true 2>/dev/null; then setarch -R "$@"; else "$@"; fi
}

if [[ ${1:-} == --sanitize ]]; then
  shift
  for preset in asan tsan; do
    build "$preset"
    export -f run_ctest
    # Most of these programs wait for one another most of the time.
    timed "tests under $preset" without_address_randomisation bash -c 'run_ctest "$@"' bash "$preset" $(($(nproc) + 1)) "$@"
  done
else
  build release
  # A rolling upgrade from the last release is among the tests. A clone without history lacks it, and that test says so.
  source .ci/lib/previous.sh
  if git rev-parse --verify --quiet "$(upgrade_from)^{commit}" >/dev/null; then
    timed "build the last release" build_previous "$(upgrade_from)" >/dev/null
  fi
  timed "tests" run_ctest release "$(nproc)" "$@"
fi
