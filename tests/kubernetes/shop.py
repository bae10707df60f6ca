"""What the tests see of a cluster of actors in Kubernetes: its pods, the gateways they call through, the turns its apps tell of."""
import contextlib
import json
import os
import pathlib
import signal
import socketserver
import sys
import threading
import time

from testbed import GATEWAY, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(ROOT / "tests/integration"))
import apps  # noqa: E402
import cluster  # noqa: E402

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
CALLERS = 8
measured = []  # by the test that runs, with names; told at the end


class Recorder:
    """Apps connect, and send one line for each turn."""

    def __init__(self):
        self._turns, self.lock = [], threading.Lock()
        recorder = self

        class Lines(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    with recorder.lock:
                        recorder._turns.append(apps.Turn(*json.loads(line)))

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            request_queue_size = 64

        self.server = Server((GATEWAY, 9999), Lines)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def turns(self):
        with self.lock:
            return list(self._turns)

    def complete(self, answers):
        """What was applied was told before it was answered; it may not have been read here yet."""
        applied = {answer[3] for answer in answers if answer[4] == "applied"}
        until(lambda: applied <= {value for turn in self.turns() for value in turn.values},
              lambda: f"turns of {sorted(applied - {value for turn in self.turns() for value in turn.values})[:9]}")

    def forget(self):
        with self.lock:
            self._turns.clear()


def at(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Gateway:
    """A sidecar whose local listener can be reached from here."""

    def __init__(self, name, address):
        self.name, self.address, self.longest = name, address, (0.0, 0.0, "")

    def ask(self, method, path, body=None, headers=None, **more):
        return cluster.request(at(self.address, 1380), method, path, body, {"host": "localhost"} | (headers or {}), **more)

    def apply(self, actor, *values, **headers):
        body = json.dumps({"messages": [{"@type": cluster.STRING, "value": value} for value in values]})
        started = time.monotonic()
        answer = self.ask("POST", f"/v1/actors/{actor}/apply", body, {"content-type": "application/json"} | headers)
        self.longest = max(self.longest, (time.monotonic() - started, started, *values))
        return answer

    def members(self):
        return json.loads(self.ask("GET", "/v1/members").body)


class Shop:
    """One namespace with a cluster of carts."""

    def __init__(self, bed, namespace):
        self.bed, self.namespace = bed, namespace

    def create(self, *labels):
        self.bed.kubectl("create", "namespace", self.namespace)
        if labels:
            self.bed.kubectl("label", "namespace", self.namespace, *labels)
        until(lambda: self.kubectl("get", "serviceaccount", "default", check=False).returncode == 0, "the account")
        return self

    def delete(self):
        self.kubectl("delete", "deployments,statefulsets,jobs,pods", "--all", "--grace-period=1", "--wait=false")
        self.bed.kubectl("delete", "namespace", self.namespace, "--wait=false")

    def kubectl(self, *words, **options):
        return self.bed.kubectl("--namespace", self.namespace, *words, **options)

    def apply(self, directory):
        done = self.kubectl("apply", "-k", directory)
        assert "Warning" not in done.stderr, done.stderr
        return done.stdout

    def apply_text(self, text):
        done = self.kubectl("apply", "-f", "-", stdin=text)
        assert "Warning" not in done.stderr, done.stderr

    def rolled_out(self, what="deployment/carts", timeout=300):
        done = self.kubectl("rollout", "status", what, f"--timeout={timeout}s", check=False)
        assert done.returncode == 0, done.stdout + done.stderr + self.story()

    def story(self):
        """For a failed test: pods, events, logs."""
        text = self.kubectl("get", "pods", "-o", "wide", check=False).stdout
        text += self.kubectl("get", "events", "--sort-by=.lastTimestamp", check=False).stdout[-4000:]
        for pod in self.pods():
            text += f"--- {pod['metadata']['name']}\n"
            text += self.kubectl("logs", pod["metadata"]["name"], "-c", "ringside", "--tail=12", check=False).stdout
        return text

    def pods(self, selector="app.kubernetes.io/name=carts"):
        return self.bed.get("--namespace", self.namespace, "pods", "-l", selector)["items"]

    def living(self):
        return [pod for pod in self.pods() if "deletionTimestamp" not in pod["metadata"]]

    def gateways(self):
        return [Gateway(pod["metadata"]["name"], pod["status"]["podIP"])
                for pod in self.pods("app.kubernetes.io/name=gateway")]

    def settled(self, count):
        """Every gateway sees so many hosts on the ring, and they agree."""
        def agree():
            views = []
            for gateway in self.gateways():
                try:
                    view = gateway.members()
                except OSError:
                    return False
                views.append((view["settled"], len([one for one in view["members"] if one["on_ring"]])))
            return views and all(view == (True, count) for view in views)
        until(agree, lambda: f"{count} hosts, all settled\n{self.story()}", pause=0.3)

    def sidecar_log(self, pod):
        return self.kubectl("logs", pod, "-c", "ringside").stdout

    def readyz(self, pod):
        address = self.bed.get("--namespace", self.namespace, "pod", pod)["status"]["podIP"]
        answer = cluster.request(at(address, 9137), "GET", "/readyz")
        return answer.status, answer.body.decode()

    def cli(self, pod, *words):
        return self.kubectl("exec", pod, "-c", "ringside", "--", "/usr/bin/ringside", *words, check=False)

    def no_failed_hooks(self):
        log = (self.bed.dir / "logs/kubelet.log").read_text()
        assert "FailedPreStopHook" not in self.kubectl("get", "events").stdout, \
            "\n".join(line for line in log.splitlines() if "reStop" in line or "hook" in line)[-3000:]

    def kill_container(self, pod, name):
        """kill -9 of its first process. Returns how often it had been restarted before."""
        status = pod["status"]
        for one in status.get("initContainerStatuses", []) + status["containerStatuses"]:
            if one["name"] == name:
                os.kill(self.bed.container_process(one["containerID"]), signal.SIGKILL)
                return one["restartCount"]
        raise AssertionError(f"no container {name} in {status}")


@contextlib.contextmanager
def under_load(shop, recorder, allowed=()):
    """Calls go on while the body runs. Afterwards: nothing but `applied` and what is allowed, and the records agree."""
    recorder.forget()
    gateways = shop.gateways()
    load = cluster.Load(gateways, callers=CALLERS, actors_each=25)
    try:
        load.more(200)
        yield load
        load.more(200)
    finally:
        answers = load.stop()
    lasted, began, value = max(gateway.longest for gateway in gateways)
    told = [f"at {turn.app.split('/')[0]} after {(turn.start - began) * 1000:.0f} ms" for turn in recorder.turns() if value in turn.values]
    measured.append(("load", f"{len(answers)} calls, {dict(load.outcomes())}, longest {lasted * 1000:.0f} ms ({', '.join(told)})"))
    surprises = [one for one in load.not_applied if one[3] not in allowed]
    assert not surprises, f"{len(surprises)} of {len(answers)}: {surprises[:5]}\n{shop.story()}"
    recorder.complete(answers)
    cluster.judge(answers, recorder)
