"""Hostile and broken clients at real listeners: each gets a clear error or is cut off; the sidecar goes on."""
import json
import re
import socket
import subprocess
import threading

import grpc
import pytest

import cluster

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def talk(address, data, finish=False):
    """All that comes back until the other side closes, read only when everything is sent (from a small buffer, so that it
    is the other side that takes it)."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), cluster.PATIENCE) as connection:
        connection.settimeout(cluster.PATIENCE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        try:
            connection.sendall(data)
            if finish:
                connection.shutdown(socket.SHUT_WR)
            out = b""
            while True:
                part = connection.recv(65536)
                if not part:
                    return out
                out += part
        except (ConnectionResetError, BrokenPipeError):
            return b"reset"


POST = b"POST /v1/actors/7/method/add HTTP/1.1\r\nhost: localhost\r\n"
SMUGGLED = {
    "two lengths": POST + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "length and chunked": POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    "strange coding": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "folded": POST + b"x: 1\r\n  2\r\n\r\n", "space before colon": POST + b"content-length : 3\r\n\r\nabc",
    "no host": b"POST /v1/actors/7/method/add HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
    "two hosts": POST + b"host: localhost\r\ncontent-length: 0\r\n\r\n",
    "negative length": POST + b"content-length: -1\r\n\r\n", "bare lf": POST + b"x: 1\ny: 2\r\n\r\n",
    "header flood": POST + b"".join(b"x-%d: y\r\n" % i for i in range(100_000)) + b"\r\n",
    "one huge header": POST + b"x: " + b"y" * 3_000_000 + b"\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"U" * 500,
}
STATUS = {"header flood": b"431", "one huge header": b"431"}  # 400 where nothing stands


def test_smuggled_requests(world):
    host = world.host()
    for what, data in SMUGGLED.items():
        answer = talk(host.local, data)
        assert answer.startswith(b"HTTP/1.1 " + STATUS.get(what, b"400") + b" "), (what, answer)
        assert answer.count(b"HTTP/1.1 ") == 1, f"{what}: one answer"
        assert b"ringside-outcome: invalid" in answer
    assert host.app.requests == []
    for address in (host.peer, host.admin):
        assert talk(address, SMUGGLED["a TLS hello"]).startswith(b"HTTP/1.1 400 ")
    host.well()


def test_half_prefaces_and_slow_senders_are_cut_off(world):
    host = world.host()
    slow = [PREFACE[:10], b"", PREFACE[:-1], POST, POST + b"content-length: 1"]
    results = [None] * len(slow) * 2
    def run(i, address, data):
        results[i] = talk(address, data)
    threads = [threading.Thread(target=run, args=(i, (host.local, host.peer)[i % 2], slow[i // 2]))
               for i in range(len(results))]
    for one in threads:
        one.start()
    host.well()  # they keep nobody waiting
    for one in threads:
        one.join(3 * cluster.PATIENCE)
        assert not one.is_alive()
    assert all(b"200" not in (result or b"").split(b"\r\n")[0] for result in results)
    for data in (PREFACE[:10], PREFACE[:-1], PREFACE + b"\x00\x00"):
        talk(host.local, data, finish=True)
        talk(host.peer, data, finish=True)
    for data in (PREFACE + b"\xff" * 100, PREFACE + b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"):
        talk(host.peer, data, finish=True)
    host.well()
    assert len(host.app.requests) == 2


def test_a_client_that_has_said_all_is_still_answered(world):
    def serve(*_):
        done.wait(cluster.PATIENCE)
        return 200, {}, b"done"
    done = threading.Event()
    host = world.host(app=world.app(serve=serve))
    threading.Timer(0.2, done.set).start()
    three = (POST + b"content-length: 0\r\n\r\n") * 3
    assert talk(host.local, three, finish=True).count(b"HTTP/1.1 200 OK") == 3


def test_a_web_page_does_not_reach_it(world):
    host = world.host()
    batch = json.dumps({"messages": [{"@type": cluster.STRING, "value": "x"}]})
    pages = [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
             {"sec-fetch-site": "same-site"}, {"host": "evil.example"}, {"host": "127.0.0.1.evil.example"}]
    for headers in pages:
        for method, path in (("GET", "/v1/members"), ("POST", "/v1/actors/1/method/add"), ("POST", "/v1/drain"),
                             ("POST", "/v1/actors/1/apply"), ("OPTIONS", "/v1/drain")):
            answer = host.ask(method, path, batch, {"content-type": "application/json"} | headers)
            assert answer.status == 403, (headers, method, path, answer)
            assert not any(name.lower().startswith("access-control") for name in answer.headers)
    simple = host.ask("POST", "/v1/drain", "{}", {"content-type": "text/plain"})
    assert simple.status == 415
    assert host.ask("GET", "/v1/members", headers={"host": "localhost:1380", "sec-fetch-site": "none"}).status == 200
    assert host.app.requests == [] and host.json("/v1/status")["phase"] == "ready"
    allowed = world.sidecar("--allow-host", "my.name")
    assert allowed.ask("GET", "/v1/members", headers={"host": "my.name"}).status == 200


def test_a_web_page_reaches_no_grpc_method_either(world):
    host = world.host()
    methods = ("/messages.ControlPlane/Apply", "/messages.ControlPlane/Ping", "/ringside.peer.v1.Membership/Watch",
               "/grpc.health.v1.Health/Check")
    with grpc.insecure_channel(host.local) as channel:
        for method in methods:
            for header in (("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")):
                answers = channel.unary_stream(method)(b"", timeout=20, metadata=[header])
                with pytest.raises(grpc.RpcError) as refused:
                    list(answers)
                applies = method.endswith("Apply")  # whose codes go by outcome
                code = grpc.StatusCode.INVALID_ARGUMENT if applies else grpc.StatusCode.PERMISSION_DENIED
                assert refused.value.code() == code, (method, header, refused.value)
                assert "web pages" in refused.value.details()
        health = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert health(b"", timeout=20) == b"\x08\x01"


def test_clients_as_they_are(world):
    host = world.host()
    h2c = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAARAAAAAAAIAAAAA"}
    assert host.ask("POST", "/v1/actors/1/method/add", b"x", h2c).status == 200
    url = f"http://{host.local}/v1/actors/1/method/add"
    for more in (["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"]):
        done = subprocess.run(["curl", "-sS", "--max-time", "20", "-d", "x" * 2000, *more, url], capture_output=True)
        assert done.returncode == 0 and b"count" in done.stdout, done
    two = (POST + b"content-length: 0\r\n\r\n") * 2 + POST + b"content-length: 0\r\nconnection: close\r\n\r\n"
    assert talk(host.local, two).count(b"HTTP/1.1 200") == 3


def curl(host, path, *more, **how):
    """Over HTTP/2 with prior knowledge: the status and the body."""
    done = subprocess.run(["curl", "-sS", "--max-time", str(cluster.PATIENCE), "--http2-prior-knowledge", "-w",
                           "\n%{http_version} %{http_code}", *more, f"http://{host.local}{path}"], capture_output=True, check=True,
                          **how)
    body, _, said = done.stdout.rpartition(b"\n")
    version, status = said.decode().split()
    assert version == "2", done
    return int(status), body


def test_curl_over_http2(world):
    host = world.host()
    assert json.loads(curl(host, "/v1/actors/1/method/add", "-d", "x")[1])["count"] == 1
    batch = json.dumps({"messages": [{"@type": cluster.STRING, "value": "x"}]})
    status, body = curl(host, "/v1/actors/1/apply", "-d", batch, "-H", "content-type: application/json")
    assert status == 200 and json.loads(body)["accepted"], body
    assert json.loads(curl(host, "/v1/members")[1])["view_of"] == host.name
    large = b"x" * 4_000_000
    assert curl(host, "/v1/actors/1/method/add", "--data-binary", "@-", input=large)[0] == 200
    assert curl(host, "/v1/actors/1/method/add", "-d", "x", "-H", "Expect: 100-continue")[0] == 200
    for status, reason, more in ((413, "too-large", ["--data-binary", "@-"]), (404, "not-found", []),
                                 (403, "forbidden", ["-H", "origin: http://evil.example"]),
                                 (403, "forbidden", ["-H", "host: evil.example"]),
                                 (431, "too-large", ["-H", "big: " + "x" * 16_300])):
        path = "/v1/nothing" if status == 404 else "/v1/actors/1/method/add"
        seen, body = curl(host, path, *more, input=b"x" * 5_000_000)
        assert (seen, json.loads(body)["reason"]) == (status, reason), body
    assert [request.path for request in host.app.requests].count("/actors/1/method/add") == 3


def test_many_calls_on_one_connection(world, tmp_path):
    """By h2load: each is carried out once; and one by curl through a Unix socket."""
    path, body = tmp_path / "local.sock", tmp_path / "body"
    body.write_bytes(b"x" * 100)
    host = world.host(local=("127.0.0.1:0", f"unix:{path}"))
    done = subprocess.run(["h2load", "-n", "2000", "-c", "1", "-m", "100", "-d", body,
                           *(f"http://{host.local}/v1/actors/{actor}/method/add" for actor in range(1, 101))],
                          capture_output=True, text=True, check=True)
    assert "2000 succeeded, 0 failed" in done.stdout and "2000 2xx" in done.stdout, done
    assert sorted(host.app.counts.values()) == [20] * 100
    seen = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "--unix-socket", path, "-d", "",
                           "http://localhost/v1/actors/1/method/add"], capture_output=True, check=True)
    assert json.loads(seen.stdout)["count"] == 21


def test_an_end_in_order_over_http2(world):
    """What is under way on a connection is answered when the sidecar ends, whatever else its client would send."""
    host = world.host()
    calls = subprocess.Popen(["h2load", "-n", "1000000", "-c", "2", "-m", "20", f"http://{host.local}/v1/actors/1/method/add"],
                             stdout=subprocess.PIPE, text=True)
    cluster.until(lambda: host.app.counts.get("1", 0) > 50, "calls go on")
    host.child.terminate()
    assert host.wait() == 0
    said = calls.communicate(timeout=cluster.PATIENCE)[0]
    assert int(re.search(r"(\d+) 2xx", said)[1]) > 50, said


def start(*flags, **env):
    return subprocess.run([cluster.RINGSIDE, "serve", *flags], capture_output=True, text=True, timeout=20,
                          env=cluster.environment(**env))


SMALL = ["--host", "127.0.0.1", "--peer", "127.0.0.1:0", "--local", "127.0.0.1:0", "--admin", "127.0.0.1:0"]


@pytest.mark.parametrize("listener", ["peer", "local", "admin"])
def test_a_port_in_use(listener):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flags = list(SMALL)
        flags[flags.index(f"--{listener}") + 1] = address
        done = start(*flags)
        assert done.returncode not in (0, 2) and address in done.stderr and "in use" in done.stderr, done


@pytest.mark.parametrize("flags", [
    ["--host", "bad name"], ["--host", "a:b:c"], ["--join", ",,"], ["--join", "dns:"], ["--join", "k8s:"],
    ["--app", "ftp://127.0.0.1"], ["--app", "http://127.0.0.1:99999"], ["--drain-timeout", "25"],
    ["--drain-timeout", "-1s"], ["--ping-interval", "0s"], ["--max-message", "4"], ["--max-message", "4XB"],
    ["--local", "0.0.0.0:0"], ["--points", "0"], ["--log-level", "loud"], ["--nonsense", "1"], ["--config", "/nowhere"]])
def test_wrong_settings(flags):
    done = start(*SMALL, *flags)
    assert done.returncode == 2, done
    assert flags[0].lstrip("-") in done.stderr and flags[1] in done.stderr or flags[0] == "--nonsense", done.stderr


def test_settings_whose_use_shows_that_they_are_wrong(tmp_path):
    empty, garbage = tmp_path / "empty", tmp_path / "garbage"
    empty.write_bytes(b"")
    garbage.write_bytes(b"\xffgarbage")
    for name, value in [("descriptors", "/nowhere"), ("descriptors", str(tmp_path)), ("descriptors", str(empty)),
                        ("descriptors", str(garbage)), ("join", "k8s:x")]:
        for done, origin in ((start(*SMALL, f"--{name}", value), f"flag --{name}"),
                             (start(*SMALL, **{f"RINGSIDE_{name.upper()}": value}), f"environment RINGSIDE_{name.upper()}")):
            assert done.returncode == 2, done
            assert all(part in done.stderr for part in (f"--{name}", value, origin, "allowed: ")), done.stderr


def test_wrong_settings_elsewhere(tmp_path, world):
    done = start(*SMALL, RINGSIDE_DRAIN_TIMEOUT="soon")
    assert done.returncode == 2 and "RINGSIDE_DRAIN_TIMEOUT" in done.stderr and "soon" in done.stderr
    file = tmp_path / "ringside.toml"
    for text in ('drain-timeot = "25s"', 'drain-timeout = "x"', "drain-timeout = ", 'drain-timeout = 25'):
        file.write_text(text)
        done = start(*SMALL, "--config", str(file))
        assert done.returncode == 2 and "ringside.toml" in done.stderr, (text, done.stderr)
    file.write_text('drain-timeout = "7s"\n')
    host = world.sidecar("--config", str(file), RINGSIDE_SURPRISE="1")
    host.line(r"event=start .*drain-timeout=7s")
    host.line(r"RINGSIDE_SURPRISE")
