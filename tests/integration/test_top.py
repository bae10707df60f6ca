"""Which actors have the most to do, of a real sidecar."""
import concurrent.futures
import json
import threading

import cluster


def test_the_busiest_the_slowest_and_the_most_waited_for(world):
    begun, released = threading.Event(), threading.Event()

    def serve(request, _):
        if request.path.startswith("/actors/3/"):
            begun.set()
            released.wait(10 * cluster.PATIENCE)
        return 200, {}, b""
    host = world.host(app=world.app(serve=serve))
    first = host.json("/v1/top")
    assert first["recorded_ms"] < 1000 and first["busiest"]["actors"] == [] and first["stops_after_ms"] == 60000, first
    for _ in range(20):
        host.call(1)
    host.call(2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        stuck = [pool.submit(host.call, 3), pool.submit(host.call, 3)]
        assert begun.wait(cluster.PATIENCE)
        cluster.until(lambda: host.metric("ringside_turns_waiting") == 1, "one waits")
        seen = cluster.until(lambda: (top := host.json("/v1/top"))["slowest"]["actors"][0]["id"] == "3" and top, "3 is slow")
        assert [row["id"] for row in seen["busiest"]["actors"]] == ["1", "3", "2"], seen
        assert seen["busiest"]["actors"][0]["calls"] == 20 and seen["busiest"]["actors"][0]["error"] == 0, seen
        slow = seen["slowest"]["actors"][0]
        assert slow["waiting"] == 1 and slow["turn_ms"] >= 0 and slow["turns"] == 0, slow
        shown = host.cli("top", "-n", "2").stdout
        assert shown.splitlines()[1].split()[:2] == ["1", "20"] and "SLOWEST" in shown, shown
        released.set()
        assert all(one.result().status == 200 for one in stuck)
    waited = json.loads(host.cli("top", "--json").stdout)["most_waited"]["actors"]
    assert [row["id"] for row in waited] == ["3"] and waited[0]["calls"] == 1 and waited[0]["total_ms"] > 0, waited
    assert json.loads(host.admin_get("/v1/top?n=1").body)["busiest"]["actors"][0]["id"] == "1"
