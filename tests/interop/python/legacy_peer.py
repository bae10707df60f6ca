"""A host that knows nothing but the given control_plane.proto and docs/ring.md. Needs control_plane_pb2 on its path.

Tests steer it by JSON lines: {"n":1,"do":"state"} on stdin, {"n":1,...} on stdout; the first line says its name.
tests/interop/go is the same in Go, word for word in what it understands."""
import argparse
import collections
import json
import os
import sys
import threading
import time
from concurrent import futures

import control_plane_pb2 as pb
import grpc
from google.protobuf import json_format, wrappers_pb2
from legacy_ring import Ring, canonical, dialled

SERVICE = "/messages.ControlPlane/"
METHODS = {"Ping": (pb.Empty, pb.PingReply), "Negotiate": (pb.NegotiateRequest, pb.NegotiateReply),
           "GetLocalActorIds": (pb.Empty, pb.ActorIdsReply),
           "AnnounceOwnership": (pb.OwnershipAnnounce, pb.OwnerChangeAck), "Apply": (pb.ApplyRequest, pb.ApplyResult),
           "AnnounceExpiry": (pb.ExpiryAnnounce, pb.OwnerChangeAck), "Closing": (pb.ClosingNotice, pb.OwnerChangeAck)}
MISSES_OF_THE_DEAD = 3
CONTROL_TIMEOUT = 2.0


class Remote:
    """One other host, by its name."""

    def __init__(self, name):
        self.name = name
        self.misses = 0
        self.channel = grpc.insecure_channel(dialled(name), options=[("grpc.use_local_subchannel_pool", 1),
                                                                     ("grpc.max_reconnect_backoff_ms", 200),
                                                                     ("grpc.enable_http_proxy", 0)])

    def call(self, method, request, timeout=CONTROL_TIMEOUT):
        stub = self.channel.unary_unary(SERVICE + method, type(request).SerializeToString, METHODS[method][1].FromString)
        return stub(request, timeout=timeout)


