# ./run kubernetes [PYTEST OPTIONS]: builds the sidecar, the Kubernetes parts and the images, and runs tests/kubernetes.
# shellcheck shell=bash

[[ $(id -u) -eq 0 ]] || fail "a Kubernetes needs root: network namespaces, cgroups, containers"
need_packages build test kubernetes
command -v go >/dev/null || fail "Go is missing (1.26, or 1.21 and later, which fetch it): https://go.dev/dl"

kubernetes_cache="${XDG_CACHE_HOME:-$HOME/.cache}/ringside/kubernetes"
kubernetes_version=$(sed -n 's/^require k8s.io\/kubernetes v//p; s/^\tk8s.io\/kubernetes v//p' tests/kubernetes/parts/go.mod | head -1)
export KUBERNETES_PARTS="$kubernetes_cache/parts-$kubernetes_version"

build_parts() {
  local package=k8s.io/component-base/version minor="${kubernetes_version#*.}"
  mkdir -p "$kubernetes_cache"
  go build -C tests/kubernetes/parts -trimpath -buildvcs=false -o "$KUBERNETES_PARTS" -ldflags "-s -w \
    -X $package.gitVersion=v$kubernetes_version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}" .
}

prometheus_version=v0.316.0  # of the Go module: Prometheus 3.16
export KUBERNETES_PROMETHEUS="$kubernetes_cache/prometheus-$prometheus_version"

# Debian's Prometheus cannot discover pods.
build_prometheus() {
  GOBIN="$kubernetes_cache" go install -trimpath -ldflags "-s -w" -tags remove_all_sd,enable_kubernetes_sd \
    "github.com/prometheus/prometheus/cmd/prometheus@$prometheus_version" &&
    mv "$kubernetes_cache/prometheus" "$KUBERNETES_PROMETHEUS"
}

build release ringside
if [[ ! -x $KUBERNETES_PARTS || tests/kubernetes/parts/main.go -nt $KUBERNETES_PARTS || tests/kubernetes/parts/go.mod -nt $KUBERNETES_PARTS ]]; then
  timed "build Kubernetes $kubernetes_version (the first time about 10 CPU minutes)" build_parts
fi

if [[ ! -x $KUBERNETES_PROMETHEUS ]]; then timed "build Prometheus" build_prometheus; fi

# The definition of a PodMonitor is the Prometheus Operator's own, out of its Go module.
operator=github.com/prometheus-operator/prometheus-operator@v0.85.0
operator_files=$(cd / && go mod download -json "$operator" | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
export POD_MONITOR_CRD="$operator_files/example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"
[[ -r $POD_MONITOR_CRD ]] || fail "no PodMonitor in $operator"

run_kubernetes_tests() {
  local status=0
  RINGSIDE_TESTBED=$(mktemp -d /tmp/ringside-k8s-XXXXXX)
  export RINGSIDE_TESTBED PYTHONDONTWRITEBYTECODE=1 BUILD_UNDER_TEST="$PWD/build/release"
  /usr/bin/python3 -m pytest -v -s -p no:cacheprovider --durations=10 tests/kubernetes "$@" || status=$?
  # The tests end what they began; this is for when they were ended themselves.
  if [[ -e $RINGSIDE_TESTBED ]]; then /usr/bin/python3 tests/kubernetes/testbed.py "$RINGSIDE_TESTBED"; fi
  return "$status"
}
timed "tests on a real Kubernetes $kubernetes_version" run_kubernetes_tests "$@"
