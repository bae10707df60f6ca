"""A counting app that tells the test of every turn before it answers, so that nothing is lost with its pod."""
import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ME = f"{os.environ['POD_NAME']}/{os.getpid()}/{time.time_ns()}"
recorder = socket.create_connection(("10.244.0.1", 9999))
recorder.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
lock = threading.Lock()
counts = {}


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def setup(self):
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self):
        self.answer(b"ok", "text/plain")

    def do_POST(self):
        start = time.monotonic()
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        _, _, actor, what = self.path.split("/", 3)
        values = [one["value"] for one in json.loads(body)["messages"]] if what == "apply" else [""]
        epoch = int(self.headers["ringside-epoch"])
        with lock:
            counts[actor] = counts.get(actor, 0) + len(values)
            reply = {"count": counts[actor], "epoch": epoch, "pod": os.environ["POD_NAME"]}
            turn = [ME, actor, epoch, [value for value in values if value], start, time.monotonic()]
            recorder.sendall(json.dumps(turn).encode() + b"\n")
        if what == "apply":
            reply = {"accepted": True,
                     "replies": [{"@type": "type.googleapis.com/google.protobuf.Struct", "value": reply}]}
        self.answer(json.dumps(reply).encode(), "application/json")

    def do_DELETE(self):
        actor = self.path.removeprefix("/actors").strip("/")
        with lock:
            counts.pop(actor, None) if actor else counts.clear()
        self.answer(b"", "text/plain")

    def answer(self, body, kind):
        self.send_response_only(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def address_string(self):
        return "sidecar"

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Server(("127.0.0.1", 8080), App).serve_forever()
