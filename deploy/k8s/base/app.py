"""The example's app: shopping carts that count. Each cart is one actor, and this process holds those that are its own."""
import os
import signal
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

carts = {}


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # /healthz
        self.answer("ok")

    def do_POST(self):  # /actors/{id}/method/add
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        cart = self.path.split("/")[2]
        carts[cart] = carts.get(cart, 0) + 1  # no locks: one turn per actor at a time
        self.answer(str(carts[cart]))

    def do_DELETE(self):  # /actors/{id}: it moves away; /actors: all do
        cart = self.path.removeprefix("/actors").strip("/")
        carts.pop(cart, None) if cart else carts.clear()
        self.answer("")

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def address_string(self):
        return "sidecar"

    def log_message(self, *_):
        pass

    wbufsize = -1


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container has no default for it
if "APP_SOCKET" in os.environ:
    if os.path.exists(os.environ["APP_SOCKET"]):
        os.unlink(os.environ["APP_SOCKET"])  # of a process before this one
    server = UnixServer(os.environ["APP_SOCKET"], App)
else:
    server = ThreadingHTTPServer(("127.0.0.1", 8080), App)
server.serve_forever()
