"""Who is in a mixed cluster: joining through either kind, leaving, dying, and who is kept out."""
import signal


def test_legacy_hosts_join_through_ringside(cluster):
    first = cluster.ringside()
    second = cluster.ringside(join=[first])
    legacy = cluster.legacy(join=[first])
    other = cluster.legacy(join=[second])
    cluster.settle(first, second, legacy, other)
    ring = first.get("/v1/members")["ring"]
    assert ring == second.get("/v1/members")["ring"] == legacy.state["ring"] == other.state["ring"]
    assert {m["host"] for m in first.get("/v1/members")["members"] if m["legacy"]} == {legacy.name, other.name}


def test_ringside_joins_through_a_legacy_host(cluster):
    legacy = cluster.legacy()
    first = cluster.ringside(join=[legacy])
    first.await_members(legacy)
    second = cluster.ringside(join=[legacy])
    cluster.settle(legacy, first, second)
    assert first.get("/v1/members")["ring"] == second.get("/v1/members")["ring"] == legacy.state["ring"]


def test_every_method_answers_a_legacy_host(cluster):
    ringside = cluster.ringside()
    legacy = cluster.legacy(join=[ringside])
    cluster.settle(ringside, legacy)
    ping = legacy.rpc(ringside, "Ping")
    assert ping["code"] == "OK" and ping["reply"]["host"] == ringside.name and int(ping["reply"]["unixTime"]) > 1_600_000_000
    assert sorted(legacy.rpc(ringside, "Negotiate", knownHosts=[legacy.name])["reply"]["hosts"]) == legacy.state["hosts"]
    mine = next(i for i in range(1, 1000) if ringside.where(i)["owner"] == ringside.name)
    assert legacy.rpc(ringside, "Apply", id=str(mine), messages=[
        {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "a"}])["reply"] == {"accepted": True}
    assert legacy.rpc(ringside, "GetLocalActorIds")["reply"]["ids"] == [str(mine)]
    refused = legacy.rpc(ringside, "AnnounceOwnership", host=legacy.name, ids=[str(mine)])["reply"]
    assert not refused["accepted"] and ringside.name in refused["message"]
    assert legacy.rpc(ringside, "AnnounceOwnership", host=legacy.name, ids=["77"])["reply"]["accepted"]
    assert legacy.rpc(ringside, "AnnounceExpiry", host=legacy.name, ids=["77"])["reply"]["accepted"]
    assert legacy.rpc(ringside, "Closing", host=legacy.name)["reply"]["accepted"]
    bad = legacy.rpc(ringside, "Apply", id="0")
    assert bad["code"] == "INVALID_ARGUMENT" and bad["trailers"]["ringside-outcome"] == "invalid"


def test_a_word_about_another_host_changes_nothing(cluster):
    ringside = cluster.ringside()
    legacy = cluster.legacy(join=[ringside])
    alive = cluster.legacy(join=[ringside])
    cluster.settle(ringside, legacy, alive)
    assert not legacy.rpc(ringside, "Closing", host=ringside.name)["reply"]["accepted"]
    assert not legacy.rpc(ringside, "AnnounceOwnership", host="10.9.9.9", ids=["5"])["reply"]["accepted"]
    assert not legacy.rpc(ringside, "AnnounceExpiry", host="10.9.9.9", ids=["5"])["reply"]["accepted"]
    ringside.await_members(legacy, alive)


def test_closing_is_heard_both_ways(cluster):
    ringside, leaving = cluster.ringside("--dead-after", "60s"), None
    leaving = cluster.ringside("--dead-after", "60s", join=[ringside])
    legacy = cluster.legacy(join=[ringside])
    stays = cluster.legacy(join=[ringside])
    cluster.settle(ringside, leaving, legacy, stays)
    leaving.terminate()
    stays.until("calls", key="Closing", least=1)
    cluster.settle(ringside, legacy, stays)
    acks = legacy.do("close")["acks"]
    assert acks == {ringside.name: True, stays.name: True}
    legacy.kill()
    cluster.settle(ringside, stays)
    assert "why=closed" in ringside.logged("event=member_gone", legacy.name)


def test_a_killed_host_is_missed_by_both_kinds(cluster):
    ringside = cluster.ringside()
    dies = cluster.ringside(join=[ringside])
    legacy = cluster.legacy(join=[ringside])
    cluster.settle(ringside, dies, legacy)
    dies.kill()
    cluster.settle(ringside, legacy)
    for actor in range(1, 40):
        assert ringside.apply(actor)[0] == "applied"
        assert legacy.apply(actor)["code"] == "OK"
    legacy.kill()
    cluster.settle(ringside)
    for actor in range(1, 40):
        assert ringside.apply(actor)[::2] == ("applied", ringside.name)


def test_a_silent_legacy_host_is_taken_for_dead(cluster):
    ringside = cluster.ringside("--dead-after", "1s")
    legacy = cluster.legacy(join=[ringside])
    cluster.settle(ringside, legacy)
    legacy.process.send_signal(signal.SIGSTOP)
    cluster.settle(ringside)
    legacy.process.send_signal(signal.SIGCONT)
    cluster.settle(ringside, legacy)


def test_another_cluster_is_kept_apart(cluster):
    ours = cluster.ringside()
    theirs = cluster.ringside("--cluster", "staging", join=[ours])
    problem = "it is of cluster default"
    view = theirs.await_view(lambda seen: any(problem in other["problem"] for other in seen["others"]))
    assert [member["host"] for member in view["members"]] == [theirs.name]
    assert [member["host"] for member in ours.get("/v1/members")["members"]] == [ours.name]
    assert theirs.apply(1)[::2] == ("applied", theirs.name)
    assert ours.apply(1)[::2] == ("applied", ours.name)


def test_legacy_hosts_can_be_refused(cluster):
    strict = cluster.ringside("--legacy-peers", "refuse")
    legacy = cluster.legacy(join=[strict])
    said = legacy.rpc(strict, "Negotiate", knownHosts=[legacy.name])
    assert said["code"] == "FAILED_PRECONDITION" and "cluster default" in said["message"]
    also = cluster.ringside("--legacy-peers", "refuse", join=[strict, legacy])
    view = also.await_view(lambda seen: any("--legacy-peers refuse" in other["problem"] for other in seen["others"]))
    cluster.settle(strict, also)
    assert legacy.name not in [member["host"] for member in view["members"]]
