"""Peers that lie, by mistake or on purpose: a clear error, nothing changed, the sidecar goes on."""
import collections
import json
import time

import grpc
import pytest

import cluster
import ports
from apps import control_plane, messages, peer_pb2, peer_pb2_grpc
from fake_peers import LARGE, FakePeer, ScriptedHost, ids
from google.protobuf import any_pb2, wrappers_pb2

YEAR_MS = 366 * 24 * 3600 * 1000


def stub(world, host):
    channel = grpc.insecure_channel(host.peer, options=LARGE)
    world.keep(collections.namedtuple("Channel", "kill")(channel.close))
    return control_plane.ControlPlaneStub(channel)


def show(world, host, fake):
    """Makes the host look at the fake one: a question about a host is answered after that host was asked itself."""
    stub(world, host).Negotiate(messages.NegotiateRequest(known_hosts=[fake.name]), timeout=cluster.PATIENCE)
    assert fake.pings.acquire(timeout=cluster.PATIENCE), "it is pinged"


def pair(world):
    """Two hosts with different addresses, so that a source address tells them apart."""
    one = world.host()
    two = world.host(host="127.0.0.2", peer=ports.address("127.0.0.2"), join=[one])
    cluster.settled([one, two])
    return one, two


def owned_by(host, viewer):
    return next(actor for actor in range(1, 10_000) if viewer.json(f"/v1/actors/{actor}")["owner"] == host.name)


def test_announcing_for_another_host(world):
    one, two = pair(world)
    generation = next(int(m["generation"]) for m in one.json("/v1/members")["members"] if m["host"] == two.name)
    actor = owned_by(one, one)
    for given in (generation, 0, generation - 1):
        ack = stub(world, one).AnnounceOwnership(
            messages.OwnershipAnnounce(host=two.name, ids=[actor], epochs=[1], generation=given), timeout=10)
        assert not ack.accepted and ack.message
    ack = stub(world, one).AnnounceExpiry(messages.ExpiryAnnounce(host=two.name, ids=[actor]), timeout=10)
    assert not ack.accepted and ack.message
    ack = stub(world, one).AnnounceOwnership(messages.OwnershipAnnounce(host="nobody", ids=[actor]), timeout=10)
    assert not ack.accepted
    assert one.call(actor).headers["ringside-owner"] == one.name


def test_closing_for_a_living_third_host(world):
    one, two = pair(world)
    ack = stub(world, one).Closing(messages.ClosingNotice(host=two.name), timeout=10)
    assert one.on_ring() == sorted([one.name, two.name]), ack
    stub(world, one).Closing(messages.ClosingNotice(host=one.name), timeout=10)
    stub(world, one).Closing(messages.ClosingNotice(host="nobody"), timeout=10)
    for host in ("", "x" * 5000, "\n\x00"):
        with pytest.raises(grpc.RpcError) as error:
            stub(world, one).Closing(messages.ClosingNotice(host=host), timeout=10)
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert one.on_ring() == sorted([one.name, two.name])
    one.well()


def test_claims_of_what_another_owns(world):
    host = world.host()
    fake = world.keep(FakePeer())
    show(world, host, fake)
    cluster.settled([host], [host, fake])
    actor = owned_by(host, host)
    before = json.loads(host.call(actor).body)
    ack = stub(world, host).AnnounceOwnership(messages.OwnershipAnnounce(host=fake.name, ids=[actor]), timeout=10)
    assert not ack.accepted
    assert [(one.id, one.owner) for one in ack.rejected] == [(actor, host.name)]
    assert json.loads(host.call(actor).body) == before | {"count": 2}


