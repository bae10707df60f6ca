"""Activations end by the app's word: apps that save slowly, decline, fail, or end an activation themselves."""
import concurrent.futures
import json
import threading
import time

import cluster
import h2c_app

pytestmark = h2c_app.both_ways


def call_all(host, actors):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return [json.loads(answer.body) for answer in pool.map(lambda actor: host.call(actor), actors)]


class Gate:
    """Holds what comes until it is opened, and counts it."""

    def __init__(self):
        self.open, self.lock, self.held, self.most = threading.Event(), threading.Lock(), 0, 0

    def __call__(self, request):
        if request.path == "/actors":
            return 200, {}
        with self.lock:
            self.held += 1
            self.most = max(self.most, self.held)
        self.open.wait(cluster.PATIENCE)
        with self.lock:
            self.held -= 1
        return 200, {}


def test_an_app_that_saves_slowly_never_lives_beside_another(world):
    """1,100 idle actors, each of whose deletions takes its time; a second host may have them only one by one."""
    def end(request):
        if request.path != "/actors":
            time.sleep(0.2)  # the app's own work
        return 200, {}
    app = world.app(end=end)
    one = world.host("--actor-idle-timeout", "1s", "--turn-timeout", "2s", app=app)
    call_all(one, range(1, 1101))
    cluster.until(lambda: one.json("/v1/actors?limit=1")["actors"] == [], "all have expired")
    assert app.counts == {}, "and the app holds none that nobody told it to forget"
    two = world.host("--actor-idle-timeout", "1m", join=[one])
    cluster.settled([one, two])
    call_all(one, range(1, 1101))
    both = set(app.counts) & set(two.app.counts)
    assert not both, f"{len(both)} actors live twice"


class Saves:
    """An app whose saves take their time, so many side by side; counts how many have been asked for at once."""

    def __init__(self, takes, side_by_side):
        self.takes, self.room, self.lock = takes, threading.Semaphore(side_by_side), threading.Lock()
        self.asked = self.most = 0

    def __call__(self, request):
        if request.path == "/actors":
            return 200, {}
        with self.lock:
            self.asked += 1
            self.most = max(self.most, self.asked)
        with self.room:
            time.sleep(self.takes)  # the app's own work
        with self.lock:
            self.asked -= 1
        return 200, {}


def test_an_app_that_saves_side_by_side_is_asked_for_many_at_once(world):
    app = Saves(0.1, 1000)
    host = world.host(app=world.app(end=app))
    call_all(host, range(1, 601))
    assert host.cli("drain", "--no-wait").returncode == 0
    cluster.until(lambda: host.json("/v1/status")["phase"] == "drained", "drained")
    assert app.most >= 32, "it found out that many at once are sooner done"


def test_an_app_that_does_one_thing_at_a_time_is_not_flooded(world):
    app = Saves(0.05, 1)
    host = world.host(app=world.app(end=app))
    call_all(host, range(1, 201))
    assert host.cli("drain", "--no-wait").returncode == 0
    cluster.until(lambda: host.json("/v1/status")["ending"] < 60, "most have ended")
    assert app.most <= 16, "so many of 200 stand in front of whatever else it is asked"
    cluster.until(lambda: host.json("/v1/status")["phase"] == "drained", "drained")


def test_a_deletion_that_hangs_keeps_no_other_from_being_asked_for(world):
    gate = Gate()
    host = world.host(app=world.app(end=gate))
    call_all(host, range(1, 41))
    assert host.cli("drain", "--no-wait").returncode == 0
    cluster.until(lambda: gate.held >= 8, "others are asked for beside the first two")
    assert host.json("/v1/status")["ending"] == 40
    assert host.metric("ringside_deactivations_under_way") == 40
    gate.open.set()
    cluster.until(lambda: host.json("/v1/status")["phase"] == "drained", "drained")


def test_calls_of_a_draining_host_wait_for_their_own_actor_alone(world):
    def end(request):
        if request.path != "/actors":
            time.sleep(0.1)  # the app's own work
        return 200, {}
    one, two = world.host(app=world.app(end=end)), None
    two = world.host(join=[one])
    cluster.settled([one, two])
    held = [actor for actor in range(1, 400) if one.json(f"/v1/actors/{actor}")["owner"] == one.name]
    call_all(one, held)
    assert one.cli("drain", "--no-wait").returncode == 0
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda actor: one.call(actor), held[:64]))
    assert all(answer.status == 200 for answer in answers)
    assert time.monotonic() - began < 1.5, "not for lists of others"


