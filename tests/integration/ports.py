"""Ports for servers that come back, and for programs that have to be told their port.

A port of the kernel's choice is its holder's only as long as it is held. Whoever wants it again later, or at another
address, may find it taken: by another test, or by a connection that goes out from there. So these ports lie outside the
range of which the kernel chooses, and no two processes that ask here have the same one at the same time."""
import pathlib
import random
import socket

FIRST, LAST = 10000, 65535
_held = []


def _candidates():
    low, high = map(int, pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = [port for port in range(FIRST, LAST + 1) if not low <= port <= high]
    random.shuffle(ports)
    return iter(ports)


_left = _candidates()


def _lock(port):
    """A name in the kernel, which frees it when this process ends (tests/unit/net/reserved_port.cc takes the same)."""
    lock = socket.socket(socket.AF_UNIX)
    try:
        lock.bind(f"\0ringside-test-port-{port}")
    except OSError:
        lock.close()
        return False
    _held.append(lock)
    return True


def _is_free(port):
    """At every address of this machine."""
    dual = socket.has_dualstack_ipv6()
    with socket.socket(socket.AF_INET6 if dual else socket.AF_INET) as probe:
        if dual:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def reserve():
    """A port that is this process' until it ends, at every address; the same one is never given twice."""
    for port in _left:
        if _lock(port) and _is_free(port):
            return port
    raise RuntimeError(f"no port from {FIRST} up is left outside net.ipv4.ip_local_port_range: make that range smaller")


def address(host="127.0.0.1"):
    return f"{host}:{reserve()}"