@pytest.mark.parametrize("lie", ["us", "somebody else", "clock", "another cluster", "garbage name"])
def test_what_a_ping_may_say(world, lie):
    one, two = world.cluster(2)
    now = int(time.time() * 1000)
    generation = {m["host"]: int(m["generation"]) for m in one.json("/v1/members")["members"]}
    new = (now << 20) + 5
    says = {
        "us": {"host": one.name, "generation": new, "phase": 2, "cluster": "default"},
        "somebody else": {"host": two.name, "generation": new, "phase": 2, "cluster": "default"},
        "clock": {"generation": new, "phase": 2, "cluster": "default", "clock": (now + YEAR_MS) << 12},
        "another cluster": {"generation": new, "phase": 2, "cluster": "other"},
        "garbage name": {"host": "a b\n\"c"},
    }[lie]
    fake = world.keep(FakePeer(**says))
    show(world, one, fake)
    assert one.on_ring() == sorted([one.name, two.name])
    assert {m["host"]: int(m["generation"]) for m in one.json("/v1/members")["members"]} == generation
    epoch = json.loads(one.call(owned_by(one, one)).body)["epoch"]
    assert abs((epoch >> 12) - now) < 120_000, "epochs do not follow it"
    one.well()
    two.well()


def test_another_cluster_or_another_number_of_points(world):
    host = world.host()
    for given in ({"cluster": "other", "points": 512}, {"cluster": "default", "points": 7}):
        with pytest.raises(grpc.RpcError) as error:
            stub(world, host).Negotiate(messages.NegotiateRequest(known_hosts=["127.0.0.1:1"], **given), timeout=10)
        assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    for flags in (["--cluster", "other"], ["--points", "7"]):
        stranger = world.sidecar(*flags, "--join-timeout", "300ms", join=[host])
        cluster.until(lambda s=stranger: "default" in s.admin_get("/readyz").body.decode() + "".join(s.lines) or
                      "points" in "".join(s.lines), "it says why")
        assert host.on_ring() == [host.name]
        stranger.kill()
    host.well()


def test_a_hundred_thousand_known_hosts(world):
    host = world.host()
    names = [f"127.{i >> 16}.{i >> 8 & 255}.{i & 255}:1" for i in range(100_000)]
    for given in (names, names[::-1], names[:4097]):
        with pytest.raises(grpc.RpcError) as error:
            stub(world, host).Negotiate(messages.NegotiateRequest(known_hosts=given), timeout=60)
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT and "4096" in error.value.details()
        host.well()
    for given in (["x" * 4000] * 3000, ["", "\x00", "a b", "[::1", "127.0.0.1:0", "127.0.0.1:99999"]):
        reply = stub(world, host).Negotiate(messages.NegotiateRequest(known_hosts=given), timeout=60)
        assert list(reply.hosts) == [host.name], "what is not a name is not passed on"
        host.well()
    assert host.on_ring() == [host.name]
    assert host.metric("process_open_fds") < 2000


def test_ten_million_ids(world):
    fake = world.keep(FakePeer(ids=ids(10_000_000)))
    host = world.host(join=[fake])
    assert fake.asked_ids.acquire(timeout=cluster.PATIENCE)
    cluster.settled([host], [host, fake])
    many = messages.OwnershipAnnounce(host=fake.name, ids=range(1 << 40, (1 << 40) + 4_000_000))
    with pytest.raises(grpc.RpcError) as error:
        stub(world, host).AnnounceOwnership(many, timeout=60)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    fake.kill()
    cluster.settled([host])
    host.well()


def test_a_call_for_another_run_is_not_delivered(world):
    host = world.host()
    generation = int(host.json("/v1/status")["generation"])
    packed = any_pb2.Any()
    packed.Pack(wrappers_pb2.StringValue(value="x"))
    request = messages.ApplyRequest(id=3, messages=[packed])
    apply = stub(world, host).Apply
    for target in (f"default;{host.name};{generation - 1};0", f"other;{host.name};{generation};0",
                   f"default;127.0.0.1:1;{generation};0"):
        with pytest.raises(grpc.RpcError) as error:
            apply(request, timeout=10, metadata=[("ringside-target", target), ("ringside-hops", "1")])
        trailers = dict(error.value.trailing_metadata())
        assert trailers["ringside-outcome"] == "not-delivered" and trailers["ringside-reason"] == "wrong-target"
    assert host.app.requests == []
    assert apply(request, timeout=10, metadata=[("ringside-hops", "1")]).accepted


