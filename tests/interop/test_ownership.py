"""One owner for each id, whoever is asked; claims and expiries heard both ways."""
from cluster import texts_of


def test_one_owner_for_each_id(cluster):
    first = cluster.ringside()
    hosts = [first, cluster.ringside(join=[first]), cluster.legacy(join=[first]), cluster.legacy(join=[first])]
    cluster.settle(*hosts)
    for actor in range(1, 61):
        for turn in range(4):
            host = hosts[(actor + turn) % 4]
            answer = host.apply(actor, f"{turn}")
            assert answer[0] == "applied" if isinstance(answer, tuple) else answer["code"] == "OK", answer
        owners = [host for host in hosts if texts_of(host, actor)]
        assert len(owners) == 1 and texts_of(owners[0], actor) == ["0", "1", "2", "3"]
        assert first.where(actor)["owner"] == owners[0].name
    assert all(any(texts_of(host, actor) for actor in range(1, 61)) for host in hosts)
    assert first.metric("ringside_forwards_total") > 0
    assert first.metric("ringside_ring_disagreements_total") == 0


def test_a_refusal_travels_both_ways(cluster):
    ringside = cluster.ringside()
    legacy = cluster.legacy(join=[ringside])
    cluster.settle(ringside, legacy)
    theirs = next(i for i in range(1, 1000) if ringside.where(i)["owner"] == legacy.name)
    ours = next(i for i in range(1, 1000) if ringside.where(i)["owner"] == ringside.name)
    assert ringside.apply(theirs, "refuse") == ("refused", "app-refused", legacy.name)
    assert legacy.apply(ours, "refuse") == {"n": legacy._sent, "code": "OK", "reply": {"accepted": False}}


def test_claims_of_a_legacy_host_stay_with_it(cluster):
    legacy = cluster.legacy()
    for actor in range(1, 41):
        assert legacy.apply(actor, "before")["code"] == "OK"
    ringside = cluster.ringside(join=[legacy])
    cluster.settle(ringside, legacy)
    strays = [actor for actor in range(1, 41) if ringside.where(actor)["rule"] == "stray"]
    assert strays
    for actor in range(1, 41):
        assert ringside.apply(actor, "after")[::2] == ("applied", legacy.name)
        assert legacy.applied[str(actor)] == ["before", "after"]
    assert legacy.do("expire", id=str(strays[0]))["acks"] == {ringside.name: True}
    assert ringside.where(strays[0])["rule"] == "ring"
    assert ringside.apply(strays[0], "moved")[::2] == ("applied", ringside.name)
    legacy.until("hints", key=str(strays[0]), value=ringside.name)


def test_claims_of_ringside_stay_with_it(cluster):
    ringside = cluster.ringside("--actor-idle-timeout", "3s")
    cluster.settle(ringside)
    for actor in range(1, 41):
        assert ringside.apply(actor, "before")[0] == "applied"
    legacy = cluster.legacy(join=[ringside])
    cluster.settle(ringside, legacy)
    legacy.until("hints", key="40", value=ringside.name)
    for actor in range(1, 41):
        assert legacy.apply(actor, "after")["code"] == "OK"
        assert ringside.app.applied[str(actor)] == ["before", "after"]
    legacy.until("calls", key="AnnounceExpiry", least=1)
    legacy.until("hints", **{"is": {}})
    moved = next(i for i in range(1, 41) if ringside.where(i)["owner"] == legacy.name)
    assert ringside.apply(moved, "moved")[::2] == ("applied", legacy.name)


def test_a_first_touch_is_announced_both_ways(cluster):
    ringside = cluster.ringside()
    legacy = cluster.legacy(join=[ringside])
    third = cluster.legacy(join=[ringside])
    cluster.settle(ringside, legacy, third)
    ours = next(i for i in range(1, 1000) if ringside.where(i)["owner"] == ringside.name)
    assert ringside.apply(ours)[0] == "applied"
    for host in (legacy, third):
        host.until("hints", key=str(ours), value=ringside.name)
    theirs = next(i for i in range(1, 1000) if ringside.where(i)["owner"] == legacy.name)
    assert third.apply(theirs)["code"] == "OK"
    assert legacy.state["claims"] == [str(theirs)]
    assert ringside.metric("ringside_announcements_total") >= 3


def test_a_host_known_by_a_dns_name_is_asked_back(cluster):
    """Its address proves nothing: what is said in its name counts as far as its own list bears it out."""
    legacy = cluster.legacy(host="localhost")
    for actor in range(1, 41):
        assert legacy.apply(actor, "before")["code"] == "OK"
    ringside = cluster.ringside(join=[legacy])
    other = cluster.legacy(join=[legacy])
    cluster.settle(ringside, legacy, other)
    held = next(actor for actor in range(1, 41) if ringside.where(actor)["rule"] == "stray")
    free = next(actor for actor in range(41, 1000) if ringside.where(actor)["owner"] == ringside.name)
    asked = legacy.state["calls"]["GetLocalActorIds"]

    def said(method, *ids):
        nonlocal asked
        ack = other.rpc(ringside, method, host=legacy.name, ids=[str(actor) for actor in ids])["reply"]
        asked += 1
        legacy.until("calls", key="GetLocalActorIds", least=asked)
        return ack["accepted"], [ringside.where(actor)["rule"] for actor in (held, free)]

    assert said("AnnounceOwnership", free) == (False, ["stray", "ring"])
    assert said("AnnounceExpiry", held) == (False, ["stray", "ring"])
    assert said("AnnounceOwnership", held, free) == (True, ["stray", "ring"])
    assert legacy.do("expire", id=str(held))["acks"][ringside.name] is True
    assert ringside.where(held)["rule"] == "ring"
    assert ringside.apply(held, "moved")[::2] == ("applied", ringside.name)
