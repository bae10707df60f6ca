"""Sidecars beside servers that others wrote, as Debian has them, each with its own ideas of a connection."""
import collections
import concurrent.futures
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

import cluster
import ports

SERVERS = pathlib.Path(__file__).with_name("servers")
PYTHON = sys.executable
# The words of its command; {port} and {counts} are filled in.
COMMANDS = {
    "flask": [PYTHON, "flask_app.py", "{port}"],
    "gunicorn-sync": [PYTHON, "-m", "gunicorn", "-b", "127.0.0.1:{port}", "flask_app:app"],
    "gunicorn-threads": [PYTHON, "-m", "gunicorn", "-b", "127.0.0.1:{port}", "-k", "gthread", "--threads", "8",
                         "--keep-alive", "1", "flask_app:app"],
    "uvicorn": [PYTHON, "-m", "uvicorn", "--no-access-log", "--port", "{port}", "asgi_app:app"],
    "uvicorn-keeps-none": [PYTHON, "-m", "uvicorn", "--no-access-log", "--timeout-keep-alive", "0", "--port", "{port}",
                           "asgi_app:app"],
    "hypercorn-h2c": [PYTHON, "-m", "hypercorn", "-b", "127.0.0.1:{port}", "asgi_app:app"],
    "node-h2c": ["node", "h2c_app.js", "{port}"],
    "php": ["php", "-S", "127.0.0.1:{port}", "app.php"],
    "webrick": ["ruby", "app.rb", "{port}"],
    "jdk": ["java", "-XX:TieredStopAtLevel=1", "App.java", "{port}"],
}
KEEPS_MEMORY = sorted(COMMANDS.keys() - {"php"})


class RealApp:
    def __init__(self, kind, directory, **environment):
        self.port = ports.reserve()
        self.url = f"{'h2c' if kind.endswith('h2c') else 'http'}://127.0.0.1:{self.port}"
        self.command = [word.format(port=self.port) for word in COMMANDS[kind]]
        self.environment = {**os.environ, "COUNTS": str(directory), "PYTHONDONTWRITEBYTECODE": "1", **environment}
        self.start()

    def start(self):
        self.child = subprocess.Popen([*cluster.DIES_WITH_US, *self.command], cwd=SERVERS, env=self.environment,
                                      start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cluster.until(self.listens, f"{self.command} to listen")

    def listens(self):
        assert self.child.poll() is None, self.command
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        os.killpg(self.child.pid, 9)  # gunicorn's workers as well
        self.child.wait()


@pytest.fixture
def real(world, tmp_path):
    return lambda kind: world.keep(RealApp(kind, tmp_path))


@pytest.mark.parametrize("kind", COMMANDS)
def test_many_callers_lose_nothing_and_nothing_happens_twice(world, real, kind):
    host = world.host(app=real(kind))
    actors = [n % 40 + 1 for n in range(400)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda actor: cluster.counted(host.call(actor)), actors))
    counts = collections.defaultdict(set)
    for actor, answer in zip(actors, answers):
        counts[actor].add(answer["count"])
    assert all(counts[actor] == set(range(1, 11)) for actor in range(1, 41))
    assert len({answer["epoch"] for actor, answer in zip(actors, answers) if actor == 1}) == 1, "nobody restarted"
    assert host.metric('ringside_app_requests_total{outcome="unknown"}') == 0


@pytest.mark.parametrize("kind", KEEPS_MEMORY)
def test_a_restart_that_takes_no_time_is_noticed(world, real, kind):
    app = real(kind)
    host = world.host("--app-health-interval", "1m", app=app)
    before = cluster.counted(host.call(7))
    for _ in range(2):
        app.kill()
        app.start()
        # One that takes a while to come back may have been missed already, and is looked at again soon.
        cluster.until(lambda: host.call(7, "look").status == 404, "the app to be taken back")
        after = cluster.counted(host.call(7))
        assert after["pid"] != before["pid"] and after["count"] == 1
        assert after["epoch"] > before["epoch"], "its memory has gone, and with it the activation"
        before = after


@pytest.mark.parametrize("kind", COMMANDS)
def test_turns_one_after_another_are_not_held_back(world, real, kind):
    host = world.host(app=real(kind))
    took = []
    for _ in range(40):
        began = time.monotonic()
        cluster.counted(host.call(1))
        took.append(time.monotonic() - began)
    assert sorted(took)[len(took) // 4] < 0.03, "the kernel would hold each acknowledgement back for 0.04 s"


@pytest.mark.parametrize("kind", ["flask", "gunicorn-threads"])
def test_a_missing_slash_leads_through_ringside(world, real, kind):
    host = world.host(app=real(kind))
    answer = host.call(7, "slash")
    assert answer.status == 308 and answer.headers["location"] == "/v1/actors/7/method/slash/", answer
    followed = host.ask("POST", answer.headers["location"])
    assert followed.status == 200 and followed.headers["ringside-outcome"] == "applied"