def test_truncated_and_unknown_messages(world):
    host = world.host()
    with grpc.insecure_channel(host.peer) as channel:
        for method in ("Ping", "Negotiate", "GetLocalActorIds", "AnnounceOwnership", "Apply", "AnnounceExpiry", "Closing",
                       "Nothing"):
            call = channel.unary_unary(f"/messages.ControlPlane/{method}", lambda data: data, lambda data: data)
            for data in (b"\x0a\xff", b"\xff" * 50, b"\x0a\x05abc", b"\x08"):
                try:
                    call(data, timeout=10)
                except grpc.RpcError as error:
                    assert error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED), error
    host.well()
    assert host.on_ring() == [host.name]


def test_an_old_generation_that_comes_back(world):
    host = world.host()
    now = int(time.time() * 1000) << 20
    old, new = now - (60_000 << 20), now
    fake = world.keep(ScriptedHost(new))

    def known():
        return {m["host"]: int(m["generation"]) for m in host.json("/v1/members")["members"]}.get(fake.name)
    assert fake.join(host, new).verdict == peer_pb2.VERDICT_OK
    cluster.until(lambda: fake.name in host.on_ring(), "it is on the ring")
    assert known() == new
    assert fake.join(host, old).verdict in (peer_pb2.VERDICT_BURIED, peer_pb2.VERDICT_UNVERIFIED)
    assert known() == new, "nothing changed"
    fake.says["generation"] = old  # and now it answers as the old run, too
    assert fake.join(host, old).verdict in (peer_pb2.VERDICT_BURIED, peer_pb2.VERDICT_UNVERIFIED)
    cluster.until(lambda: host.on_ring() == [host.name], "the newer run does not answer any more")
    assert fake.join(host, old).verdict in (peer_pb2.VERDICT_BURIED, peer_pb2.VERDICT_UNVERIFIED)
    assert known() is None
    host.well()
    fake.says["generation"] = newer = now + (1000 << 20)
    assert fake.join(host, newer).verdict == peer_pb2.VERDICT_OK, "a newer one is welcome"
    cluster.until(lambda: known() == newer, "it is a member again")


def test_a_member_that_says_buried_again_and_again(world):
    """It is obeyed, since it might be true, and each time after a longer rest; the log and /readyz name it."""
    host = world.host()
    fake = world.keep(ScriptedHost(int(time.time() * 1000) << 20))
    fake.says["standing"] = messages.STANDING_BURIED
    fake.join(host, fake.says["generation"])
    host.line(rf"event=rejoin .*buried by {fake.name}")
    begin = time.monotonic()
    host.line(rf"event=buried_again by={fake.name} times=2")
    cluster.until(lambda: fake.name.encode() + b" has said 2 times" in host.admin_get("/readyz").body, "it says why")
    host.line(rf"event=buried_again by={fake.name} times=3")
    assert time.monotonic() - begin > 2.5, "it rested before that run"
    assert host.metric("ringside_burials_total") == 3
    fake.says["standing"] = messages.STANDING_IN_VIEW
    host.ready()
    assert fake.name in host.on_ring()


def test_the_membership_watch(world):
    one, two = world.cluster(2)
    for address in (one.local, one.peer):
        with grpc.insecure_channel(address) as channel:
            views = peer_pb2_grpc.MembershipStub(channel).Watch(peer_pb2.WatchRequest(), timeout=10 * cluster.PATIENCE)
            first = next(views)
            assert sorted(m.host for m in first.members) == sorted([one.name, two.name]), "the whole view first"
            assert all(m.on_ring and m.phase == messages.PHASE_READY and m.generation for m in first.members)
            assert f"{first.ring:016x}" == one.json("/v1/ring")["ring"] and first.points == 512
            third = world.host(join=[one])
            seen = first
            while not any(m.host == third.name and m.phase == messages.PHASE_READY for m in seen.members):
                after = next(views)
                assert after.version > seen.version
                seen = after
            third.kill()
            while any(m.host == third.name for m in seen.members):
                seen = next(views)
            assert seen.ring == first.ring
            assert one.on_ring() == sorted([one.name, two.name])
            views.cancel()
