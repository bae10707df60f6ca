"""Hosts and apps that end, in order and otherwise, under load."""
import collections
import http.server
import json
import random
import signal
import threading
import time
from concurrent import futures

import grpc
import pytest

import cluster
from apps import GrpcApp, app_pb2, messages


def end(load, hosts, *more_apps):
    answers = load.stop()
    cluster.judge(answers, *[host.app for host in hosts], *more_apps)
    return load.outcomes()


def nothing_lost(load):
    """No call failed."""
    assert not load.not_applied, load.not_applied


def test_kill_of_a_host_loses_only_turns_under_way(world):
    hosts = world.cluster(3)
    load = cluster.Load(hosts[:2])
    load.more(200)
    hosts[2].child.kill()
    hosts[2].wait()
    load.more(300)
    outcomes = end(load, hosts)
    assert set(outcomes) <= {"applied", "unknown"}, outcomes
    assert outcomes["unknown"] <= 6, "at most one call for each caller was under way"
    assert all(b"peer-lost" in why for *_, why in load.not_applied), load.not_applied
    assert hosts[0].on_ring() == sorted(host.name for host in hosts[:2])


def test_sigterm_under_load_fails_no_call(world):
    hosts = world.cluster(3)
    load = cluster.Load(hosts[:2])
    load.more(200)
    hosts[2].child.send_signal(signal.SIGTERM)
    assert hosts[2].wait() == 0
    load.more(200)
    end(load, hosts)
    nothing_lost(load)


def test_a_rolling_restart_under_load_fails_no_call(world):
    hosts = world.cluster(3)
    load = cluster.Load([hosts[0]])
    apps = [host.app for host in hosts]
    for i in (1, 2):
        load.more(100)
        old = hosts[i]
        old.child.send_signal(signal.SIGTERM)
        assert old.wait() == 0
        others = [host for host in hosts if host is not old]
        hosts[i] = world.host(app=old.app, peer=old.name, join=others)
        assert hosts[i].name == old.name
        cluster.settled(hosts)
    load.more(100)
    answers = load.stop()
    cluster.judge(answers, *apps)
    nothing_lost(load)


def test_a_killed_host_comes_back_under_its_name(world):
    one, two = world.cluster(2)
    before = {actor: json.loads(one.call(actor).body) for actor in range(1, 41)}
    generation = {member["host"]: member["generation"] for member in one.json("/v1/members")["members"]}
    two.child.kill()
    two.wait()
    again = world.host(app=two.app, peer=two.name, join=[one])
    cluster.settled([one, again])
    now = {member["host"]: member["generation"] for member in one.json("/v1/members")["members"]}
    assert int(now[two.name]) > int(generation[two.name])
    for actor in range(1, 41):
        answer = again.call(actor)
        reply = json.loads(answer.body)
        assert answer.status == 200
        grown = reply["epoch"] > before[actor]["epoch"]
        assert grown and reply["count"] == 1 or reply == before[actor] | {"count": 2}, (before[actor], reply)


def test_an_app_that_goes_takes_its_host_off_the_ring_until_it_is_back(world):
    one, two = world.cluster(2, "--app-health-interval", "100ms", "--app-down-after", "300ms")
    two.app.kill()
    cluster.settled([one], [one])
    for actor in range(1, 21):
        answer = two.call(actor)
        assert answer.status == 200 and answer.headers["ringside-owner"] == one.name
    assert two.admin_get("/readyz").status == 503
    two.app.start()
    cluster.settled([one, two])
    assert two.admin_get("/readyz").status == 200


def test_a_failing_health_takes_the_host_off_the_ring(world):
    healthy = [200]
    app = world.app(health=lambda: healthy[0])
    host = world.host("--app-health-interval", "50ms", "--app-down-after", "200ms", app=app)
    healthy[0] = 500
    cluster.until(lambda: host.admin_get("/readyz").status == 503, "not ready")
    answer = host.call(1, ringside_timeout="300ms")
    assert answer.status in (503, 504), answer
    healthy[0] = 404
    host.ready()
    assert host.call(1).status == 200


