"""What has happened to a host, why, and on whose word: kept, told, and followed as it happens."""
import http.client
import json
import signal
import socket
import subprocess

import pytest

import cluster

AS_LIST = {"accept": "application/json"}
AS_STREAM = {"accept": "text/event-stream"}


def events(host, kind=None, path="/v1/events", address=None):
    answer = cluster.request(address or host.local, "GET", path, headers=AS_LIST)
    assert answer.status == 200, answer
    return [one for one in json.loads(answer.body)["events"] if kind in (None, one["kind"])]


def awaited(teller, kind, **fields):
    def find():
        return next((one for one in events(teller, kind) if all(one.get(key) == value for key, value in fields.items())), None)
    return cluster.until(find, f"{teller.name} tells of {kind} {fields}")


class Stream:
    """Server-sent events, as a program reads them."""

    def __init__(self, address, path="/v1/events", source=None, **headers):
        source = source and (source, 0)
        self.connection = http.client.HTTPConnection(address, timeout=cluster.PATIENCE, source_address=source)
        self.connection.request("GET", path, headers=AS_STREAM | {k.replace("_", "-"): v for k, v in headers.items()})
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def next(self):
        number = None
        for line in iter(self.answer.readline, b""):
            if line.startswith(b"id: "):
                number = int(line[4:])
            if line.startswith(b"data: "):
                event = json.loads(line[6:])
                assert event["number"] == number
                return event
        return None  # it has ended

    def close(self):
        self.answer.close()
        self.connection.close()


def set_level(host, level):
    answer = host.ask("POST", "/v1/log-level", json.dumps({"level": level}), {"content-type": "application/json"})
    assert answer.status == 200, answer


def test_a_killed_host_is_told_by_the_others_with_why_and_on_whose_word(world):
    one, two, three = world.cluster(3)
    share = next(member["share"] for member in one.json("/v1/members")["members"] if member["host"] == three.name)
    three.kill()
    for host in (one, two):
        died = awaited(host, "member_died", host=three.name)
        assert died["by"] == host.name and "no process listens there" in died["why"], died
        assert died["facts"]["cause"] == "refused" and died["lasted_ms"] > 0, died
        came, moved = [e for e in events(host, "ring_changed") if e["host"] == three.name]
        assert "came onto it" in came["why"] and "left it" in moved["why"], (came, moved)
        assert moved["facts"]["moved"] == pytest.approx(share, abs=1e-5), moved
        assert died in events(host, path="/events", address=host.admin)
        assert f"member_died  {three.name}" in host.cli("events", "--since", "1h").stdout


def test_a_host_that_hangs_is_told_with_what_the_others_said_and_tells_itself_that_it_stalled(world):
    one, two, three = world.cluster(3, "--dead-after", "1s", "--ping-interval", "200ms")
    three.child.send_signal(signal.SIGSTOP)
    died = awaited(one, "member_died", host=three.name)
    assert died["facts"]["cause"] == "silent" and died["facts"]["last_answer_ms"] >= 1000, died
    assert died["facts"]["asked"] == 1 and died["facts"]["heard_by"] == 0, died
    assert "own_lateness_ms" in died["facts"] and "was asked whether it is heard" in died["why"], died
    assert awaited(one, "member_suspected", host=three.name)["number"] < died["number"]
    awaited(two, "member_died", host=three.name)
    three.child.send_signal(signal.SIGCONT)
    assert awaited(three, "stalled")["lasted_ms"] >= 1000
    cluster.settled([one, two, three])
    assert awaited(three, "rejoin")["why"]


def test_a_stream_goes_on_and_replays_what_its_reader_has_missed(world):
    host = world.host()
    seen = events(host)[-1]["number"]
    for address, path in ((host.local, "/v1/events"), (host.admin, "/events")):
        stream = Stream(address, path)
        assert stream.answer.headers["content-type"] == "text/event-stream"
        set_level(host, "warn")
        first = stream.next()
        assert first["kind"] == "log_level" and first["by"] == "operator" and first["number"] > seen, first
        stream.close()
        set_level(host, "info")
        set_level(host, "error")
        back = Stream(address, path, last_event_id=str(first["number"]))
        assert [back.next()["number"] for _ in range(2)] == [first["number"] + 1, first["number"] + 2]
        back.close()
        everything = Stream(address, path + "?after=0")
        assert everything.next()["kind"] == "started"
        everything.close()
    assert [e["number"] for e in events(host)] == list(range(1, len(events(host)) + 1))


