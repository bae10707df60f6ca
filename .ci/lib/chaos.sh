# ./run chaos [SCENARIO... | all] [--runs N] [--json]: plays what happens to a cluster, with real processes (docs/operations.md).
# ./run chaos upgrade [COMMIT]: begins with ringside of that commit, by default of the one that .ci/upgrade-from names.
# shellcheck shell=bash

need_packages build test
build release ringside
if [[ ${1:-} == upgrade ]]; then
  source .ci/lib/previous.sh
  shift
  commit=$(upgrade_from)
  if [[ -n ${1:-} && $1 != -* ]]; then
    commit=$1
    shift
  fi
  before=$(build_previous "$commit")
  set -- upgrade --before "$before" "$@"
fi
export PYTHONDONTWRITEBYTECODE=1 BUILD_UNDER_TEST="$PWD/build/release"
exec /usr/bin/python3 tests/chaos/chaos.py "$@"
