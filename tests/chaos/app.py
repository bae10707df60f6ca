"""An app as a process of its own, with a record that outlives it: one line for the begin and one for the end of each turn.

    app.py RECORD ADDRESS,... [WORK_MS [alone]]     prints "listening" when it is

It is the app of as many sidecars as it has addresses (HOST:PORT).

alone: one turn at a time for all actors together, so that it takes 1000 / WORK_MS calls a second and no more.

Record, times by the monotonic clock, which all processes of one machine share:
    S time            it started
    B id epoch batch time    a turn began
    E id epoch batch time    a turn ended
    D id|all time     an activation ended, or all
"""
import asyncio
import json
import os
import sys
import time


class App(asyncio.Protocol):
    record, work, alone, free_at = -1, 0.0, False, 0.0

    def connection_made(self, transport):
        self.transport, self.buffer, self.busy = transport, b"", False

    def data_received(self, data):
        self.buffer += data
        self.go_on()

    def go_on(self):
        while not self.busy:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            method, path, _ = first.split(" ")
            self.serve(method, path, headers, rest[:length])

    def serve(self, method, path, headers, body):
        parts = path.strip("/").split("/")
        if method == "DELETE" and parts[0] == "actors":
            note(f"D {parts[1] if len(parts) > 1 else 'all'} {now()}")
            return self.answer(b"")
        if parts[0] != "actors":
            return self.answer(b"")
        batches = [one["value"] for one in json.loads(body)["messages"] if one["@type"].endswith("StringValue")]
        turn = [f"{parts[1]} {headers['ringside-epoch']} {batch}" for batch in batches]
        note("\n".join(f"B {one} {now()}" for one in turn))
        if not App.work:
            return self.done(turn)
        self.busy = True
        loop = asyncio.get_running_loop()
        App.free_at = max(App.free_at if App.alone else 0, loop.time()) + App.work
        loop.call_at(App.free_at, self.done, turn)

    def done(self, turn):
        note("\n".join(f"E {one} {now()}" for one in turn))
        self.busy = False
        self.answer(b'{"accepted":true}')
        self.go_on()

    def answer(self, body):
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


def now():
    return f"{time.monotonic():.6f}"


def note(text):
    os.write(App.record, text.encode() + b"\n")


async def main(record, addresses, work="0", alone=""):
    App.record = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    App.work, App.alone = float(work) / 1000, bool(alone)
    note(f"S {now()}")
    for host, _, port in (address.rpartition(":") for address in addresses.split(",")):
        await asyncio.get_running_loop().create_server(App, host, int(port), backlog=1024)
    print("listening", file=sys.stderr, flush=True)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
