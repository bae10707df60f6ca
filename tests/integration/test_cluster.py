"""Hosts that join, and what callers and operators see of them."""
import concurrent.futures
import contextlib
import http.client
import json
import selectors
import subprocess
import threading

import cluster


def test_three_hosts_one_owner_per_actor(world):
    hosts = world.cluster(3)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: hosts[i % 3].apply(i % 100 + 1, f"0.{i}"), range(600)))
    assert {answer.status for answer in answers} == {200}
    places = {}
    for i, answer in enumerate(answers):
        assert places.setdefault(i % 100 + 1, answer.headers["ringside-owner"]) == answer.headers["ringside-owner"]
    assert set(places.values()) == {host.name for host in hosts}
    for host in hosts:
        listed = {int(actor["id"]) for actor in host.json("/v1/actors?limit=1000")["actors"]}
        assert listed == {actor for actor, owner in places.items() if owner == host.name}
        seen = {int(turn.actor) for turn in host.app.turns()}
        assert seen == listed, "each actor lived in exactly one app"
    for actor, owner in places.items():
        for host in hosts:
            place = host.json(f"/v1/actors/{actor}")
            assert place["owner"] == owner and place["local"] == (owner == host.name)
            assert place["rule"] in ("claim", "ring", "stray")


def test_hosts_in_zones_watch_one_another_across_them(world):
    first = world.host("--zone", "a")
    others = [world.host(RINGSIDE_ZONE=zone, join=[first]) for zone in "bca" * 4]
    hosts = [first, *others]
    cluster.settled(hosts, hosts)
    members = {host.name: host.json("/v1/members")["members"] for host in hosts}
    zone = {one["host"]: one["zone"] for one in members[first.name]}
    assert [zone[host.name] for host in hosts] == list("abcabcabcabca")
    watched = {name: {one["host"] for one in seen if one["watched"]} for name, seen in members.items()}
    for name, others in watched.items():
        assert 8 <= len(others) <= 10 and all(name in watched[other] for other in others)
        for gone in {"a", "b", "c"} - {zone[name]}:
            assert sum(zone[other] != gone for other in others) >= 5, (name, gone)
    assert f"in zone {zone[first.name]}" in first.cli("status").stdout
    assert "ZONE" in first.cli("members").stdout


def test_hosts_of_different_weights_share_in_proportion(world):
    plain = world.host()
    small = world.host("--weight", "0.25", join=[plain])
    large = world.host(RINGSIDE_WEIGHT="4", join=[plain])
    hosts = [plain, small, large]
    cluster.settled(hosts)
    assert len({host.json("/v1/ring")["ring"] for host in hosts}) == 1
    rows = {row["host"]: row for row in plain.json("/v1/ring")["hosts"]}
    assert [rows[host.name]["points"] for host in hosts] == [512, 128, 2048]
    assert rows[small.name]["share"] < rows[plain.name]["share"] / 2 < rows[large.name]["share"] / 4
    answers = [hosts[actor % 3].call(actor) for actor in range(1, 301)]
    assert {answer.status for answer in answers} == {200}
    held = [len(host.json("/v1/actors?limit=1000")["actors"]) for host in hosts]
    assert sum(held) == 300 and held[1] < held[0] < held[2]
    told = large.cli("ring").stdout
    assert "2048" in told and "for a weight of 1" in told
    assert ", weight 4" in large.cli("status").stdout and "weight" not in plain.cli("status").stdout.splitlines()[0]


def test_pages_of_actors(world):
    host = world.host()
    for actor in range(1, 8):
        host.call(actor)
    seen, token = [], ""
    while True:
        page = host.json(f"/v1/actors?limit=3&page_token={token}")
        assert len(page["actors"]) <= 3
        seen += [int(one["id"]) for one in page["actors"]]
        token = page["next_page_token"]
        if not token:
            break
    assert sorted(seen) == list(range(1, 8)) and len(set(seen)) == 7
    assert host.ask("GET", "/v1/actors?limit=0").status == 400


def test_names_are_the_hash_of_their_text(world):
    host = world.host()
    place = host.json("/v1/actors/name:alice")
    answer = host.call("name:alice")
    assert answer.status == 200
    assert host.app.requests[-1].path == f"/actors/{place['id']}/method/add"
    assert host.app.requests[-1].headers["ringside-actor-name"] == "alice"
    assert json.loads(host.call(place["id"]).body)["count"] == 2


