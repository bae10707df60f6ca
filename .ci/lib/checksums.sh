# ./run checksums [--rewrite]: compares the traces of 200 seeds of each kind of faults with the checksums that
# tests/sim/checksums keeps, or takes them over.
# shellcheck shell=bash

need_packages build
build release ringside_sim
mkdir -p tests/sim/checksums
status=0
for faults in $(build/release/bin/ringside_sim --faults help 2>&1 | sed -n 's/^faults: //p'); do
  build/release/bin/ringside_sim --faults "$faults" --first-seed 1 --seeds 200 \
    --checksums "tests/sim/checksums/$faults.txt" "$@" || status=1
done
exit "$status"
