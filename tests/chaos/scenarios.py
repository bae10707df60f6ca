"""The events of docs/operations.md, one function each. A function makes its hosts and callers in the given world and does what its
name says; what it returns is added to the report. SCENARIOS is the table: limits, and what may fail."""
import collections
import contextlib
import http.client
import re
import signal
import socket
import sys
import time

import verdict
from world import App, World, cluster, ports

sys.path.insert(0, str(cluster.ROOT / "tests/integration"))
from dns import A, DnsServer  # noqa: E402

# fails: outcomes that calls may have besides `applied`. longest_ms: the limit, None = none. check: what the report has to say.
Scenario = collections.namedtuple("Scenario", "run fails longest_ms event check", defaults=(None,))


def drain_sigterm(world):
    hosts = world.cluster(3)
    load = world.load(hosts[3], hosts[0])
    load.more(150)
    hosts[1].terminate()
    load.more(150)


def rolling_restart(world):
    hosts = world.cluster(3)
    load = world.load(hosts[3])
    for _ in range(1 if world.short else 3):
        for host in hosts[:3]:
            load.more(60)
            host.terminate()
            host.start().ready()
            world.settled(hosts)
    load.more(100)


def scale(world):
    hosts = world.cluster(2)
    gateway = hosts.pop()
    load = world.load(gateway, hosts[0])
    load.more(100)
    for _ in range(2 if world.short else 3):
        hosts.append(world.host(join=hosts[:2]).ready())
        load.more(100)
    world.settled([*hosts, gateway])
    for _ in range(2 if world.short else 3):
        hosts.pop().terminate()
        load.more(100)


def sigterm_both(world):
    hosts = world.cluster(3)
    load = world.load(hosts[3], hosts[0])
    load.more(150)
    hosts[1].process.send(signal.SIGTERM)
    hosts[1].app.end(signal.SIGTERM)
    assert hosts[1].process.wait() == 0
    load.more(200)


def app_crash(world, away):
    hosts = world.cluster(3)
    load = world.load(hosts[3], hosts[0])
    load.more(150)
    hosts[1].app.end()
    world.rest(away)
    hosts[1].app.start()
    hosts[1].ready()
    world.settled(hosts)
    load.more(200)


def app_crash_slow(world):
    app_crash(world, 2)


def app_crash_fast(world):
    app_crash(world, 0)


def kill(world):
    hosts = world.cluster(3)
    load = world.load(hosts[3], hosts[0])
    load.more(150)
    hosts[1].process.send(signal.SIGKILL)
    hosts[1].app.end()
    load.more(300)
    world.settled([hosts[0], hosts[2], hosts[3]])


def stop(world):
    flags = ("--ping-interval", "100ms", "--dead-after", "500ms") if world.short else ()
    hosts = world.cluster(3, *flags)
    load = world.load(hosts[3], hosts[0])
    load.more(150)
    others = [hosts[0], hosts[2], hosts[3]]
    with world.stopped(hosts[1]):
        world.settled(others)
        world.rest(1 if world.short else 18)
        load.more(100)
    world.settled(hosts)
    load.more(200)
    return {"rejoined": hosts[1].metric("ringside_rejoins_total") >= 1}


def partition(world, quorum):
    """One of four hosts is cut off, with callers on both sides."""
    flags = ("--ping-interval", "100ms", "--dead-after", "500ms") if world.short else ()
    flags += ("--quorum", "3") if quorum else ()
    spaces, hosts = world.spaces(4), []
    for n, (space, address, _) in enumerate(spaces):
        early = ("--min-members", "1")
        hosts.append(world.host(*flags, *early, join=hosts[:1], address=address, port=1337, space=space))
    for host in hosts:
        host.ready()
    for host in hosts:
        host.join = [other for other in hosts if other is not host]
    world.settled(hosts)
    majority = world.load(hosts[0], rate=300)
    inside = world.load(hosts[3], rate=100, first=10001, timeout="2s")
    majority.more(150)
    cut = spaces[3][2]
    cut(True)
    began = time.monotonic()
    world.settled(hosts[:3])
    world.rest(1 if world.short else 17)
    majority.more(50)
    cut(False)
    world.settled(hosts)
    healed = time.monotonic()
    for load in (majority, inside):
        load.more(100)
    for load in (majority, inside):
        load.stop()
    if not quorum:
        world.split = began, healed


def partition_default(world):
    return partition(world, False)


def partition_quorum(world):
    return partition(world, True)


def storm(world):
    """Many start at once."""
    many, began = world.many(60, 12)
    settled, _ = many.wait_until_settled(for_good=2 if world.short else 5)
    load = world.load(world.gateway(many))
    load.more(300)
    rejoins, = many.sum("ringside_rejoins_total")
    return {"hosts": many.count, "settled_s": round(settled - began, 1), "in_time": settled - began <= SETTLED_WITHIN,
            "taken_for_dead": many.taken_for_dead(), "rejoins": int(rejoins)}


