"""Batches and answers that are not what they seem: each gets a clear error, and nobody else notices."""
import json
from concurrent import futures

import grpc
import pytest
from google.protobuf import any_pb2

import cluster
from apps import GrpcApp, app_pb2, messages

JSON, PROTOBUF = {"content-type": "application/json"}, {"content-type": "application/protobuf"}
MORE = {"@type": cluster.STRING, "value": "x", "more": 1}  # protobuf's reader throws there
SOME = any_pb2.Any(type_url="x.y/Z", value=b"x")


def nested(depth):
    """A message of so many Any, one in another."""
    size = lambda n: bytes([n]) if n < 0x80 else bytes([n & 0x7f | 0x80]) + size(n >> 7)  # noqa: E731
    url, inner = b"type.googleapis.com/google.protobuf.Any", b""
    for _ in range(depth):
        inner = b"\x0a" + size(len(url)) + url + b"\x12" + size(len(inner)) + inner
    return inner


def batch(*any_messages):
    return b"".join(messages.ApplyRequest(messages=[any_pb2.Any.FromString(one)]).SerializeToString()
                    for one in any_messages)


def refused(answer, reason):
    assert answer.status == 400 and answer.headers["ringside-reason"] == reason, answer
    assert answer.headers["ringside-outcome"] == "invalid"


def test_a_batch_of_any_shape_ends_nothing(world):
    host = world.host()
    for body in ({"messages": [MORE]}, {"messages": [{"@type": cluster.STRING.replace("StringValue", "Any"), "value": MORE}]}):
        refused(host.ask("POST", "/v1/actors/1/apply", json.dumps(body), JSON), "malformed")
    refused(host.ask("POST", "/v1/actors/1/apply", batch(nested(20_000)), PROTOBUF), "malformed")
    cut = any_pb2.Any(type_url=cluster.STRING, value=b"\x0a\x09ab").SerializeToString()
    refused(host.ask("POST", "/v1/actors/1/apply", batch(cut), PROTOBUF), "malformed")
    unknown = any_pb2.Any(type_url="x.y/Z").SerializeToString()
    refused(host.ask("POST", "/v1/actors/1/apply", batch(unknown), PROTOBUF), "bad-type")
    well_formed = json.dumps({"messages": [{"@type": cluster.STRING, "value": "x"}]})
    refused(host.ask("POST", "/v1/actors/1/apply", well_formed + "\0}", JSON), "malformed")
    assert host.app.requests == []
    done = host.cli("apply", "1", json.dumps({"messages": [MORE]}))
    assert done.returncode == 2 and "malformed" in done.stderr, done
    assert all("event=" in line for line in host.lines), "nothing but the log on stderr"
    host.well()


def test_an_answer_that_goes_on_behind_a_nul_ends_nothing(world):
    host = world.host(app=world.app(serve=lambda *_: (200, {"content-type": "application/json"}, b'{"accepted":true}\0}')))
    answer = host.apply(1, "a")
    assert answer.status == 500 and answer.headers["ringside-reason"] == "app-garbage", answer
    host.well()


def test_no_caller_ends_the_activations_of_a_stream_app(world):
    app = world.keep(GrpcApp("stream"))
    host = world.host(app=app)
    assert host.apply(1, "a").status == 200
    epochs = lambda: {turn.epoch for turn in app.turns() if turn.actor == "1"}  # noqa: E731
    once = epochs()
    refused(host.apply(2, "a", idempotency_key=b"\xff\xfe"), "malformed")
    refused(host.ask("POST", "/v1/actors/2/apply", b"\x12\x05\x0a\x03\xff\xfe\xfd", PROTOBUF), "bad-type")
    groups = b"\x0a\x05x.y/Z" + b"\x1b" * 99 + b"\x1c" * 99
    refused(host.ask("POST", "/v1/actors/2/apply", b"\x12" + bytes([len(groups) & 0x7f | 0x80, len(groups) >> 7]) + groups,
                     PROTOBUF), "malformed")
    trace = b"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-\xff"
    assert host.apply(2, "a", traceparent=trace).status == 200
    assert host.apply(1, "b").status == 200
    assert epochs() == once


