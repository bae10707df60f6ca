#!/usr/bin/env python3
"""./run demo: three sidecars beside three apps on loopback. Whatever it prints as done was checked; the first statement
that does not hold ends it with exit status 1. Nothing is left running."""
import argparse
import collections
import concurrent.futures
import ctypes
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/integration"))
import ports  # noqa: E402

EXAMPLES = ROOT / "examples"
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable  # Debian's has gRPC
IDS, CALLS, CALLERS, PATIENCE = 300, 3000, 12, 20
ENDS = {signal.SIGINT, signal.SIGTERM}
LIBC = ctypes.CDLL(None)
STRING = "type.googleapis.com/google.protobuf.StringValue"


class Failed(Exception):
    pass


def check(holds, statement):
    if not holds:
        raise Failed(statement)


def say(text=""):
    print(text, flush=True)


def step(text):
    say(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")


def done(text):
    say(f"   ok  {text}")


class Process:
    """A child with its lines; gone when this process is, however it ends."""

    def __init__(self, command, log, **environment):
        self.log, self.lines, self.news = log, [], threading.Condition()
        self.child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            start_new_session=True, preexec_fn=lambda: LIBC.prctl(1, signal.SIGKILL),
            env={k: v for k, v in os.environ.items() if not k.startswith("RINGSIDE_")} | environment)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with open(self.log, "a") as copy:
            for line in self.child.stdout:
                copy.write(line)
                copy.flush()
                with self.news:
                    self.lines.append(line)
                    self.news.notify_all()
        with self.news:
            self.lines.append("")
            self.news.notify_all()

    def first(self, pattern):
        find = lambda: next((m for m in map(re.compile(pattern).search, self.lines) if m), None)
        with self.news:
            self.news.wait_for(lambda: find() or "" in self.lines, PATIENCE)
            check(find(), f"{self.log.name} says {pattern!r}; it said:\n" + "".join(self.lines[-20:]))
            return find()

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()