def test_a_health_check_that_hangs_takes_the_host_off_the_ring(world):
    hanging, let_go = threading.Event(), threading.Event()

    def health():
        if hanging.is_set():
            let_go.wait(10 * cluster.PATIENCE)
        return 200
    flags = ("--app-health-interval", "100ms", "--app-down-after", "500ms")
    one, two = world.cluster(2, *flags)
    two.app.health = health
    hanging.set()
    cluster.settled([one], [one])
    cluster.until(lambda: {m["host"]: m["phase"] for m in one.json("/v1/members")["members"]}[two.name] == "app-down",
                  "it leaves as in a drain, and then says why")
    assert two.admin_get("/readyz").status == 503
    for actor in range(1, 11):
        answer = two.call(actor)
        assert answer.status == 200 and answer.headers["ringside-owner"] == one.name
    hanging.clear()
    let_go.set()
    cluster.settled([one, two])
    assert two.admin_get("/readyz").status == 200


class OneAtATime(http.server.HTTPServer):
    """Serves one connection, as long as that is kept open, and then the next: Python's simplest server."""
    request_queue_size = 256

    def handle_error(self, *_):
        pass


def one_at_a_time(world, turn_takes):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self):
            self.send_response_only(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            time.sleep(turn_takes())
            self.do_GET()
        do_DELETE = do_GET

        def log_message(self, *_):
            pass
    server = OneAtATime(("127.0.0.1", 0), Handler)
    server.kill = lambda: (server.shutdown(), server.server_close())
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    return world.keep(server)


def test_a_slow_handler_does_not_fail_the_health_check(world):
    takes = [0.0]
    app = one_at_a_time(world, lambda: takes[0])
    host = world.sidecar("--app-health-interval", "50ms", "--app-down-after", "200ms", app=app.url).ready()
    takes[0] = 2.5  # more than a check may take
    assert host.call(1).status == 200
    takes[0] = 0.0
    # Its only thread never waits for an idle connection while a check or another call does.
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        assert host.call(1).status == 200
    with futures.ThreadPoolExecutor(4) as callers:
        assert {a.status for a in callers.map(host.call, range(1, 41))} == {200}
    assert not [line for line in host.lines if "event=app_down" in line or "event=app_restarted" in line]


def test_an_app_that_restarts_between_two_checks_has_new_activations(world):
    app = world.app()
    host = world.host("--app-health-interval", "10s", app=app)
    epoch = json.loads(host.call(1).body)["epoch"]
    app.kill()
    app.counts.clear()
    with futures.ThreadPoolExecutor() as pool:
        call = pool.submit(host.call, 2)
        cluster.until(lambda: host.metric("ringside_retries_total") > 0, "its connection is refused")
        app.start()
        assert call.result().status == 200
    cluster.until(lambda: json.loads(host.call(1).body)["epoch"] > epoch, "a new activation")


def test_turns_of_one_actor_never_overlap_when_its_activation_is_lost(world):
    under_way, overlaps = collections.Counter(), []

    def serve(request, _):
        epoch = request.headers["ringside-epoch"]
        under_way[epoch] += 1
        overlaps.extend([epoch] if under_way[epoch] > 1 else [])
        time.sleep(0.3)
        under_way[epoch] -= 1
        return 200, {}, b""
    app = world.app(serve=serve, instance="a")
    host = world.host("--app-health-interval", "50ms", app=app)
    with futures.ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(host.call, 1) for _ in range(4)]
        cluster.until(lambda: len(app.requests) == 1 and host.metric("ringside_turns_waiting") == 3, "three wait")
        first = app.requests[0].headers["ringside-epoch"]
        app.instance = "b"
        assert sorted(call.result().status for call in calls) == [200, 200, 200, 500]
    assert not overlaps
    assert [one.headers["ringside-epoch"] for one in app.requests].count(first) == 1, "the old epoch is over"


