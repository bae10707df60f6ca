# ./run bench [OPTIONS]: every program of bench/ in turn; the options go to each (for example --benchmark_filter=ring).
# shellcheck shell=bash

need_packages build bench
build release
for program in build/release/bench/*; do
  [[ -x $program && -f $program ]] || continue
  timed "bench ${program##*/}" "$program" "$@"
done
