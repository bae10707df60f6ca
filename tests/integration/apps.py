"""Apps whose behaviour a test chooses, in the test's own process."""
import collections
import json
import os
import pathlib
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc

import ports

Turn = collections.namedtuple("Turn", "app actor epoch values start end")
Request = collections.namedtuple("Request", "method path headers body")

PATIENCE = 20 * int(os.environ.get("PATIENCE_FACTOR", 1))
ROOT = pathlib.Path(__file__).resolve().parents[2]
_stubs = tempfile.TemporaryDirectory(prefix="ringside-stubs-")
subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT}/proto", f"--python_out={_stubs.name}",
                f"--grpc_python_out={_stubs.name}", "messages/control_plane.proto", "ringside/app/v1/app.proto",
                "ringside/http/v1/http.proto", "ringside/peer/v1/peer.proto"], check=True)
sys.path.insert(0, _stubs.name)
from messages import control_plane_pb2 as messages, control_plane_pb2_grpc as control_plane  # noqa: E402
from ringside.app.v1 import app_pb2, app_pb2_grpc  # noqa: E402
from ringside.http.v1 import http_pb2  # noqa: E402
from ringside.peer.v1 import peer_pb2, peer_pb2_grpc  # noqa: E402,F401


class Recorder:
    def __init__(self):
        self._turns, self.ended, self.lock, self.news = [], [], threading.Lock(), threading.Condition()

    def turns(self):
        with self.news:
            return list(self._turns)

    def note(self, actor, epoch, values, start):
        with self.news:
            self._turns.append(Turn(self, actor, epoch, values, start, time.monotonic()))
            self.news.notify_all()

    def deactivated(self, actor):
        with self.news:
            self.ended.append(actor)
            self.news.notify_all()

    def wait(self, condition, what):
        with self.news:
            assert self.news.wait_for(condition, PATIENCE), f"never: {what}"


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, *_):
        pass


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, *_):
        pass


class HttpApp(Recorder):
    """serve: a function of a Request, for what is below /actors/{id}/, that answers (status, headers, body), or writes to
    the raw socket by itself and answers None. Without one: a counter. end: a function of a Request, for DELETE, that
    answers (status, headers) when it has saved; 200 has forgotten."""

    def __init__(self, serve=None, unix=None, instance=None, health=lambda: 200, end=lambda request: (200, {})):
        super().__init__()
        self.end = end
        self.serve, self.instance, self.health, self.requests, self.counts = serve, instance, health, [], {}
        self.connections = set()
        self.unix = unix
        self.port = ports.reserve()
        self.start()

    def start(self):
        """Also again, after kill()."""
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            timeout = 60

            def setup(self):
                app.connections.add(self.request)
                super().setup()
                if not app.unix:
                    self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def finish(self):
                app.connections.discard(self.request)
                super().finish()

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return lambda: app.handle(self)
                raise AttributeError(name)

            def address_string(self):
                return "peer"

            def log_message(self, *_):
                pass

        self.server = _UnixServer(self.unix, Handler) if self.unix else _Server(("127.0.0.1", self.port), Handler)
        self.url = f"http+unix:{self.unix}" if self.unix else f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def kill(self):
        """As if its process were killed: nothing listens any more, every connection breaks."""
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handle(self, http):
        start = time.monotonic()
        length = int(http.headers.get("content-length", 0))
        request = Request(http.command, http.path, http.headers, http.rfile.read(length))
        if request.path == "/healthz":
            return self.answer(http, self.health(), {}, b"")
        if request.method == "DELETE" and request.path.count("/") <= 2:
            actor = request.path.removeprefix("/actors").strip("/")
            status, headers = self.end(request)
            if status == 200:
                self.deactivated(actor or "all")
                with self.lock:
                    self.counts.pop(actor, None) if actor else self.counts.clear()
            return self.answer(http, status, headers, b"")
        self.requests.append(request)
        reply = self.serve(request, http) if self.serve else self.count(request, start)
        if reply is not None:
            self.answer(http, *reply)

    def answer(self, http, status, headers, body):
        http.send_response_only(status)
        for name, value in headers.items():
            http.send_header(name, value)
        if self.instance:
            http.send_header("ringside-app-instance", self.instance)
        http.send_header("content-length", str(len(body)))
        http.end_headers()
        http.wfile.write(body)
        http.wfile.flush()

    def count(self, request, start):
        _, _, actor, what = request.path.split("/", 3)
        epoch = int(request.headers["ringside-epoch"])
        values = [str(one["value"]) for one in json.loads(request.body)["messages"]] if what == "apply" else [""]
        with self.lock:
            self.counts[actor] = self.counts.get(actor, 0) + len(values)
            reply = {"count": self.counts[actor], "epoch": epoch}
        self.note(actor, epoch, [value for value in values if value], start)
        if what == "apply":
            any_ = {"@type": "type.googleapis.com/google.protobuf.Struct", "value": reply}
            reply = {"accepted": True, "replies": [any_]}
        return 200, {"content-type": "application/json"}, json.dumps(reply).encode()


class GrpcApp(Recorder):
    """form: "stream", "unary" or "plain" (messages.ControlPlane/Apply and nothing else). It echoes the messages."""

    def __init__(self, form, address=None, options=(), compression=None):
        super().__init__()
        self.form, self.breaks = form, []
        self.behave = None  # unary: a function of the turn and the context; stream: of a frame, which yields answers
        self.server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0), *options],
                                  compression=compression)
        app = self

        class Host(app_pb2_grpc.ActorHostServicer):
            def Apply(self, turn, context):
                return app.behave(turn, context) if app.behave else app.turn(turn)

            def Deactivate(self, end, context):
                for actor in end.ids or ["all"]:
                    app.deactivated(str(actor))
                return app_pb2.Deactivated(seq=end.seq)

        class Stream(Host):
            def ApplyStream(self, frames, context):
                app.breaks.append(context.cancel)
                for frame in frames:
                    if app.behave and frame.turns:
                        yield from app.behave(frame, context)
                        continue
                    answer = app_pb2.ResultFrame(results=[app.turn(turn) for turn in frame.turns])
                    for end in frame.deactivations:
                        answer.deactivated.append(self.Deactivate(end, context))
                    yield answer

        class Plain(control_plane.ControlPlaneServicer):
            def Apply(self, request, context):
                app.note(str(request.id), 0, [], time.monotonic())
                return messages.ApplyResult(accepted=True, replies=request.messages)

        if form == "plain":
            control_plane.add_ControlPlaneServicer_to_server(Plain(), self.server)
        else:
            app_pb2_grpc.add_ActorHostServicer_to_server(Stream() if form == "stream" else Host(), self.server)
        address = address or ports.address()
        self.server.add_insecure_port(address)
        self.url = f"grpc+{address}" if address.startswith("unix:") else f"grpc://{address}"
        self.server.start()

    def turn(self, turn):
        self.note(str(turn.id), turn.epoch, [], time.monotonic())
        return app_pb2.TurnResult(seq=turn.seq, outcome=app_pb2.OUTCOME_APPLIED, replies=turn.messages)

    def kill(self):
        self.server.stop(0).wait(5)
