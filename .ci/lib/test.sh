# ./run test [--sanitize] [CTEST OPTIONS]
# shellcheck shell=bash

need_packages build test

run_ctest() {
  local preset="$1"
  shift
  ctest --preset "$preset" -j "$(nproc)" "$@"
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
    timed "tests under $preset" without_address_randomisation bash -c 'run_ctest "$@"' bash "$preset" "$@"
  done
else
  build release
  timed "tests" run_ctest release "$@"
fi
