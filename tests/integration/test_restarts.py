"""Hosts that are restarted in order, seen from a gateway, which owns nothing."""
import threading

import cluster


def restart(world, host, join):
    """In order, under the same name and address."""
    host.child.terminate()
    host.wait()
    return world.sidecar(app=host.app, peer=host.name, host="127.0.0.1", join=join).ready()


def test_a_gateway_answers_while_all_hosts_are_restarted_one_after_the_other(world):
    hosts = world.cluster(3)
    names = [",".join(host.name for host in hosts)]
    gateway = world.sidecar(join=names).ready()
    cluster.until(lambda: len(gateway.on_ring()) == 3, "it knows all")
    refused, stop = [], threading.Event()

    def call_on():
        actor = 0
        while not stop.is_set():
            actor = actor % 50 + 1
            answer = gateway.call(actor)
            if answer.status != 200:
                refused.append(answer)

    caller = threading.Thread(target=call_on)
    caller.start()
    try:
        hosts = [restart(world, host, names) for host in hosts]
        cluster.until(lambda: len(gateway.on_ring()) == 3, "it knows all again")
    finally:
        stop.set()
        caller.join()
    assert not refused, refused[:5]


def test_a_call_waits_for_the_only_host_to_come_back(world):
    host = world.host()
    gateway = world.sidecar("--hold-timeout", "15s", join=[host]).ready()
    cluster.until(lambda: gateway.on_ring() == [host.name], "it knows the host")
    host.child.terminate()
    host.wait()
    cluster.until(lambda: gateway.on_ring() == [], "and that it has gone")
    answers = []
    caller = threading.Thread(target=lambda: answers.append(gateway.call(7, ringside_timeout="15s")))
    caller.start()
    cluster.until(lambda: gateway.metric("ringside_calls_held") == 1, "the call waits")
    world.sidecar(app=host.app, peer=host.name, host="127.0.0.1", join=[host.name]).ready()
    caller.join()
    assert answers[0].status == 200, answers
