"""Hostile clients against a real sidecar. Each attack tells what it costs (-s shows it); judged is what cannot be a matter
of the machine's speed: the process lives, others are answered, memory stays within its bounds."""
import collections
import socket
import struct
import time

import pytest

import attacks
import cluster
from apps import messages, peer_pb2
from attacks import END_HEADERS, END_STREAM, frame


@pytest.fixture(params=["local", "peer"])
def target(world, request):
    host = world.host()
    host.address = getattr(host, request.param)
    host.listener = request.param
    # On the local port whoever speaks from this machine is welcome.
    host.source = attacks.STRANGER if request.param == "peer" else "127.0.0.1"
    # So many streams a connection may have open: whoever has acknowledged that and takes more is ended at once.
    host.streams = 90 if request.param == "peer" else 1000
    return host


@pytest.mark.parametrize("path", [attacks.HEALTH, attacks.REFLECTION, attacks.HEALTH_WATCH, attacks.MEMBERSHIP],
                         ids=["health", "reflection", "health-watch", "membership"])
def test_paced_resets(target, path):
    """Each request is reset some milliseconds after it was sent, when it is at work."""
    pending = collections.deque()
    attacker = attacks.Attacker(target.address, target.source)
    with attacks.measured(target, f"paced resets of {path} ({target.listener})") as cost:
        end, stream = time.monotonic() + attacks.SECONDS, 1
        while not attacker.over and time.monotonic() < end:
            if len(attacker.waiting) < 1 << 16 and len(pending) * 20 + 20 <= target.streams:
                batch = range(stream, stream + 40, 2)
                attacker.send(b"".join(attacks.request(one, path) + frame(attacks.DATA, 0, one, attacks.EMPTY_MESSAGE)
                                       for one in batch))
                pending.append((time.monotonic() + 0.01, batch))
                stream += 40
            while pending and pending[0][0] <= time.monotonic():
                attacker.send(b"".join(frame(attacks.RST, 0, one, b"\0\0\0\x08") for one in pending.popleft()[1]))
            attacker.turn(0.001)
    assert cost.grown < 64


@pytest.mark.parametrize("path", [attacks.REFLECTION, attacks.HEALTH_WATCH, attacks.MEMBERSHIP],
                         ids=["reflection", "health-watch", "membership"])