@pytest.mark.parametrize("said, outcome", [
    ((200, {"content-type": "application/json"}, json.dumps({"replies": [MORE]}).encode()), "unknown"),
    ((200, {"content-type": "application/json"}, b"{"), "unknown"),
    ((200, {"content-type": "application/json"}, b"{}"), "applied"),
    ((200, {"content-type": "application/json"}, b"null"), "applied"),
    ((200, {"content-type": "application/json"}, b'{"replies":[],"took_ms":3}'), "applied"),
    ((201, {}, b'{"accepted":false}'), "refused"),
    ((200, {"content-type": "application/problem+json"}, b'{"accepted":false}'), "refused"),
    ((200, {"content-type": "text/plain"}, b"done"), "applied"),
    ((200, {"content-type": "application/protobuf"}, b""), "applied")])
def test_what_an_http_app_may_answer_to_a_batch(world, said, outcome):
    host = world.host(app=world.app(serve=lambda *_: said))
    answer = host.apply(1, "a")
    assert answer.headers["ringside-outcome"] == outcome, answer
    assert answer.headers["ringside-reason"] == {"unknown": "app-garbage", "refused": "app-refused"}.get(outcome), answer


def test_a_reply_within_replies_without_end(world):
    app = world.keep(GrpcApp("unary"))
    deep = any_pb2.Any.FromString(nested(20_000))
    app.behave = lambda turn, _: app_pb2.TurnResult(outcome=app_pb2.OUTCOME_APPLIED, replies=[deep])
    host = world.host(app=app)
    answer = host.apply(1, "a")
    assert answer.status == 200 and answer.headers["ringside-outcome"] == "applied"
    assert json.loads(answer.body)["replies"][0]["@type"].endswith(".Any")
    assert host.alive()


class Raving(grpc.GenericRpcHandler):
    """Answers everything with a status message that is no UTF-8."""

    def service(self, _):
        def fail(_, context):
            context.set_code(grpc.StatusCode.INTERNAL)
            context.set_details(b"bad \xff\xfe")
            return b""
        return grpc.unary_unary_rpc_method_handler(fail)


@pytest.mark.parametrize("role", ["app", "peer"])
def test_a_status_message_of_any_bytes_is_shown_as_text(world, role):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Raving(),))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        host = (world.sidecar("--app-down-after", "50ms", app=f"grpc://{address}") if role == "app" else
                world.sidecar("--join", address, app=world.app()))
        page = lambda: host.admin_get("/readyz").body  # noqa: E731
        cluster.until(lambda: b"bad ??" in page(), "the reason is shown")
        for view in (host.admin_get("/status"), host.ask("GET", "/v1/status"), host.ask("GET", "/v1/members")):
            assert "bad ?" in json.dumps(json.loads(view.body), ensure_ascii=False), view
        assert host.admin_get("/").status == 200
    finally:
        server.stop(0)


@pytest.mark.parametrize("status", [204, 304, 418, 599, 799, 999])
def test_any_status_of_a_method_call_is_the_apps_answer(world, status):
    host = world.host(app=world.app(serve=lambda *_: (status, {"date": "Sun, 06 Nov 1994 08:49:37 GMT"}, b"")))
    answer = host.call(1)
    assert answer.status == status and answer.headers["ringside-outcome"] == "applied"
    assert answer.headers.get_all("date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]


def test_head_tells_the_length(world):
    def serve(request, http):
        if request.method != "HEAD":
            return 200, {}, b"x" * 5_000_000
        http.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n")
    host = world.host("--max-message", "8MiB", app=world.app(serve=serve))
    for method in ("GET", "HEAD"):
        answer = host.call(1, method=method)
        assert answer.status == 200 and answer.headers["content-length"] == "5000000", method
    for path in ("/status", "/readyz"):
        answer = cluster.request(host.admin, "HEAD", path)
        assert int(answer.headers["content-length"]) > 0 and answer.body == b""
