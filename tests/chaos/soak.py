"""./run soak: mixed load while hosts drain, restart, crash and come back, for so many minutes; memory, descriptors and the judge."""
import argparse
import json
import os
import random
import signal
import sys
import time

import scenarios
from world import Load, World, cluster

GROWTH_MIB = 8        # of a sidecar's memory between the first and the last third of its life
GROWTH_FILES = 8
SETTLE_SECONDS = 20   # a sidecar younger than this has no first third


class Samples:
    """Memory and descriptors of each run of each sidecar."""

    def __init__(self):
        self.of = {}

    def take(self, hosts):
        for host in hosts:
            pid = host.process.child.pid
            try:
                row = (time.monotonic(), scenarios.rss(pid), len(os.listdir(f"/proc/{pid}/fd")))
            except (OSError, AttributeError):
                continue
            self.of.setdefault((host.name, pid), []).append(row)

    def grown(self):
        """(name, MiB, files) of each run that lasted: by how much its last third exceeds its first after warming up."""
        for (name, _), rows in self.of.items():
            rows = [row for row in rows if row[0] > rows[0][0] + SETTLE_SECONDS]
            third = len(rows) // 3
            if third:
                first, last = rows[:third], rows[-third:]
                yield name, *(sorted(row[k] for row in last)[third // 2] - sorted(row[k] for row in first)[third // 2] for k in (1, 2))


def churn(world, hosts, dice):
    """One event on one host, and its end; never the gateway or the first host, which the callers use and whose memory is watched."""
    host = dice.choice(hosts[1:-1])
    event = dice.choice(("restart", "app", "sidecar", "both"))
    if event == "restart":
        host.terminate()
        host.start()
    elif event == "app":
        host.app.end()
        host.app.start()
    elif event == "sidecar":
        host.process.send(signal.SIGKILL)
        host.process.wait()
        host.start()
    else:
        host.process.send(signal.SIGKILL)
        host.app.end()
        host.process.wait()
        host.app.start()
        host.start()
    host.ready()
    world.settled(hosts)
    return event


def soak(world, minutes):
    hosts, samples, dice = world.cluster(4), Samples(), random.Random(world.seed)
    loads = [Load(world, [hosts[-1], hosts[0]], rate=300),
             Load(world, [hosts[0]], rate=50, callers=2, actors=2000, first=100001, timeout="500ms")]
    events, end = [], time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        events.append(churn(world, hosts, dice))
        for _ in range(4):
            samples.take(hosts)
            world.rest(0.5)
        for load in loads:
            load.more(20)
    for load in loads:
        load.stop()
    cluster.until(lambda: all(host.status()["calls"] == 0 and host.status()["turns_under_way"] == 0 for host in hosts), "nothing is stuck")
    grown = list(samples.grown())
    result = world.verdict() | {"events": {kind: events.count(kind) for kind in sorted(set(events))},
                                "grown": [(name, round(mib, 1), files) for name, mib, files in grown],
                                "rss_mib": round(scenarios.rss(hosts[0].process.child.pid), 1)}
    broken = [f"{key}: {result[key]}" for key in ("overlaps", "lost", "doubled", "denied", "disorder") if result[key]]
    broken += [f"{name} grew by {mib:.1f} MiB" for name, mib, _ in grown if mib > GROWTH_MIB]
    broken += [f"{name} grew by {files} descriptors" for name, _, files in grown if files > GROWTH_FILES]
    broken += [f"{count} calls ended {kind}" for kind, count in result["failed_by"].items() if kind.split("/")[0] != "unknown"]
    return result | {"broken": broken}


def main():
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", help="a folder for records and logs of every process")
    options = parser.parse_args()
    world = World(options.seed, keep=options.keep)
    try:
        result = soak(world, options.minutes)
    finally:
        world.close()
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        for key, value in result.items():
            if key != "examples" or result["broken"]:
                print(f"{key}: {value}")
    return 1 if result["broken"] else 0


sys.exit(main())
