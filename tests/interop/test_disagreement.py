"""Hosts that keep another ring: a clear error, or --peer-apply own; never a storm."""


def disputed(ringside, legacy):
    """Ids that each of the two takes for the other's."""
    from legacy_ring import Ring
    theirs = Ring([ringside.name, legacy.name], 64)
    return [i for i in range(1, 400) if ringside.where(i)["owner"] == legacy.name and theirs.owner(i) == ringside.name]


def test_another_ring_ends_in_a_clear_error(cluster):
    ringside = cluster.ringside()
    legacy = cluster.legacy("--points", "64", join=[ringside])
    cluster.settle(ringside, legacy)
    for actor in disputed(ringside, legacy)[:3]:
        before = legacy.state["calls"].get("Apply", 0)
        outcome, reason, _ = ringside.apply(actor, timeout="3s")
        assert (outcome, reason) in {("not-delivered", "ring-disagreement"), ("unknown", "peer-error"), ("unknown", "peer-lost")}
        asked = legacy.state["calls"]["Apply"] - before
        assert asked <= 8, f"{asked} calls for one"
        direct = legacy.rpc(ringside, "Apply", id=str(actor), messages=[
            {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "a"}])
        assert direct["code"] in ("UNAVAILABLE", "UNKNOWN"), direct
    assert ringside.metric("ringside_ring_disagreements_total") >= 1
    assert not ringside.app.applied and not legacy.applied


def test_peer_apply_own_takes_the_senders_word(cluster):
    ringside = cluster.ringside("--peer-apply", "own")
    legacy = cluster.legacy("--points", "64", join=[ringside])
    cluster.settle(ringside, legacy)
    for actor in disputed(ringside, legacy)[:3]:
        assert legacy.apply(actor, "a")["code"] == "OK"
        assert ringside.apply(actor, "b")[::2] == ("applied", ringside.name)
        assert ringside.app.applied[str(actor)] == ["a", "b"]
    assert not legacy.applied
