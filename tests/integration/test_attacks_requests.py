"""Hostile clients that send ordinary requests over HTTP/2 to the local listener: many on one connection. What is judged is
what test_attacks.py judges."""
import struct
import threading
import time

import pytest

import attacks
import cluster
from attacks import END_HEADERS, frame


def local(host, **how):
    return attacks.Attacker(host.local, "127.0.0.1", **how)


@pytest.mark.parametrize("path", ["/v1/members", "/v1/ring", "/v1/actors?limit=10000", "/nothing"])
def test_requests_without_end(world, path):
    """Faster than they can be answered; a view that is large to make holds nobody up."""
    host = world.host()

    def begin():
        attackers.append(local(host, window=0x7fffffff))
        attackers[-1].send(frame(attacks.WINDOW_UPDATE, 0, 0, struct.pack(">I", 0x7fff0000)))
        attackers[-1].stream = 1
    attackers = []
    for _ in range(4):
        begin()
    with attacks.measured(host, f"GET {path} without end") as cost:
        end = time.monotonic() + attacks.SECONDS
        while time.monotonic() < end:
            for attacker in [one for one in attackers if not one.over]:
                if len(attacker.waiting) < 1 << 14:
                    attacker.send(b"".join(attacks.plain(attacker.stream + 2 * i, path) for i in range(100)))
                    attacker.stream += 200
                if not attacker.turn(0.001):
                    begin()  # it has asked for more streams than there may be, too often
    print(f"  {sum(one.stream // 2 for one in attackers)} requests on {len(attackers)} connections, "
          f"{sum(one.read for one in attackers) >> 20} MiB of answers")
    assert cost.grown < 300


def test_requests_that_are_reset_while_they_wait(world):
    host = world.host()
    version = host.json("/v1/members")["version"]
    attacker = local(host)
    with attacks.measured(host, "waiting requests that are reset") as cost:
        end, stream = time.monotonic() + attacks.SECONDS, 1
        while not attacker.over and time.monotonic() < end:
            if len(attacker.waiting) < 1 << 16:
                batch = range(stream, stream + 200, 2)
                attacker.send(b"".join(attacks.plain(one, f"/v1/members?wait={version}") for one in batch))
                attacker.send(b"".join(frame(attacks.RST, 0, one, b"\0\0\0\x08") for one in batch))
                stream += 200
            attacker.turn(0.001)
    assert cost.grown < 64
    # None of them is left behind, in a place that another one needs.
    refused = host.metric('ringside_refusals_total{reason="too-many-waiting"}')
    late = local(host)
    late.send(b"".join(attacks.plain(2 * i + 1, f"/v1/members?wait={version}") for i in range(500)))
    late.finish()
    host.well()
    assert host.metric('ringside_refusals_total{reason="too-many-waiting"}') == refused


def test_requests_that_wait_leave_room_for_calls(world):
    host = world.host()
    version = host.json("/v1/members")["version"]
    attacker = local(host)
    with attacks.measured(host, "1,200 requests that wait on one connection"):
        attacker.send(b"".join(attacks.plain(2 * i + 1, f"/v1/members?wait={version}") for i in range(1200)))
        attacker.finish()
        cluster.until(lambda: host.metric('ringside_refusals_total{reason="too-many-waiting"}') >= 200, "they are bounded")


def test_bodies_that_never_end(world):
    """1.5 MB each on 300 streams; whoever says all of it is served."""
    host = world.host()
    attackers = [local(host) for _ in range(10)]
    part = b"x" * 16_000
    with attacks.measured(host, "bodies that never end") as cost:
        for attacker in attackers:
            for i in range(30):
                stream = 2 * i + 1
                attacker.send(attacks.plain(stream, f"/v1/actors/{1000 + stream}/apply", "POST",
                                            ("content-type", "application/json"), flags=END_HEADERS))
                attacker.send(b"".join(frame(attacks.DATA, 0, stream, part) for _ in range(60)))
            attacker.finish()
        assert host.apply(1, "y" * 1_000_000).status == 200
    assert cost.grown < 500


def test_answers_that_nobody_reads(world):
    """Not a byte of any of them may be sent, although the connection itself is read."""
    def serve(request, _):
        return 200, {}, large if request.path.endswith("/large") else b""
    large = b"x" * (4 << 20)
    host = world.host(app=world.app(serve=serve))
    attackers = [local(host, window=0) for _ in range(5)]
    with attacks.measured(host, "answers that nobody reads") as cost:
        for number, attacker in enumerate(attackers):
            attacker.send(b"".join(attacks.plain(2 * i + 1, f"/v1/actors/{1000 + 100 * number + i}/method/large", "POST",
                                                 ("content-length", "0")) for i in range(40)))
            attacker.finish()

        def all_answered():
            for attacker in attackers:
                attacker.turn(0.001)
            return sum(1 for one in host.app.requests if one.path.endswith("/large")) == 200 and \
                host.json("/v1/status")["turns_under_way"] == 0
        cluster.until(all_answered, "all are answered")
    assert cost.grown < 640
    for attacker in attackers:
        attacker.close()


def test_calls_that_are_given_up_are_cancelled(world):
    """A client that resets its streams leaves no calls behind that wait for their turn."""
    release = threading.Event()

    def serve(*_):
        release.wait(cluster.PATIENCE)
        return 200, {}, b""
    host = world.host(app=world.app(serve=serve))
    attacker = local(host)
    try:
        attacker.send(b"".join(attacks.plain(2 * i + 1, "/v1/actors/7/method/add", "POST", ("content-length", "0"))
                               for i in range(500)))
        attacker.finish()
        cluster.until(lambda: host.json("/v1/status")["turns_waiting"] == 499, "they wait")
        attacker.send(b"".join(frame(attacks.RST, 0, 2 * i + 1, b"\0\0\0\x08") for i in range(500)))
        attacker.finish()
        cluster.until(lambda: host.json("/v1/status")["turns_waiting"] == 0, "none waits")
    finally:
        release.set()
    assert len(host.app.requests) == 1, "and none was carried out"
    host.well()
