"""Apps that speak HTTP/2 with prior knowledge, over the one connection that a sidecar makes: what is different from HTTP/1.1.
What is the same is in the tests that run both ways (h2c_app.both_ways)."""
import collections
import concurrent.futures
import threading

import pytest

import cluster
import h2c_app
from test_real_servers import RealApp


@pytest.fixture
def app(world):
    return lambda **options: world.keep(h2c_app.H2cApp(**options))


def counts_of(host, calls, actors, callers):
    """Of each actor, what its calls have counted."""
    counts = collections.defaultdict(list)
    with concurrent.futures.ThreadPoolExecutor(callers) as pool:
        for actor, answer in pool.map(lambda n: (n % actors, cluster.counted(host.call(n % actors + 1))), range(calls)):
            counts[actor].append(answer["count"])
    return counts


def test_one_connection_carries_everything(world, app):
    host = world.host(app=app())
    counts = counts_of(host, 400, 40, 32)
    assert all(sorted(seen) == list(range(1, 11)) for seen in counts.values())
    assert host.ask("DELETE", "/v1/actors/7").status == 200 and "7" in host.app.ended
    assert len(host.app.connections) == 1


@pytest.mark.parametrize("streams", [1, 3])
def test_what_the_app_does_not_allow_at_once_waits(world, app, streams):
    made = app()
    made.kill()
    made.streams = streams
    made.start()
    host = world.host("--app-health-interval", "50ms", app=made)
    counts = counts_of(host, 200, 20, 32)
    assert all(sorted(seen) == list(range(1, 11)) for seen in counts.values())
    assert host.metric('ringside_app_requests_total{outcome="unknown"}') == 0
    assert len(made.connections) == 1


def test_through_a_unix_socket(world, app, tmp_path):
    host = world.host(app=app(unix=str(tmp_path / "app.sock")))
    assert cluster.counted(host.call(1))["count"] == 1
    assert host.app.requests[-1].headers["host"] == "localhost"


def test_an_app_that_goes_away_again_and_again_loses_nothing(world, tmp_path):
    """Node ends each connection in order after 25 requests: GOAWAY, and what it has begun is answered."""
    made = world.keep(RealApp("node-h2c", tmp_path, GOAWAY_AFTER="25"))
    host = world.host(app=made)
    counts = counts_of(host, 600, 60, 32)
    assert all(sorted(seen) == list(range(1, 11)) for seen in counts.values()), "nothing is lost, and nothing twice"
    assert host.metric('ringside_app_requests_total{outcome="unknown"}') == 0


def test_an_app_that_dies_in_the_midst_of_a_turn(world, app):
    begun = threading.Event()

    def serve(*_):
        begun.set()
        threading.Event().wait(cluster.PATIENCE)
    made = app(serve=serve)
    host = world.host(app=made)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(host.call, 1)
        assert begun.wait(cluster.PATIENCE)
        made.kill()
        answer = call.result()
    assert answer.headers["ringside-outcome"] == "unknown", answer


def test_a_turn_that_takes_too_long_is_reset(world, app):
    release = threading.Event()

    def serve(request, _):
        if request.path.endswith("/hang"):
            release.wait(cluster.PATIENCE)
        return 200, {}, b"done"
    host = world.host("--turn-timeout", "300ms", app=app(serve=serve))
    try:
        slow = host.call(1, "hang")
        assert slow.headers["ringside-reason"] == "turn-timeout", slow
        cluster.until(lambda: host.app.resets == 1, "the app hears of it")
        assert host.call(2).body == b"done", "and the connection goes on"
        assert len(host.app.connections) == 1
    finally:
        release.set()


def test_an_app_of_http1_is_told_from_one_that_is_not_there(world):
    made = world.app()
    host = world.sidecar(app=made.url.replace("http://", "h2c://"))
    cluster.until(lambda: b"does not speak HTTP/2 with prior knowledge" in host.admin_get("/readyz").body, "readyz says so")
