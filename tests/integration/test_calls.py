"""Calls at one sidecar: forms, outcomes, bounds, and what is refused before it reaches the app."""
import concurrent.futures
import json
import threading

import grpc
import pytest

import cluster
import h2c_app
from apps import GrpcApp, app_pb2, control_plane, http_pb2, messages
from google.protobuf import any_pb2, wrappers_pb2

NEVER = 30

pytestmark = h2c_app.both_ways


class Gate:
    """An app's method that waits until the test lets it go."""

    def __init__(self):
        self.entered, self.open = threading.Semaphore(0), threading.Event()

    def __call__(self, request, _):
        self.entered.release()
        assert self.open.wait(NEVER)
        return 200, {}, b""


def any_of(text):
    packed = any_pb2.Any()
    packed.Pack(wrappers_pb2.StringValue(value=text))
    return packed


def echo(request, _):
    headers = {"content-type": request.headers.get("content-type", "text/plain"), "x-mine": "yes",
               "x-seen": f"{request.method} {request.path}"}
    return 418, headers, request.body


def test_method_calls_travel_verbatim(world):
    hosts = world.cluster(2)
    for host in hosts:
        host.app.serve = echo
    body = bytes(range(256))
    actors = range(1, 33)  # so many that each host has some, whatever its name
    for actor in actors:
        answer = hosts[0].ask("PATCH", f"/v1/actors/{actor}/method/a/b%20c?x=1&y=%2f", body,
                              {"content-type": "application/x-mine", "x-custom": "kept", "ringside-secret": "gone",
                               "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
        assert (answer.status, answer.body) == (418, body)
        assert answer.headers["x-seen"] == f"PATCH /actors/{actor}/method/a/b%20c?x=1&y=%2f"
        assert answer.headers["content-type"] == "application/x-mine" and answer.headers["x-mine"] == "yes"
        assert answer.headers["ringside-outcome"] == "applied"
    arrived = [request for host in hosts for request in host.app.requests]
    assert len(arrived) == len(actors) and all(host.app.requests for host in hosts)
    for request in arrived:
        assert request.headers["x-custom"] == "kept" and "ringside-secret" not in request.headers
        assert int(request.headers["ringside-epoch"]) < 2**53 and request.headers["ringside-timeout"]
        assert request.headers["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")


@pytest.mark.parametrize("body", ["json", "protobuf"])
def test_batches_in_both_forms(world, body):
    def serve(request, _):
        if body == "protobuf":
            given = messages.ApplyRequest.FromString(request.body)
            reply = messages.ApplyResult(accepted=True, replies=given.messages).SerializeToString()
            return 200, {"content-type": "application/protobuf"}, reply
        return 200, {"content-type": "application/json"}, json.dumps(
            {"accepted": True, "replies": json.loads(request.body)["messages"]}).encode()
    host = world.host("--app-body", body, app=world.app(serve=serve))
    answer = host.apply(5, "one", "two")
    assert answer.status == 200
    assert [one["value"] for one in json.loads(answer.body)["replies"]] == ["one", "two"]
    request = messages.ApplyRequest(id=5, messages=[any_of("three")])
    answer = host.ask("POST", "/v1/actors/5/apply", request.SerializeToString(),
                      {"content-type": "application/protobuf"})
    assert answer.status == 200, answer
    if "protobuf" in answer.headers["content-type"]:
        assert messages.ApplyResult.FromString(answer.body).replies == request.messages
    else:
        assert json.loads(answer.body)["replies"][0]["value"] == "three"


def test_apply_over_grpc_and_what_its_trailers_say(world):
    host = world.host("--default-timeout", "500ms")
    with grpc.insecure_channel(host.local) as channel:
        apply = control_plane.ControlPlaneStub(channel).Apply
        request = messages.ApplyRequest(id=9, messages=[any_of("x")])
        reply, call = apply.with_call(request, timeout=NEVER)
        assert reply.accepted and len(reply.replies) == 1
        assert dict(call.trailing_metadata())["ringside-outcome"] == "applied"
        host.app.serve = lambda *_: (409, {}, b"no")
        reply, call = apply.with_call(request, timeout=NEVER)
        assert not reply.accepted and dict(call.trailing_metadata())["ringside-outcome"] == "refused"

        def fails(wanted, outcome, timeout=NEVER, given=request):
            with pytest.raises(grpc.RpcError) as error:
                apply(given, timeout=timeout)
            assert error.value.code() == wanted
            trailers = dict(error.value.trailing_metadata())
            assert trailers["ringside-outcome"] == outcome and trailers["ringside-reason"]
            return trailers
        host.app.serve = lambda *_: (503, {}, b"later")  # repeated until the deadline, here --default-timeout
        trailers = fails(grpc.StatusCode.UNAVAILABLE, "not-delivered", timeout=None)
        assert trailers["ringside-reason"] == "app-busy" and b"RetryInfo" in trailers["grpc-status-details-bin"]
        host.app.serve = lambda *_: (500, {}, b"oh")
        fails(grpc.StatusCode.UNKNOWN, "unknown")
        fails(grpc.StatusCode.INVALID_ARGUMENT, "invalid", given=messages.ApplyRequest(id=0, messages=[any_of("x")]))
        fails(grpc.StatusCode.INVALID_ARGUMENT, "invalid", given=messages.ApplyRequest(id=9))
        bare = messages.ApplyRequest(id=9, messages=[any_pb2.Any(value=b"x")])
        fails(grpc.StatusCode.INVALID_ARGUMENT, "invalid", given=bare)
    router = world.sidecar()
    with grpc.insecure_channel(router.local) as channel:
        with pytest.raises(grpc.RpcError) as error:
            control_plane.ControlPlaneStub(channel).Apply(request, timeout=NEVER)
        assert error.value.code() == grpc.StatusCode.UNAVAILABLE
        trailers = dict(error.value.trailing_metadata())
        assert trailers["ringside-outcome"] == "not-delivered"
        assert b"google.rpc.RetryInfo" in trailers["grpc-status-details-bin"]


def test_unix_sockets_on_both_sides(world, tmp_path):
    app = world.app(unix=str(tmp_path / "app.sock"))
    host = world.sidecar(app=app, local=[f"unix:{tmp_path}/local.sock"]).ready()
    assert json.loads(host.call(3).body)["count"] == 1
    with grpc.insecure_channel(f"unix:{tmp_path}/local.sock") as channel:
        stub = control_plane.ControlPlaneStub(channel)
        assert stub.Apply(messages.ApplyRequest(id=3, messages=[any_of("x")]), timeout=NEVER).accepted


@pytest.mark.parametrize("form", ["stream", "unary", "plain"])
def test_an_app_over_grpc(world, form, tmp_path):
    for address in (None, f"unix:{tmp_path}/app.sock"):
        app = world.keep(GrpcApp(form, address))
        host = world.host(app=app)
        answer = host.apply(11, "a", "b")
        assert answer.status == 200, answer
        assert [one["value"] for one in json.loads(answer.body)["replies"]] == ["a", "b"]
        assert [turn.actor for turn in app.turns()] == ["11"]
        if form != "plain":
            assert app.turns()[0].epoch > 0


def test_one_turn_at_a_time_and_bounds(world):
    gate = Gate()
    host = world.host("--queue-per-actor", "2", "--queue-bytes", "64KiB", "--max-message", "64KiB",
                      app=world.app(serve=gate))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        first = pool.submit(host.call, 1, body=b"x" * 5_000)
        assert gate.entered.acquire(timeout=NEVER)
        waiting = [pool.submit(host.call, 1, body=b"x" * 5_000) for _ in range(2)]
        cluster.until(lambda: host.metric("ringside_turns_waiting") == 2, "both wait")
        full = host.call(1)
        assert full.status == 429 and full.headers["ringside-outcome"] == "overloaded" and full.headers["retry-after"]
        problem = json.loads(full.body)
        assert problem["type"] == "urn:ringside:overloaded" and problem["retry_after_ms"] >= 0
        assert full.headers["ringside-reason"] == "actor-queue-full"
        large = host.call(2, body=b"x" * 60_000)
        assert large.status == 429 and large.headers["ringside-reason"] == "queue-bytes-full"
        other = pool.submit(host.call, 2)
        assert gate.entered.acquire(timeout=NEVER), "another actor's turn runs beside it"
        gate.open.set()
        assert [one.result().status for one in [first, *waiting, other]] == [200] * 4
    assert len(host.app.requests) == 4, "what was refused never reached the app"


def test_deadlines(world):
    gate = Gate()
    host = world.host(app=world.app(serve=gate))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        first = pool.submit(host.call, 1, ringside_timeout="300ms")
        assert gate.entered.acquire(timeout=NEVER)
        queued = host.call(1, ringside_timeout="100ms")
        assert queued.status == 504 and queued.headers["ringside-outcome"] == "expired"
        answer = first.result()
        assert answer.status == 500 and answer.headers["ringside-outcome"] == "unknown"
        gate.open.set()
    assert host.call(1).status == 200
    assert len(host.app.requests) == 2, "the expired call never reached the app"
    for wrong in ("-1s", "0s", "0ms", "soon", "5", "", "9" * 40 + "s", "10001h"):
        refused = host.call(1, ringside_timeout=wrong)
        assert refused.status == 400 and refused.headers["ringside-reason"] == "bad-deadline", wrong
    assert host.call(1, ringside_timeout="9000h").status == 200
    left = host.app.requests[-1].headers["ringside-timeout"]
    assert 0 < int(left.removesuffix("ms")) <= 300_000, "shortened to --max-timeout"
    host.well()


def test_a_turn_that_takes_too_long_ends_the_activation(world):
    gate = Gate()
    host = world.host("--turn-timeout", "300ms", app=world.app(serve=lambda r, h: gate(r, h) if not gate.open.is_set()
                                                              else app_count(r)))

    def app_count(request):
        return host.app.count(request, 0)
    answer = host.call(1)
    assert answer.status == 500 and answer.headers["ringside-outcome"] == "unknown"
    assert answer.headers["ringside-reason"] == "turn-timeout"
    first = int(host.app.requests[0].headers["ringside-epoch"])
    gate.open.set()
    assert host.call(1).status == 200
    assert int(host.app.requests[-1].headers["ringside-epoch"]) > first
    assert host.metric('ringside_deactivations_total{reason="turn-timeout"}') == 1


def test_a_repeat_with_the_same_key_is_not_applied_again(world):
    one, two = world.cluster(2)
    for actor in range(1, 5):
        first = one.call(actor, idempotency_key="k")
        again = two.call(actor, idempotency_key="k")
        assert again.body == first.body and again.status == 200
        assert json.loads(two.call(actor, idempotency_key="other").body)["count"] == 2
    assert sum(len(host.app.requests) for host in (one, two)) == 8


TEXT = "type.googleapis.com/google.protobuf.StringValue"
ONE = {"messages": [{"@type": TEXT, "value": "x"}]}
BAD_BATCHES = {
    "not json": "hello", "no object": "[]", "nothing": "", "no messages": "{}", "empty": '{"messages":[]}',
    "nested": "[" * 100_000, "nested object": '{"a":' * 100_000, "twice": '{"messages":[],"messages":[]}',
    "not utf-8": b'{"messages":[{"@type":"' + TEXT.encode() + b'","value":"\xff\xfe"}]}',
    "unknown type": '{"messages":[{"@type":"type.googleapis.com/nobody.Knows","value":"x"}]}',
    "no type": '{"messages":[{"value":"x"}]}', "another id": json.dumps(ONE | {"id": "8"}),
    "unknown field": json.dumps(ONE | {"surprise": 1}),
}


def test_bad_ids_and_batches_change_nothing(world):
    host = world.host("--max-message", "1MiB")
    for bad in ("0", "-1", "+1", "01", "1.0", "18446744073709551616", "x", "", "%31x", "name:", "name:%ff"):
        for answer in (host.call(bad), host.ask("GET", f"/v1/actors/{bad}")):
            assert answer.status in (400, 404), (bad, answer)
    headers = {"content-type": "application/json"}
    for what, body in BAD_BATCHES.items():
        answer = host.ask("POST", "/v1/actors/7/apply", body, headers)
        assert answer.status == 400 and answer.headers["ringside-outcome"] == "invalid", (what, answer)
        assert json.loads(answer.body)["type"] == "urn:ringside:invalid"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert host.ask("POST", "/v1/actors/7/apply", json.dumps(ONE), {"content-type": kind}).status == 415
    whole = messages.ApplyRequest(id=7, messages=[any_of("x" * 100)]).SerializeToString()
    truncated = host.ask("POST", "/v1/actors/7/apply", whole[:-5], {"content-type": "application/protobuf"})
    assert truncated.status == 400
    many = host.ask("POST", "/v1/actors/7/apply", json.dumps({"messages": ONE["messages"] * 10_001}), headers)
    assert many.status == 400 and many.headers["ringside-reason"] == "too-many-messages"
    assert host.apply(7, "x" * 1_100_000).status == 413
    for path in ("../x", "a/../../b", "a%2fb", "%2e%2e/b", "a/%2E%2e", "a%0d%0ab"):
        answer = host.call(7, path=path)
        assert answer.status == 400 and answer.headers["ringside-reason"] == "bad-path", (path, answer)
    assert host.ask("GET", "/v1/actors/7/apply").status == 405
    assert host.ask("GET", "/nothing").status == 404
    assert host.app.requests == []
    most = host.ask("POST", "/v1/actors/7/apply", json.dumps({"messages": ONE["messages"] * 10_000}), headers)
    assert most.status == 200
    host.well()


def test_a_body_of_exactly_the_limit(world):
    hosts = world.cluster(2, "--max-message", "1MiB")
    for host in hosts:
        host.app.serve = lambda request, _: (200, {}, request.body)
    body = b"x" * (1 << 20)
    owners = set()
    for actor in range(1, 65):  # so many that both hosts surely own some
        answer = hosts[0].call(actor, body=body, x_more="y" * 8000)
        assert answer.status == 200 and answer.body == body
        owners.add(answer.headers["ringside-owner"])
    assert len(owners) == 2, "here and there"
    answer = hosts[0].call(1, body=body + b"x")
    assert answer.status == 413 and answer.headers["ringside-reason"] == "too-large"


def test_an_app_that_answers_a_method_call_with_a_malformed_response(world):
    app = world.keep(GrpcApp("unary"))
    host = world.host(app=app)

    def behave(response):
        def turn(given, _):
            packed = any_pb2.Any()
            packed.Pack(response)
            return app_pb2.TurnResult(seq=given.seq, outcome=app_pb2.OUTCOME_APPLIED, replies=[packed])
        app.behave = turn
    behave(http_pb2.Response(status=201, body=b"good"))
    answer = host.call(1)
    assert (answer.status, answer.body) == (201, b"good")
    for bad in (http_pb2.Response(), http_pb2.Response(status=99), http_pb2.Response(status=1000),
                http_pb2.Response(status=200, headers=[http_pb2.Header(name="a b", value=b"c")]),
                http_pb2.Response(status=200, headers=[http_pb2.Header(name="a", value=b"b\r\nc: d")])):
        behave(bad)
        answer = host.call(1)
        assert (answer.status, answer.headers["ringside-outcome"]) == (500, "unknown"), bad
        assert answer.headers["ringside-reason"] == "app-garbage"
