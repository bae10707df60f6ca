"""The HTTP app of the tests over HTTP/2 with prior knowledge, by python3-h2: many requests on one connection, each in a
thread of its own."""
import http.client
import io
import socket
import threading
import types

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import pytest

import apps

# The contract is the same, whatever the apps of a world speak.
both_ways = pytest.mark.parametrize("world", ["http", "h2c"], indirect=True)


class _Exchange:
    """What HttpApp asks of a request's handler."""

    def __init__(self, app, fields, body):
        self.server = types.SimpleNamespace(server_port=app.port)
        self.headers, self.rfile, self.wfile = http.client.HTTPMessage(), io.BytesIO(body), io.BytesIO()
        for name, value in fields:
            if name == ":authority":
                self.headers.add_header("host", value)
            elif not name.startswith(":"):
                self.headers.add_header(name, value)
        named = dict(fields)
        self.command, self.path, self.answer = named[":method"], named[":path"], []

    def send_response_only(self, status):
        self.answer.append((":status", str(status)))

    def send_header(self, name, value):
        self.answer.append((name.lower(), str(value)))

    def end_headers(self):
        pass


class _Connection:
    def __init__(self, app, connection):
        self.app, self.socket, self.news = app, connection, threading.Condition()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.requests, self.reset = {}, set()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def run(self):
        try:
            with self.news:
                self.h2.initiate_connection()
                self.h2.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.app.streams})
                self.flush()
            while data := self.socket.recv(65536):
                with self.news:
                    for event in self.h2.receive_data(data):
                        self.heard(event)
                    self.flush()
                    self.news.notify_all()
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            self.app.connections.discard(self.socket)
            self.socket.close()

    def heard(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.requests[event.stream_id] = (event.headers, [])
        elif isinstance(event, h2.events.DataReceived):
            self.requests[event.stream_id][1].append(event.data)
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            fields, body = self.requests.pop(event.stream_id)
            threading.Thread(target=self.serve, args=(event.stream_id, fields, b"".join(body)), daemon=True).start()
        elif isinstance(event, h2.events.StreamReset):
            self.requests.pop(event.stream_id, None)
            self.reset.add(event.stream_id)
            self.app.resets += 1

    def serve(self, stream, fields, body):
        exchange = _Exchange(self.app, fields, body)
        self.app.handle(exchange)
        body = exchange.wfile.getvalue()
        try:
            with self.news:
                if stream in self.reset:
                    return
                self.h2.send_headers(stream, exchange.answer, end_stream=not body)
                while body and stream not in self.reset:
                    size = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body))
                    if size:
                        self.h2.send_data(stream, body[:size], end_stream=size == len(body))
                        body = body[size:]
                    self.flush()
                    if not size and not self.news.wait(apps.PATIENCE):
                        return
                self.flush()
        except (OSError, h2.exceptions.ProtocolError):
            pass


class H2cApp(apps.HttpApp):
    streams = 1000  # at once on a connection
    resets = 0  # of requests that were under way, or answered

    def start(self):
        if self.unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.unix)
            self.listener.listen(256)
        else:
            self.listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.url = f"h2c+unix:{self.unix}" if self.unix else f"h2c://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if not self.unix:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.add(connection)
            threading.Thread(target=_Connection(self, connection).run, daemon=True).start()

    def kill(self):
        for one in [self.listener, *self.connections]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.listener.close()
