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
        assert ringside.apply(actor, timeout="3s")[0] in ("not-delivered", "unknown")
        said = legacy.rpc(ringside, "Apply", id=str(actor), messages=[
            {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "a"}])
        assert said["code"] in ("UNAVAILABLE", "UNKNOWN") and "ring-disagreement" in said["message"], said
        asked = legacy.state["calls"]["Apply"] - before
        assert asked <= 10, f"{asked} calls for two"
    assert ringside.metric("ringside_ring_disagreements_total") >= 3
    assert not ringside.app.applied and not legacy.applied


def test_another_ring_is_surely_not_delivered(cluster):
    ringside = cluster.ringside()
    legacy = cluster.legacy("--points", "64", join=[ringside])
    cluster.settle(ringside, legacy)
    actor = disputed(ringside, legacy)[0]
    assert ringside.apply(actor, timeout="3s")[:2] == ("not-delivered", "ring-disagreement")


def test_peer_apply_own_takes_the_senders_word(cluster):
    ringside = cluster.ringside("--peer-apply", "own")
    legacy = cluster.legacy("--points", "64", join=[ringside])
    cluster.settle(ringside, legacy)
    for actor in disputed(ringside, legacy)[:3]:
        assert legacy.apply(actor, "a")["code"] == "OK"
        assert ringside.apply(actor, "b")[::2] == ("applied", ringside.name)
        assert ringside.app.applied[str(actor)] == ["a", "b"]
    assert not legacy.applied
