"""deploy/k8s as a user applies it."""
import json

import pytest
import yaml

from shop import ROOT
from testbed import until

PRIVILEGED = "pod-security.kubernetes.io/enforce=privileged"
COMPONENTS = ("scrape-annotations", "quorum", "dashboard-and-alerts", "pod-monitor")


def call(place, pod, actor):
    done = place.cli(pod, "call", actor, "add", "{}")
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout)


def test_one_command(place):
    place.apply(ROOT / "deploy/k8s/base")
    place.rolled_out()
    pods = [pod["metadata"]["name"] for pod in place.pods()]
    assert len(pods) == 3
    for actor in ("1", "2", "3", "name:anna"):
        assert [call(place, pod, actor) for pod in pods] == [1, 2, 3], "one life for each id, whoever calls"
    for pod in pods:
        assert hosts(place, pod) == addresses(place)
        assert json.loads(place.cli(pod, "members", "--json").stdout)["settled"]
        status = place.bed.get("--namespace", place.namespace, "pod", pod)["status"]
        assert all(one["restartCount"] == 0 for one in status["initContainerStatuses"] + status["containerStatuses"])
    allowed = place.kubectl("auth", "can-i", "--list", f"--as=system:serviceaccount:{place.namespace}:carts").stdout
    assert "endpointslices" in allowed and "secrets" not in allowed and "pods" not in allowed


def addresses(place):
    return {pod["status"].get("podIP") for pod in place.pods()}


def hosts(place, pod):
    return {one["host"] for one in json.loads(place.cli(pod, "members", "--json").stdout)["members"]}


def overlay(directory, *components):
    here = directory / "overlay"
    here.mkdir()
    # kustomize takes relative paths only
    up = "../" * len(here.parts[1:])
    (here / "kustomization.yaml").write_text(json.dumps({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "resources": [f"{up}{str(ROOT)[1:]}/deploy/k8s/base"],
        "components": [f"{up}{str(ROOT)[1:]}/deploy/k8s/components/{component}" for component in components]}))
    return here


@pytest.mark.parametrize("component", COMPONENTS)
def test_component(place, tmp_path, component, pod_monitor_crd):
    made = place.apply(overlay(tmp_path, component))
    place.rolled_out()
    pods = place.pods()
    pod = pods[0]
    env = {one["name"]: one.get("value") for one in pod["spec"]["initContainers"][0]["env"]}
    if component == "quorum":
        assert env["RINGSIDE_QUORUM"] == "2"
    elif component == "scrape-annotations":
        assert pod["metadata"]["annotations"]["prometheus.io/port"] == "9137"
    elif component == "pod-monitor":
        assert "podmonitor.monitoring.coreos.com/ringside created" in made
    assert [call(place, one["metadata"]["name"], "7") for one in pods] == [1, 2, 3]


def test_unix_sockets_on_the_hosts_network(place, tmp_path):
    place.bed.kubectl("label", "--overwrite", "namespace", place.namespace, PRIVILEGED)
    directory = overlay(tmp_path, "unix-socket")
    kustomization = json.loads((directory / "kustomization.yaml").read_text())
    kustomization["replicas"] = [{"name": "carts", "count": 1}]  # one node, one such pod
    (directory / "kustomization.yaml").write_text(json.dumps(kustomization))
    place.apply(directory)
    place.rolled_out()
    pod = place.pods()[0]
    assert pod["spec"]["hostNetwork"] is True
    assert call(place, pod["metadata"]["name"], "7") == 1
    place.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")
    until(lambda: pod["metadata"]["name"] not in [one["metadata"]["name"] for one in place.pods()], "the old pod has gone")
    place.no_failed_hooks()


STATUS_OF_SIDECAR = """
import glob, json
for path in glob.glob("/proc/[0-9]*/status"):
    fields = dict(line.split(":", 1) for line in open(path))
    if fields["Name"].strip() == "ringside": print(json.dumps({key: value.split() for key, value in fields.items()}))
"""