@pytest.mark.parametrize("listener", ["local", "admin"])
def test_the_seventeenth_stream_is_refused(world, listener):
    host = world.host()
    address, path = (host.local, "/v1/events") if listener == "local" else (host.admin, "/events")
    # At the admin listener one address may have a quarter of them.
    sources = [f"127.0.0.{1 + number // 4}" if listener == "admin" else None for number in range(17)]
    streams = [Stream(address, path, source) for source in sources[:16]]
    assert all(stream.status == 200 for stream in streams)
    refused = Stream(address, path, sources[16])
    assert refused.status == (429 if listener == "local" else 503), refused.status
    assert refused.answer.headers["retry-after"], refused.answer.headers
    if listener == "local":
        assert refused.answer.headers["ringside-outcome"] == "overloaded", refused.answer.headers
        assert refused.answer.headers["ringside-reason"] == "too-many-waiting", refused.answer.headers
    assert b"16 streams of events are open" in refused.answer.read()
    assert events(host, path=path, address=address), "a list takes up no stream"
    assert cluster.request(address, "HEAD", path).status in (200, 429, 503)
    streams.pop().close()

    def again():
        stream = Stream(address, path, sources[16])
        if stream.status == 200:
            return stream
        return stream.close()
    streams.append(cluster.until(again, "there is room again"))
    set_level(host, "warn")
    for stream in streams[:15]:
        assert stream.next()["kind"] == "log_level"
    other = (host.admin, "/events") if listener == "local" else (host.local, "/v1/events")
    assert Stream(*other).status == 200, "each listener has a bound of its own"


def test_one_address_may_not_take_up_all_streams_of_the_admin_listener(world):
    host = world.host()
    streams = [Stream(host.admin, "/events") for _ in range(4)]
    assert all(stream.status == 200 for stream in streams)
    refused = Stream(host.admin, "/events")
    assert refused.status == 503 and b"4 streams of events are open to 127.0.0.1" in refused.answer.read()
    assert Stream(host.admin, "/events", "127.0.0.2").status == 200, "everybody else finds room"


def test_a_level_that_stays_is_no_event_and_many_changes_are_a_burst(world):
    host = world.host()
    set_level(host, "info")
    for _ in range(300):
        set_level(host, "warn")
        set_level(host, "info")
    def told():
        return events(host, "log_level")
    cluster.until(lambda: sum(e.get("count", 1) for e in told()) == 600, "all are counted")
    assert len(told()) <= 20, told()
    assert events(host)[0]["kind"] == "started", "nothing was driven out"
    burst = next(e for e in told() if "count" in e)
    assert burst["first_time"] <= burst["time"] and burst["lasted_ms"] >= 0, burst


def test_what_happens_first_is_told_first_also_in_bursts(world):
    host = world.host(app=world.app(serve=lambda *_: (503, {"retry-after": "60"}, b"")))
    assert host.apply(42, "x", ringside_timeout="50ms").headers["ringside-outcome"] == "not-delivered"
    set_level(host, "warn")
    kinds = [e["kind"] for e in events(host)]
    assert kinds[-2:] == ["calls_not_applied", "log_level"], kinds


