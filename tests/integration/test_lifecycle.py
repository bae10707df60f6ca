"""How a sidecar begins and ends, and what its callers hear of it."""
import concurrent.futures
import json
import signal
import threading

import cluster
import h2c_app

pytestmark = h2c_app.both_ways


def test_it_ends_in_order_from_the_start_line_on(world):
    for _ in range(10):
        host = world.sidecar("--app", "http://127.0.0.1:9")
        host.child.send_signal(signal.SIGTERM)
        assert host.wait() == 0, "".join(host.lines)


def test_the_start_line_tells_the_ports_whatever_the_level(world):
    for level in ("warn", "error"):
        host = world.sidecar("--log-level", level)
        host.ready()
        assert not any("event=ready" in line for line in host.lines)


def test_a_turn_that_does_not_end_holds_nobody_longer_than_the_drain(world):
    begun, released = threading.Event(), threading.Event()

    def hang(*_):
        begun.set()
        released.wait(10 * cluster.PATIENCE)
        return 200, {}, b""
    app = world.app(serve=hang)
    host = world.host("--drain-timeout", "500ms", app=app)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = pool.submit(host.apply, 7, "first")
        assert begun.wait(cluster.PATIENCE)
        waiting = pool.submit(host.apply, 7, "second")
        cluster.until(lambda: host.metric("ringside_turns_waiting") == 1, "the second waits behind the first")
        host.child.send_signal(signal.SIGTERM)
        for call, status, outcome in ((running, 500, "unknown"), (waiting, 503, "not-delivered")):
            answer = call.result()
            assert (answer.status, answer.headers["ringside-outcome"]) == (status, outcome), answer
            assert answer.headers["ringside-reason"] == "shutting-down"
        assert host.wait() == 0
    host.line(r"event=drain_overdue .*left=7")
    released.set()


def test_what_was_not_applied_has_a_line_in_the_log(world):
    host = world.host(app=world.app(serve=lambda *_: (409, {}, b"no")))
    answer = host.apply(7, "x")
    assert answer.headers["ringside-reason"] == "app-refused"
    host.line(r"event=call_not_applied actor=7 outcome=refused reason=app-refused")


def test_a_drain_before_the_app_has_answered_is_kept(world):
    let_go = threading.Event()

    def health():
        assert let_go.wait(cluster.PATIENCE)
        return 200
    host = world.sidecar(app=world.app(health=health))
    drained = host.ask("POST", "/v1/drain", "{}", {"content-type": "application/json"})
    assert drained.status == 202
    let_go.set()
    host.line("event=joined")
    assert json.loads(host.ask("GET", "/v1/drain").body)["phase"] == "drained"
    assert host.admin_get("/readyz").status == 503
