"""Hostile clients and apps at real listeners over HTTP/1. Each test prints what the attack cost, and judges only what must
always hold: others are served, memory stays within its bound, the process lives."""
import json
import os
import socket
import threading
import time

import grpc
import pytest

import apps
import cluster

HOST = b"host: localhost\r\n"
MIB = 1 << 20


def memory_of(host):
    """Resident, in bytes."""
    with open(f"/proc/{host.child.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def seconds_of(host):
    """Of the processor."""
    with open(f"/proc/{host.child.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connect(address, receive=None, source="127.0.0.2"):
    """From another address than that of the others, as an attacker has."""
    name, port = address.rsplit(":", 1)
    connection = socket.socket()
    connection.bind((source, 0))
    if receive:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    connection.settimeout(cluster.PATIENCE)
    connection.connect((name, int(port)))
    return connection


class Watch:
    """Others, meanwhile: each is answered; and the most memory that there was."""

    def __init__(self, host, actor=77):
        self.host, self.actor, self.stopping, self.failed, self.longest = host, actor, threading.Event(), [], 0
        self.most, self.before, self.count = 0, seconds_of(host), 0
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def _run(self):
        while not self.stopping.is_set():
            self.most = max(self.most, memory_of(self.host))
            began = time.monotonic()
            for ask in (lambda: self.host.call(self.actor), lambda: self.host.admin_get("/livez"),
                        lambda: self.host.admin_get("/readyz"), lambda: self.host.admin_get("/metrics")):
                try:
                    answer = ask()
                    if answer.status != 200:
                        self.failed.append(answer)
                except OSError as error:
                    self.failed.append(error)
            self.longest = max(self.longest, time.monotonic() - began)
            self.count += 1

    def more(self, rounds=5):
        goal = self.count + rounds
        cluster.until(lambda: self.count >= goal, "others are served")

    def judge(self, what, most=None):
        print(f"{what}: {self.most / MIB:.0f} MiB at the most, {seconds_of(self.host) - self.before:.2f} s of the processor, "
              f"others {self.count} rounds, the longest {self.longest * 1000:.0f} ms")
        assert not self.failed, (len(self.failed), self.failed[0])
        assert most is None or self.most < most, f"{self.most / MIB:.0f} MiB"
        self.host.well()


def test_probes_are_answered_whoever_holds_the_admin_port(world):
    host = world.host()
    held = []
    with Watch(host) as others:
        for kind in (b"", b"GET /livez HTTP/1.1\r\nho", b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n",
                     b"GET /drained HTTP/1.1\r\n" + HOST + b"\r\n"):
            for _ in range(100):
                held.append(connect(host.admin))
                try:
                    held[-1].sendall(kind)
                except OSError:
                    pass  # it has given way
            others.more()
    others.judge("400 connections that hold the admin port")
    one_more = connect(host.admin)
    one_more.sendall(b"GET /drained HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")
    refused = one_more.makefile("rb").read().lower()
    assert refused.startswith(b"http/1.1 503 ") and b"retry-after: 1" in refused and b"end some of them" in refused, refused


def test_requests_that_wait_leave_room_for_calls(world):
    host = world.host()
    version = host.json("/v1/members")["version"]
    waiting = []
    with Watch(host) as others:
        for _ in range(1200):
            waiting.append(connect(host.local))
            waiting[-1].sendall(b"GET /v1/members?wait=" + version.encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        others.more()
    others.judge("1,200 requests that wait")
    assert host.metric('ringside_refusals_total{reason="too-many-waiting"}') >= 200


def flood(address, payload, connections, seconds):
    """Sends it again and again, and reads what comes. How many bytes went out, and how many connections were closed."""
    flooding = [connect(address) for _ in range(connections)]
    for one in flooding:
        one.setblocking(False)
    offsets, sent, closed, end = [0] * connections, 0, set(), time.monotonic() + seconds
    while time.monotonic() < end and len(closed) < connections:
        for i, one in enumerate(flooding):
            if i in closed:
                continue
            try:
                offsets[i] = (offsets[i] + one.send(payload[offsets[i]:offsets[i] + 65536])) % len(payload)
            except BlockingIOError:
                pass
            except OSError:
                closed.add(i)
                continue
            sent += 1
            try:
                if not one.recv(1 << 18):
                    closed.add(i)
            except BlockingIOError:
                pass
            except OSError:
                closed.add(i)
    for one in flooding:
        one.close()
    return sent, len(closed)


@pytest.mark.parametrize("target", [b"/", b"/v1/status", b"/v1/ring", b"/v1/actors"])
def test_pipelines_without_end(world, target):
    host = world.host()
    with Watch(host) as others:
        flood(host.local, (b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n") * 2000, 20, 1.5)
        others.more()
    others.judge(f"20 pipelines of GET {target.decode()}", most=64 * MIB)


def test_noise_before_a_request_is_refused(world):
    host = world.host()
    with Watch(host) as others:
        _, closed = flood(host.local, b"\r\n" * 32768, 40, cluster.PATIENCE)
        others.more()
    assert closed == 40
    others.judge("40 floods of empty lines")


# Of each kind (requests and unread answers at a listener; answers of the app that are coming in) 256 MiB at most. Besides
# there is the process itself, --queue-bytes, and what one request takes while it is looked at.
BOUND = 640 * MIB


def test_answers_that_nobody_reads(world):
    def serve(request, _):
        return 200, {}, large if request.path.endswith("/large") else b""
    large = b"x" * (4 * MIB)
    host = world.host(app=world.app(serve=serve))
    unread = [connect(host.local, receive=4096) for _ in range(300)]
    with Watch(host) as others:
        for number, one in enumerate(unread):
            one.sendall(b"POST /v1/actors/%d/method/large HTTP/1.1\r\n" % (1000 + number) + HOST + b"content-length: 0\r\n\r\n")
        cluster.until(lambda: sum(1 for one in host.app.requests if one.path.endswith("/large")) == 300, "all are asked")
        cluster.until(lambda: host.json("/v1/status")["turns_under_way"] == 0, "all are answered")
        others.more()
    others.judge("300 answers of 4 MiB that nobody reads", most=BOUND)
    for one in unread:
        one.close()
    cluster.until(lambda: memory_of(host) < 128 * MIB, "the memory is given back")


def batch_head(actor, size):
    return (b"POST /v1/actors/%d/apply HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (actor, size)
            + HOST + b"\r\n")


def send_all(connections, pieces):
    """To all of them at once; a connection that is closed has been refused."""
    left = {one: memoryview(piece) for one, piece in zip(connections, pieces)}
    end = time.monotonic() + 3 * cluster.PATIENCE
    for one in connections:
        one.setblocking(False)
    while left and time.monotonic() < end:
        for one in list(left):
            try:
                left[one] = left[one][one.send(left[one][:1 << 20]):]
            except BlockingIOError:
                continue
            except OSError:
                del left[one]
                continue
            if not left[one]:
                del left[one]
    assert not left, "all of it is taken, or refused"


def test_many_large_batches_at_once(world):
    host = world.host()
    body = b'{"messages":[{"@type":"' + cluster.STRING.encode() + b'","value":"' + b"x" * 3_900_000 + b'"}]}'
    callers = [connect(host.local) for _ in range(120)]
    with Watch(host) as others:
        send_all(callers, [batch_head(1000 + n, len(body)) + body for n in range(len(callers))])
        statuses = {}
        for one in callers:
            one.settimeout(3 * cluster.PATIENCE)
            try:
                status = one.recv(65536)[9:12].decode()
            except OSError:
                status = "reset"
            statuses[status] = statuses.get(status, 0) + 1
    print(statuses)
    assert statuses.get("200"), "some are served"
    assert set(statuses) <= {"200", "429", "503"}, "and others are told why not"
    others.judge("120 batches of 3.9 MB", most=BOUND)


def test_bodies_that_never_end(world):
    host = world.host()
    trickling = [connect(host.local) for _ in range(500)]
    piece = b"x" * 1_500_000
    with Watch(host) as others:
        send_all(trickling, [batch_head(1000 + n, 4_000_000) + piece for n in range(len(trickling))])
        others.more()
        # Whoever comes now, and says all of it, is served.
        answer = host.apply(1, "y" * 1_000_000)
        assert answer.status == 200, answer
    others.judge("500 bodies of 4 MB of which 1.5 MB came", most=BOUND)


def nested(depth, inner):
    for _ in range(depth):
        inner = b'{"value":' + inner + b',"@type":"type.googleapis.com/google.protobuf.Any"}'
    return inner


def numbers(count):
    return b'{"value":{"a":[0' + b",1" * count + b']},"@type":"type.googleapis.com/google.protobuf.Struct"}'


def test_types_in_types_at_the_end(world):
    host = world.host()
    with Watch(host) as others:
        for depth, count, said in ((6, 400_000, "the limit"), (6, 500_000, "more than 500000 values"),
                                   (28, 400_000, "deeper than 8 levels")):
            body = b'{"messages":[' + nested(depth, numbers(count)) + b"]}"
            answer = host.ask("POST", "/v1/actors/1/apply", body, {"content-type": "application/json"})
            assert answer.status in (400, 413) and said in json.loads(answer.body)["detail"], (depth, answer)
    others.judge("batches of 1 MB with types in types", most=256 * MIB)


def test_an_app_that_answers_with_types_in_types(world):
    def serve(request, _):
        if "/1/" not in request.path:
            return 200, {"content-type": "application/json"}, b"{}"
        return 200, {"content-type": "application/json"}, b'{"replies":[' + nested(28, numbers(400_000)) + b"]}"
    host = world.host(app=world.app(serve=serve))
    with Watch(host) as others:
        answer = host.apply(1, "x")
    problem = json.loads(answer.body)
    assert problem["reason"] == "app-garbage" and "deeper than 8 levels" in problem["detail"], problem
    others.judge("an answer of 1 MB with types in types", most=256 * MIB)


def test_the_largest_json_that_is_allowed_holds_nobody_up(world):
    def serve(request, _):
        large = "/1/" in request.path
        return 200, {"content-type": "application/json"}, b'{"replies":[' + nested(6, numbers(240_000)) + b"]}" if large else b"{}"
    host = world.host(app=world.app(serve=serve))
    body = b'{"id":"1","messages":[' + nested(6, numbers(240_000)) + b"]}"
    with Watch(host) as others:
        for _ in range(5):
            answer = host.ask("POST", "/v1/actors/1/apply", body, {"content-type": "application/json"})
            assert answer.status == 200, answer.body[:300]
            assert len(json.loads(answer.body)["replies"]) == 1
    others.judge("batches and answers of 1 MB of JSON", most=256 * MIB)


def test_a_stream_that_ends_at_once_keeps_nobody_busy(world):
    class Ends(apps.app_pb2_grpc.ActorHostServicer):
        streams = 0

        def ApplyStream(self, requests, context):
            Ends.streams += 1
            return iter(())

    server = grpc.server(apps.futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    apps.app_pb2_grpc.add_ActorHostServicer_to_server(Ends(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        host = world.sidecar(app=f"grpc://127.0.0.1:{port}")
        before, began = seconds_of(host), time.monotonic()
        cluster.until(lambda: Ends.streams >= 8, "it is tried again")
        took = time.monotonic() - began
        print(f"8 streams in {took:.1f} s, {seconds_of(host) - before:.2f} s of the processor")
        assert took > 1.5, "less and less often"
        assert host.admin_get("/livez").status == 200 and host.metric("process_open_fds") < 100
    finally:
        server.stop(0)


def test_texts_of_an_app_are_safe_to_look_at(world):
    app = world.keep(apps.GrpcApp("unary"))
    evil = "a\u009b2J\u202eb\n" + "x" * 5000

    def behave(_, context):
        context.abort(grpc.StatusCode.INTERNAL, evil)
    host = world.host(app=app)
    app.behave = behave
    answer = host.apply(7, "x")
    assert "\u009b" not in answer.body.decode() and "\u202e" not in answer.body.decode(), answer.body
    assert len(answer.body) < 3000 and "a?2J?b?" in json.loads(answer.body)["detail"], answer.body
    said = host.cli("apply", "7", '{"@type":"%s","value":"x"}' % cluster.STRING)
    assert not {"\u009b", "\u202e"} & set(said.stdout + said.stderr), said


def test_a_header_that_looks_like_ours_does_not_reach_the_app(world):
    host = world.host()
    assert host.call(5, **{"x-own": "1"}).status == 200
    answer = host.ask("POST", "/v1/actors/5/method/add", b"", {"ringside_epoch": "666", "ringside_x": "1", "x_own": "2"})
    assert answer.status == 200
    seen = host.app.requests[-1].headers
    assert seen["x_own"] == "2" and "ringside_epoch" not in seen and "ringside_x" not in seen, seen.items()
    assert seen["ringside-epoch"] != "666"


def test_watchers_at_the_peer_port_leave_room_for_local_ones(world):
    host = world.host()
    watch = "/ringside.peer.v1.Membership/Watch"
    channels = [grpc.insecure_channel(host.peer, [("grpc.use_local_subchannel_pool", 1)]) for _ in range(12)]
    try:
        streams = [channels[n % len(channels)].unary_stream(watch)(b"", timeout=60) for n in range(1100)]
        refused = 0
        for stream in streams:
            try:
                next(stream)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
                refused += 1
        assert refused >= 100
        with grpc.insecure_channel(host.local) as local:
            assert next(local.unary_stream(watch)(b"", timeout=cluster.PATIENCE))
    finally:
        for channel in channels:
            channel.close()


@pytest.mark.parametrize("setting", ["config", "descriptors"])
def test_a_file_that_is_none_is_refused_at_once(tmp_path, setting):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, why in ((pipe, "it is a pipe"), ("/dev/zero", "it is a pipe, a device"), (tmp_path, "it is a folder")):
        done = cluster.subprocess.run([cluster.RINGSIDE, "serve", f"--{setting}", str(path), "--host", "127.0.0.1"],
                                      capture_output=True, text=True, timeout=cluster.PATIENCE, env=cluster.environment())
        assert done.returncode == 2 and why in done.stderr and str(path) in done.stderr, done
