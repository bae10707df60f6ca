"""An app as a process of its own, of the kinds that people write: a counter for each actor in the memory of one process.

small_app.py PORT KIND [BACKLOG]; the first line of its output says that it listens. KIND:
  keep      HTTP/1.1, connections are kept open
  single    HTTP/1.1, serves one connection at a time, until that one ends
  old       HTTP/1.0: a connection for each answer
  silent    HTTP/1.1, closes after each answer and does not say so
  brief     HTTP/1.1, closes what is idle for 200 ms
  apart     HTTP/1.1, writes head and body apart and waits for acknowledgements (Nagle)
  prefork   HTTP/1.0, a new worker under the same socket for every few answers
"""
import http.server
import json
import os
import socketserver
import sys
import threading

counts, lock = {}, threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    kind = "keep"
    wbufsize = -1

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def serve(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body, status, headers = b"", 200, {}
        parts = self.path.split("/")
        if len(parts) > 4 and parts[4] == "redirect":
            status, headers = 307, {"location": f"http://{self.headers['host']}/actors/{parts[2]}/method/add"}
        elif len(parts) > 3:
            with lock:
                counts[parts[2]] = counts.get(parts[2], 0) + 1
                body = json.dumps({"count": counts[parts[2]], "epoch": int(self.headers["ringside-epoch"]),
                                   "pid": os.getpid()}).encode()
        elif self.command == "GET":
            status = 405
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.kind == "apart":
            self.wfile.flush()
        self.wfile.write(body)
        self.wfile.flush()
        if self.kind == "silent":
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def prefork(server):
    """Each worker ends after so many answers, and another one takes its place; the socket stays."""
    while True:
        child = os.fork()
        if child == 0:
            for _ in range(5):
                server.handle_request()
            for thread in threading.enumerate():
                if thread is not threading.current_thread():
                    thread.join(0.3)
            os._exit(0)
        os.waitpid(child, 0)


def main():
    port, Handler.kind = int(sys.argv[1]), sys.argv[2]
    Server.request_queue_size = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    Handler.protocol_version = "HTTP/1.0" if Handler.kind in ("old", "prefork") else "HTTP/1.1"
    if Handler.kind == "brief":
        Handler.timeout = 0.2
    kind = http.server.HTTPServer if Handler.kind == "single" else Server
    server = kind(("127.0.0.1", port), Handler)
    print("listening", flush=True)
    if Handler.kind == "prefork":
        prefork(server)
    server.serve_forever(0.02)


main()
