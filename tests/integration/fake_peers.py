"""Hosts that say what a test wants them to say: of the given protocol, and of ours."""
import threading
import time
from concurrent import futures

import cluster
import grpc
import ports
from apps import control_plane, messages, peer_pb2, peer_pb2_grpc

LARGE = [("grpc.max_send_message_length", 200 << 20), ("grpc.max_receive_message_length", 200 << 20)]


def ids(count):
    """A serialized ActorIdsReply: blocks of 2^14 ids, four bytes each."""
    block = bytearray(4 * 16384)
    block[0::4] = bytes(0x80 | i & 127 for i in range(16384))
    block[1::4] = bytes(0x80 | i >> 7 for i in range(16384))
    body = bytearray()
    for high in range(128, 128 + -(-count // 16384)):
        block[2::4] = bytes([0x80 | high & 127]) * 16384
        block[3::4] = bytes([high >> 7]) * 16384
        body += block
    length, head = len(body), b"\x0a"
    while length > 127:
        head, length = head + bytes([0x80 | length & 127]), length >> 7
    return head + bytes([length]) + bytes(body)


class FakePeer(control_plane.ControlPlaneServicer):
    """Speaks the given protocol; what it says is the test's choice."""

    def __init__(self, ids=b"", **says):
        self.ids, self.says, self.pings, self.asked_ids = ids, says, threading.Semaphore(0), threading.Semaphore(0)
        self.closed = []
        self.server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0), *LARGE])
        control_plane.add_ControlPlaneServicer_to_server(self, self.server)
        handler = grpc.unary_unary_rpc_method_handler(self.local_ids, lambda data: data, lambda data: data)
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            "messages.ControlPlane", {"GetLocalActorIds": handler}),))
        self.name = ports.address()
        self.server.add_insecure_port(self.name)
        self.server.start()

    def Ping(self, request, context):
        self.pings.release()
        return messages.PingReply(**({"host": self.name, "unix_time": int(time.time())} | self.says))

    def Negotiate(self, request, context):
        return messages.NegotiateReply(hosts=[self.name])

    def local_ids(self, request, context):
        self.asked_ids.release()
        return self.ids

    def GetLocalActorIds(self, request, context):
        return messages.ActorIdsReply.FromString(self.local_ids(request, context))

    def AnnounceOwnership(self, request, context):
        return messages.OwnerChangeAck(accepted=True)

    AnnounceExpiry = Closing = AnnounceOwnership

    def kill(self):
        self.server.stop(0).wait(5)


class ScriptedHost(FakePeer, peer_pb2_grpc.PeerServicer):
    """Says that it is a Ringside host of whatever generation the test likes."""

    def __init__(self, generation):
        super().__init__(generation=generation, phase=messages.PHASE_READY, cluster="default")
        peer_pb2_grpc.add_PeerServicer_to_server(self, self.server)

    def Join(self, request, context):
        return peer_pb2.JoinReply(verdict=peer_pb2.VERDICT_OK, generation=self.says["generation"], phase=messages.PHASE_READY)

    def Leave(self, request, context):
        return peer_pb2.LeaveReply(verdict=peer_pb2.VERDICT_OK)

    def Inventory(self, request, context):
        yield peer_pb2.InventoryPart(verdict=peer_pb2.VERDICT_OK, number=request.number, last=True)

    def Probe(self, request, context):
        return peer_pb2.ProbeReply()

    def Expire(self, request, context):
        return peer_pb2.ExpireReply(verdict=peer_pb2.VERDICT_OK)

    def join(self, host, generation):
        with grpc.insecure_channel(host.peer) as channel:
            source = f"{self.name};{generation};default;{int(time.time() * 1000) << 12}"
            return peer_pb2_grpc.PeerStub(channel).Join(peer_pb2.JoinRequest(points=512), timeout=cluster.PATIENCE,
                                                        metadata=[("ringside-source", source)])
