"""Hostile clients against a real sidecar. Each attack tells what it costs (-s shows it); judged is what cannot be a matter
of the machine's speed: the process lives, others are answered, memory stays within its bounds."""
import collections
import time

import pytest

import attacks
from attacks import END_HEADERS, END_STREAM, frame


@pytest.fixture(params=["local", "peer"])
def target(world, request):
    host = world.host()
    host.address = getattr(host, request.param)
    host.listener = request.param
    # On the local port whoever speaks from this machine is welcome.
    host.source = attacks.STRANGER if request.param == "peer" else "127.0.0.1"
    return host


@pytest.mark.parametrize("path", [attacks.HEALTH, attacks.REFLECTION], ids=["health", "reflection"])
def test_paced_resets(target, path):
    """Each request is reset some milliseconds after it was sent, when it is at work."""
    pending = collections.deque()
    attacker = attacks.Attacker(target.address, target.source)
    with attacks.measured(target, f"paced resets of {path} ({target.listener})") as cost:
        end, stream = time.monotonic() + attacks.SECONDS, 1
        while not attacker.over and time.monotonic() < end:
            if len(attacker.waiting) < 1 << 16:
                batch = range(stream, stream + 40, 2)
                attacker.send(b"".join(attacks.request(one, path) + frame(attacks.DATA, 0, one, attacks.EMPTY_MESSAGE)
                                       for one in batch))
                pending.append((time.monotonic() + 0.01, batch))
                stream += 40
            while pending and pending[0][0] <= time.monotonic():
                attacker.send(b"".join(frame(attacks.RST, 0, one, b"\0\0\0\x08") for one in pending.popleft()[1]))
            attacker.turn(0.001)
    assert cost.grown < 64


def test_reflection_streams_left_open(target):
    attackers = [attacks.Attacker(target.address, target.source) for _ in range(4)]
    with attacks.measured(target, f"reflection streams left open ({target.listener})") as cost:
        for attacker in attackers:
            for i in range(1000):
                attacker.send(attacks.request(2 * i + 1, attacks.REFLECTION) +
                              frame(attacks.DATA, 0, 2 * i + 1, b"\0\0\0\0\3\x3a\1*"))
            attacker.finish()
        assert cost.threads < 8
    assert cost.grown < 64
