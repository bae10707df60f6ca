"""What the scenarios run on: sidecars, apps and callers, each a process of its own, in network namespaces where a cut needs them."""
import contextlib
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE.parents[1] / "bench")]
import cluster  # noqa: E402
import ports  # noqa: E402
import scale  # noqa: E402
import verdict  # noqa: E402

SPACES = itertools.count()
CGROUPS = pathlib.Path("/sys/fs/cgroup")


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)


class Child(cluster.Process):
    """A process, perhaps in a network namespace."""

    def __init__(self, command, space=None, **env):
        super().__init__(([] if space is None else ["nsenter", f"--net=/run/netns/{space}"]) + command, **env)

    def send(self, *signals):
        for one in signals:
            self.child.send_signal(one)


class App:
    def __init__(self, world, space=None, work=("1",), addresses=None):
        self.world, self.space, self.work, self.deaths = world, space, work, []
        self.addresses = addresses or [f"127.0.0.1:{ports.reserve()}"]
        self.url = f"http://{self.addresses[0]}"
        self.record = world.directory / f"app{len(world.apps)}.record"
        world.apps.append(self)
        self.start()

    def start(self):
        self.process = self.world.keep(Child([sys.executable, str(HERE / "app.py"), str(self.record), ",".join(self.addresses),
                                              *self.work], self.space))
        self.process.line("listening")

    def end(self, how=signal.SIGKILL):
        self.process.send(how)
        self.process.wait()
        self.deaths.append(time.monotonic())

    def told(self):
        """(id or "all", time) of each order to end activations, and the begins of all turns."""
        turns, _, told = verdict.read_app(self.record)
        return told, sorted(turn[1] for actor in turns.values() for twins in actor.values() for turn in twins)


