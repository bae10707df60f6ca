"""Ringside, grpcio and grpc-go in one cluster."""
from cluster import texts_of


def test_all_three_agree(cluster):
    go = cluster.legacy(kind="go")
    ringside = cluster.ringside(join=[go])
    python = cluster.legacy(kind="python", join=[ringside])
    hosts = [go, ringside, python]
    cluster.settle(*hosts)
    assert go.state["ring"] == python.state["ring"] == ringside.get("/v1/members")["ring"]
    for actor in range(1, 91):
        for host in hosts:
            host.apply(actor, "x")
        assert sorted(len(texts_of(host, actor)) for host in hosts) == [0, 0, 3]
    ringside.terminate()
    cluster.settle(go, python)
    for actor in range(1, 91):
        assert go.apply(actor)["code"] == python.apply(actor)["code"] == "OK"