def test_a_reader_that_does_not_read_is_ended_and_costs_no_memory(world):
    host = world.host()
    address, port = host.local.rsplit(":", 1)
    idle = socket.socket()
    idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    idle.connect((address, int(port)))
    idle.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
    reader = Stream(host.local)
    connection = http.client.HTTPConnection(host.local, timeout=cluster.PATIENCE)

    # A drain that is taken back: about ten events.
    def happen(times):
        last = 0
        for _ in range(times):
            for path in ("/v1/drain?wait=true", "/v1/uncordon"):
                connection.request("POST", path, "{}", {"content-type": "application/json"})
                assert connection.getresponse().read()
            for event in iter(reader.next, None):
                last = event["number"]
                if event["kind"] == "phase_changed" and event["facts"]["to"] == "ready":
                    break
        return last
    written = 0
    while written < 600:  # the history is full from then on
        written = happen(10)
    before = host.metric("process_resident_memory_bytes")
    while not any("slow reader" in line for line in host.lines):
        written = happen(10)
        assert written < 20_000, "it is never ended"
    assert host.metric("process_resident_memory_bytes") - before < 8 << 20
    set_level(host, "debug")
    assert reader.next()["kind"] == "log_level", "the other one goes on"
    assert len(events(host)) == 512
    idle.close()


def test_text_of_others_stays_text(world):
    host = world.host()
    name = "name:%1b%5b2J%3Cscript%3E%0a"
    assert host.call(name).status == 200
    assert host.ask("DELETE", f"/v1/actors/{name}").status == 200
    told = awaited(host, "deactivate")
    assert told["by"] == "operator" and told["actor"] == "name:\x1b[2J<script>\n", told
    listed = host.ask("GET", "/v1/events", headers=AS_LIST)
    assert listed.headers["content-type"].startswith("application/json") and b"\x1b" not in listed.body
    page = cluster.request(host.admin, "GET", "/events", headers=AS_LIST)
    assert page.headers["x-content-type-options"] == "nosniff" and b"\x1b" not in page.body
    shown = host.cli("events").stdout
    assert "actor name:?[2J<script>?" in shown and "\x1b" not in shown


def test_methods_and_wrong_requests(world):
    host = world.host()
    for address, path in ((host.local, "/v1/events"), (host.admin, "/events")):
        for headers, kind in ((AS_LIST, "application/json"), (AS_STREAM, "text/event-stream")):
            head = cluster.request(address, "HEAD", path, headers=headers)
            assert head.status == 200 and head.body == b"" and head.headers["content-type"].startswith(kind), head
        assert cluster.request(address, "POST", path, "{}", {"content-type": "application/json"}).status == 405
        assert cluster.request(address, "DELETE", path).status == 405
        for query in ("since=yesterday", "since=1", "since=10001h", "after=x"):
            wrong = cluster.request(address, "GET", f"{path}?{query}")
            assert wrong.status == 400 and b"such as" in wrong.body, wrong
        for query in ("snice=1h", "since=1h&since=2h", "since=1h&foo"):
            assert cluster.request(address, "GET", f"{path}?{query}").status == 400, query
        assert cluster.request(address, "GET", path, headers={"last-event-id": "x"}).status == 400
        assert json.loads(cluster.request(address, "GET", f"{path}?since=0s").body)["events"] == []
    assert host.ask("GET", "/v1/events", headers={"origin": "http://x"}).status == 403
    host.well()


def test_watch_in_a_pipe_is_events_and_ends_with_the_sidecar(world):
    one, two = world.cluster(2)
    commands = [subprocess.Popen([cluster.RINGSIDE, *words, "--local", one.local], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, env=cluster.environment())
                for words in (["watch"], ["watch", "--json"], ["events", "--follow"])]
    two.kill()
    for command, is_it in zip(commands, (lambda line: f"member_died  {two.name}" in line,
                                         lambda line: json.loads(line)["kind"] == "member_died",
                                         lambda line: f"member_died  {two.name}" in line)):
        assert any(is_it(line) for line in command.stdout), command.stderr.read()
    one.kill()
    for command in commands:
        command.stdout.read()
        assert command.wait(cluster.PATIENCE) == 5 and "no sidecar" in command.stderr.read()


