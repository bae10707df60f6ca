# ./run tls-cost [--rounds N] [--calls N] [--json]: what TLS between two hosts costs (docs/performance.md).
# shellcheck shell=bash

need_packages build test
build release ringside
export PYTHONDONTWRITEBYTECODE=1 BUILD_UNDER_TEST="$PWD/build/release"
exec /usr/bin/python3 bench/peer_tls.py "$@"
