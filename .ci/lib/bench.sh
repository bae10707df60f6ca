# ./run bench [OPTIONS]: every program of bench/ in turn; the options go to each (for example --benchmark_filter=ring).
# ./run bench h2c [OPTIONS]: a method call over HTTP/1.1 and h2c (bench/h2c.py; needs Go 1.24).
# shellcheck shell=bash

need_packages build bench
if [[ ${1:-} == h2c ]]; then
  shift
  need_packages test
  build release ringside
  export PYTHONDONTWRITEBYTECODE=1 BUILD_UNDER_TEST="$PWD/build/release"
  exec /usr/bin/python3 bench/h2c.py "$@"
fi
build release
for program in build/release/bench/*; do
  [[ -x $program && -f $program ]] || continue
  timed "bench ${program##*/}" "$program" "$@"
done