def test_an_idle_actor_that_the_app_keeps_goes_on(world):
    answers, asked = {"status": 409}, []

    def end(request):
        if request.path == "/actors":
            return 200, {}
        asked.append(answers["status"])
        return answers["status"], {}
    host = world.host("--actor-idle-timeout", "300ms", app=world.app(end=end))
    for status in (409, 500):
        answers["status"] = status
        before = json.loads(host.call(7).body)
        cluster.until(lambda: status in asked, f"{status} is answered")
        after = json.loads(host.call(7).body)
        assert after["epoch"] == before["epoch"] and after["count"] == before["count"] + 1, "the same activation"
    host.line("event=deactivation_failed .*answered 500")
    assert not any("event=deactivation_failed" in line and "409" in line for line in host.lines), "that is not a failure"
    answers["status"] = 200
    cluster.until(lambda: host.json("/v1/actors")["actors"] == [], "it is asked again, and forgets")


def test_a_joiner_is_on_the_ring_when_its_app_has_a_clean_slate(world):
    said = {"status": 500}
    one = world.host()
    app = world.app(end=lambda request: (said["status"], {}))
    two = world.sidecar(app=app, join=[one])
    cluster.until(lambda: b"answered 500" in two.admin_get("/readyz").body, "/readyz names the status")
    assert one.on_ring() == [one.name]
    assert all(one.call(actor).status == 200 for actor in range(1, 30))
    said["status"] = 200
    two.ready()
    cluster.settled([one, two])


def test_words_that_mean_nothing_to_do_keep_nobody_from_the_ring(world):
    for status in (301, 400, 401, 403, 404, 405, 409, 501):
        app = world.app(end=lambda request, status=status: (status, {"location": "/"} if status == 301 else {}))
        began = time.monotonic()
        world.host(app=app)
        assert time.monotonic() - began < 10, status


def test_a_batch_that_the_app_puts_off_holds_up_nobody(world):
    def serve(request, http):
        values = [one["value"] for one in json.loads(request.body)["messages"]]
        return (503, {"retry-after": "1"}, b"") if "later" in values else (200, {}, b"")
    app = world.app(serve=serve)
    host = world.host(app=app)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        put_off = pool.submit(host.apply, 7, "later", ringside_timeout="4s")
        cluster.until(lambda: app.requests, "it has come")
        for _ in range(10):
            assert host.apply(7, "now").status == 200
        answer = put_off.result()
    assert answer.status == 503 and answer.headers["ringside-outcome"] == "not-delivered"
    tries = sum(b"later" in request.body for request in app.requests)
    assert 2 <= tries <= 5, "not before the app's Retry-After"


def test_an_app_ends_an_activation_with_its_answer(world):
    app = world.app(serve=lambda request, http: (200, {"ringside-deactivate": "true"}, request.headers["ringside-epoch"].encode()))
    host = world.host(app=app)
    epochs = []
    for _ in range(3):
        epochs.append(int(host.call(7).body))
        app.wait(lambda: app.ended.count("7") == len(epochs), "it is forgotten")
    assert epochs == sorted(set(epochs))


def test_an_operator_ends_an_activation_from_anywhere_a_stuck_turn_included(world):
    release = threading.Event()
    def serve(request, http):
        if request.path.endswith("stuck"):
            release.wait(cluster.PATIENCE)
        return 200, {}, request.headers["ringside-epoch"].encode()
    hosts = [world.host(app=world.app(serve=serve))]
    hosts.append(world.host(app=world.app(serve=serve), join=[hosts[0]]))
    cluster.settled(hosts)
    actor = next(a for a in range(1, 99) if hosts[0].json(f"/v1/actors/{a}")["owner"] == hosts[1].name)
    before = int(hosts[0].call(actor).body)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stuck = pool.submit(hosts[0].call, actor, "stuck")
        cluster.until(lambda: "turn_ms" in hosts[1].json(f"/v1/actors/{actor}"), "the turn is under way")
        answer = hosts[0].ask("DELETE", f"/v1/actors/{actor}")
        assert answer.status == 200 and json.loads(answer.body) == {"id": str(actor), "active": False}, answer
        assert stuck.result().headers["ringside-outcome"] == "unknown"
    release.set()
    assert int(hosts[0].call(actor).body) > before
    assert hosts[0].ask("DELETE", f"/v1/actors/{actor + 100_000}").status == 200, "not active: nothing to do"
