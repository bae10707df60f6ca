"""Real processes on loopback: Ringside, each beside an app of the test's own, and legacy hosts. Waits are for events."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import ports

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 30.0 * int(os.environ.get("PATIENCE_FACTOR", 1))


def environment():
    """Generated messages for the Python peer; what the caller set for a sidecar of its own is not ours."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("RINGSIDE_") and key != "POD_IP"}
    return {**clean, "PYTHONPATH": os.path.join(os.environ["BUILD_UNDER_TEST"], "interop", "python")}


class App:
    """An application that remembers what it was handed; `refuse` among the texts makes it refuse."""

    def __init__(self):
        self.applied = defaultdict(list)
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one write for an answer, or Nagle holds back its second half

            def answer(self, status, body=b""):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                batch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                texts = [message.get("value") for message in batch["messages"]]
                app.applied[self.path.split("/")[2]] += texts
                self.answer(200, json.dumps({"accepted": "refuse" not in texts}).encode())

            def do_GET(self):
                self.answer(200)

            def do_DELETE(self):
                self.answer(204)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Process:
    def __init__(self, command, **pipes):
        self.process = subprocess.Popen([str(part) for part in command], text=True, env=environment(), **pipes)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.kill()


class Ringside(Process):
    def __init__(self, binary, *flags, join=(), app=True):
        self.app = App() if app else None
        self.log = []
        self._logged = threading.Condition()
        command = [binary, "serve", "--host", "127.0.0.1", "--peer", ports.address(), "--local", "127.0.0.1:0", "--admin",
                   "127.0.0.1:0", "--ping-interval", "100ms", "--drain-timeout", "5s", *flags]
        for address in join:
            command += ["--join", address]
        if app:
            command += ["--app", self.app.url]
        super().__init__(command, stderr=subprocess.PIPE)
        threading.Thread(target=self._read, daemon=True).start()
        started = self.logged("event=start ")
        self.name, self.local, self.admin = (re.search(rf" {key}=(\S+)", started)[1]
                                             for key in ("announced", "local", "admin"))

    def _read(self):
        for line in self.process.stderr:
            with self._logged:
                self.log.append(line.rstrip())
                self._logged.notify_all()

    def logged(self, *words, timeout=PATIENCE):
        """The first log line with all these words."""
        def found():
            return next((line for line in self.log if all(word in line for word in words)), None)
        with self._logged:
            assert self._logged.wait_for(found, timeout), f"never logged {words}:\n" + "\n".join(self.log)
            return found()

    def request(self, method, path, body=None, headers=None, to=None):
        connection = http.client.HTTPConnection(to or self.local, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def get(self, path):
        status, _, body = self.request("GET", path)
        assert status == 200, body
        return json.loads(body)

    def where(self, actor):
        return self.get(f"/v1/actors/{actor}")

    def apply(self, actor, text="x", timeout="10s"):
        """(outcome, reason, owner) of one batch through this host."""
        message = {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text}
        _, headers, _ = self.request("POST", f"/v1/actors/{actor}/apply", json.dumps({"messages": [message]}),
                                     {"ringside-timeout": timeout})
        return tuple(headers.get(f"ringside-{key}") for key in ("outcome", "reason", "owner"))

    def metric(self, name):
        _, _, body = self.request("GET", "/metrics", to=self.admin)
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.decode().splitlines()
                   if re.match(rf"{re.escape(name)}(\{{| )", line))

    def await_view(self, holds):
        """Waits, change by change, for a view that is as wanted."""
        view, until = self.get("/v1/members"), time.monotonic() + PATIENCE
        while not holds(view):
            assert time.monotonic() < until, f"{view}\n" + "\n".join(self.log)
            view = self.get(f"/v1/members?wait={view['version']}")
        return view

    def await_members(self, *hosts):
        names = {getattr(host, "name", host) for host in hosts} | {self.name}
        return self.await_view(lambda view: {member["host"] for member in view["members"]} == names and
                               all(m["phase"] in ("ready", "unspecified") or m["routes_only"] for m in view["members"]))

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log

    def stop(self):
        super().stop()
        if self.app:
            self.app.stop()
        log = "\n".join(self.log)
        assert not re.search(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: ", log), log


class Legacy(Process):
    """A host that knows only the given protocol."""

    def __init__(self, command, *flags, host="127.0.0.1", join=()):
        for address in join:
            flags = (*flags, "--join", address)
        super().__init__([*command, "--host", ports.address(host), *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answers, self._came, self._sent = {}, threading.Condition(), 0
        self.name = json.loads(self.process.stdout.readline())["name"]
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            with self._came:
                self._answers[answer.get("n")] = answer
                self._came.notify_all()

    def do(self, command, **fields):
        with self._came:
            self._sent += 1
            number = self._sent
            self.process.stdin.write(json.dumps({"n": number, "do": command, **fields}) + "\n")
            self.process.stdin.flush()
            assert self._came.wait_for(lambda: number in self._answers, PATIENCE + 5), f"no answer to {command} {fields}"
            answer = self._answers.pop(number)
        assert "error" not in answer, answer
        return answer

    @property
    def state(self):
        return self.do("state")

    def until(self, what, **condition):
        answer = self.do("await", what=what, timeout=PATIENCE, **condition)
        assert answer["met"], (what, condition, answer["state"])

    def await_members(self, *hosts):
        self.until("hosts", **{"is": sorted({self.name} | {host.name for host in hosts})})

    def apply(self, actor, text="x", **more):
        return self.do("apply", id=str(actor), text=text, **more)

    def rpc(self, to, method, **request):
        return self.do("rpc", to=to.name, method=method, request=request)

    @property
    def applied(self):
        return self.state["applied"]


class Cluster(contextlib.ExitStack):
    def __init__(self, build, legacy):
        super().__init__()
        self.build, self.kind = build, legacy

    def _keep(self, process):
        self.callback(process.stop)
        return process

    def ringside(self, *flags, join=(), app=True):
        return self._keep(Ringside(self.build / "bin" / "ringside", *flags, join=[host.name for host in join], app=app))

    def legacy(self, *flags, join=(), kind=None, **options):
        command = {"python": [sys.executable, HERE / "python" / "legacy_peer.py"],
                   "go": [self.build / "interop" / "go" / "legacy_peer"]}[kind or self.kind]
        return self._keep(Legacy(command, *flags, join=[host.name for host in join], **options))

    @staticmethod
    def settle(*hosts):
        """Waits until each of these sees exactly these."""
        for host in hosts:
            host.await_members(*[other for other in hosts if other is not host])


def texts_of(host, actor):
    applied = host.app.applied if isinstance(host, Ringside) else host.applied
    return applied.get(str(actor), [])