def test_members_can_be_waited_for(world):
    first = world.host()
    version = first.json("/v1/members")["version"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        change = pool.submit(first.json, f"/v1/members?wait={version}")
        second = world.host(join=[first])
        change.result(cluster.PATIENCE)
    cluster.settled([first, second])
    rings = [host.json("/v1/ring") for host in (first, second)]
    assert rings[0]["ring"] == rings[1]["ring"] == first.json("/v1/members")["ring"]
    assert abs(sum(one["share"] for one in rings[0]["hosts"]) - 1) < 1e-3


def test_waiting_requests_are_bounded_and_counted(world):
    """One more than there is room for: one hears so at once, the others hear of the change."""
    bound = 1000
    first = world.host()
    version = first.json("/v1/members")["version"]
    host, port = first.local.rsplit(":", 1)
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as answered:
        for _ in range(bound + 1):
            waiting = stack.enter_context(contextlib.closing(http.client.HTTPConnection(host, int(port), cluster.PATIENCE)))
            waiting.request("GET", f"/v1/members?wait={version}")
            answered.register(waiting.sock, selectors.EVENT_READ, waiting)
        refused = []
        while not refused:
            refused = answered.select(cluster.PATIENCE)
        assert len(refused) == 1
        answered.unregister(refused[0][0].fileobj)
        answer = refused[0][0].data.getresponse()
        assert (answer.status, answer.headers["ringside-outcome"]) == (429, "overloaded")
        assert json.loads(answer.read())["reason"] == "too-many-waiting"
        assert first.metric('ringside_refusals_total{reason="too-many-waiting"}') == 1
        second = world.host(join=[first])
        for key in answered.get_map().values():
            answer = key.data.getresponse()
            assert answer.status == 200
            assert second.name in [one["host"] for one in json.loads(answer.read())["members"]]


def test_the_end_of_a_drain_can_be_waited_for(world):
    begun, released = threading.Event(), threading.Event()

    def hold(*_):
        begun.set()
        assert released.wait(cluster.PATIENCE)
        return 200, {}, b""

    host = world.host(app=world.app(serve=hold))
    assert host.json("/v1/drain?wait=true")["phase"] == "ready", "none is under way"
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        turn = pool.submit(host.call, 7)
        assert begun.wait(cluster.PATIENCE)
        waiting = [pool.submit(host.ask, "POST", "/v1/drain?wait=true", "{}", {"content-type": "application/json"})
                   for _ in range(2)]
        cluster.until(lambda: host.json("/v1/drain")["phase"] == "draining", "the drain begins")
        assert not any(one.done() for one in waiting)
        released.set()
        assert turn.result().status == 200
        assert [json.loads(one.result().body)["done"] for one in waiting] == [True, True]


def test_a_host_without_an_app_routes_only(world):
    owner = world.host()
    router = world.sidecar(join=[owner]).ready()
    answer = router.call(7)
    assert answer.status == 200 and answer.headers["ringside-owner"] == owner.name
    assert router.json("/v1/actors")["actors"] == []
    assert owner.on_ring() == [owner.name]


def test_drain_and_uncordon_by_command(world):
    one, two = world.cluster(2)
    for actor in range(1, 41):
        assert two.call(actor).status == 200
    done = two.cli("drain")
    assert done.returncode == 0, done
    assert two.json("/v1/actors")["actors"] == []
    assert two.admin_get("/drained").status == 200 and two.admin_get("/readyz").status == 503
    assert {two.call(actor).headers["ringside-owner"] for actor in range(1, 41)} == {one.name}
    assert two.json("/v1/drain")["done"] is True
    assert two.cli("uncordon").returncode == 0
    cluster.settled([one, two])
    assert two.admin_get("/readyz").status == 200
    owners = {one.call(actor).headers["ringside-owner"] for actor in range(1000, 1040)}
    assert owners == {one.name, two.name}


def test_commands_and_their_exit_status(world):
    host = world.host()
    done = host.cli("call", "42", "add", "{}")
    assert done.returncode == 0 and json.loads(done.stdout)["count"] == 1
    message = '{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"x"}'
    assert host.cli("apply", "42", message).returncode == 0
    assert host.cli("apply", "42", "-", stdin=message).returncode == 0
    where = host.cli("where", "42")
    assert where.returncode == 0 and host.name in where.stdout
    for view in ("members", "actors", "ring", "status"):
        plain, parsed = host.cli(view), host.cli(view, "--json")
        assert plain.returncode == 0 and plain.stdout
        assert parsed.returncode == 0 and isinstance(json.loads(parsed.stdout), (dict, list))
    assert host.cli("ring", "--leave", host.name).returncode == 0
    assert host.cli("watch", "--count", "1").returncode == 0
    assert host.cli("version").returncode == 0
    for words in (["serve", "--help"], ["help", "serve"], ["help", "settings"]):
        told = subprocess.run([cluster.RINGSIDE, *words], capture_output=True, text=True, timeout=60, env=cluster.environment())
        assert told.returncode == 0 and "--drain-timeout" in told.stdout, told
    told = host.cli("frobnicate")
    assert told.returncode == 2 and "'frobnicate'" in told.stderr, told
    for words in (["--local", host.local, "drain"], ["--local", host.local, "--json", "uncordon"],
                  [f"--local={host.local}", "where", "42"]):
        done = subprocess.run([cluster.RINGSIDE, *words], capture_output=True, text=True, timeout=60,
                              env=cluster.environment())
        assert done.returncode == 0, done
    host.ready()
    assert host.cli("call", "42").returncode == 2
    assert host.cli("apply", "42", "{").returncode == 2
    host.app.serve = lambda *_: (409, {}, b"no")
    assert host.cli("apply", "42", message).returncode == 1
    host.app.serve = lambda *_: (500, {}, b"oh")
    assert host.cli("apply", "42", message).returncode == 4
    host.app.serve = lambda *_: (503, {}, b"later")
    assert host.cli("apply", "42", message, "--timeout", "300ms").returncode == 3
    host.kill()
    assert host.cli("status").returncode == 5
