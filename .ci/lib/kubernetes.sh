# ./run kubernetes [PYTEST OPTIONS]: builds the sidecar, the Kubernetes parts and the images, and runs tests/kubernetes.
# shellcheck shell=bash

[[ $(id -u) -eq 0 ]] || fail "a Kubernetes needs root: network namespaces, cgroups, containers"
need_packages build test kubernetes
command -v go >/dev/null || fail "Go is missing (1.26, or 1.21 and later, which fetch it): https://go.dev/dl"

kubernetes_cache="${XDG_CACHE_HOME:-$HOME/.cache}/ringside/kubernetes"
kubernetes_version=$(sed -n 's/^\tk8s.io\/kubernetes v//p' tests/kubernetes/parts/go.mod | head -1)
# Of Prometheus' service discoveries only that of Kubernetes.
kubernetes_go_tags=(-tags "remove_all_sd,enable_kubernetes_sd")
kubernetes_programs=(. github.com/prometheus/prometheus/cmd/prometheus)
kubernetes_sources=$({ cat tests/kubernetes/parts/{main.go,go.mod,go.sum}; echo "${kubernetes_go_tags[*]} ${kubernetes_programs[*]}"; } |
  sha256sum | cut -c1-12)
export KUBERNETES_PARTS="$kubernetes_cache/$kubernetes_version-$kubernetes_sources"

# One module and one command, so that what Kubernetes and Prometheus share is compiled once.
build_parts() {
  local package=k8s.io/component-base/version minor="${kubernetes_version#*.}" made
  mkdir -p "$kubernetes_cache"
  made=$(mktemp -d "$kubernetes_cache/new-XXXXXX")
  go build -C tests/kubernetes/parts -trimpath -buildvcs=false "${kubernetes_go_tags[@]}" -o "$made/" -ldflags "-s -w \
    -X $package.gitVersion=v$kubernetes_version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}" \
    "${kubernetes_programs[@]}" && mv -T "$made" "$KUBERNETES_PARTS"
}

if [[ ! -x $KUBERNETES_PARTS/parts ]]; then
  # Fetches the modules while the sidecar is compiled; what fails here fails again in build_parts.
  (cd tests/kubernetes/parts && go list -deps "${kubernetes_go_tags[@]}" "${kubernetes_programs[@]}" 2>&1 >/dev/null |
    { grep -v '^go: downloading' >&2 || true; }) &
  kubernetes_fetching=$!
fi
build release ringside
if [[ ! -x $KUBERNETES_PARTS/parts ]]; then
  timed "fetch the modules of Kubernetes $kubernetes_version and Prometheus" wait "$kubernetes_fetching"
  timed "build Kubernetes $kubernetes_version and Prometheus (the first time 18 CPU minutes)" build_parts
fi

# The definition of a PodMonitor is the Prometheus Operator's own, out of its Go module.
operator=github.com/prometheus-operator/prometheus-operator@v0.85.0
operator_files=$(cd / && go mod download -json "$operator" | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
export POD_MONITOR_CRD="$operator_files/example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"
[[ -r $POD_MONITOR_CRD ]] || fail "no PodMonitor in $operator"

run_kubernetes_tests() {
  local status=0
  RINGSIDE_TESTBED=$(mktemp -u /tmp/ringside-k8s-XXXXXX)  # the beginning of two directories' names
  # Every wait is for an event; its bound is for machines that are busy with other things as well.
  # What breaks everything breaks each test after minutes of waiting; four failures tell enough.
  export RINGSIDE_TESTBED PYTHONDONTWRITEBYTECODE=1 BUILD_UNDER_TEST="$PWD/build/release" PATIENCE_FACTOR=6
  /usr/bin/python3 -m pytest -v -s -p no:cacheprovider -n 2 --dist loadgroup --durations=10 --maxfail=4 tests/kubernetes "$@" ||
    status=$?
  # The tests end what they began; this is for when they were ended themselves.
  local left
  for left in "$RINGSIDE_TESTBED"-*; do
    if [[ -e $left ]]; then /usr/bin/python3 tests/kubernetes/testbed.py "$left"; fi
  done
  return "$status"
}
timed "tests on a real Kubernetes $kubernetes_version" run_kubernetes_tests "$@"
