# ./run scale [SCENARIO...] [--hosts N] [--runs N] [--json]: many real sidecars on this machine (docs/performance.md).
# shellcheck shell=bash

need_packages build test
build release ringside
export PYTHONDONTWRITEBYTECODE=1 BUILD_UNDER_TEST="$PWD/build/release"
exec /usr/bin/python3 bench/scale.py "$@"
