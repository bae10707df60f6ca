"""Clients and servers as grpcio makes them: asyncio, compression, binary metadata."""
import asyncio
import subprocess

import control_plane_pb2 as pb
import grpc
import ports
import pytest
from google.protobuf import wrappers_pb2
from grpc import aio

SERVICE = "/messages.ControlPlane/"


def batch(actor, text="x"):
    request = pb.ApplyRequest(id=actor)
    request.messages.add().Pack(wrappers_pb2.StringValue(value=text))
    return request


class AsyncPeer:
    """A legacy host on grpc.aio that owns whatever it is asked for, and accepts nobody else's claim."""

    def __init__(self):
        self.name, self.applied, self.claims_heard, self.changed = "", [], [], asyncio.Condition()

    async def __aenter__(self):
        def method(serve, asked, answered):
            return grpc.unary_unary_rpc_method_handler(serve, asked.FromString, answered.SerializeToString)
        ack = pb.OwnerChangeAck
        self.server = aio.server()
        self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("messages.ControlPlane", {
            "Ping": method(self.ping, pb.Empty, pb.PingReply),
            "Negotiate": method(self.negotiate, pb.NegotiateRequest, pb.NegotiateReply),
            "GetLocalActorIds": method(self.ids, pb.Empty, pb.ActorIdsReply),
            "Apply": method(self.apply, pb.ApplyRequest, pb.ApplyResult),
            "AnnounceOwnership": method(self.claimed, pb.OwnershipAnnounce, ack),
            "AnnounceExpiry": method(self.expired, pb.ExpiryAnnounce, ack),
            "Closing": method(self.closing, pb.ClosingNotice, ack)})])
        self.name = ports.address()
        self.server.add_insecure_port(self.name)
        await self.server.start()
        return self

    async def __aexit__(self, *_):
        await self.server.stop(None)

    async def ping(self, _request, _context):
        return pb.PingReply(host=self.name)

    async def negotiate(self, request, _context):
        return pb.NegotiateReply(hosts=[self.name, *request.known_hosts])

    async def ids(self, _request, _context):
        return pb.ActorIdsReply()

    async def apply(self, request, _context):
        self.applied.append(request.id)
        return pb.ApplyResult(accepted=True)

    async def claimed(self, request, _context):
        async with self.changed:
            self.claims_heard += request.ids
            self.changed.notify_all()
        return pb.OwnerChangeAck(accepted=False, message="mine")

    async def expired(self, _request, _context):
        return pb.OwnerChangeAck(accepted=True)

    async def closing(self, _request, _context):
        return pb.OwnerChangeAck(accepted=True)


def test_an_asyncio_peer_gets_calls_and_may_refuse_a_claim(cluster):
    async def run():
        async with AsyncPeer() as peer:
            ringside = await asyncio.to_thread(cluster.ringside, join=[peer])
            await asyncio.to_thread(ringside.await_members, peer)
            places = await asyncio.gather(*[asyncio.to_thread(ringside.where, actor) for actor in range(1, 20)])
            theirs = [int(place["id"]) for place in places if place["owner"] == peer.name]
            answers = await asyncio.gather(*[asyncio.to_thread(ringside.apply, actor) for actor in theirs])
            assert {answer[::2] for answer in answers} == {("applied", peer.name)}
            assert sorted(peer.applied) == theirs
            # A claim that it does not accept makes us yield: the next call goes there.
            ours = next(int(place["id"]) for place in places if place["owner"] == ringside.name)
            assert (await asyncio.to_thread(ringside.apply, ours))[0] == "applied"
            await asyncio.to_thread(ringside.logged, "event=claim_yielded", f"actor={ours}")
            assert ours in peer.claims_heard
            assert (await asyncio.to_thread(ringside.apply, ours))[::2] == ("applied", peer.name)
    asyncio.run(run())


def test_an_asyncio_client_makes_many_calls_on_one_channel(cluster):
    ringside = cluster.ringside()
    cluster.settle(ringside)

    async def run():
        async with aio.insecure_channel(ringside.local) as channel:
            await channel.channel_ready()  # until then gRPC itself does not keep calls in order
            apply = channel.unary_unary(SERVICE + "Apply", pb.ApplyRequest.SerializeToString, pb.ApplyResult.FromString)
            answers = await asyncio.gather(*[apply(batch(1 + i % 20, str(i)), timeout=20) for i in range(400)])
            assert all(answer.accepted for answer in answers)
    asyncio.run(run())
    assert sum(map(len, ringside.app.applied.values())) == 400
    for actor, texts in ringside.app.applied.items():
        assert texts == sorted(texts, key=int), f"actor {actor} out of order"


@pytest.mark.parametrize("listener", ["local", "name"])
def test_compression_is_refused_by_name(cluster, listener, tmp_path):
    ringside = cluster.ringside()
    cluster.settle(ringside)
    address = getattr(ringside, listener)
    with grpc.insecure_channel(address) as channel:
        apply = channel.unary_unary(SERVICE + "Apply", pb.ApplyRequest.SerializeToString, pb.ApplyResult.FromString)
        with pytest.raises(grpc.RpcError) as error:
            apply(batch(1, "x" * 10_000), timeout=10, compression=grpc.Compression.Gzip)
        assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert apply(batch(1), timeout=10).accepted  # and the connection goes on
    assert ringside.app.applied["1"] == ["x"]
    # Which encodings there are instead is said in a header that grpcio keeps to itself.
    (tmp_path / "body").write_bytes(b"\x01\0\0\0\x01x")
    seen = subprocess.run(["nghttp", "-v", "-d", tmp_path / "body", "-H", "content-type: application/grpc", "-H",
                           "te: trailers", "-H", "grpc-encoding: gzip", f"http://{address}{SERVICE}Apply"],
                          capture_output=True, text=True, check=True).stdout
    assert "grpc-status: 12" in seen and "grpc-accept-encoding: identity" in seen, seen


def test_metadata_of_any_kind_does_no_harm(cluster):
    ringside = cluster.ringside()
    cluster.settle(ringside)
    with grpc.insecure_channel(ringside.local) as channel:
        apply = channel.unary_unary(SERVICE + "Apply", pb.ApplyRequest.SerializeToString, pb.ApplyResult.FromString)
        metadata = [("trace-bin", bytes(range(256))), ("empty-bin", b""), ("x", "y" * 1000), ("x", "twice")]
        answer, call = apply.with_call(batch(7), timeout=10, metadata=metadata)
        assert answer.accepted
        trailers = dict(call.trailing_metadata())
        assert (trailers["ringside-outcome"], trailers["ringside-owner"]) == ("applied", ringside.name)
