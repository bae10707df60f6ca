"""What callers meet: keys, hang-ups, turns that call other actors, and being told why."""
import concurrent.futures
import json
import socket
import threading
import time
import urllib.parse

import apps
import cluster
import h2c_app
import pytest

pytestmark = h2c_app.both_ways


def test_only_final_answers_are_kept_for_a_key(world):
    answers = iter([503, 429, 500, 200, 200])
    app = world.app(serve=lambda request, http: (next(answers), {}, b"done"))
    host = world.host(app=app)
    statuses = [host.call(7, idempotency_key="a").status for _ in range(6)]
    assert statuses == [503, 429, 500, 200, 200, 200]
    assert len(app.requests) == 4
    assert host.call(7, idempotency_key="a").headers["idempotency-replayed"] == "true"


def test_neither_408_nor_425_is_kept_for_a_key(world):
    answers = iter([408, 425, 404])
    app = world.app(serve=lambda request, http: (next(answers), {}, b""))
    host = world.host(app=app)
    assert [host.call(7, idempotency_key="a").status for _ in range(4)] == [408, 425, 404, 404]
    assert len(app.requests) == 3


@pytest.mark.parametrize("status, verb", [(303, "GET"), (302, "GET"), (307, "POST"), (308, "POST")])
@pytest.mark.parametrize("there", ["/actors/7/method/add/", "/actors/7/method/other?x=1", "seen", "{app}/actors/7/method/view"])
def test_a_redirect_under_a_key_is_followed_and_repeated_as_a_whole(world, status, verb, there):
    """What clients do that send a key with every request, redirected ones included (curl -L, requests.Session)."""
    def serve(request, http):
        if request.path == "/actors/7/method/add":
            return status, {"location": there.format(app=f"http://127.0.0.1:{http.server.server_port}")}, b""
        return 200, {}, b"done"
    hosts = [world.host(app=world.app(serve=serve))]
    hosts.append(world.host(app=world.app(serve=serve), join=[hosts[0]]))
    cluster.settled(hosts)
    for host, replayed in ((hosts[1], None), (hosts[0], "true"), (hosts[1], "true")):
        moved = host.call(7, idempotency_key="a")
        assert (moved.status, moved.headers["idempotency-replayed"]) == (status, replayed), moved
        leads_to = urllib.parse.urljoin("/v1/actors/7/method/add", moved.headers["location"])
        answer = host.ask(verb, leads_to, b"", {"idempotency-key": "a"})
        assert (answer.status, answer.body, answer.headers["idempotency-replayed"]) == (200, b"done", replayed), answer
    assert sum(len(host.app.requests) for host in hosts) == 2
    assert hosts[0].ask("POST", "/v1/actors/7/method/elsewhere", b"", {"idempotency-key": "a"}).status == 422


def test_another_request_under_a_key_is_refused(world):
    app = world.app()
    hosts = [world.host(app=app)]
    hosts.append(world.host(join=[hosts[0]]))
    cluster.settled(hosts)
    for host in hosts:
        actor = 40 + hosts.index(host)
        first = {"method": "POST", "path": "add", "body": b"1"}
        def send(host=host, actor=actor, **other):
            given = first | other
            return host.call(actor, given["path"], given["body"], given["method"], idempotency_key="k", date="now")
        assert send().status == 200
        again = send()
        assert again.status == 200 and again.headers["idempotency-replayed"] == "true"
        for other in ({"body": b"2"}, {"path": "take"}, {"method": "PUT"}, {"path": "add?x=1"}):
            answer = send(**other)
            assert answer.status == 422 and answer.headers["ringside-reason"] == "key-reused", (other, answer)
            assert json.loads(answer.body)["type"] == "urn:ringside:invalid"
        assert host.apply(actor, "batch", idempotency_key="k").status == 422, "another form"
    assert sum(request.method == "PUT" for request in app.requests) == 0


def test_a_key_of_a_batch(world):
    host = world.host()
    assert host.apply(7, "one", idempotency_key="b").status == 200
    again = host.apply(7, "one", idempotency_key="b")
    assert again.headers["idempotency-replayed"] == "true"
    assert host.apply(7, "two", idempotency_key="b").headers["ringside-reason"] == "key-reused"


def test_calls_of_clients_that_hung_up_do_not_begin(world):
    release = threading.Event()
    def serve(request, http):
        release.wait(cluster.PATIENCE)
        return 200, {}, b""
    app = world.app(serve=serve)
    host = world.host(app=app)
    address = host.local.rsplit(":", 1)
    sockets = []
    for number in range(12):
        one = socket.create_connection((address[0], int(address[1])))
        one.sendall(f"POST /v1/actors/7/method/{number} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n".encode())
        sockets.append(one)
        cluster.until(lambda n=number: host.json("/v1/status")["calls"] == n + 1, "it has come")
    for one in sockets:
        one.close()
    cluster.until(lambda: host.json("/v1/status")["turns_waiting"] == 0, "nobody waits any more")
    release.set()
    cluster.until(lambda: host.json("/v1/status")["turns_under_way"] == 0, "the turn ends")
    assert len(app.requests) == 1


