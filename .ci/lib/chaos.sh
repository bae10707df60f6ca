# ./run chaos [SCENARIO... | all] [--runs N] [--json]: plays what happens to a cluster, with real processes (docs/operations.md).
# shellcheck shell=bash

need_packages build test
build release ringside
export PYTHONDONTWRITEBYTECODE=1 BUILD_UNDER_TEST="$PWD/build/release"
exec /usr/bin/python3 tests/chaos/chaos.py "$@"
