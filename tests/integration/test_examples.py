"""Each example whose language is here, beside a sidecar; and the demo."""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

import cluster

EXAMPLES = cluster.ROOT / "examples"


def command(name, directory):
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if name == "go":
        if not go:
            pytest.skip("no go here")
        built = str(directory / "app")
        subprocess.run([go, "build", "-o", built, "."], cwd=EXAMPLES / "go", check=True, timeout=150)
        return [built]
    program, file = {"python": (sys.executable, "python/app.py"), "python-grpc": (sys.executable, "python-grpc/app.py"),
                     "node": (shutil.which("node"), "node/app.js"), "java": (shutil.which("java"), "java/App.java")}[name]
    if not program:
        pytest.skip(f"no {name} here")
    return [program, str(EXAMPLES / file)]


@pytest.fixture
def run(world, tmp_path):
    children = []

    def start(name):
        child = subprocess.Popen(command(name, tmp_path), stdout=subprocess.PIPE, text=True,
                                 env=cluster.environment(PORT="0", RECORD=str(tmp_path / "record"),
                                                         STUBS=str(tmp_path / "stubs")))
        children.append(child)
        port = re.match(r"listening on (\d+)", child.stdout.readline())[1]
        return f"{'grpc' if 'grpc' in name else 'http'}://127.0.0.1:{port}"
    yield start
    for child in children:
        child.kill()
        child.wait()


@pytest.mark.parametrize("name", ["python", "node", "go", "java", "python-grpc"])
def test_an_example(world, run, tmp_path, name):
    host = world.host("--actor-idle-timeout", "200ms", app=run(name))
    batches = name != "java"

    def touch():
        if not batches:
            return json.loads(host.call(7).body)
        answer = host.apply(7, "hello")
        assert answer.status == 200, answer
        return json.loads(answer.body)["replies"][0]["value"]
    first = touch()
    assert first["count"] == 1
    cluster.until(lambda: not host.json("/v1/actors")["actors"], "it expires")
    again = touch()
    assert again["count"] == 1 and again["epoch"] > first["epoch"], "forgotten, and a greater epoch"
    if batches:
        lines = [line.split() for line in (tmp_path / "record").read_text().splitlines()]
        assert [(line[0], line[2]) for line in lines] == [("7", "hello")] * 2
        assert host.apply(8).status == 400
    if name != "python-grpc":
        fresh, old = ({"ringside-epoch": str(epoch)} for epoch in (2**52 + 1, 2**52))
        address = host.app.removeprefix("http://")
        path = "/actors/9/method/add"
        assert cluster.request(address, "POST", path, b"", fresh).status == 200
        assert cluster.request(address, "POST", path, b"", old).status == 409, "an older activation is refused"


def test_the_demo(tmp_path):
    done = subprocess.run([sys.executable, str(EXAMPLES / "demo/demo.py"), "--ringside", cluster.RINGSIDE],
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every one arrived once" in done.stdout and "/metrics" in done.stdout


@pytest.mark.parametrize("flags, line, ends_it, status", [
    ([], "sees all three", signal.SIGINT, 130), (["--stay"], "All three are up", signal.SIGTERM, 0)])
def test_the_demo_leaves_nothing_behind(tmp_path, flags, line, ends_it, status):
    # A job in the background ignores SIGINT, until it says otherwise.
    words = [*cluster.DIES_WITH_US, "env", "--ignore-signal=INT", sys.executable, str(EXAMPLES / "demo/demo.py"),
             "--ringside", cluster.RINGSIDE, *flags]
    demo = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=cluster.environment(TMPDIR=str(tmp_path)))
    assert any(line in said for said in demo.stdout)
    children = subprocess.run(["pgrep", "-P", str(demo.pid)], capture_output=True, text=True).stdout.split()
    assert len(children) == 6
    demo.send_signal(ends_it)
    demo.communicate(timeout=60)
    assert demo.returncode == status
    assert not [child for child in children if pathlib.Path("/proc", child).exists()] and not list(tmp_path.iterdir())
