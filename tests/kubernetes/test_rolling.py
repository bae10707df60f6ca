"""Pods come and go under load: what is orderly loses no call, what is not loses at most the turns that were under way."""
import json
import random

import pytest

from shop import CALLERS, under_load
from testbed import until


# A turn under way for each caller, and a next one that was sent before the death was noticed.
FOR_EACH_DEATH = 2 * CALLERS


def ready_again(shop, count=4):
    shop.rolled_out()
    until(lambda: len(shop.pods()) == count, f"{count} pods")
    shop.settled(count)


def test_both_families_are_listed_and_one_is_used(shop):
    """The service's slices have both addresses of each pod; hosts are named by those that their pods call their own."""
    slices = shop.bed.get("--namespace", shop.namespace, "endpointslices")["items"]
    assert {one["addressType"] for one in slices} == {"IPv4", "IPv6"}
    own = {pod["status"]["podIP"] for pod in shop.living()}
    on_ring = {one["host"] for one in shop.gateways()[0].members()["members"] if one["on_ring"]}
    assert on_ring == own and all((":" in address) == shop.bed.prefers_ipv6 for address in own)


@pytest.mark.parametrize("time", [1, 2, 3])
def test_rollout_restart(shop, recorder, time):
    before = {pod["metadata"]["name"] for pod in shop.living()}
    with under_load(shop, recorder) as load:
        shop.kubectl("rollout", "restart", "deployment/carts")
        ready_again(shop)
        load.more(500)
    shop.no_failed_hooks()
    after = {pod["metadata"]["name"] for pod in shop.living()}
    assert len(after) == 4 and not before & after
    assert after <= {turn.app.split("/")[0] for turn in recorder.turns()}, "each of them has turns"


def test_scale_up_and_down(shop, recorder):
    with under_load(shop, recorder):
        for count in (7, 3, 4):
            shop.kubectl("scale", "deployment/carts", f"--replicas={count}")
            ready_again(shop, count)


def test_forced_deletion(shop, recorder):
    with under_load(shop, recorder, allowed=("unknown",)) as load:
        victim = shop.living()[0]["metadata"]["name"]
        done = shop.kubectl("delete", "pod", victim, "--force", "--grace-period=0")
        assert "deleted" in done.stdout
        ready_again(shop)
    assert load.outcomes()["unknown"] <= FOR_EACH_DEATH


def test_app_container_killed(shop, recorder):
    with under_load(shop, recorder, allowed=("unknown",)) as load:
        victim = shop.living()[0]
        name = victim["metadata"]["name"]
        own = [until(lambda: new_actor_of(shop, name), f"a new actor lands on {name}") for _ in range(3)]
        restarts = shop.kill_container(victim, "app")
        for actor in own:
            until(lambda actor=actor: home(shop, actor), f"{actor} lives, wherever it is now")
        until(lambda: restarted(shop, name, "containerStatuses", "app", restarts), "the app's container comes back")
        ready_again(shop)
        load.more(500)
        for actor in own:
            # Where it went it stays until nobody has called it for a while.
            until(lambda actor=actor: rule(shop, name, actor) != "stray", f"{actor} has expired elsewhere")
            assert home(shop, actor) == name, f"{actor} comes back"


def test_sidecar_container_killed(shop, recorder):
    with under_load(shop, recorder, allowed=("unknown",)) as load:
        victim = shop.living()[0]
        restarts = shop.kill_container(victim, "ringside")
        name = victim["metadata"]["name"]
        until(lambda: restarted(shop, name, "initContainerStatuses", "ringside", restarts), "the sidecar comes back")
        ready_again(shop)
        load.more(500)
        until(lambda: serves(shop, name), f"{name} has turns again")


def restarted(shop, pod, kind, name, before):
    status = shop.bed.get("--namespace", shop.namespace, "pod", pod)["status"]
    return any(one["name"] == name and one["restartCount"] > before and one["ready"] for one in status[kind])


def home(shop, actor, gateways=None):
    """The pod that answers for this actor; None: the call failed."""
    answer = (gateways or shop.gateways())[0].apply(actor, "where do you live?")
    return json.loads(answer.body)["replies"][0]["value"]["pod"] if answer.status == 200 else None


def new_actor_of(shop, pod, gateways=None):
    """A new actor may land on any pod of the ring; nothing where it was another one."""
    actor = random.getrandbits(60) + 1000
    return actor if home(shop, actor, gateways) == pod else None


def serves(shop, pod, gateways=None):
    return new_actor_of(shop, pod, gateways) is not None


def rule(shop, pod, actor):
    return json.loads(shop.cli(pod, "where", str(actor), "--json").stdout)["rule"]
