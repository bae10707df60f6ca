"""Real sidecars on loopback, for tests: ports from the start line, and waiting for events with a bound, never for time."""
import collections
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import apps
import ports

PATIENCE = 20 * int(os.environ.get("PATIENCE_FACTOR", 1))  # the bound of every wait; nothing ever takes so long unless it is broken
ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD_UNDER_TEST", ROOT / "build/release"))
RINGSIDE = os.environ.get("RINGSIDE_UNDER_TEST", str(BUILD / "bin/ringside"))
STRING = "type.googleapis.com/google.protobuf.StringValue"
DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL", "--"]  # not in preexec_fn: Python may hang there, as gRPC has threads

Answer = collections.namedtuple("Answer", "status headers body")


def environment(**more):
    return {k: v for k, v in os.environ.items() if not k.startswith(("RINGSIDE_", "POD_IP"))} | more


class Process:
    def __init__(self, command, **env):
        self.lines, self.news, self.ended = [], threading.Condition(), False
        self.child = subprocess.Popen([*DIES_WITH_US, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                      errors="replace", stdin=subprocess.DEVNULL, env=environment(**env))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stderr:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def line(self, pattern, after=0):
        """The first line that matches, of those from number `after` on."""
        def find():
            return next((m for m in map(re.compile(pattern).search, self.lines[after:]) if m), None)
        with self.news:
            self.news.wait_for(lambda: find() or self.ended, PATIENCE)
            assert find(), f"no line {pattern!r} in:\n" + "".join(self.lines[-30:])
            return find()

    def alive(self):
        return self.child.poll() is None

    def wait(self):
        return self.child.wait(PATIENCE)

    def kill(self):
        if self.alive():
            self.child.kill()
        self.child.wait()


def request(address, method, path, body=None, headers=None, timeout=PATIENCE):
    """address: host:port, or unix:PATH."""
    if address.startswith("unix:"):
        connection = http.client.HTTPConnection("localhost", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        connection.sock.connect(address[5:])
    else:
        connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def until(condition, what):
    """For what cannot be waited for: looks again and again, up to the bound."""
    end = time.monotonic() + PATIENCE
    while True:
        seen = condition()
        if seen:
            return seen
        assert time.monotonic() < end, f"never: {what}"
        threading.Event().wait(0.02)


def counted(answer):
    """What an app that counts has said."""
    assert answer.status == 200, answer
    return json.loads(answer.body)


class Sidecar(Process):
    def __init__(self, *flags, app=None, host="127.0.0.1", peer=None, join=(), local=("127.0.0.1:0",), descriptors=None,
                 binary=RINGSIDE, **env):
        """peer: where it listens for its peers; one of that name may come back there."""
        peer = peer or ports.address()
        limited = ["prlimit", f"--nofile={descriptors}:{descriptors}"] if descriptors else []
        command = [*limited, binary, "serve", "--host", host, "--peer", peer, "--admin", "127.0.0.1:0"]
        for one in local:
            command += ["--local", one]
        for one in join:
            command += ["--join", getattr(one, "name", one)]
        if app:
            command += ["--app", getattr(app, "url", app)]
        self.app, self.command = app, command + list(flags)
        super().__init__(self.command, **env)
        start = self.line(r"event=start .*announced=(\S+) peer=(\S+) local=(\S+) admin=(\S+)")
        self.name, self.peer, locals_, self.admin = start.groups()
        self.locals = locals_.strip('"').split(",")
        self.local = self.locals[0]

    def ask(self, method, path, body=None, headers=None, **more):
        return request(self.local, method, path, body, headers, **more)

    def json(self, path):
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def call(self, actor, path="add", body=b"", method="POST", **headers):
        return self.ask(method, f"/v1/actors/{actor}/method/{path}", body,
                        {key.replace("_", "-"): value for key, value in headers.items()})

    def apply(self, actor, *values, **headers):
        body = json.dumps({"messages": [{"@type": STRING, "value": value} for value in values]})
        given = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.ask("POST", f"/v1/actors/{actor}/apply", body, {"content-type": "application/json"} | given)

    def admin_get(self, path):
        return request(self.admin, "GET", path)

    def metric(self, name):
        """The sum of the rows of one metric whose line starts like this."""
        page = self.admin_get("/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(name))

    def cli(self, *words, stdin=None):
        return subprocess.run([RINGSIDE, *words, "--local", self.local], capture_output=True, text=True,
                              input=stdin, timeout=60, env=environment())

    def on_ring(self):
        return sorted(one["host"] for one in self.json("/v1/members")["members"] if one["on_ring"])

    def ready(self):
        until(lambda: self.admin_get("/readyz").status == 200, f"{self.name} is ready")
        return self

    def well(self):
        """Alive, and serves."""
        assert self.alive(), "".join(self.lines[-30:])
        assert self.admin_get("/livez").status == 200
        if self.app:
            answer = self.call(4242)
            assert answer.status == 200, answer


class World:
    """What one test runs."""

    def __init__(self, directory, speaks="http"):
        """speaks: the apps, http or h2c."""
        self.directory, self.made, self.speaks = directory, [], speaks

    def keep(self, thing):
        self.made.append(thing)
        return thing

    def app(self, **options):
        if self.speaks == "h2c":
            import h2c_app  # not everybody who makes a world has what it takes
            return self.keep(h2c_app.H2cApp(**options))
        return self.keep(apps.HttpApp(**options))

    def sidecar(self, *flags, **options):
        return self.keep(Sidecar(*flags, **options))

    def host(self, *flags, **options):
        """A ready sidecar beside an app of its own."""
        app = options.pop("app", None) or self.app()
        return self.sidecar(*flags, app=app, **options).ready()

    def cluster(self, count, *flags, **options):
        hosts = []
        for _ in range(count):
            hosts.append(self.host(*flags, join=list(hosts), **options))
        settled(hosts)
        return hosts

    def close(self):
        for thing in reversed(self.made):
            thing.kill()
        for thing in self.made:
            lines = "".join(getattr(thing, "lines", []))
            assert not re.search(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: ", lines), lines


def settled(viewers, members=None):
    names = sorted(host.name for host in (members or viewers))
    for viewer in viewers:
        until(lambda v=viewer: v.on_ring() == names and v.json("/v1/members")["settled"],
              f"{viewer.name} sees {names}, all settled")


class Load:
    """Callers that go on until told; each keeps its own actors, so that order per caller can be checked."""

    def __init__(self, hosts, callers=6, actors_each=10):
        self.hosts, self.stopping = hosts, threading.Event()
        self.answers, self.not_applied, self.news = [], [], threading.Condition()
        self.pool = concurrent.futures.ThreadPoolExecutor(callers)
        self.running = [self.pool.submit(self._caller, n, actors_each) for n in range(callers)]

    def _caller(self, caller, actors_each):
        number = 0
        while not self.stopping.is_set():
            actor = caller * actors_each + number % actors_each + 1
            host = self.hosts[number % len(self.hosts)]
            name = f"{caller}.{number}"
            try:
                answer = host.apply(actor, name)
                outcome = answer.headers["ringside-outcome"] or "unknown"
                why = answer.body if outcome != "applied" else b""
            except (OSError, http.client.HTTPException) as error:
                outcome, why = "unknown", repr(error)
            if outcome != "applied":
                self.not_applied.append((name, actor, host.name, outcome, why))
            with self.news:
                self.answers.append((caller, number, actor, name, outcome))
                self.news.notify_all()
            number += 1

    def more(self, count):
        """Waits for so many more answers."""
        with self.news:
            goal = len(self.answers) + count
            assert self.news.wait_for(lambda: len(self.answers) >= goal, PATIENCE), "the load goes on"

    def stop(self):
        self.stopping.set()
        self.pool.shutdown()
        for one in self.running:
            one.result()
        return self.answers

    def kill(self):
        """For a World that keeps it: a test that fails before stop() would leave it running for ever."""
        self.stopping.set()
        self.pool.shutdown()

    def outcomes(self):
        return collections.Counter(one[4] for one in self.answers)


def judge(answers, *given_apps):
    """What every cluster must keep, from the apps' own records: activations of one actor never overlap and their epochs
    grow; what was applied is there exactly once, what was surely not delivered is not; each caller's order is kept."""
    turns = [turn for app in given_apps for turn in app.turns()]
    by_actor = collections.defaultdict(list)
    seen = collections.Counter()
    for turn in turns:
        by_actor[turn.actor].append(turn)
        seen.update(turn.values)
    for actor, list_ in by_actor.items():
        list_.sort(key=lambda turn: turn.start)
        for before, after in zip(list_, list_[1:]):
            assert before.epoch <= after.epoch, f"epochs of {actor} grow: {before}, {after}"
            assert before.end <= after.start, f"turns of {actor} never overlap: {before}, {after}"
            if before.app != after.app:
                assert before.epoch < after.epoch, f"another host, another epoch: {before}, {after}"
    for _, _, _, name, outcome in answers:
        if outcome == "applied":
            assert seen[name] == 1, f"{name} was applied and arrived {seen[name]} times"
        elif outcome in ("not-delivered", "overloaded", "expired", "invalid"):
            assert seen[name] == 0, f"{name} was {outcome} and arrived"
    orders = collections.defaultdict(list)
    for actor, list_ in by_actor.items():
        for turn in list_:
            for value in turn.values:
                caller, _, number = value.partition(".")
                if number.isdigit():
                    orders[actor, caller].append(int(number))
    for key, order in orders.items():
        assert order == sorted(order), f"order kept for {key}"