class Host:
    """One sidecar and its app."""

    def __init__(self, number, app, ringside, directory):
        self.language, self.scheme, self.command = app
        self.number, self.ringside, self.directory = number, ringside, directory
        self.record = directory / f"record-{number}"
        self.name, self.processes = ports.address(), []

    def start(self, join):
        log = self.directory / f"app-{self.number}.log"
        self.app = Process(self.command, log, PORT="0", RECORD=str(self.record))
        self.processes.append(self.app)
        port = self.app.first(r"listening on (\d+)")[1]
        command = [self.ringside, "serve", "--host", "127.0.0.1", "--peer", self.name, "--local", "127.0.0.1:0",
                   "--admin", "127.0.0.1:0", "--app", f"{self.scheme}://127.0.0.1:{port}"]
        for one in join:
            command += ["--join", one]
        self.sidecar = Process(command, self.directory / f"sidecar-{self.number}.log")
        self.processes.append(self.sidecar)
        line = self.sidecar.first(r"event=start .*announced=(\S+) .*local=(\S+) admin=(\S+)")
        self.name, self.local, self.admin = line.groups()

    def kill(self):
        for process in self.processes:
            process.kill()
        self.processes = []

    def get(self, path, address=None):
        connection = http.client.HTTPConnection(address or self.local, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def json(self, path):
        status, body = self.get(path)
        check(status == 200, f"{self.name} answers {path}: {status} {body}")
        return json.loads(body)

    def actors(self):
        ids, token = {}, ""
        while True:
            page = self.json(f"/v1/actors?limit=1000&page_token={token}")
            ids.update({actor["id"]: actor["epoch"] for actor in page["actors"]})
            token = page["next_page_token"]
            if not token:
                return ids

    def cli(self, *words):
        return subprocess.run([self.ringside, *words, "--local", self.local], capture_output=True, text=True,
                              timeout=60)

    def records(self):
        if not self.record.exists():
            return []
        return [line.split() for line in self.record.read_text().splitlines()]


class Demo:
    def __init__(self, hosts):
        self.hosts, self.number, self.sent, self.lock = hosts, 0, 0, threading.Lock()
        self.local = threading.local()

    def settled(self, hosts, members):
        """Every one of the hosts sees just these members, all of them ready."""
        names = sorted(host.name for host in members)
        until = time.monotonic() + PATIENCE
        for host in hosts:
            version = ""
            while True:
                view = host.json(f"/v1/members?wait={version}" if version else "/v1/members")
                ready = sorted(one["host"] for one in view["members"] if one["on_ring"])
                if ready == names and view["settled"]:
                    break
                check(time.monotonic() < until, f"{host.name} sees {names}; it sees {view}")
                # Some things that settled looks at are not the view's: look again soon.
                version = view["version"] if ready != names else ""
                threading.Event().wait(0.02)

    def call(self, host, actor):
        """One batch of one message, which names the call. Answers what the app answered."""
        with self.lock:
            self.number += 1
            name = f"call-{self.number}"
        pool = self.local.__dict__.setdefault("pool", {})
        connection = pool.get(host.local) or http.client.HTTPConnection(host.local, timeout=PATIENCE)
        pool[host.local] = connection
        body = json.dumps({"messages": [{"@type": STRING, "value": name}]})
        try:
            connection.request("POST", f"/v1/actors/{actor}/apply", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            pool.pop(host.local)
            raise Failed(f"call {name} for {actor} at {host.name}: {error!r}") from error
        check(answer.status == 200, f"{name} for {actor} at {host.name} is applied; the answer was {answer.status} {text}")
        reply = json.loads(text)["replies"][0]["value"]
        return {"name": name, "owner": answer.headers["ringside-owner"], "epoch": int(reply["epoch"]),
                "count": int(reply["count"]), "app": reply["app"], "id": str(actor)}

    def calls(self, work):
        """work: (host, id) pairs; CALLERS at a time."""
        with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
            return list(pool.map(lambda pair: self.call(*pair), work))

    def arrived_once(self, answers, hosts=None):
        """Each of these calls stands once in the apps' own records, at the app of the host that answered."""
        seen = collections.defaultdict(list)
        for host in hosts or self.hosts:
            for actor, epoch, name in host.records():
                seen[name].append((host.name, actor, int(epoch)))
        for one in answers:
            check(seen[one["name"]] == [(one["owner"], one["id"], one["epoch"])],
                  f"{one['name']} arrived once, at {one['owner']}: {seen[one['name']]}")


def owners(answers):
    by_id = collections.defaultdict(set)
    for one in answers:
        by_id[one["id"]].add((one["owner"], one["epoch"]))
    for actor, places in by_id.items():
        check(len(places) == 1, f"actor {actor} lived in one app, as one activation: {places}")
    return {actor: next(iter(places))[0] for actor, places in by_id.items()}


def show(hosts, owner_of):
    for host in hosts:
        count = sum(1 for owner in owner_of.values() if owner == host.name)
        say(f"       {host.name:<18} {host.language:<14} {count:4} actors")


def choose_apps(directory):
    python = ("Python", "http", [PYTHON, str(EXAMPLES / "python/app.py")])
    grpc = subprocess.run([PYTHON, "-c", "import grpc, grpc_tools.protoc"], capture_output=True).returncode == 0
    first = ("Python (gRPC)", "grpc", [PYTHON, str(EXAMPLES / "python-grpc/app.py")]) if grpc else python
    if not grpc:
        say("left out: gRPC (python3-grpcio and python3-grpc-tools are not here); Python over HTTP takes its place")
    apps, node, go = [first], shutil.which("node"), shutil.which("go")
    apps.append(("Node.js", "http", [node, str(EXAMPLES / "node/app.js")]) if node else python)
    if not node:
        say("left out: Node.js (no node here); Python takes its place")
    built = directory / "go-app"
    compiled = go and subprocess.run([go, "build", "-o", str(built), "."], cwd=EXAMPLES / "go",
                                     stdout=subprocess.DEVNULL).returncode == 0
    apps.append(("Go", "http", [str(built)]) if compiled else python)
    if not compiled:
        say(f"left out: Go ({'go build failed' if go else 'no go here'}); Python takes its place")
    return apps


def story(demo, stay):
    hosts = demo.hosts
    one, victim, other = hosts
    step("Three sidecars, each beside its app")
    for host in hosts:
        host.start([before.name for before in hosts if before is not host and before.processes])
        say(f"       {host.name:<18} {host.language} over {host.scheme}; calls to {host.local}")
    demo.settled(hosts, hosts)
    done("each of them sees all three on the ring")

    step(f"{CALLS} calls for {IDS} actors, at all three")
    ids = range(1, IDS + 1)
    started = time.monotonic()
    answers = demo.calls([(hosts[(i + i // IDS) % 3], i % IDS + 1) for i in range(CALLS)])
    took = time.monotonic() - started
    owner_of = owners(answers)
    counts = collections.Counter(one["id"] for one in answers)
    for answer in answers:
        check(answer["count"] <= counts[answer["id"]], f"counts never exceed the calls: {answer}")
    for actor, count in counts.items():
        reached = sorted(a["count"] for a in answers if a["id"] == actor)
        check(reached == list(range(1, count + 1)), f"actor {actor} counted to {count} by ones: {reached}")
    demo.arrived_once(answers)
    for host in hosts:
        mine = {actor for actor, owner in owner_of.items() if owner == host.name}
        check(set(host.actors()) == mine, f"{host.name} lists the actors that it answered for")
        check({record[0] for record in host.records()} == mine, f"the app of {host.name} saw these actors and no others")
    show(hosts, owner_of)
    done(f"{len(answers)} calls applied in {took:.1f} s, each arrived once; each actor lived in exactly one app")

    step(f"kill -9: {victim.name}, sidecar and app")
    before = {answer["id"]: answer for answer in answers if answer["count"] == counts[answer["id"]]}
    gone = [actor for actor, owner in owner_of.items() if owner == victim.name]
    victim.kill()
    started = time.monotonic()
    after = demo.calls([((one, other)[i % 2], i) for i in ids])
    took = time.monotonic() - started
    for answer in after:
        old = before[answer["id"]]
        if answer["id"] in gone:
            check(answer["owner"] != victim.name, f"{answer} came from a living host")
            check(answer["count"] == 1 and answer["epoch"] > old["epoch"], f"a new activation, a greater epoch: {answer}")
        else:
            check((answer["owner"], answer["count"]) == (old["owner"], old["count"] + 1),
                  f"nothing changed for an actor elsewhere: {old}, then {answer}")
    demo.arrived_once(after)
    demo.settled([one, other], [one, other])
    owner_of = owners(after)
    show([one, other], owner_of)
    done(f"its {len(gone)} actors are answered by the others, with greater epochs (all {IDS} called in {took:.1f} s)")
    done(f"the other {IDS - len(gone)} went on counting as if nothing had happened")

    step(f"The same host again: {victim.name}")
    victim.start([one.name, other.name])
    demo.settled(hosts, hosts)
    answers = demo.calls([(hosts[i % 3], i) for i in range(1, 2 * IDS + 1)])
    now = owners(answers)
    check(all(now[actor] == owner for actor, owner in owner_of.items()), "live actors stay where they are")
    demo.arrived_once(answers)
    fresh = sum(1 for owner in now.values() if owner == victim.name)
    check(fresh > 0, "the host that came back has actors")
    show(hosts, now)
    done(f"it is on the ring; live actors stayed where they were, {fresh} of {IDS} new ones are its own")

    step(f"Drain {victim.name}, with calls under way")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        draining = pool.submit(victim.cli, "drain")
        answers = demo.calls([(hosts[i % 3], i % (2 * IDS) + 1) for i in range(4 * IDS)])
        drained = draining.result()
    check(drained.returncode == 0, f"the drain is done: {drained.stdout} {drained.stderr}")
    check(not victim.actors(), "a drained host owns nothing")
    last = demo.calls([(hosts[i % 3], i) for i in range(1, 2 * IDS + 1)])
    now = owners(last)
    check(victim.name not in now.values(), "a drained host answers for nothing")
    demo.arrived_once(answers + last)
    show(hosts, now)
    done(f"{len(answers) + len(last)} calls while and after it drained: none failed, each arrived once; it still routes")

    step("Summary")
    applied = 0
    for host in hosts:
        status, page = host.get("/metrics", host.admin)
        check(status == 200, f"{host.name} shows its metrics")
        applied += sum(float(value) for value in re.findall(
            r'ringside_apply_duration_seconds_count\{origin="local",outcome="applied"\} (\S+)', page))
        status, _ = host.get("/status", host.admin)
        check(status == 200, f"{host.name} shows its status")
    recorded = collections.Counter(name for host in hosts for _, _, name in host.records())
    check(len(recorded) == demo.number and set(recorded.values()) == {1}, "every call of this demo arrived once")
    check(0 < applied <= demo.number, f"the sidecars count what they applied: {applied} of {demo.number}")
    done(f"{demo.number} calls, none failed, every one arrived once, while one host of three died, came back and drained")
    for host in hosts:
        say(f"       metrics http://{host.admin}/metrics   status http://{host.admin}/status   page http://{host.admin}/")
    if stay:
        check(victim.cli("uncordon").returncode == 0, "the drain can be taken back")
        demo.settled(hosts, hosts)
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        say(f"\nAll three are up. Try: curl -d x http://{one.local}/v1/actors/name:alice/method/add   (Ctrl-C ends it)")
        signal.sigwait(ENDS)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        say()
    for host in (victim, other, one):
        host.sidecar.child.terminate()
        check(host.sidecar.child.wait(PATIENCE) == 0, f"{host.name} ends with exit status 0")
    done("all three ended in order")


def end_at_once(hosts, directory):
    """In a signal's handler: takes no lock, which whatever was interrupted may hold."""
    for child in [process.child.pid for host in hosts for process in host.processes]:
        try:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # has ended, and somebody has waited for it
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(130)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--ringside", required=True, help="the binary")
    options.add_argument("--stay", action="store_true", help="keeps everything up until Ctrl-C")
    given = options.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ringside-demo-"))
    hosts, status = [], 1
    for one in ENDS:  # of a job in the background, shells ignore SIGINT
        signal.signal(one, lambda *_: end_at_once(hosts, directory))
    try:
        apps = choose_apps(directory)
        hosts += [Host(i + 1, app, os.path.abspath(given.ringside), directory) for i, app in enumerate(apps)]
        story(Demo(hosts), given.stay)
        status = 0
    except Failed as error:
        say(f"\nfailed: this does not hold: {error}\nlogs: {directory}")
    finally:
        for host in hosts:
            host.kill()
        if status != 1:
            shutil.rmtree(directory, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