def test_a_client_that_ends_its_half_and_still_reads_says_so(world):
    host = world.host()
    address = host.local.rsplit(":", 1)
    def one_shot(header):
        one = socket.create_connection((address[0], int(address[1])))
        one.sendall(f"POST /v1/actors/7/method/add HTTP/1.1\r\nhost: localhost\r\n{header}content-length: 0\r\n\r\n".encode())
        one.shutdown(socket.SHUT_WR)
        answer = b""
        while part := one.recv(65536):
            answer += part
        return answer
    assert one_shot("ringside-half-close: true\r\n").startswith(b"HTTP/1.1 200 ")


class Caller(apps.HttpApp):
    """Each turn of a path "call/A/B/..." calls A with the rest."""

    def __init__(self, passes_chain):
        super().__init__(serve=self.pass_on)
        self.passes_chain, self.host = passes_chain, None

    def pass_on(self, request, http):
        rest = request.path.split("/method/", 1)[1].split("/")[1:]
        if not rest:
            return 200, {}, b"end"
        headers = {"ringside_chain": request.headers["ringside-chain"]} if self.passes_chain else {}
        answer = self.host.call(rest[0], "/".join(["call", *rest[1:]]), **headers)
        return answer.status, {"content-type": "application/json"}, answer.body


def callers(world, passes_chain, *flags):
    app = world.keep(Caller(passes_chain))
    app.host = world.host(*flags, app=app)
    return app.host


def test_an_actor_that_calls_itself_hears_so_at_once(world):
    host = callers(world, True)
    began = time.monotonic()
    answer = host.call(41, "call/97/41")
    assert time.monotonic() - began < 5
    assert answer.status == 409, answer
    problem = json.loads(answer.body)
    assert problem["reason"] == "call-loop" and "41 -> 97 -> 41" in problem["detail"]


def test_turns_that_call_other_actors_do_not_stop_the_host(world):
    for passes_chain in (True, False):
        host = callers(world, passes_chain, "--max-actors-in-flight", "8")
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda n: host.call(n, f"call/{n + 1000}/{n + 2000}"), range(1, 41)))
        assert [answer.status for answer in answers] == [200] * 40
        assert time.monotonic() - began < 9, "not at their deadlines"


def test_who_waits_in_vain_hears_for_what(world):
    release = threading.Event()
    def serve(request, http):
        release.wait(cluster.PATIENCE)
        return 200, {}, b""
    host = world.host(app=world.app(serve=serve))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        slow = pool.submit(host.call, 7, "slow", ringside_timeout="2s")
        cluster.until(lambda: host.json("/v1/status")["turns_under_way"] == 1, "the turn is under way")
        behind = host.call(7, "next", ringside_timeout="500ms")
        assert slow.result().headers["ringside-reason"] == "app-slow"
    problem = json.loads(behind.body)
    assert (behind.status, problem["reason"], problem["blame"]) == (504, "app-slow", "app")
    assert "actor 7 is busy with a turn that has run" in problem["detail"]
    release.set()


def test_names_are_shown_where_callers_gave_them(world):
    host = world.host()
    host.call("name:cart-7")
    [row] = host.json("/v1/actors")["actors"]
    assert row["name"] == "cart-7" and row["waiting"] == 0
    status = host.json("/v1/status")
    assert status["actors"] == 1, "a count is a number"


def test_what_callers_entrust_is_told_nowhere(world):
    """Neither in the log, at its most talkative, nor by any page: bodies, keys, credentials."""
    host = world.host("--log-level", "debug", "--turn-timeout", "300ms")
    secret = "s3cret"
    given = {"authorization": f"Bearer {secret}", "cookie": f"id={secret}"}
    body = json.dumps({"messages": [{"@type": cluster.STRING, "value": secret}]})
    asked = [("POST", "/v1/actors/7/apply", body, {"content-type": "application/json"}),
             ("POST", "/v1/actors/7/apply", "{" + secret, {"content-type": "application/json"}),
             ("POST", "/v1/actors/7/method/add", secret, {}), ("POST", "/v1/actors/8/method/add", secret, {}),
             ("POST", "/v1/actors/x/method/add", secret, {}), ("POST", "/v1/nothing", secret, {})]
    for number, (method, path, text, headers) in enumerate(asked):
        host.ask(method, path, text, given | headers | {"idempotency-key": f"{secret}-{number}"})
    host.app.kill()
    assert host.ask("POST", "/v1/actors/7/method/add", secret, given).status >= 500
    pages = [host.admin_get(page).body.decode() for page in ("/metrics", "/status", "/readyz", "/")]
    pages += [host.ask("GET", page).body.decode() for page in ("/v1/status", "/v1/members", "/v1/actors", "/v1/actors/7")]
    for text in (*pages, *host.lines):
        assert secret not in text, text