def test_any_user_without_rights_and_with_the_runtimes_system_calls(place, tmp_path):
    """Some clusters give each namespace users of its own, which no image knows."""
    user, template = 1000680000, "/spec/template/spec"
    directory = overlay(tmp_path)
    kustomization = json.loads((directory / "kustomization.yaml").read_text())
    changes = [{"op": "replace", "path": f"{template}/securityContext/runAsUser", "value": user},
               {"op": "remove", "path": f"{template}/securityContext/runAsGroup"},
               # So that the app's container, which has a Python, sees the sidecar.
               {"op": "add", "path": f"{template}/shareProcessNamespace", "value": True}]
    kustomization["patches"] = [{"target": {"kind": "Deployment"}, "patch": json.dumps(changes)}]
    (directory / "kustomization.yaml").write_text(json.dumps(kustomization))
    place.apply(directory)
    place.rolled_out()
    pods = [pod["metadata"]["name"] for pod in place.pods()]
    assert [call(place, pod, "7") for pod in pods] == [1, 2, 3]
    status = json.loads(place.kubectl("exec", pods[0], "-c", "app", "--", "python3", "-c", STATUS_OF_SIDECAR).stdout)
    assert status["Uid"] == [str(user)] * 4
    assert {int(status[name][0], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == ["1"]
    assert status["Seccomp"] == ["2"], "a filter: RuntimeDefault"


def test_a_stateful_set(place, tmp_path):
    """The same pods under a StatefulSet: one after the other, and each comes back with its name and another address."""
    place.apply(overlay(tmp_path))
    place.rolled_out()
    made = place.bed.get("--namespace", place.namespace, "deployment", "carts")
    place.kubectl("delete", "deployment", "carts", "--cascade=foreground")
    spec = {key: made["spec"][key] for key in ("replicas", "selector", "template")}
    place.apply_text(json.dumps({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "carts"},
                                 "spec": spec | {"serviceName": "carts"}}))
    place.rolled_out("statefulset/carts")
    names = ["carts-0", "carts-1", "carts-2"]
    assert [call(place, pod, "name:anna") for pod in names] == [1, 2, 3], "one life for each id, whoever calls"
    place.kubectl("rollout", "restart", "statefulset/carts")
    place.rolled_out("statefulset/carts")
    place.no_failed_hooks()
    until(lambda: hosts(place, names[0]) == addresses(place), "hosts are the new pods")
    assert [call(place, pod, "name:otto") for pod in names] == [1, 2, 3]


JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: nightly}
spec:
  backoffLimit: 0
  template:
    metadata: {labels: {app.kubernetes.io/name: nightly, ringside.dev/cluster: carts}}
    spec:
      restartPolicy: Never
      serviceAccountName: carts
      enableServiceLinks: false
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      initContainers:
        - name: ringside
          image: IMAGE
          restartPolicy: Always
          args: [serve]
          env:
            - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
            - {name: RINGSIDE_CLUSTER, value: carts}
            - {name: RINGSIDE_JOIN, value: "k8s:carts"}
          # Nothing of a job is called, so its work may wait for the cluster.
          startupProbe: {httpGet: {path: /readyz, port: 9137}, periodSeconds: 1, failureThreshold: 60}
          securityContext: &locked {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      containers:
        - name: work
          image: python:3.13-slim
          command: [python3, -c, "import urllib.request as u; print(u.urlopen(u.Request('http://127.0.0.1:1380/v1/actors/9/method/add', b'{}', method='POST')).read())"]
          securityContext: *locked
"""


def test_jobs_and_cron_jobs_complete(place, image):
    place.apply(ROOT / "deploy/k8s/base")
    job = yaml.safe_load(JOB.replace("IMAGE", image))
    spec = {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": job["spec"]}}
    place.apply_text(json.dumps({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "minutely"}, "spec": spec}))
    place.rolled_out()
    place.apply_text(json.dumps(job))
    until(lambda: place.bed.get("--namespace", place.namespace, "cronjob", "minutely")["status"].get("active"), "a minute begins")
    place.kubectl("patch", "cronjob", "minutely", "--type=merge", "--patch", '{"spec": {"suspend": true}}')
    made = [one["metadata"]["name"] for one in place.bed.get("--namespace", place.namespace, "jobs")["items"]]
    assert len(made) >= 2
    for name in made:
        done = place.kubectl("wait", "--for=condition=complete", f"job/{name}", "--timeout=180s", check=False)
        assert done.returncode == 0, place.kubectl("describe", "pods", "-l", "app.kubernetes.io/name=nightly").stdout
    answers = sorted(place.kubectl("logs", f"job/{name}", "-c", "work").stdout for name in made)
    assert answers == [f"b'{number + 1}'\n" for number in range(len(made))]
