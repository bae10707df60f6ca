"""What a cluster of many real sidecars on one machine costs, and how long its changes take: ./run scale [SCENARIO...] [--hosts N]

  storm     N hosts start at once: until all are ready and settled for good, CPU for it, hosts wrongly taken for dead
  idle      CPU and memory of each host while nothing happens
  kill      one is killed: until every other host has noticed
  stop      one is stopped (SIGSTOP): until calls for its ids go on, and what the others' calls take meanwhile
  rollout   every host is restarted, five at a time, under load: failed calls, and the longest
  upgrade   all begin with another version of ringside (--from PROGRAM); a rollout to this one, and one back

Each host is a process with default settings, at an address of its own on loopback, and lists all the others. Further
options go to every sidecar. One process is the app of all of them, so that what is measured is the sidecars' own CPU.
"""
import argparse
import json
import os
import pathlib
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/integration"))
import cluster as real  # noqa: E402
import ports  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
POLL = 0.25         # how often all hosts are asked how they are
FOR_GOOD = 5        # so long nothing may have changed
PATIENCE = 180
SCENARIOS = ("storm", "idle", "kill", "stop", "rollout", "upgrade")


def serve_apps(count, port):
    """Answers 200 to everything: enough for health checks, turns and deactivations, at next to no cost."""
    poll = selectors.DefaultSelector()
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"
    for n in range(count):
        listener = socket.create_server((address(n), port), backlog=128)
        listener.setblocking(False)
        poll.register(listener, selectors.EVENT_READ, None)
    print("ready", flush=True)
    while True:
        for key, _ in poll.select():
            if key.data is None:
                connection, _ = key.fileobj.accept()
                poll.register(connection, selectors.EVENT_READ, bytearray())
                continue
            try:
                data = key.fileobj.recv(65536)
            except OSError:
                data = b""
            if not data:
                poll.unregister(key.fileobj)
                key.fileobj.close()
                continue
            key.data.extend(data)
            while (end := key.data.find(b"\r\n\r\n")) >= 0:
                head = bytes(key.data[:end]).lower()
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
                if len(key.data) < end + 4 + length:
                    break
                del key.data[:end + 4 + length]
                key.fileobj.send(answer)


def address(n):
    return f"127.20.{n // 200}.{n % 200 + 1}"


class Host:
    def __init__(self, cluster, n):
        self.cluster, self.n, self.child = cluster, n, None
        self.name, self.local, self.admin, self.app = (f"{address(n)}:{port}" for port in cluster.ports)

    def start(self):
        others = [word for other in self.cluster.hosts if other is not self for word in ("--join", other.name)]
        log = open(self.cluster.directory / f"{self.n}.log", "ab")
        self.child = subprocess.Popen(
            [*real.DIES_WITH_US, self.cluster.program, "serve", "--host", self.name, "--peer", self.name,
             "--local", self.local, "--admin", self.admin, "--app", f"http://{self.app}", *others, *self.cluster.flags],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=real.environment())
        log.close()

    def get(self, path):
        return real.request(self.admin, "GET", path, timeout=5).body.decode()

    def status(self):
        try:
            return json.loads(self.get("/status"))
        except OSError:
            return None

    def metrics(self, *names):
        page = self.get("/metrics").splitlines()
        return [sum(float(line.rsplit(" ", 1)[1]) for line in page if line.split("{")[0].split(" ")[0] == name) for name in names]

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_mb(self):
        return int(pathlib.Path(f"/proc/{self.child.pid}/statm").read_text().split()[1]) * PAGE / 1e6

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))

    def is_settled(self, hosts):
        status = self.status()
        return bool(status) and status["settled"] and status["phase"] == "ready" and sum(
            member["on_ring"] for member in status["members"]) == hosts