@pytest.mark.parametrize("form", ("stream", "unary"))
def test_connections_that_the_app_ends_by_their_age_lose_nothing(world, form):
    ages = [("grpc.max_connection_age_ms", 300), ("grpc.max_connection_age_grace_ms", 500)]
    app = world.keep(GrpcApp(form, options=ages))
    host = world.host(app=app)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        assert host.apply(1, "x").status == 200
    assert len({turn.epoch for turn in app.turns()}) == 1


def test_another_instance_of_the_app_means_new_activations(world):
    app = world.app(instance="a")
    host = world.host("--app-health-interval", "50ms", app=app)
    host.call(1)
    host.call(1)
    app.instance = "b"
    cluster.until(lambda: host.json("/v1/actors")["actors"] == [], "its activations have ended")
    host.call(1)
    epochs = [turn.epoch for turn in app.turns()]
    assert epochs[0] == epochs[1] < epochs[2]


def test_a_broken_stream_means_new_activations(world):
    app = world.keep(GrpcApp("stream"))
    host = world.host(app=app)
    assert host.apply(1, "x").status == 200
    app.breaks[-1]()
    cluster.until(lambda: len(app.breaks) > 1, "another stream")
    cluster.until(lambda: host.apply(1, "x").status == 200, "it goes on")
    epochs = [turn.epoch for turn in app.turns()]
    assert epochs[0] < epochs[-1]


STATUSES = {grpc.StatusCode.INTERNAL: (500, "unknown"), grpc.StatusCode.UNAVAILABLE: (500, "unknown"),
            grpc.StatusCode.PERMISSION_DENIED: (409, "refused"), grpc.StatusCode.FAILED_PRECONDITION: (409, "refused")}


def test_what_a_grpc_app_may_answer(world):
    app = world.keep(GrpcApp("unary"))
    host = world.host(app=app)
    for status, (http, outcome) in STATUSES.items():
        app.behave = lambda turn, context, code=status: context.abort(code, "so it is")
        answer = host.apply(1, "x")
        assert (answer.status, answer.headers["ringside-outcome"]) == (http, outcome), status
    for said, (http, outcome) in {app_pb2.OUTCOME_REFUSED: (409, "refused"), app_pb2.OUTCOME_UNSPECIFIED: (500, "unknown"),
                                  77: (500, "unknown")}.items():
        app.behave = lambda turn, context, word=said: app_pb2.TurnResult(seq=turn.seq, outcome=word)
        answer = host.apply(1, "x")
        assert (answer.status, answer.headers["ringside-outcome"]) == (http, outcome), said
    app.behave = None
    assert host.apply(1, "x").status == 200


def test_a_stream_that_answers_nonsense_or_nothing(world):
    app = world.keep(GrpcApp("stream"))
    host = world.host("--turn-timeout", "300ms", app=app)

    def frames(*answers):
        return lambda frame, context: iter(answers)
    strange = app_pb2.ResultFrame(results=[app_pb2.TurnResult(seq=10**15, outcome=app_pb2.OUTCOME_APPLIED)])
    ended = app_pb2.ResultFrame(deactivated=[app_pb2.Deactivated(seq=10**15)])
    for behave in (frames(), frames(strange), frames(ended, app_pb2.ResultFrame()), frames(*[strange] * 1000)):
        app.behave = behave
        answer = host.apply(1, "x")
        assert answer.status == 500 and answer.headers["ringside-outcome"] == "unknown", answer
        app.behave = None
        cluster.until(lambda: host.apply(1, "x").status == 200, "it goes on")