class Host:
    """A sidecar, beside an app or (without one) as a gateway that owns nothing."""

    def __init__(self, world, flags=(), app=True, join=(), address="127.0.0.1", port=None, space=None, limits=None):
        self.world, self.flags, self.join, self.address, self.space = world, list(flags), list(join), address, space
        self.limits = limits
        self.app = App(world, space) if app is True else app
        self.peer = f"{address}:{port or ports.reserve()}"
        self.generations = 0
        self.start()

    def start(self, join=None):
        command = [cluster.RINGSIDE, "serve", "--host", self.address, "--peer", self.peer, "--local", "127.0.0.1:0",
                   "--admin", f"{'0.0.0.0' if self.space else '127.0.0.1'}:0"]
        for one in self.join if join is None else join:
            command += ["--join", one.name if isinstance(one, Host) else one]
        if self.app:
            command += ["--app", self.app.url]
        command = (self.limits or []) + command
        self.process = self.world.keep(Child(command + self.flags, self.space))
        line = self.process.line(r"event=start .*announced=(\S+) peer=(\S+) local=(\S+) admin=(\S+)")
        self.name, self.peer, self.local, admin = line.groups()
        self.admin = admin.replace("0.0.0.0", self.address)
        self.generations += 1
        return self

    def get(self, path, timeout=cluster.PATIENCE):
        return cluster.request(self.admin, "GET", path, timeout=timeout)

    def status(self):
        return json.loads(self.get("/status").body)

    def metric(self, name):
        page = self.get("/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(name))

    def on_ring(self):
        return sorted(one["host"] for one in self.status()["members"] if one["on_ring"])

    def ready(self):
        cluster.until(lambda: self.get("/readyz").status == 200, f"{self.name} is ready")
        return self

    def pids(self):
        return [self.process.child.pid] + ([self.app.process.child.pid] if self.app else [])

    def terminate(self):
        """As Kubernetes does where a preStop hook waits for /drained: the app outlives the sidecar."""
        self.process.send(signal.SIGTERM)
        assert self.process.wait() == 0, "".join(self.process.lines[-20:])

    def log(self, pattern):
        return [line for line in self.process.lines if re.search(pattern, line)]


class Load:
    def __init__(self, world, hosts, **options):
        self.record = world.directory / f"load{len(world.loads)}.record"
        world.loads.append(self)
        words = [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", str(value))]
        if "seed" not in options:
            words += ["--seed", str(world.seed)]
        self.process = world.keep(Child([sys.executable, str(HERE / "load.py"), str(self.record),
                                         ",".join(host.local for host in hosts), *words], hosts[0].space))
        cluster.until(lambda: self.record.exists() and self.record.stat().st_size, "the first answer")

    def answers(self):
        return self.record.read_bytes().count(b"\n")

    def more(self, count):
        goal = self.answers() + count
        cluster.until(lambda: self.answers() >= goal, "the load goes on")

    def stop(self):
        if self.process.alive():
            self.process.send(signal.SIGTERM)
            assert self.process.wait() == 0, "".join(self.process.lines[-20:])


class World:
    """short: fewer hosts and shorter waits. count: this many hosts, where a scenario has many. before: ringside of an earlier version."""

    def __init__(self, seed=1, short=False, keep=None, count=None, before=None):
        self.seed, self.short, self.keep_at, self.count, self.before = seed, short, keep, count, before
        self.directory = pathlib.Path(keep or tempfile.mkdtemp(prefix="ringside-chaos-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self.made, self.apps, self.loads, self.hosts, self.frozen, self.undo, self.split = [], [], [], [], [], [], None
        self.began = time.monotonic()

    def keep(self, process):
        self.made.append(process)
        return process

    def keep_plain(self, thing):
        """What is not a process and has to be closed."""
        self.undo.append(thing.kill)
        return thing

    def host(self, *flags, **options):
        host = Host(self, flags, **options)
        self.hosts.append(host)
        return host

    def cluster(self, count, *flags, gateway=True, **options):
        """Hosts with apps, and last a gateway."""
        hosts = []
        for n in range(count + gateway):
            more = {"app": False} if n == count else {}
            hosts.append(self.host(*flags, join=hosts[:1], **options, **more).ready())
        for host in hosts:
            host.join = [other for other in hosts if other is not host]
        self.settled(hosts)
        return hosts

    def many(self, most, fewest, program=None):
        """A cluster of `most` hosts that start together, of bench/scale.py; in the short form of `fewest`. And when they began."""
        count = self.count or (fewest if self.short else most)
        made = scale.Cluster(count, program or scale.real.RINGSIDE, apps=lambda addresses: App(self, addresses=addresses).process.child)
        self.undo.append(made.end)
        return made, made.start()

    def gateway(self, many):
        """A host without an app beside them, which stays as it is."""
        return self.host(app=False, join=[host.name for host in many.hosts[:3]]).ready()

    def settled(self, hosts, on_ring=None):
        names = sorted(host.name for host in (on_ring or hosts) if host.app)
        for host in hosts:
            def right(one=host):
                status = one.status()
                return status["settled"] and sorted(m["host"] for m in status["members"] if m["on_ring"]) == names
            cluster.until(right, f"{host.name} sees {names}, settled")

    def load(self, *hosts, **options):
        return Load(self, hosts, **options)

    def rest(self, seconds):
        """So long the event lasts; its length belongs to the scenario, nothing is awaited by it."""
        threading.Event().wait(seconds)

    @contextlib.contextmanager
    def stopped(self, host):
        begin = time.monotonic()
        for pid in host.pids():
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in host.pids():
                os.kill(pid, signal.SIGCONT)
            if host.app:
                self.frozen.append((str(host.app.record), begin, time.monotonic()))

    def spaces(self, count):
        """Network namespaces on one bridge; (name, address, function that cuts or heals it). Those that are cut off hear one another."""
        tag = f"{os.getpid() % 0xffff:x}{next(SPACES):x}"  # a deleted one goes in its own time
        bridge, island, made = f"rs{tag}b", f"rs{tag}i", []
        net = f"10.{64 + os.getpid() % 64}.{os.getpid() // 64 % 250}"
        for one in (bridge, island):
            ip("link", "add", one, "type", "bridge")
            self.undo.append(lambda one=one: ip("link", "del", one))
        ip("addr", "add", f"{net}.254/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        ip("link", "set", island, "up")
        for n in range(count):
            space, veth = f"ringside-{tag}-{n}", f"rs{tag}v{n}"
            ip("netns", "add", space)
            self.undo.append(lambda one=space: ip("netns", "del", one))
            ip("link", "add", veth, "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("link", "set", veth, "master", bridge, "up")
            for words in (("link", "set", "lo", "up"), ("addr", "add", f"{net}.{n + 1}/24", "dev", "eth0"),
                          ("link", "set", "eth0", "up")):
                ip("-n", space, *words)
            # Plugged into the other bridge: silence, as where a switch dies. (The link itself stays up, so that no host is told.)
            self.undo.append(lambda one=veth: ip("link", "del", one))
            made.append((space, f"{net}.{n + 1}", lambda cut, one=veth: ip("link", "set", one, "master", island if cut else bridge)))
        return made

    @contextlib.contextmanager
    def starved(self, hosts, share=0.05, period=0.5):
        """Every process of these hosts gets that share of one core in each period."""
        pids = [pid for host in hosts for pid in host.pids()]
        limits = []
        for pid in pids:
            limit = starving_cgroup(f"ringside-chaos-{os.getpid()}-{pid}", share, period)
            if limit:
                limits.append(limit)
                (limit / "cgroup.procs").write_text(str(pid))
        beats = None if limits else subprocess.Popen([sys.executable, __file__, str(share), str(period), *map(str, pids)])
        try:
            yield "cgroup" if limits else "SIGSTOP"
        finally:
            if beats:
                beats.send_signal(signal.SIGTERM)
                beats.wait()
            for limit in limits:
                for pid in (limit / "cgroup.procs").read_text().split():
                    (limit.parent / "cgroup.procs").write_text(pid)
                limit.rmdir()

    def memory_group(self, mib):
        """A command's beginning that lets it have so much memory; None where this machine lets us make no such group."""
        v2 = CGROUPS / "cgroup.controllers"
        group = (CGROUPS if v2.exists() else CGROUPS / "memory") / f"ringside-chaos-{os.getpid()}-{next(SPACES)}"
        try:
            group.mkdir()
            self.undo.append(group.rmdir)
            (group / ("memory.max" if v2.exists() else "memory.limit_in_bytes")).write_text(str(mib << 20))
        except OSError:
            return None
        return ["sh", "-c", f'echo $$ >"{group}/cgroup.procs" && exec "$0" "$@"']

    def verdict(self):
        for load in self.loads:
            load.stop()
        result = verdict.judge([load.record for load in self.loads], [(str(app.record), app.deaths) for app in self.apps], self.frozen, self.split)
        return {"seed": self.seed, "seconds": round(time.monotonic() - self.began, 1)} | result

    def close(self):
        for thing in reversed(self.made):
            if thing.alive():
                thing.child.send_signal(signal.SIGCONT)
            thing.kill()
        for step in reversed(self.undo):
            step()
        if self.keep_at:
            for n, thing in enumerate(self.made):
                (self.directory / f"process{n}.log").write_text(" ".join(thing.child.args) + "\n" + "".join(thing.lines))
        else:
            for path in self.directory.iterdir():
                path.unlink()
            self.directory.rmdir()


def starving_cgroup(name, share, period):
    """A group whose processes get so much of one core; None where this machine lets us make none (then signals do it)."""
    v2 = CGROUPS / "cgroup.controllers"
    root = CGROUPS if v2.exists() else CGROUPS / "cpu"
    try:
        group = root / name
        group.mkdir()
    except OSError:
        return None
    quota, whole = round(share * period * 1e6), round(period * 1e6)
    try:
        if v2.exists():
            (group / "cpu.max").write_text(f"{quota} {whole}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(whole))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        return group
    except OSError:
        group.rmdir()
        return None


def beat(share, period, pids):
    """The same by signals: each process goes for a part of the period and stands for the rest."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    while not ended.is_set():
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        ended.wait(share * period)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        ended.wait((1 - share) * period)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    beat(float(sys.argv[1]), float(sys.argv[2]), [int(one) for one in sys.argv[3:]])