def rollout(world, most=60, programs=(cluster.RINGSIDE,), first=cluster.RINGSIDE):
    """Rolling restarts, five at a time, each of them to another of these programs."""
    many, _ = world.many(most, 8, first)
    many.wait_until_settled(for_good=1)
    load = world.load(world.gateway(many))
    before, took, began = many.taken_for_dead(), [], time.monotonic()
    for many.program in programs:
        for _ in many.restart():
            load.more(50)
            took.append(time.monotonic() - began)
            began = time.monotonic()
        load.more(100)
    took.append(time.monotonic() - began)
    return {"hosts": many.count, "slowest_batch_s": round(max(took), 1), "in_time": max(took) <= SETTLED_WITHIN,
            "taken_for_dead": many.taken_for_dead() - before}


def upgrade(world):
    return rollout(world, 20, (cluster.RINGSIDE, world.before), world.before)


def zone_cut(world):
    """A third of the hosts is cut off from the others, with callers on both sides, and healed."""
    flags = ("--ping-interval", "100ms", "--dead-after", "500ms") if world.short else ()
    spaces, hosts = world.spaces(world.count or (6 if world.short else 12)), []
    for space, address, _ in spaces:
        hosts.append(world.host(*flags, "--min-members", "1", join=hosts[:1], address=address, port=1337, space=space).ready())
    for host in hosts:
        host.join = [other for other in hosts if other is not host]
    world.settled(hosts)
    zone, others = hosts[-(len(hosts) // 3):], hosts[:-(len(hosts) // 3)]
    loads = [world.load(others[0], rate=300), world.load(zone[0], rate=100, first=10001, timeout="2s")]
    loads[0].more(150)
    began = time.monotonic()
    for _, _, cut in spaces[-len(zone):]:
        cut(True)
    world.settled(others)
    world.rest(1 if world.short else 10)
    loads[0].more(50)
    for _, _, cut in spaces[-len(zone):]:
        cut(False)
    healing = time.monotonic()
    world.settled(hosts)
    healed = time.monotonic()
    for load in loads:
        load.more(100)
        load.stop()
    world.split = began, healed
    def buried(some, by):
        return sum(bool(host.log(f"event=member_gone .*host={re.escape(one.name)} .*why=silent")) for host in by for one in some)

    return {"hosts": len(hosts), "healed_s": round(healed - healing, 1), "in_time": healed - healing <= HEALED_WITHIN,
            "taken_for_dead": buried(others, by=others) + buried(zone, by=zone), "cut_is_noticed": buried(zone, by=others) > 0}


def sidecar_crash(world):
    hosts = world.cluster(3)
    load = world.load(hosts[3], hosts[0])
    load.more(150)
    hosts[1].process.send(signal.SIGKILL)
    hosts[1].process.wait()
    crashed = time.monotonic()
    hosts[1].start().ready()
    world.settled(hosts)
    load.more(200)
    load.stop()
    told, begins = hosts[1].app.told()
    ends = [when for what, when in told if what == "all" and when > crashed]
    first = next((begin for begin in begins if begin > crashed + 0.005), None)
    return {"told_first": bool(ends) and (first is None or ends[0] <= first)}


def starvation(world):
    hosts = world.cluster(3)
    load = world.load(hosts[3], hosts[0], rate=300)
    load.more(50)
    before = [host.metric("ringside_verdicts_total") for host in hosts]
    with world.starved(hosts) as means:
        world.rest(3 if world.short else 20)
    load.more(50)
    verdicts = sum(host.metric("ringside_verdicts_total") for host in hosts) - sum(before)
    return {"by": means, "taken_for_dead": int(verdicts), "stalls": int(sum(host.metric("ringside_stalls_total") for host in hosts))}


def dns(world):
    server = world.keep_plain(DnsServer())
    addresses, name = [f"127.0.0.{n}" for n in range(1, 5)], "cluster.test"
    server.records[name, A] = addresses
    hosts, port = [], ports.reserve()
    for n, address in enumerate(addresses):
        source = [f"dns:{name}:{port}"] if hosts else []
        hosts.append(world.host("--dns-server", server.address, "--join-timeout", "1s", join=source, address=address,
                                app=n < 3, port=port))
        if n == 0:
            hosts[0].ready()
    for host in hosts:
        host.ready()
    world.settled(hosts)
    load = world.load(hosts[3], hosts[0])
    load.more(100)
    for failure in ("silence", "lies"):
        if failure == "lies":
            server.mode, server.records[name, A] = "answer", ["127.0.0.99", "192.0.2.1"]
        else:
            server.mode = failure
        server.await_questions(4, cluster.PATIENCE)
        world.rest(1 if world.short else 60)
        load.more(100)
    generations = [host.generations for host in hosts]
    world.settled(hosts)
    server.mode, server.records[name, A] = "answer", addresses
    load.more(100)
    return {"ring_kept": generations == [1] * 4}


def fd_limit(world):
    """One host has 150 descriptors. 400 connections that say nothing come to each of its listeners; then as many
    that talk and stay: each finds a place, since those before it wait for their clients."""
    hosts = world.cluster(2)
    small = world.host(join=hosts[:1], limits=["prlimit", "--nofile=150:150"]).ready()
    world.settled([*hosts, small])
    load = world.load(hosts[2], hosts[0])
    load.more(100)
    count, seconds, flood, told = 100 if world.short else 400, 2 if world.short else 10, [], collections.Counter()

    def come(address, words=b""):
        host, _, port = address.rpartition(":")
        one = socket.create_connection((host, int(port)), timeout=cluster.PATIENCE)
        flood.append(one)
        one.sendall(words)
        return one

    def serves():
        try:
            return small.get("/livez").status == 200 and small.get("/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    try:
        for address in (small.local, small.peer, small.admin):
            for _ in range(count):
                come(address)
        cluster.until(serves, "it answers probes in spite of connections that say nothing")
        busy = cpu_seconds(small.process.child.pid)
        world.rest(seconds)
        busy = (cpu_seconds(small.process.child.pid) - busy) / seconds
        for _ in range(count):
            with contextlib.suppress(OSError):
                head = come(small.local, b"GET /v1/members HTTP/1.1\r\nhost: localhost\r\n\r\n").recv(4096).decode()
                told[re.search(r"ringside-reason: (\S+)|$", head).group(1) or head[9:12] or "closed"] += 1
        serving = all(serves() for _ in range(10))
        load.more(100)
        member = small.name in hosts[0].on_ring()
    finally:
        for one in flood:
            one.close()
    load.more(50)
    small.ready()
    return {"kept_its_place": member, "lives": small.process.alive(), "cpu_while_full": round(busy, 2), "answers_probes": serving,
            "told": dict(told), "served": told == {"200": count},
            "spins": busy > 0.5, "said": bool(small.log("too many connections"))}


def cpu_seconds(pid):
    words = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / 100


def rss(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1)) / 1024


def overload(world):
    """The app takes 20 calls a second, 200 come, each with a second to spare, to settings as they are by default. Beside them a
    caller of other actors, who wants little."""
    first = world.host(app=App(world, work=("50", "alone"))).ready()
    gateway = world.host(app=False, join=[first]).ready()
    world.settled([first, gateway])
    quiet = world.load(gateway, callers=2, actors=2, rate=10, first=5001)
    quiet.more(5)
    pids = [first.process.child.pid, gateway.process.child.pid]
    before, peak, pings = max(map(rss, pids)), 0, []
    flood = world.load(gateway, lanes=20, actors=8, rate=200, first=20001, timeout="1s")
    end = time.monotonic() + (8 if world.short else 30)
    while time.monotonic() < end:
        world.rest(0.25)
        peak = max(peak, *map(rss, pids))
        pings.append(first.name in gateway.on_ring())
    over = time.monotonic()
    flood.stop()
    quiet.more(8)
    quiet.stop()
    after = [call for call in verdict.read_load(quiet.record) if call[5] + call[6] > over and call[6] < 0.25]
    told, accepted = collections.Counter(), [0]
    for call in verdict.read_load(flood.record):
        told[call[3]] += 1
        if call[3] == "applied":
            accepted.append(call[6])
    return {"rss_before_mib": round(before), "rss_peak_mib": round(peak), "memory_bounded": peak < before + 64, "pings_pass": all(pings),
            "flood": dict(told), "refused": told["overloaded"] > 0, "accepted_longest_ms": round(max(accepted) * 1000),
            "recovered_ms": round(max(0, after[0][5] + after[0][6] - over) * 1000)}


def memory_limit(world):
    """A host and a gateway that may have 192 MiB each, and batches of 128 KiB that together would be more."""
    group = world.memory_group(192)
    app = App(world, work=("20", "alone"))
    first = world.host(app=app, limits=group).ready()
    gateway = world.host(app=False, join=[first], limits=world.memory_group(192)).ready()
    world.settled([first, gateway])
    load = world.load(gateway, callers=2, actors=16, rate=10)
    flood = world.load(gateway, lanes=50, actors=64, rate=400, first=20001, size=128 << 10)
    peak, end = 0, time.monotonic() + (5 if world.short else 30)
    pids = [first.process.child.pid, gateway.process.child.pid]
    while time.monotonic() < end and first.process.alive() and gateway.process.alive():
        world.rest(0.25)
        peak = max(peak, *map(rss, pids))
    lives = first.process.alive() and gateway.process.alive()
    flood.stop()
    load.more(5)
    told = collections.Counter(call[4] for call in verdict.read_load(flood.record))
    return {"limited": group is not None, "lives": lives, "rss_peak_mib": round(peak), "told": dict(told),
            "refused": told["queue-bytes-full"] + told["actor-queue-full"] > 0}


@contextlib.contextmanager
def played(name, *arguments, **options):
    """The report of one run of one scenario, with what World takes; `broken` lists what must not be."""
    world = World(*arguments, **options)
    try:
        yield report(world, name)
    finally:
        world.close()


def report(world, name):
    scenario = SCENARIOS[name]
    more = scenario.run(world) or {}
    result = {"scenario": name, "short": world.short} | world.verdict() | more
    broken = []
    broken += [f"{key}: {result[key]}" for key in ("overlaps", "lost", "doubled", "denied", "disorder", "late", "after_answer") if result[key]]
    for kind, count in result["failed_by"].items():
        if kind.split("/")[0] not in scenario.fails:
            broken.append(f"{count} calls ended {kind}")
    for key, wanted in (scenario.check or {}).items():
        if result[key] != wanted:
            broken.append(f"{key}: {result[key]}")
    result["broken"] = broken
    result["limits"] = {"longest_ms": scenario.longest_ms}
    result["slow"] = bool(scenario.longest_ms and result["longest_ms"] > scenario.longest_ms and not world.short)
    return result


SETTLED_WITHIN = 60  # seconds, on a machine that is busy with other things as well
HEALED_WITHIN = 15   # docs/guarantees.md
KEPT = {"taken_for_dead": 0, "in_time": True}
UNKNOWN = ("unknown",)
SCENARIOS = {
    "drain-sigterm": Scenario(drain_sigterm, (), 100, "SIGTERM to one sidecar of three, its app lives on"),
    "rolling-restart": Scenario(rolling_restart, (), 250, "all three hosts restarted one after the other, three rounds"),
    "scale": Scenario(scale, (), 100, "from two hosts to five and back"),
    "sigterm-both": Scenario(sigterm_both, UNKNOWN, 500, "SIGTERM to a sidecar and its app at the same instant"),
    "app-crash": Scenario(app_crash_slow, UNKNOWN, 500, "an app is killed and comes back 2 s later"),
    "app-crash-fast": Scenario(app_crash_fast, UNKNOWN, 500, "an app is killed and comes back at once"),
    "kill": Scenario(kill, UNKNOWN, 500, "SIGKILL to a sidecar and its app"),
    "stop": Scenario(stop, UNKNOWN, 3500, "SIGSTOP to a sidecar and its app, SIGCONT after 20 s", {"rejoined": True}),
    "partition": Scenario(partition_default, ("unknown", "not-delivered", "expired"), 3500,
                          "one of four hosts cut off for 20 s, callers on both sides"),
    "partition-quorum": Scenario(partition_quorum, ("unknown", "not-delivered", "expired"), 3500, "the same with --quorum 3"),
    "storm": Scenario(storm, (), None, "60 sidecars start at once", KEPT),
    "rollout-60": Scenario(rollout, (), 500, "60 sidecars restarted, five at a time", KEPT),
    "zone-cut": Scenario(zone_cut, ("unknown", "not-delivered", "expired"), 3500,
                         "a third of twelve hosts cut off for 10 s, callers on both sides", KEPT | {"cut_is_noticed": True}),
    "upgrade": Scenario(upgrade, (), 500, "20 sidecars upgraded from the last release, five at a time, and back", KEPT),
    "sidecar-crash": Scenario(sidecar_crash, UNKNOWN, 1000, "SIGKILL to a sidecar, restarted beside its living app",
                              {"told_first": True}),
    "starvation": Scenario(starvation, (), None, "every process gets 5 % of a core in each 500 ms, for 20 s", {"taken_for_dead": 0}),
    "dns": Scenario(dns, (), None, "discovery silent for a minute, wrong for a minute", {"ring_kept": True}),
    "fd-limit": Scenario(fd_limit, (), None, "a host with 150 descriptors, 400 connections to each listener",
                         {"kept_its_place": True, "lives": True, "said": True, "answers_probes": True, "served": True,
                          "spins": False}),
    "memory-limit": Scenario(memory_limit, ("overloaded", "expired", "unknown", "not-delivered"), None,
                             "192 MiB for each sidecar, and batches that would be more", {"lives": True, "refused": True}),
    "overload": Scenario(overload, ("overloaded", "expired", "unknown"), None, "10 times the load that the app takes, for 30 s",
                         {"pings_pass": True, "refused": True, "memory_bounded": True}),
}