class Peer:
    def __init__(self, arguments):
        self.options = arguments
        self.changed = threading.Condition(threading.RLock())
        self.members = {}
        self.claims = {}  # id -> the time of its last touch
        self.announcing = set()
        self.hints = {}
        self.applied = collections.defaultdict(list)
        self.calls = collections.Counter()
        self.adopting = set()
        self.background = futures.ThreadPoolExecutor(32)
        self.server = grpc.server(futures.ThreadPoolExecutor(64), options=[("grpc.so_reuseport", 0)])
        handlers = {method: grpc.unary_unary_rpc_method_handler(self.counted(method), asked.FromString,
                                                                answered.SerializeToString)
                    for method, (asked, answered) in METHODS.items()}
        self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("messages.ControlPlane", handlers)])
        address, _, port = arguments.host.rpartition(":")
        self.name = canonical(f"{address}:{self.server.add_insecure_port(f'{address}:{port}')}")
        self.ring = Ring([self.name], arguments.points)
        self.server.start()
        threading.Thread(target=self.keep_members, daemon=True).start()

    # ---- the seven methods ----
    def counted(self, method):
        serve = getattr(self, method)

        def handler(request, context):
            with self.changed:
                self.calls[method] += 1
                self.changed.notify_all()
            return serve(request, context)
        return handler

    def Ping(self, _request, _context):
        return pb.PingReply(host=self.name, unix_time=int(time.time()))

    def Negotiate(self, request, _context):
        for host in request.known_hosts:
            self.background.submit(self.adopt, canonical(host))
        return pb.NegotiateReply(hosts=self.hosts())

    def GetLocalActorIds(self, _request, _context):
        with self.changed:
            return pb.ActorIdsReply(ids=list(self.claims))

    def AnnounceOwnership(self, request, _context):
        host = canonical(request.host)
        refused = ""
        with self.changed:
            for actor in request.ids:
                holder = self.name if actor in self.claims else self.hints.get(actor, host)
                if holder != host:
                    refused = f"actor {actor} is owned by {holder}"
                else:
                    self.hints[actor] = host
            self.changed.notify_all()
        return pb.OwnerChangeAck(accepted=not refused, message=refused)

    def Apply(self, request, context):
        return self.apply(request, context.time_remaining() or 10, context)

    def AnnounceExpiry(self, request, _context):
        with self.changed:
            for actor in request.ids:
                if self.hints.get(actor) == canonical(request.host):
                    del self.hints[actor]
            self.changed.notify_all()
        return pb.OwnerChangeAck(accepted=True)

    def Closing(self, request, _context):
        self.drop(canonical(request.host))
        return pb.OwnerChangeAck(accepted=True)

    # ---- routing ----
    def apply(self, request, timeout, context=None):
        with self.changed:
            self.changed.wait_for(lambda: request.id not in self.announcing, timeout)
            owner = self.name if request.id in self.claims else self.hints.get(request.id) or self.ring.owner(request.id)
            first_touch = owner == self.name and request.id not in self.claims
            if first_touch:
                self.claims[request.id] = time.monotonic()
                self.announcing.add(request.id)
        if first_touch:
            owner = self.announce(request.id)
        if owner != self.name:
            return self.forward(owner, request, timeout, context)
        texts = []
        for message in request.messages:
            text = wrappers_pb2.StringValue()
            texts.append(text.value if message.Unpack(text) else message.type_url)
        with self.changed:
            self.claims[request.id] = time.monotonic()
            self.applied[str(request.id)] += texts
            self.changed.notify_all()
        return pb.ApplyResult(accepted="refuse" not in texts)

    def announce(self, actor):
        """Tells everybody of a claim; who was first keeps it. Returns the owner."""
        asked = {name: self.background.submit(remote.call, "AnnounceOwnership",
                                              pb.OwnershipAnnounce(host=self.name, ids=[actor]))
                 for name, remote in list(self.members.items())}
        owner = self.name
        for name, answer in asked.items():
            try:
                owner = owner if answer.result().accepted else name
            except grpc.RpcError:
                pass  # best effort, as the protocol has it
        with self.changed:
            if owner != self.name:
                del self.claims[actor]
                self.hints[actor] = owner
            self.announcing.discard(actor)
            self.changed.notify_all()
        return owner

    def forward(self, owner, request, timeout, context):
        remote = self.members.get(owner)
        try:
            if remote is None:
                raise KeyError(owner)
            return remote.call("Apply", request, timeout)
        except (grpc.RpcError, KeyError) as error:
            if context is None:
                raise
            code = error.code() if isinstance(error, grpc.RpcError) else grpc.StatusCode.UNAVAILABLE
            context.abort(code, f"forwarded to {owner}: {error.details() if isinstance(error, grpc.RpcError) else 'gone'}")

    def expire(self, actor):
        with self.changed:
            self.claims.pop(actor, None)
            self.changed.notify_all()
        return self.tell_all("AnnounceExpiry", pb.ExpiryAnnounce(host=self.name, ids=[actor]))

    def tell_all(self, method, request):
        acks = {}
        for name, remote in list(self.members.items()):
            try:
                acks[name] = remote.call(method, request).accepted
            except grpc.RpcError as error:
                acks[name] = error.code().name
        return acks

    # ---- membership ----
    def hosts(self):
        with self.changed:
            return sorted([self.name, *self.members])

    def adopt(self, name):
        """Looks at a host; one that answers by that name is a member from then on, and told of all that we know."""
        with self.changed:
            if name == self.name or name in self.members or name in self.adopting:
                return
            self.adopting.add(name)
        remote = Remote(name)
        try:
            if canonical(remote.call("Ping", pb.Empty()).host) != name:
                return
            with self.changed:
                self.members[name] = remote
                self.ring = Ring([self.name, *self.members], self.options.points)
            known = remote.call("Negotiate", pb.NegotiateRequest(known_hosts=self.hosts())).hosts
            held = remote.call("GetLocalActorIds", pb.Empty()).ids
            with self.changed:
                self.hints.update((actor, name) for actor in held if actor not in self.claims)
            for other in known:
                self.background.submit(self.adopt, canonical(other))
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.FAILED_PRECONDITION:
                self.drop(name)
        finally:
            with self.changed:
                self.adopting.discard(name)
                self.changed.notify_all()

    def drop(self, name):
        with self.changed:
            if self.members.pop(name, None) is not None:
                self.ring = Ring([self.name, *self.members], self.options.points)
                self.hints = {actor: host for actor, host in self.hints.items() if host != name}
            self.changed.notify_all()

    def keep_members(self):
        joined = set()
        while True:
            for address in self.options.join:
                if address not in joined:
                    self.background.submit(self.adopt, canonical(address))
                    if canonical(address) in self.members:
                        joined.add(address)
            for name, remote in list(self.members.items()):
                self.background.submit(self.probe, name, remote)
            time.sleep(self.options.ping_interval)

    def probe(self, name, remote):
        try:
            alive = canonical(remote.call("Ping", pb.Empty(), 1.0).host) == name
        except grpc.RpcError:
            alive = False
        remote.misses = 0 if alive else remote.misses + 1
        if remote.misses >= MISSES_OF_THE_DEAD:
            self.drop(name)

    # ---- what tests ask ----
    def state(self):
        with self.changed:
            return {"name": self.name, "hosts": self.hosts(), "claims": sorted(map(str, self.claims)),
                    "hints": {str(actor): host for actor, host in self.hints.items()}, "applied": dict(self.applied),
                    "calls": dict(self.calls), "ring": f"{self.ring.fingerprint():016x}"}

    def holds(self, asked):
        value = self.state()[asked["what"]]
        if "is" in asked:
            return value == asked["is"]
        if "has" in asked:
            return asked["has"] in value
        if "lacks" in asked:
            return asked["lacks"] not in value
        if "least" in asked:
            return value.get(asked["key"], 0) >= asked["least"]
        return value.get(asked["key"]) == asked["value"]

    def do(self, asked):
        match asked["do"]:
            case "state":
                return self.state()
            case "await":
                with self.changed:
                    met = self.changed.wait_for(lambda: self.holds(asked), asked.get("timeout", 20))
                return {"met": met, "state": self.state()}
            case "apply":
                request = pb.ApplyRequest(id=int(asked["id"]))
                request.messages.add().Pack(wrappers_pb2.StringValue(value=asked["text"]))
                return told(lambda: self.apply(request, asked.get("timeout", 10)))
            case "expire":
                return {"acks": self.expire(int(asked["id"]))}
            case "rpc":
                request = json_format.ParseDict(asked.get("request", {}), METHODS[asked["method"]][0]())
                remote = Remote(asked["to"])
                return told(lambda: remote.call(asked["method"], request, asked.get("timeout", 10)))
            case "close":
                return {"acks": self.tell_all("Closing", pb.ClosingNotice(host=self.name))}
        return {"error": "what?"}


def told(call):
    try:
        return {"code": "OK", "reply": json_format.MessageToDict(call(), including_default_value_fields=True)}
    except grpc.RpcError as error:
        return {"code": error.code().name, "message": error.details(),
                "trailers": {key: value for key, value in error.trailing_metadata() or () if isinstance(value, str)}}
    except KeyError as gone:
        return {"code": "UNAVAILABLE", "message": f"{gone} is not a member", "trailers": {}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1:0")
    parser.add_argument("--join", action="append", default=[])
    parser.add_argument("--points", type=int, default=512)
    parser.add_argument("--ping-interval", type=float, default=0.1)
    peer = Peer(parser.parse_args())
    out = threading.Lock()

    def say(line):
        with out:
            print(json.dumps(line), flush=True)

    def run(line):
        asked = json.loads(line)
        try:
            say({"n": asked["n"], **peer.do(asked)})
        except Exception as error:  # the test is to see it, whatever it is
            say({"n": asked["n"], "error": repr(error)})

    say({"name": peer.name})
    for line in sys.stdin:
        threading.Thread(target=run, args=(line,), daemon=True).start()
    os._exit(0)


if __name__ == "__main__":
    main()
