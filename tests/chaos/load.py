"""Callers as a process of their own, each with actors of its own and one connection to a sidecar's local listener.

    load.py RECORD TARGETS --callers N --actors N --rate N --seed N [--timeout D] [--lanes N]

Every answer is one line of RECORD: caller number actor outcome reason begin seconds. A caller's rate is kept where the answers
allow it; a late answer is never made up for, so that a stall does not end in a burst. SIGTERM ends it after the calls
under way. With --lanes N each caller has N calls under way at the same time (for overload)."""
import argparse
import asyncio
import os
import random
import signal
import time


class Caller:
    """One connection, one call at a time; a caller of many lanes is many of these."""

    def __init__(self, name, target, actors, options, write):
        self.name, self.target, self.actors, self.options, self.write = name, target, actors, options, write
        self.random = random.Random(f"{options.seed}/{name}")
        self.reader = self.writer = None
        # A message that the app does not record: what its name is spelled like, it cannot be any batch's.
        self.ballast = b',{"@type":"type.googleapis.com/google.protobuf.BytesValue","value":"%s"}' % (b"A" * options.size) \
            if options.size else b""

    async def call(self, number):
        actor = self.random.choice(self.actors)
        body = b'{"messages":[{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"%s.%d"}%s]}' % (
            self.name.encode(), number, self.ballast)
        begin = time.monotonic()
        try:
            outcome, reason = await asyncio.wait_for(self.exchange(actor, body), self.options.give_up)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
            if self.writer:
                self.writer.close()
            self.writer = None
            outcome, reason = "unknown", f"caller:{type(error).__name__}"
        self.write(f"{self.name} {number} {actor} {outcome} {reason} {begin:.6f} {time.monotonic() - begin:.6f}\n")
        return outcome

    async def exchange(self, actor, body):
        if not self.writer:
            host, _, port = self.target.rpartition(":")
            self.reader, self.writer = await asyncio.open_connection(host, int(port))
        timeout = f"ringside-timeout: {self.options.timeout}\r\n" if self.options.timeout else ""
        self.writer.write(f"POST /v1/actors/{actor}/apply HTTP/1.1\r\nhost: localhost\r\n{timeout}content-type: "
                          f"application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:])}
        await self.reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.writer.close()
            self.writer = None
        return headers.get("ringside-outcome", "unknown"), headers.get("ringside-reason", "-")

    async def go_on(self, stop):
        pause = self.options.callers * self.options.lanes / self.options.rate
        await asyncio.sleep(self.random.random() * pause)
        number = 0
        while not stop.is_set():
            due = time.monotonic() + pause * (0.5 + self.random.random())
            outcome = await self.call(number)
            number += 1
            # A caller that is told "later" waits a little: what the answers' Retry-After says at least, for short.
            rest = max(due - time.monotonic(), 0.02 if outcome == "not-delivered" else 0)
            await asyncio.sleep(rest)


async def main(options):
    record = os.open(options.record, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    stop, targets = asyncio.Event(), options.targets.split(",")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    each, callers = options.actors // options.callers, []
    for n in range(options.callers):
        actors = [options.first + n * each + i for i in range(each)]
        for lane in range(options.lanes):
            # An actor belongs to one connection alone, or there would be no order to check.
            mine = actors[lane::options.lanes]
            callers.append(Caller(f"{n}-{lane}-{options.first}", targets[(n + lane) % len(targets)], mine or actors, options,
                                  lambda line: os.write(record, line.encode())))
    print("on", flush=True)
    await asyncio.gather(*(one.go_on(stop) for one in callers))


parser = argparse.ArgumentParser()
parser.add_argument("record")
parser.add_argument("targets")
parser.add_argument("--callers", type=int, default=8)
parser.add_argument("--lanes", type=int, default=1)
parser.add_argument("--actors", type=int, default=96)
parser.add_argument("--first", type=int, default=1)
parser.add_argument("--rate", type=float, default=400)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--timeout", default="")
parser.add_argument("--size", type=int, default=0, help="bytes of ballast in each batch, a multiple of 4")
parser.add_argument("--give-up", type=float, default=30)
asyncio.run(main(parser.parse_args()))