@pytest.mark.parametrize("compression", (grpc.Compression.NoCompression, grpc.Compression.Gzip))
def test_a_result_that_is_too_large_ends_its_own_turn_alone(world, compression):
    app = world.keep(GrpcApp("stream", compression=compression, options=[("grpc.max_send_message_length", -1)]))
    host = world.host("--max-message", "1MiB", app=app)
    assert host.apply(1, "x").status == host.apply(2, "x").status == 200
    epochs = {turn.actor: turn.epoch for turn in app.turns()}
    reply = messages.ApplyRequest().messages.add()
    reply.type_url = "type.googleapis.com/google.protobuf.BytesValue"
    for size in (1_200_000, 5_000_000, 30_000_000):
        reply.value = random.Random(size).randbytes(size // 2).hex().encode()  # half as large when it is packed
        answers = [app_pb2.TurnResult(outcome=app_pb2.OUTCOME_APPLIED, replies=[reply])]
        def behave(frame, context):
            for turn in frame.turns:
                answers[0].seq = turn.seq
                yield app_pb2.ResultFrame(results=answers)
        app.behave = behave
        answer = host.apply(1, "x")
        assert answer.status == 500 and answer.headers["ringside-outcome"] == "unknown", answer
        assert answer.headers["ringside-reason"] == "app-answer-too-large", answer
        assert b"--max-message" in answer.body, answer
        app.behave = None
        assert host.apply(2, "x").status == 200
    assert {turn.epoch for turn in app.turns() if turn.actor == "2"} == {epochs["2"]}, "the same activation"
    assert len(app.breaks) == 1, "the same stream"
    assert not any("event=app_lost" in line or "app_restarted" in line for line in host.lines)


def test_a_stopped_host_asks_before_it_serves_again(world):
    flags = ("--ping-interval", "100ms", "--dead-after", "500ms")
    one, two = world.cluster(2, *flags)
    for actor in range(1, 41):
        one.call(actor)
    two.child.send_signal(signal.SIGSTOP)
    try:
        cluster.until(lambda: one.on_ring() == [one.name], "it counts as dead")
        calls = [one.apply(actor, f"0.{actor}") for actor in range(1, 41)]
    finally:
        two.child.send_signal(signal.SIGCONT)
    assert {answer.status for answer in calls} == {200}
    after = [two.apply(actor, f"0.{100 + actor}") for actor in range(1, 41)]
    for answer in after:
        if answer.status != 200:
            said = answer.status, answer.headers["ringside-outcome"], answer.headers["ringside-reason"]
            assert said[:2] == (503, "not-delivered") and said[2] in ("not-ready", "ownership-moving"), said
    cluster.settled([one, two])
    answers = [(0, i, actor, f"0.{i}", answer.headers["ringside-outcome"]) for list_, more in ((calls, 0), (after, 100))
               for actor, answer in enumerate(list_, 1) for i in [actor + more]]
    cluster.judge(answers, one.app, two.app)
    assert two.metric("ringside_rejoins_total") >= 1


def raw(data):
    def serve(_, http):
        http.wfile.write(data)
        http.wfile.flush()
        http.close_connection = True
    return serve


OK = b"HTTP/1.1 200 OK\r\n"
BROKEN = {
    "garbage": b"\x00\xff nonsense\r\n\r\n", "nothing": b"", "half a head": OK + b"content-le",
    "half a body": OK + b"content-length: 100\r\n\r\nhalf", "bad chunk": OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    "two lengths": OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "head flood": OK + b"x: " + b"y" * 2_000_000 + b"\r\n\r\n",
    "not a result": OK + b"content-type: application/json\r\ncontent-length: 5\r\n\r\n{nope",
    "no http": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_app_that_answers_nonsense(world, what):
    app = world.app(serve=raw(BROKEN[what]))
    host = world.host(app=app)
    answer = host.apply(1, "x")
    assert answer.status == 500 and answer.headers["ringside-outcome"] == "unknown", answer
    assert len(app.requests) == 1, "what may have happened is not repeated"
    app.serve = None
    cluster.until(lambda: host.admin_get("/readyz").status == 200, "ready again")
    host.well()


def test_an_app_that_streams_for_ever(world):
    def endless(_, http):
        http.wfile.write(OK + b"transfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                http.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            http.close_connection = True
    app = world.app(serve=endless)
    host = world.host("--max-message", "1MiB", app=app)
    for answer in (host.call(1), host.apply(2, "x")):
        assert answer.status == 500 and answer.headers["ringside-outcome"] == "unknown"
        assert answer.headers["ringside-reason"] == "app-answer-too-large"
    app.serve = None
    host.well()
