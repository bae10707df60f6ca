"""Where an actor is and why, asked of real sidecars."""
import concurrent.futures
import json
import threading

import cluster
import fake_peers

TRACE = "0af7651916cd43dd8448eb211c80319c"


def explain(host, actor):
    return host.json(f"/v1/actors/{actor}/explain")


def deciding(view):
    return [check["rule"] for check in view["rules"] if check["verdict"] == "decides"]


def owned_by(owner, viewer, start=1):
    return next(n for n in range(start, start + 1000) if viewer.json(f"/v1/actors/{n}")["owner"] == owner.name)


def test_a_stray_is_explained_from_every_host(world):
    one, two = world.cluster(2)
    for actor in range(1, 60):
        one.call(actor)
    three = world.host(join=[one, two])
    cluster.settled([one, two, three])
    hosts = {host.name: host for host in (one, two, three)}
    actor = next(n for n in range(1, 60) if explain(three, n)["rule"] == "stray")
    told = {name: explain(host, actor) for name, host in hosts.items()}
    holder = told[three.name]["holder"]
    for name, view in told.items():
        assert view["holder"] == holder and view["ring_owner"] == three.name, (name, view)
        assert view["activation"]["epoch"] == told[holder]["epoch"], view
        assert [one["if"] for one in view["changes"]] == [f"{holder} leaves", "it expires", "a host joins"], view
        assert [one["then"] for one in view["changes"]] == [three.name, three.name, holder], view
        where = hosts[name].json(f"/v1/actors/{actor}")
        assert {key: view[key] for key in ("owner", "rule", "why", "local", "epoch")} == {
            key: where[key] for key in ("owner", "rule", "why", "local", "epoch")}
        shown = hosts[name].cli("explain", str(actor))
        assert shown.returncode == 0 and f"active on {holder} under epoch" in shown.stdout, shown
        assert json.loads(hosts[name].cli("explain", str(actor), "--json").stdout)["holder"] == holder
    assert deciding(told[three.name]) == ["stray"] and deciding(told[holder]) == ["claim"]
    # What it says of a leave is what happens.
    assert hosts[holder].cli("drain").returncode == 0
    assert explain(three, actor)["holder"] is None
    assert three.call(actor).status == 200
    assert explain(three, actor)["holder"] == three.name


def test_the_turn_of_another_host_is_told_with_method_and_trace(world):
    begun, released = threading.Event(), threading.Event()

    def hang(*_):
        begun.set()
        released.wait(10 * cluster.PATIENCE)
        return 200, {}, b""
    one = world.host()
    two = world.host(app=world.app(serve=hang), join=[one])
    cluster.settled([one, two])
    actor = owned_by(two, one)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        # Its caller goes away after a moment: the turn is told all the same.
        running = pool.submit(one.call, actor, "cart/add?card=4711", ringside_timeout="300ms",
                              traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
        assert begun.wait(cluster.PATIENCE)
        waiting = pool.submit(one.call, actor)
        told = cluster.until(lambda: (view := explain(one, actor))["activation"]["waiting"] == 1 and view, "one waits")
        assert running.result().headers["ringside-outcome"] == "unknown"
        told = explain(one, actor)["activation"]
        assert told["method"] == "POST cart/add" and told["trace_id"] == TRACE and told["turn_ms"] > 100, told
        assert told["expires_ms"] is None
        shown = one.cli("explain", str(actor)).stdout
        assert f"for POST cart/add (trace {TRACE}), 1 call waits" in shown and "4711" not in shown, shown
        released.set()
        assert waiting.result().status == 200


def test_hosts_with_names_prove_themselves_before_they_are_told(world):
    one = world.host(host="localhost")
    two = world.host(host="localhost", join=[one])
    cluster.settled([one, two])
    actor = owned_by(two, one)
    assert one.call(actor).status == 200
    assert explain(one, actor)["holder"] == two.name, explain(one, actor)


def test_a_host_that_cannot_explain_is_named_with_the_reason(world):
    host = world.host()
    old = world.keep(fake_peers.FakePeer())
    older = world.keep(fake_peers.ScriptedHost(generation=int(9e17)))
    host = world.host(join=[old, older, host])
    cluster.until(lambda: len(host.on_ring()) == 4, "all are on the ring")
    of_old, of_older = owned_by(old, host), owned_by(older, host)
    assert "speaks the given protocol alone" in explain(host, of_old)["asked"][0]["problem"]
    assert "is of an earlier version" in explain(host, of_older)["asked"][0]["problem"]
    assert deciding(explain(host, of_old)) == ["ring"]


def test_the_admin_port_explains_to_this_machine_alone(world):
    host = world.host()
    assert host.call(42).status == 200
    answer = host.admin_get("/v1/actors/42/explain")
    assert answer.status == 200 and json.loads(answer.body)["holder"] == host.name, answer
