"""What people get wrong ends in words: in the log, in /readyz, in `ringside members`, in the termination message."""
import json

import pytest

from shop import ROOT
from testbed import until

KUSTOMIZATION = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [{base}]
replicas: [{{name: carts, count: 2}}]
patches:
"""
SIDECAR = "/spec/template/spec/initContainers/0"


@pytest.fixture
def wrong(place, tmp_path):
    """Applies the base with some JSON patches of one object, and gives a pod whose sidecar runs."""
    def apply(kind, name, *operations):
        directory = tmp_path / "overlay"
        directory.mkdir(exist_ok=True)
        up = "../" * len(directory.parts[1:])
        text = KUSTOMIZATION.format(base=f"{up}{str(ROOT)[1:]}/deploy/k8s/base")
        text += f"  - target: {{kind: {kind}, name: {name}}}\n    patch: |-\n      {json.dumps(operations)}\n"
        (directory / "kustomization.yaml").write_text(text)
        place.apply(directory)
        return until(lambda: running(place), lambda: f"a sidecar that runs\n{place.story()}")
    return apply


def running(place):
    for pod in place.pods():
        for one in pod["status"].get("initContainerStatuses", []):
            if one.get("started"):
                return pod["metadata"]["name"]
    return None


def tells(place, pod, *words):
    """The same words in the log, in /readyz, and in `ringside members`."""
    def complete():
        seen.update(log=place.sidecar_log(pod), readyz=place.readyz(pod)[1], members=place.cli(pod, "members").stdout)
        return all(word in text for text in seen.values() for word in words)
    seen = {}
    until(complete, lambda: f"{words} in " + "\n".join(f"{where}:\n{text[-1500:]}" for where, text in seen.items()))


def test_no_right_to_look(place, wrong):
    pod = wrong("RoleBinding", "carts-ringside-discovery", {"op": "replace", "path": "/subjects/0/name", "value": "nobody"})
    tells(place, pod, "403", "get, list and watch on endpointslices")
    assert place.readyz(pod)[0] == 503


def test_wrong_service(place, wrong):
    pod = wrong("Deployment", "carts", {"op": "replace", "path": f"{SIDECAR}/env/2/value", "value": "k8s:cartz"})
    tells(place, pod, "k8s:cartz", "the service has no endpoints")
    assert place.readyz(pod)[0] == 503


def test_a_service_that_selects_others(place, wrong):
    pod = wrong("Deployment", "carts", {"op": "replace", "path": "/spec/template/metadata/labels/ringside.dev~1cluster", "value": "x"})
    tells(place, pod, "k8s:carts", "no endpoints")


def test_two_clusters_behind_one_service(place, wrong):
    wrong("Deployment", "carts", {"op": "replace", "path": f"{SIDECAR}/env/1/value", "value": "carts"})
    place.rolled_out()
    other = place.bed.get("--namespace", place.namespace, "deployment", "carts")
    other["metadata"] = {"name": "other"}
    other["spec"]["selector"]["matchLabels"] = {"app.kubernetes.io/name": "other"}
    other["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] = "other"
    other["spec"]["template"]["spec"]["initContainers"][0]["env"][1]["value"] = "staging"
    del other["status"]
    place.apply_text(json.dumps(other))
    place.rolled_out("deployment/other")
    for selector, foreign in (("carts", "staging"), ("other", "carts")):
        pod = place.pods(f"app.kubernetes.io/name={selector}")[0]["metadata"]["name"]
        tells(place, pod, f"it is of cluster {foreign}")
        members = json.loads(place.cli(pod, "members", "--json").stdout)
        assert len(members["members"]) == 2, "each keeps to its own"


def test_an_app_that_never_gets_healthy(place, wrong):
    pod = wrong("Deployment", "carts", {"op": "replace", "path": f"{SIDECAR}/env/3/value", "value": "http://127.0.0.1:8081"})
    tells(place, pod, "connecting to 127.0.0.1:8081")
    status, body = place.readyz(pod)
    assert status == 503
    assert body.startswith("not ready: the application is not healthy: connecting to 127.0.0.1:8081: Connection refused\n"), body


def test_a_wrong_setting_is_the_termination_message(place, tmp_path):
    directory = tmp_path / "overlay"
    directory.mkdir()
    up = "../" * len(directory.parts[1:])
    text = KUSTOMIZATION.format(base=f"{up}{str(ROOT)[1:]}/deploy/k8s/base")
    operations = [{"op": "add", "path": f"{SIDECAR}/env/-", "value": {"name": "RINGSIDE_DRAIN_TIMEOUT", "value": "soon"}}]
    (directory / "kustomization.yaml").write_text(
        text + f"  - target: {{kind: Deployment, name: carts}}\n    patch: |-\n      {json.dumps(operations)}\n")
    place.apply(directory)

    def message():
        for pod in place.pods():
            for one in pod["status"].get("initContainerStatuses", []):
                for state in (one["state"], one["lastState"]):
                    if "terminated" in state:
                        return state["terminated"]
        return None
    ended = until(message, lambda: place.story())
    assert ended["exitCode"] == 2
    assert "drain-timeout" in ended["message"] and "soon" in ended["message"], ended
