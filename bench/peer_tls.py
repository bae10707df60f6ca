"""What TLS between two hosts costs: ./run tls-cost [--rounds N] [--calls N] [--json]

Two sidecars, in plaintext and under TLS in turns; 64 callers at the first one call actors of the second. Told is the CPU
of both sidecars for a call, as the median of the rounds, and the memory of a connection on which nothing happens.
"""
import argparse
import json
import os
import pathlib
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/integration"))
import certificates  # noqa: E402
import cluster  # noqa: E402
import scale  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
IN_FLIGHT = 64
IDLE = 200
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def cpu(host):
    fields = pathlib.Path(f"/proc/{host.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(host):
    return int(pathlib.Path(f"/proc/{host.child.pid}/statm").read_text().split()[1]) * PAGE


class Caller:
    """One connection; the next call is sent when the last is answered."""

    def __init__(self, host, poll):
        address, port = host.local.rsplit(":", 1)
        self.socket, self.read = socket.create_connection((address, int(port))), b""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(self.socket, selectors.EVENT_READ, self)

    def send(self, actor):
        self.socket.sendall(b"POST /v1/actors/%d/method/add HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n" % actor + b"x" * 100)

    def answered(self):
        self.read += self.socket.recv(65536)
        if b"\r\n\r\n" not in self.read:
            return False
        head, _, body = self.read.partition(b"\r\n\r\n")
        if len(body) < int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            return False
        assert head.startswith(b"HTTP/1.1 200"), self.read
        self.read = b""
        return True


def calls(host, actors, count):
    poll = selectors.DefaultSelector()
    callers = [Caller(host, poll) for _ in range(IN_FLIGHT)]
    begun = ended = 0
    for caller in callers:
        caller.send(actors[begun % len(actors)])
        begun += 1
    while ended < count:
        for key, _ in poll.select():
            if key.data.answered():
                ended += 1
                if begun < count:
                    key.data.send(actors[begun % len(actors)])
                    begun += 1
    for caller in callers:
        caller.socket.close()


def idle_connections(host, leaf, directory):
    """Bytes of the sidecar for each of many connections that have said their preface and nothing since."""
    context = None
    if leaf:
        files = certificates.Files(directory / "client", leaf)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        context.load_cert_chain(files.cert, files.key)
    address, port = host.peer.rsplit(":", 1)

    def connect():
        made = socket.create_connection((address, int(port)))
        made = context.wrap_socket(made) if context else made
        made.sendall(PREFACE)
        made.recv(9)
        return made
    warm = [connect() for _ in range(20)]
    before = resident(host)
    opened = [connect() for _ in range(IDLE)]
    grown = (resident(host) - before) / IDLE
    for one in warm + opened:
        one.close()
    return grown


def pair(world, mode, directory, apps):
    root = certificates.Issuer()
    flags = certificates.Files(directory / mode, root.leaf(), root).flags() if mode == "tls" else []
    one = world.sidecar(*flags, app=apps[0]).ready()
    two = world.sidecar(*flags, app=apps[1], join=[one]).ready()
    cluster.settled([one, two])
    owned = [actor for actor in range(1, 400) if one.json(f"/v1/actors/{actor}")["owner"] == two.name][:100]
    return one, two, owned, root


def measure(rounds, count):
    cpus, memory = {"plaintext": [], "tls": []}, {}
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        world = cluster.World(directory)
        # One process is the app of all of them, so that what is measured is the sidecars' own CPU.
        apps = subprocess.Popen([sys.executable, scale.__file__, "--serve-apps", "4", "--net", str(scale.NET)], stdout=subprocess.PIPE, text=True)
        assert apps.stdout.readline() == "ready\n"
        try:
            urls = [f"http://{scale.address(n)}:8000" for n in range(4)]
            pairs = {"plaintext": pair(world, "plaintext", directory, urls[:2]), "tls": pair(world, "tls", directory, urls[2:])}
            for one, _, owned, _ in pairs.values():
                calls(one, owned, 2000)
            for _ in range(rounds):
                for mode, (one, two, owned, _) in pairs.items():
                    before = cpu(one) + cpu(two)
                    calls(one, owned, count)
                    cpus[mode].append((cpu(one) + cpu(two) - before) / count * 1e6)
            for mode, (one, _, _, root) in pairs.items():
                memory[mode] = idle_connections(one, root.leaf() if mode == "tls" else None, directory)
        finally:
            world.close()
            apps.kill()
            apps.wait()
    return cpus, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    cpus, memory = measure(given.rounds, given.calls)
    medians = {mode: statistics.median(all_) for mode, all_ in cpus.items()}
    ratio = statistics.median(tls / plain for tls, plain in zip(cpus["tls"], cpus["plaintext"]))
    if given.json:
        print(json.dumps({"cpu_us": medians, "ratio": ratio, "idle_bytes": memory, "rounds": cpus}))
        return
    for mode, median in medians.items():
        print(f"{mode:10} {median:6.1f} us of CPU of both sidecars for a forwarded call, {IN_FLIGHT} in flight; "
              f"{memory[mode] / 1024:5.1f} KiB for an idle connection")
    print(f"TLS to plaintext, median of {given.rounds} pairs: {ratio:.2f}")


if __name__ == "__main__":
    main()
