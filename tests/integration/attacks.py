"""What hostile clients send over HTTP/2, frame by frame, and what it costs the sidecar meanwhile."""
import contextlib
import os
import pathlib
import select
import socket
import struct
import threading
import time

import cluster

SECONDS = float(os.environ.get("ATTACK_SECONDS", 2))  # of each attack
STRANGER = "127.0.0.9"  # an address that no member has
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
HEALTH = "/grpc.health.v1.Health/Check"
HEALTH_WATCH = "/grpc.health.v1.Health/Watch"
MEMBERSHIP = "/ringside.peer.v1.Membership/Watch"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
EMPTY_MESSAGE = b"\0\0\0\0\0"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def field(name, value):
    """A literal that is not indexed."""
    def length(text):
        if len(text) < 127:
            return bytes((len(text),))
        more, rest = b"\x7f", len(text) - 127
        while rest >= 128:
            more, rest = more + bytes((rest % 128 + 128,)), rest // 128
        return more + bytes((rest,))
    name, value = name.encode(), value.encode()
    return b"\0" + length(name) + name + length(value) + value


def block(path, *more):
    fields = ((":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
              ("content-type", "application/grpc"), ("te", "trailers"), *more)
    return b"".join(field(*one) for one in fields)


def request(stream, path, *more, flags=END_HEADERS):
    return frame(HEADERS, flags, stream, block(path, *more))


def plain(stream, path, method="GET", *more, flags=END_HEADERS | END_STREAM):
    """An ordinary request, which is not gRPC."""
    fields = ((":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost"), *more)
    return frame(HEADERS, flags, stream, b"".join(field(*one) for one in fields))


class Attacker:
    """One connection: sends what it is given as fast as it is taken, and reads all or nothing of what it is answered."""

    def __init__(self, address, source=STRANGER, reads=True, acknowledges=True, window=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.socket()
        if not reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that answers wait at the other end
        self.socket.bind((source, 0))
        self.socket.settimeout(cluster.PATIENCE)
        self.socket.connect((host, int(port)))
        self.socket.setblocking(False)
        self.reads, self.over, self.sent, self.read = reads, False, 0, 0
        settings = b"" if window is None else struct.pack(">HI", 4, window)  # of each stream, for what it is answered
        self.waiting = bytearray(PREFACE + frame(SETTINGS, 0, 0, settings) + (frame(SETTINGS, ACK, 0) if acknowledges else b""))

    def send(self, data):
        self.waiting += data

    def turn(self, wait=0.05):
        """Moves what can be moved now; True while the server goes on with this connection."""
        sending = [self.socket] if self.waiting else []
        readable, writable, _ = select.select([self.socket] if self.reads else [], sending, [], wait)
        try:
            if writable:
                done = self.socket.send(self.waiting[:1 << 18])
                self.sent += done
                del self.waiting[:done]
            if readable:
                got = self.socket.recv(1 << 18)
                self.read += len(got)
                self.over = self.over or not got
        except BlockingIOError:
            pass
        except OSError:
            self.over = True
        return not self.over

    def finish(self, seconds=cluster.PATIENCE):
        """Until all has been sent, or the server has ended it."""
        end = time.monotonic() + seconds
        while self.waiting and not self.over and time.monotonic() < end:
            self.turn()

    def ended(self):
        """Waits until the server has ended it."""
        end = time.monotonic() + cluster.PATIENCE
        while self.turn() and time.monotonic() < end:
            pass
        return self.over

    def close(self):
        self.socket.close()


def flood(attacker, unit, seconds=None):
    """unit(i) over and over, until the server ends it or the time is up. How many."""
    end, i = time.monotonic() + (seconds or SECONDS), 0
    while not attacker.over and time.monotonic() < end:
        while len(attacker.waiting) < 1 << 17:
            attacker.send(unit(i))
            i += 1
        attacker.turn()
    return i


class Cost:
    """What an attack has cost: memory and CPU of the process, and how long others waited."""

    def __init__(self, host):
        self.host, self.waits, self.failed, self.peak = host, [], [], 0
        self.over = threading.Event()
        self.before, self.cpu = self.resident(), self.cpu_seconds()

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.host.child.pid}/{name}").read_text()

    def resident(self):
        """MiB."""
        return next(int(line.split()[1]) for line in self.proc("status").splitlines() if line.startswith("VmRSS")) / 1024

    def cpu_seconds(self):
        return sum(map(int, self.proc("stat").rsplit(") ", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def threads(self):
        return int(self.proc("stat").rsplit(") ", 1)[1].split()[17])

    def watch(self):
        while not self.over.wait(0.02):
            self.peak = max(self.peak, self.resident())

    def call(self):
        """An honest caller, one call after another."""
        while not self.over.wait(0.01):
            begin = time.monotonic()
            try:
                answer = self.host.call(4242)
                if answer.status != 200:
                    self.failed.append(answer)
            except OSError as error:
                self.failed.append(error)
            self.waits.append(time.monotonic() - begin)

    @property
    def grown(self):
        return max(self.peak, self.resident()) - self.before


@contextlib.contextmanager
def measured(host, name):
    """Honest calls go on meanwhile. Tells the cost; the process lives, and every honest call has been answered."""
    cost = Cost(host)
    threads = [threading.Thread(target=work, daemon=True) for work in (cost.watch, cost.call)]
    for thread in threads:
        thread.start()
    begin = time.monotonic()
    try:
        yield cost
    finally:
        took = time.monotonic() - begin
        cost.over.set()
        for thread in threads:
            thread.join(cluster.PATIENCE)
    assert host.alive(), "".join(host.lines[-30:])
    waits = sorted(cost.waits) or [0]
    print(f"\n{name}: {took:.1f} s, +{cost.grown:.0f} MiB, {cost.cpu_seconds() - cost.cpu:.1f} s of CPU, "
          f"{cost.threads()} threads; others: {len(cost.waits)} calls, median {waits[len(waits) // 2] * 1e3:.0f} ms, "
          f"slowest {waits[-1] * 1e3:.0f} ms, {len(cost.failed)} failed")
    assert not cost.failed, cost.failed[:3]
    host.well()
