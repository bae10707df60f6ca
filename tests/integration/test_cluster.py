"""Hosts that join, and what callers and operators see of them."""
import concurrent.futures
import json
import subprocess

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
