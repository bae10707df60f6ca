"""The admission policy: a label gives a pod its sidecar."""
import json

import pytest

from shop import ROOT
from testbed import until

CARTS = """
apiVersion: v1
kind: Service
metadata: {name: orders}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app.kubernetes.io/name: carts}, ports: [{port: 1337}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: files}
data: %(files)s
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: carts}
spec:
  replicas: 2
  selector: {matchLabels: {app.kubernetes.io/name: carts}}
  template:
    metadata:
      labels: {app.kubernetes.io/name: carts, ringside.dev/inject: "%(inject)s"}
      annotations: %(annotations)s
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: app
          image: python:3.13-slim
          command: %(command)s
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
          volumeMounts: [{name: files, mountPath: %(mount)s}]
      volumes: [{name: files, configMap: {name: files}}]
"""


def carts(image, files, mount, command, inject="true", **annotations):
    annotations = {f"ringside.dev/{key}": value for key, value in ({"service": "orders", "image": image} | annotations).items()}
    return CARTS % {"files": json.dumps(files), "mount": mount, "command": json.dumps(command), "inject": inject,
                    "annotations": json.dumps(annotations)}


def deployment(image, inject="true"):
    app = (ROOT / "deploy/k8s/base/app.py").read_text()
    return carts(image, {"app.py": app}, "/app", ["python3", "/app/app.py"], inject)


@pytest.fixture(scope="module")
def policy(bed):
    done = bed.kubectl("apply", "-k", ROOT / "deploy/k8s/injection")
    assert "Warning" not in done.stderr

    def works():
        # A policy takes effect some moments after it was created.
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "labels": {"ringside.dev/inject": "true"}},
               "spec": {"containers": [{"name": "app", "image": "x"}]}}
        done = bed.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(pod), check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["spec"].get("initContainers")
    until(works, "the policy takes effect", pause=0.3)


def bind(place):
    place.kubectl("create", "rolebinding", "ringside-discovery", "--clusterrole=ringside-discovery",
                  f"--group=system:serviceaccounts:{place.namespace}")


def test_a_label_gives_a_working_sidecar(policy, place, image):
    bind(place)
    place.apply_text(deployment(image))
    place.rolled_out()
    pods = [pod["metadata"]["name"] for pod in place.pods()]
    for number, pod in enumerate(pods * 3):
        done = place.cli(pod, "call", "42", "add", "{}")
        assert (done.returncode, done.stdout.strip()) == (0, str(number + 1)), done.stdout + done.stderr
    members = json.loads(place.cli(pods[0], "members", "--json").stdout)
    assert len(members["members"]) == 2 and members["settled"]
    spec = place.pods()[0]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 40 and spec["enableServiceLinks"] is False
    assert spec["containers"][0]["lifecycle"]["preStop"]["httpGet"]["path"] == "/drained"
    place.kubectl("rollout", "restart", "deployment/carts")
    place.rolled_out()
    place.no_failed_hooks()


def test_a_program_that_knows_nothing_of_it(policy, place, image):
    """A web server of files, out of an image without a shell: no health page, no word for actors, deaf to SIGTERM."""
    bind(place)
    server = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "/pages", "8000"]
    place.apply_text(carts(image, {"hello": "hello, says a file"}, "/pages/actors/7/method", server,
                           app="http://127.0.0.1:8000"))
    place.rolled_out()
    pods = [pod["metadata"]["name"] for pod in place.pods()]
    for pod in pods:
        done = place.cli(pod, "call", "--request", "GET", "7", "hello")
        assert (done.returncode, done.stdout.strip()) == (0, "hello, says a file"), done.stdout + done.stderr
    owner = json.loads(place.cli(pods[0], "where", "7", "--json").stdout)["owner"]
    going, staying = sorted(place.pods(), key=lambda pod: pod["status"]["podIP"] != owner)
    place.kubectl("delete", "pod", going["metadata"]["name"], "--wait=false")
    until(lambda: json.loads(place.cli(staying["metadata"]["name"], "where", "7", "--json").stdout)["owner"] != owner, "it moves away")
    done = place.cli(staying["metadata"]["name"], "call", "--request", "GET", "7", "hello")
    assert (done.returncode, done.stdout.strip()) == (0, "hello, says a file"), done.stdout + done.stderr
    place.no_failed_hooks()


def test_no_label_no_sidecar(policy, place, image):
    place.apply_text(deployment(image, "false"))
    place.rolled_out()
    assert "initContainers" not in place.pods()[0]["spec"]


OWN = {"image": "x", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}


def admitted(place, lists, **annotations):
    """What the API server would make of such a pod."""
    pod = {"apiVersion": "v1", "kind": "Pod",
           "metadata": {"name": "x", "labels": {"ringside.dev/inject": "true"},
                        "annotations": {f"ringside.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}},
           "spec": {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}} | lists}
    return json.loads(place.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(pod)).stdout)


def test_any_setting_by_annotation(policy, place):
    lists = {"containers": [OWN | {"name": "app"}]}
    made = admitted(place, lists, service="orders", quorum="2", actor_idle_timeout="5m", drain_timeout="1m30s", app="none")
    env = {one["name"]: one.get("value", "") for one in made["spec"]["initContainers"][0]["env"] if "valueFrom" not in one}
    assert env == {"RINGSIDE_CLUSTER": "orders", "RINGSIDE_JOIN": "k8s:orders", "RINGSIDE_APP": "", "RINGSIDE_QUORUM": "2",
                   "RINGSIDE_ACTOR_IDLE_TIMEOUT": "5m", "RINGSIDE_DRAIN_TIMEOUT": "1m30s"}
    assert made["spec"]["terminationGracePeriodSeconds"] == 105
    made = admitted(place, lists | {"terminationGracePeriodSeconds": 300}, join="10.0.0.1,10.0.0.2")
    env = {one["name"]: one.get("value", "") for one in made["spec"]["initContainers"][0]["env"]}
    assert env["RINGSIDE_JOIN"] == "10.0.0.1,10.0.0.2"
    assert made["spec"]["terminationGracePeriodSeconds"] == 300


def test_a_pod_with_a_sidecar_gets_no_second(policy, place):
    for lists in ({"containers": [OWN | {"name": "app"}], "initContainers": [OWN | {"name": "ringside", "restartPolicy": "Always"}]},
                  {"containers": [OWN | {"name": "app"}, OWN | {"name": "ringside"}]}):
        made = admitted(place, lists)
        names = [one["name"] for one in made["spec"]["containers"] + made["spec"].get("initContainers", [])]
        assert names.count("ringside") == 1
