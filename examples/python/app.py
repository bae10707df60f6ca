"""A counter actor over HTTP; python3 app.py, then: ringside serve --app http://127.0.0.1:8080"""
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

counts, fences = {}, {}  # by actor; a fence outlives its actor, so that an old owner can never write again
record = open(os.environ.get("RECORD", os.devnull), "a", buffering=1)


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm, wbufsize = True, -1  # the answer leaves in one piece

    def answer(self, status, body=None):
        data = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("ringside-app-instance", str(os.getpid()))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        _, _, id, what = self.path.split("/", 3)  # /actors/{id}/apply or /actors/{id}/method/{path}
        epoch = int(self.headers["ringside-epoch"])
        if epoch < fences.get(id, 0):
            return self.answer(409, {"error": "an older activation"})
        fences[id] = epoch
        messages = json.loads(body).get("messages", []) if what == "apply" else [{"value": self.path}]
        counts[id] = counts.get(id, 0) + len(messages)
        for message in messages:
            record.write(f"{id} {epoch} {message['value']}\n")
        reply = {"app": "Python", "count": counts[id], "epoch": epoch}
        any_reply = {"@type": "type.googleapis.com/google.protobuf.Struct", "value": reply}
        self.answer(200, {"accepted": True, "replies": [any_reply]} if what == "apply" else reply)

    def do_GET(self):
        self.answer(200 if self.path == "/healthz" else 404)

    def do_DELETE(self):  # /actors/{id}, or /actors for all
        id = self.path.removeprefix("/actors").strip("/")
        counts.pop(id, None) if id else counts.clear()
        self.answer(200)

    def log_message(self, *_):
        pass


ThreadingHTTPServer.request_queue_size = 128
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 8080))), App)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