class Cluster:
    def __init__(self, count, program, flags=(), apps=None):
        """apps: starts one process that is the app at all the given addresses, and returns it."""
        self.count, self.program, self.flags = count, program, list(flags)
        self.ports = [ports.reserve() for _ in range(4)]  # of a host's peer, local and admin listener, and its app
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ringside-scale-"))
        self.hosts = [Host(self, n) for n in range(count)]
        self.apps = apps([host.app for host in self.hosts]) if apps else self.cheapest_apps()

    def cheapest_apps(self):
        apps = subprocess.Popen([*real.DIES_WITH_US, sys.executable, __file__, "--serve-apps", str(self.count),
                                 str(self.ports[-1])], stdout=subprocess.PIPE, text=True)
        assert apps.stdout.readline().strip() == "ready"
        return apps

    def start(self):
        began = time.monotonic()
        for host in self.hosts:
            host.start()
        return began

    def wait_until_settled(self, hosts=None, for_good=FOR_GOOD):
        """When all of them were first settled for as long as `for_good`, and the CPU seconds of each until then."""
        hosts = hosts or self.hosts
        since, cpu, end = None, [], time.monotonic() + PATIENCE
        while time.monotonic() < end:
            looked = time.monotonic()
            late = next((host for host in hosts if not host.is_settled(len(hosts))), None)
            if late is None:
                if since is None:
                    since, cpu = looked, [host.cpu_seconds() for host in hosts]
                if looked - since >= for_good:
                    return since, cpu
            else:
                since = None
            threading.Event().wait(POLL)
        told = (self.directory / f"{late.n}.log").read_text().splitlines()[-10:] if late else ["all are, now and then"]
        raise SystemExit(f"not settled within {PATIENCE} s; {late.name if late else 'hosts'}:\n" + "\n".join(told))

    def restart(self):
        """All of them, five at a time and the next when those are back. Gives each batch before it ends."""
        at_once = min(5, max(1, self.count // 4))
        for first in range(0, self.count, at_once):
            batch = self.hosts[first:first + at_once]
            yield batch
            for host in batch:
                host.child.terminate()
            for host in batch:
                host.child.wait()
                host.start()
            self.wait_until_settled(for_good=0)

    def taken_for_dead(self):
        """How often any process of any host has said so of another."""
        return sum(line.count("event=member_gone") and line.count("why=silent")
                   for host in self.hosts for line in (self.directory / f"{host.n}.log").read_text().splitlines())

    def sum(self, *names):
        return [sum(values) for values in zip(*(host.metrics(*names) for host in self.hosts))]

    def end(self):
        for host in self.hosts:
            if host.child and host.child.poll() is None:
                host.child.send_signal(signal.SIGCONT)
                host.child.kill()
                host.child.wait()
        self.apps.kill()
        self.apps.wait()
        for path in self.directory.iterdir():
            path.unlink()
        self.directory.rmdir()


class Load:
    """Callers that each wait for an answer before the next call: of any host, for ids of any owner."""

    def __init__(self, cluster, callers=4, pause=0.005, hosts=None):
        self.hosts, self.pause, self.over = hosts or cluster.hosts, pause, threading.Event()
        self.failed, self.answers = [], []  # of each: when it was asked, how long it took, its id, and its owner
        self.called, self.away, self.news = [], set(), threading.Condition()
        self.threads = [threading.Thread(target=self.call, args=(n,), daemon=True) for n in range(callers)]
        for thread in self.threads:
            thread.start()

    def call(self, caller):
        count = caller
        while not self.over.wait(self.pause):
            count += 7
            host, actor = self.hosts[count % len(self.hosts)], count % 1000 + 1
            with self.news:
                if host in self.away:
                    continue
                self.called.append(host)
            began, owner, failure = time.monotonic(), None, None
            try:
                answer = real.request(host.local, "POST", f"/v1/actors/{actor}/method/touch", b"{}")
                owner = answer.headers.get("ringside-owner")
                if answer.status != 200:
                    failure = f"{answer.status} {answer.body[:200]!r}"
            except OSError as error:
                failure = repr(error)
            took = time.monotonic() - began
            with self.news:
                self.called.remove(host)
                self.answers.append((began, took, actor, owner))
                if failure:
                    self.failed.append(f"host {host.n}, id {actor}, after {took * 1000:.0f} ms: {failure}")
                self.news.notify_all()

    def spare(self, hosts):
        """Calls these hosts no more, as whoever balances the load does with pods that are about to end."""
        with self.news:
            self.away = set(hosts)
            self.news.wait_for(lambda: not self.away.intersection(self.called))

    def longest(self):
        return max(took for _, took, _, _ in self.answers)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self


def storm(cluster):
    began = cluster.start()
    settled, cpu = cluster.wait_until_settled()
    verdicts, rejoins, stalls = cluster.sum("ringside_verdicts_total", "ringside_rejoins_total", "ringside_stalls_total")
    return {"settled_s": round(settled - began, 2), "cpu_ms_per_host": round(1000 * statistics.mean(cpu)),
            "taken_for_dead": int(verdicts), "rejoins": int(rejoins), "stalls": int(stalls)}


def idle(cluster, seconds=20):
    before, began = [host.cpu_seconds() for host in cluster.hosts], time.monotonic()
    threading.Event().wait(seconds)  # what is measured is the passing of time
    took = time.monotonic() - began
    cpu = [100 * (host.cpu_seconds() - then) / took for host, then in zip(cluster.hosts, before)]
    return {"idle_cpu_percent_per_host": round(statistics.mean(cpu), 3),
            "resident_mb": round(statistics.mean(host.resident_mb() for host in cluster.hosts), 1),
            "descriptors": round(statistics.mean(host.descriptors() for host in cluster.hosts))}


def has_noticed(host, gone):
    status = host.status()
    return status is not None and all(member["host"] != gone.name or not member["on_ring"] for member in status["members"])


def kill(cluster):
    gone, others = cluster.hosts[-1], cluster.hosts[:-1]
    began = time.monotonic()
    gone.child.kill()
    gone.child.wait()
    left = others
    while left:
        left = [host for host in left if not has_noticed(host, gone)]
    noticed = time.monotonic()
    gone.start()
    cluster.wait_until_settled()
    return {"noticed_by_all_s": round(noticed - began, 4)}


def stop(cluster):
    frozen, others = cluster.hosts[-1], cluster.hosts[:-1]
    generations = [host.status()["generation"] for host in others]
    load = Load(cluster, hosts=others, callers=8)
    threading.Event().wait(10)  # every id is called a few times, so that it is known whose it is
    owned = {actor for _, _, actor, owner in load.answers if owner == frozen.name}
    began = time.monotonic()
    frozen.child.send_signal(signal.SIGSTOP)
    threading.Event().wait(6)  # longer than a death takes
    load.stop()
    frozen.child.send_signal(signal.SIGCONT)
    same = [host.status()["generation"] for host in others] == generations
    slow = [(at - began, took, actor) for at, took, actor, _ in load.answers if at >= began and took > 0.25]
    cluster.wait_until_settled()
    return {"calls": len(load.answers), "ids_of_the_stopped": len(owned), "failed": len(load.failed),
            "calls_for_others_above_250ms": sum(actor not in owned for _, _, actor in slow),
            "its_ids_are_served_after_s": round(max((at + took for at, took, actor in slow if actor in owned), default=0), 2),
            "others_keep_their_generation": same, "failures": load.failed[:3]}


def rollout(cluster):
    load = Load(cluster)
    began = time.monotonic()
    for batch in cluster.restart():
        load.spare(batch)
    took = time.monotonic() - began
    load.stop()
    return {"rollout_s": round(took, 1), "calls": len(load.answers), "failed": len(load.failed),
            "longest_call_ms": round(1000 * load.longest()), "failures": load.failed[:3]}


def upgrade(cluster):
    before, results = cluster.program, {}
    for way, program in (("upgrade", real.RINGSIDE), ("back", before)):
        cluster.program = program
        results |= {f"{way}_{key}": value for key, value in rollout(cluster).items()}
        verdicts, rejoins = cluster.sum("ringside_verdicts_total", "ringside_rejoins_total")
        results |= {f"{way}_taken_for_dead": int(verdicts), f"{way}_rejoins": int(rejoins)}
    return results


def main():
    parser = argparse.ArgumentParser(prog="./run scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; none: storm and idle")
    parser.add_argument("--hosts", type=int, default=60)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--from", dest="before", metavar="PROGRAM", help="of upgrade: ringside as the hosts have it at first")
    parser.add_argument("--serve-apps", type=int, nargs=2, metavar=("COUNT", "PORT"), help=argparse.SUPPRESS)
    options, flags = parser.parse_known_args()
    if options.serve_apps:
        return serve_apps(*options.serve_apps)
    wanted = options.scenarios or ["storm", "idle"]
    if unknown := [one for one in wanted if one not in SCENARIOS]:
        parser.error(f"there is no scenario {unknown[0]!r}; there are {', '.join(SCENARIOS)}")
    if ("upgrade" in wanted) != bool(options.before):
        parser.error("upgrade, and it alone, takes --from PROGRAM: ringside as the hosts have it at first")
    if options.before and not os.access(options.before, os.X_OK):
        parser.error(f"--from {options.before}: not a program that can be run")
    for _ in range(options.runs):
        cluster = Cluster(options.hosts, options.before or real.RINGSIDE, flags)
        try:
            results = {"hosts": options.hosts} | storm(cluster)
            for scenario in wanted:
                if scenario != "storm":
                    results |= globals()[scenario](cluster)
        finally:
            cluster.end()
        print(json.dumps(results) if options.json else "\n".join(f"{key:32} {value}" for key, value in results.items()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