def test_what_operators_do_is_told(world):
    one, two = world.cluster(2, RINGSIDE_FROBNICATE="1")
    warned = awaited(two, "settings_warning")
    assert "RINGSIDE_FROBNICATE" in warned["why"], warned
    for actor in range(1, 41):
        assert two.call(actor).status == 200
    assert two.cli("drain").returncode == 0
    begun, ended = awaited(two, "drain_begun"), awaited(two, "drain_ended")
    assert begun["by"] == ended["by"] == "operator (127.0.0.1)" and ended["lasted_ms"] > 0, (begun, ended)
    assert begun["facts"]["actors"] > 0
    assert two.cli("uncordon").returncode == 0
    assert awaited(two, "uncordoned")["by"] == "operator (127.0.0.1)"
    cluster.settled([one, two])
    left, came = [e for e in events(two, "ring_changed") if e["host"] == two.name][-2:]
    assert "left it" in left["why"] and left["facts"]["own_share"] == 0, left
    assert "came onto it" in came["why"] and came["facts"]["own_share_before"] == 0 < came["facts"]["own_share"], came
    phases = [(e["facts"]["from"], e["facts"]["to"]) for e in events(two, "phase_changed")]
    assert phases[-4:] == [("ready", "draining"), ("draining", "drained"), ("drained", "joining"), ("joining", "ready")], phases
    assert [e["facts"]["to"] for e in events(one, "member_phase") if e["host"] == two.name][:2] == ["ready", "draining"]
    stream = Stream(two.local)
    two.child.send_signal(signal.SIGTERM)
    kinds = [event["kind"] for event in iter(stream.next, None)]
    assert kinds[:2] == ["stopping", "drain_begun"] and "drain_ended" in kinds, kinds
    assert two.wait() == 0, "a stream holds nobody up"
    assert awaited(one, "member_left", host=two.name)["by"] == two.name


def test_an_app_that_goes_and_comes_is_told_with_how_long(world):
    host = world.host("--app-health-interval", "100ms")
    assert awaited(host, "app_up")["by"] == "the application's health check"
    host.app.health = lambda: 503
    sick = awaited(host, "app_sick")
    assert "503" in sick["why"] and sick["lasted_ms"] > 0, sick
    host.app.health = lambda: 200
    cluster.until(lambda: len(events(host, "app_up")) == 2, "it is up again")
    assert events(host, "app_up")[-1]["lasted_ms"] > 0
    host.app.kill()
    assert awaited(host, "app_down")["why"]


def test_calls_that_are_not_applied_are_a_burst_with_a_count(world):
    host = world.host(app=world.app(serve=lambda *_: (503, {"retry-after": "60"}, b"")))
    for _ in range(5):
        assert host.apply(42, "x", ringside_timeout="50ms").headers["ringside-outcome"] == "not-delivered"
    burst = awaited(host, "calls_not_applied")
    assert burst["actor"] == "42" and burst["by"] == host.name and burst["why"].startswith("not-delivered: "), burst
    cluster.until(lambda: sum(e.get("count", 1) for e in events(host, "calls_not_applied")) == 5, "all are counted")


def test_a_host_that_may_not_join_tells_why(world):
    one = world.cluster(1)[0]
    stranger = world.sidecar("--points", "64", app=world.app(), join=[one])
    told = awaited(stranger, "host_unusable")
    assert told["host"] == one.name and "--points 512" in told["why"] and "--points 64" in told["why"], told


def test_a_joiner_tells_of_no_change_of_the_ring_that_was_none(world):
    one = world.cluster(1)[0]
    router = world.sidecar(app=None, join=[one]).ready()
    awaited(router, "joined")
    assert events(router, "ring_changed") == []


def test_no_page_of_a_browser_learns_the_names_of_actors_from_the_admin_listener(world):
    host = world.host()
    assert host.call("name:secret").status == 200
    assert host.ask("DELETE", "/v1/actors/name:secret").status == 200
    awaited(host, "deactivate", actor="name:secret")

    def told(**headers):
        answer = cluster.request(host.admin, "GET", "/events", headers=AS_LIST | headers)
        assert answer.status == 200 and b'"deactivate"' in answer.body, answer
        return answer.body
    assert b"secret" in told(host="localhost:9137")
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert b"secret" not in told(**headers), headers