def test_streams_left_open(target, path):
    attackers = [attacks.Attacker(target.address, target.source) for _ in range(4000 // target.streams)]
    message, flags = (b"\0\0\0\0\3\x3a\1*", 0) if path == attacks.REFLECTION else (attacks.EMPTY_MESSAGE, END_STREAM)
    with attacks.measured(target, f"streams of {path} left open ({target.listener})") as cost:
        for attacker in attackers:
            for i in range(target.streams):
                attacker.send(attacks.request(2 * i + 1, path) + frame(attacks.DATA, flags, 2 * i + 1, message))
            attacker.finish()
        target.well()  # all of that has been read
        assert cost.threads() < 8
    assert cost.grown < 64


def test_header_bombs_in_trailers(target):
    """One large field in the table of the connection, and references to it of one byte each."""
    large = b"\x40\x01x\x7f\x80\x1e" + b"v" * 3967
    with attacks.measured(target, f"header bombs in trailers ({target.listener})") as cost:
        end, connections = time.monotonic() + attacks.SECONDS, 0
        while time.monotonic() < end:
            attacker = attacks.Attacker(target.address, target.source)
            connections += 1
            for i in range(target.streams):
                stream, more = 2 * i + 1, b"\xbe" * 16_000
                attacker.send(attacks.request(stream, attacks.HEALTH) +
                              frame(attacks.HEADERS, END_STREAM, stream, large + more[:8_000]) +
                              b"".join(frame(attacks.CONTINUATION, END_HEADERS if part == 6 else 0, stream, more)
                                       for part in range(7)))
            assert attacker.ended()
            attacker.close()
    print(f"  by {connections} connections")
    assert cost.grown < 64


@pytest.mark.parametrize("refused", ["header", "block", "trailers"])
def test_refusals_that_are_not_read(target, refused):
    unit = {
        "header": lambda i: attacks.request(2 * i + 1, attacks.HEALTH, ("Upper", "case")),
        "block": lambda i: frame(attacks.HEADERS, END_HEADERS, 2 * i + 1),
        "trailers": lambda i: (attacks.request(2 * i + 1, attacks.HEALTH) +
                               frame(attacks.HEADERS, END_HEADERS, 2 * i + 1, attacks.field("x", "y"))),
    }[refused]
    attacker = attacks.Attacker(target.address, target.source, reads=False, acknowledges=False)
    with attacks.measured(target, f"refusals that are not read: {refused} ({target.listener})") as cost:
        sent = attacks.flood(attacker, unit)
    print(f"  {sent} requests")
    assert cost.grown < 64


def test_large_headers_on_streams_that_wait(target):
    attackers = [attacks.Attacker(target.address, target.source) for _ in range(10)]
    with attacks.measured(target, f"large headers on streams that wait ({target.listener})") as cost:
        for attacker in attackers:
            for i in range(target.streams):
                attacker.send(attacks.request(2 * i + 1, attacks.HEALTH, ("big", "h" * 15_000)))
            attacker.finish()
    # Within the bound of the listener, which is 256 MiB. Strangers have 100 streams each, and so far less.
    assert cost.grown < (64 if target.listener == "peer" else 256)


def fill(host):
    """All that the peer listener holds for one address, to the last byte: by messages that never come whole."""
    def unfinished(stream, size):
        parts = [b"\0\0\x3f\xff\xff" + b"x" * (size - 5)] if size <= 16_000 else \
            [b"\0\0\x3f\xff\xff", *[b"x" * 16_000] * (size // 16_000)]
        return (attacks.request(stream, "/messages.ControlPlane/Apply") +
                b"".join(frame(attacks.DATA, 0, stream, part) for part in parts))
    # One that finds no room gives back what it holds, so smaller and smaller ones follow.
    sizes = [*[[960_000] * 20] * 20, [16_000] * 62, [1_000] * 18 + [64] * 18, [8] * 10]
    attackers = []
    for group in sizes:
        attackers.append(attacks.Attacker(host.peer))
        attackers[-1].send(b"".join(unfinished(2 * i + 1, size) for i, size in enumerate(group)))
        attackers[-1].finish()
        if group[0] < 960_000:
            host.well()  # it has read all of that
    return attackers


def test_unfinished_messages_of_strangers_hold_up_no_member(world):
    """Members ping one another all the same, and one joins."""
    one, two = world.cluster(2)
    with attacks.measured(one, "unfinished messages of strangers") as cost:
        attackers = fill(one)
        three = world.host(join=[one])
        assert sorted([one.name, two.name, three.name]) == one.on_ring()
    assert cost.grown < 96 and not any(attacker.over for attacker in attackers)


def test_unfinished_messages_of_a_stranger_keep_no_host_out(world):
    """Whoever joins the first host is a stranger there as well, from another address."""
    one = world.host()
    with attacks.measured(one, "unfinished messages before a join"):
        attackers = fill(one)
        two = world.host(join=[one])
        assert sorted([one.name, two.name]) == one.on_ring()
    assert not any(attacker.over for attacker in attackers)


def test_connections_that_ask_nothing_keep_nobody_out(world):
    """There are more of them than places: one address has half of those, and a host that joins finds one."""
    one = world.host(descriptors=400)
    places = int(one.metric('ringside_connections_max{listener="peer"}'))
    assert places < 100
    with attacks.measured(one, "connections that ask nothing"):
        attackers = [attacks.Attacker(one.peer) for _ in range(100)]
        for attacker in attackers:
            attacker.finish()
        two = world.host(join=[one])
        assert sorted([one.name, two.name]) == one.on_ring()
        cluster.until(lambda: sum(not attacker.turn(0) for attacker in attackers) >= 100 - places // 2, "half are refused")


def expire(host, ends, generation, source):
    """Tells `host`, from that address, that these activations of another host have ended: (holder, id, epoch)."""
    attacker = attacks.Attacker(host.peer, source)
    for stream, (holder, actor, epoch) in enumerate(ends):
        message = peer_pb2.ExpireRequest(ended=[peer_pb2.Ended(id=actor, epoch=epoch)]).SerializeToString()
        name = ("ringside-source", f"{holder};{generation[holder]};default;{epoch}")
        attacker.send(attacks.request(2 * stream + 1, "/ringside.peer.v1.Peer/Expire", name) +
                      frame(attacks.DATA, END_STREAM, 2 * stream + 1, b"\0" + struct.pack(">I", len(message)) + message))
    attacker.finish()
    host.well()  # it has read all of that


def test_whoever_gives_the_name_of_a_host_ends_no_activation_of_it(world):
    """Else the next touch would begin a second one beside it."""
    one, two = world.cluster(2)
    for actor in range(1, 61):
        assert one.call(actor).status == 200
    three = world.host(join=[one])
    cluster.settled([one, two, three])

    def displaced():
        places = [three.json(f"/v1/actors/{actor}") for actor in range(1, 61)]
        return [(place["owner"], int(place["id"]), place["epoch"]) for place in places if place["rule"] == "stray"]
    known = displaced()
    assert len(known) > 5
    generation = {member["host"]: member["generation"] for member in three.json("/v1/members")["members"]}
    expire(three, known, generation, attacks.STRANGER)
    assert displaced() == known
    expire(three, known[:1], generation, "127.0.0.1")
    assert displaced() == known[1:], "the host itself is heard"


def test_names_without_end_where_descriptors_are_few(world):
    """By whoever speaks from a member's address: 4,000 names, at each of which somebody listens and says nothing."""
    host = world.host(descriptors=1024)
    two = world.sidecar(join=[host]).ready()
    generation = {member["host"]: member["generation"] for member in host.json("/v1/members")["members"]}[two.name]
    with socket.socket() as hole:
        hole.bind(("0.0.0.0", 0))
        hole.listen(4096)
        names = [f"127.9.{i // 250}.{i % 250 + 1}:{hole.getsockname()[1]}" for i in range(4000)]
        message = messages.NegotiateRequest(known_hosts=names, cluster="default", points=512).SerializeToString()
        with attacks.measured(host, "4,000 names by a member, 1,024 descriptors") as cost:
            attacker = attacks.Attacker(host.peer, "127.0.0.1")
            source = ("ringside-source", f"{two.name};{generation};default;{int(time.time() * 1000) << 12}")
            attacker.send(attacks.request(1, "/messages.ControlPlane/Negotiate", source) +
                          b"".join(frame(attacks.DATA, END_STREAM if at + 16_000 >= len(message) + 5 else 0, 1,
                                         (b"\0" + struct.pack(">I", len(message)) + message)[at:at + 16_000])
                                   for at in range(0, len(message) + 5, 16_000)))
            attacker.finish()
            most = 0
            end = time.monotonic() + 3 * attacks.SECONDS
            while time.monotonic() < end:
                attacker.turn()
                most = max(most, host.metric("process_open_fds"))
            shown = b"".join(host.admin_get(path).body for path in ("/readyz", "/status", "/"))
            cost.others = host.json("/v1/members")["others"]
        print(f"  {most:.0f} descriptors, {len(cost.others)} names")
    assert len(cost.others) > 1000, "they have been heard"
    assert most < 200
    assert b"127.9." not in shown, "the admin port tells nothing of them"
    assert host.admin_get("/readyz").status == 200
    assert not any("app_down" in line for line in host.lines)
