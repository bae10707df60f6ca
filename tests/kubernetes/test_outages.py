"""The API is away; a pod is evicted: neither is the actors' business."""
import json
import time

from shop import under_load
from test_rolling import FOR_EACH_DEATH, ready_again, serves
from testbed import until

OUTAGE = 120


def test_the_api_server_is_away(shop, recorder):
    ready_again(shop)
    pods = shop.living()
    deleted, app, sidecar = pods[:3]
    gateways = shop.gateways()
    with under_load(shop, recorder, allowed=("unknown",)) as load:
        shop.kubectl("delete", "pod", deleted["metadata"]["name"], "--wait=false")
        shop.bed.stop_api()
        begun = time.monotonic()
        load.more(200)
        shop.kill_container(app, "app")
        load.more(200)
        shop.kill_container(sidecar, "ringside")
        known = {one["metadata"]["name"] for one in (app, sidecar)}
        for name in known:
            until(lambda name=name: serves(shop, name, gateways), f"{name} has turns again, without an API")
        while time.monotonic() < begun + OUTAGE:
            load.more(50)
        shop.bed.start_api()
        until(lambda: deleted["metadata"]["name"] not in [pod["metadata"]["name"] for pod in shop.pods()], "the deleted pod has gone")
        # Its successor was to begin during the outage, and the kubelet tries to mount its volumes ever less often.
        for pod in shop.living():
            if not any("running" in one["state"] for one in pod["status"].get("initContainerStatuses", [])):
                shop.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")
        ready_again(shop)
        load.more(200)
    assert load.outcomes()["unknown"] <= 3 * FOR_EACH_DEATH
    until(lambda: not wrong_endpoints(shop), lambda: f"the endpoints have caught up: {wrong_endpoints(shop)}", pause=2)
    for name in known:
        assert any(one["restartCount"] for one in
                   shop.bed.get("--namespace", shop.namespace, "pod", name)["status"]["containerStatuses"]
                   + shop.bed.get("--namespace", shop.namespace, "pod", name)["status"]["initContainerStatuses"])


def wrong_endpoints(shop):
    # The controller tries again after twice as long each time, up to a quarter of an hour, and after an outage that may be
    # minutes. A change of the service has it look at once.
    shop.kubectl("annotate", "service", "--all", "--overwrite", f"ringside.test/looked-at={time.monotonic()}")
    wanted = {one["ip"] for pod in shop.living() + shop.pods("app.kubernetes.io/name=gateway")
              for one in pod["status"].get("podIPs", [])}
    return listed(shop) ^ wanted


def listed(shop):
    slices = shop.bed.get("--namespace", shop.namespace, "endpointslices")["items"]
    return {address for one in slices for end in one["endpoints"] or [] for address in end["addresses"]}


def test_eviction_waits_for_its_turn(shop, recorder):
    ready_again(shop)

    def evict(pod):
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": shop.namespace}}
        return shop.kubectl("create", "--raw", f"/api/v1/namespaces/{shop.namespace}/pods/{pod}/eviction", "-f", "-",
                            stdin=json.dumps(eviction), check=False)

    with under_load(shop, recorder):
        first = [pod["metadata"]["name"] for pod in shop.living()]
        refused = 0
        for pod in first:
            def accepted(pod=pod):
                nonlocal refused
                done = evict(pod)
                refused += done.returncode != 0
                assert done.returncode == 0 or "disruption budget" in done.stderr, done.stderr
                return done.returncode == 0
            until(accepted, f"{pod} may go", pause=0.5)
        until(lambda: not set(first) & {pod["metadata"]["name"] for pod in shop.pods()}, "all have been replaced")
        ready_again(shop)
    assert refused > 0, "the budget let one go at a time"
