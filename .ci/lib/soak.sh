# ./run soak --minutes N [--json]: mixed load while hosts come and go; memory, descriptors and the judge (docs/operations.md).
# shellcheck shell=bash

need_packages build test
build release ringside
export PYTHONDONTWRITEBYTECODE=1 BUILD_UNDER_TEST="$PWD/build/release"
exec /usr/bin/python3 tests/chaos/soak.py "$@"
