"""./run chaos: plays scenarios with real processes and reports. Exit status 1: something happened that must not."""
import argparse
import json
import os
import sys

import scenarios
import verdict


def table(results):
    """As docs/performance.md has it."""
    print("| event | scenario | failed calls | longest call, ms | each run | limit, ms | p50 / p99, ms | overlaps, lost, doubled |")
    print("|---|---|---|---|---|---|---|---|")
    for one in results:
        each = ", ".join(f"{ms:g}" for ms in one.get("longest_each_ms", [one["longest_ms"]]))
        wrong = [one["overlaps"], one["lost"], one["doubled"]]
        cells = (scenarios.SCENARIOS[one["scenario"]].event, f"`{one['scenario']}`", one["failed"], f"{one['longest_ms']:g}", each,
                 one["limits"]["longest_ms"] or "–", f"{one['p50_ms']:g} / {one['p99_ms']:g}", ", ".join(map(str, wrong)) if any(wrong) else 0)
        print("| " + " | ".join(map(str, cells)) + " |")


def details(one):
    common = ("scenario", "short", "limits", "examples", "broken", "slow", "calls", "failed", "longest_ms", "p50_ms", "p99_ms",
              "calls_per_s", "overlaps", "lost", "doubled", "failed_by", "cut")
    print(f"{one['scenario']}: {scenarios.SCENARIOS[one['scenario']].event}")
    if one["failed_by"]:
        print("  failed: " + ", ".join(f"{count} {kind}" for kind, count in sorted(one["failed_by"].items())))
    print("  " + ", ".join(f"{key}={value}" for key, value in one.items() if key not in common))
    for line in one["broken"]:
        print(f"  MUST NOT BE: {line}")
    if one["slow"]:
        print(f"  longest call {one['longest_ms']} ms, the limit is {one['limits']['longest_ms']} ms")
    if one["broken"]:
        for kind, examples in one["examples"].items():
            print(f"  {kind}: {examples[0]}")


def main():
    parser = argparse.ArgumentParser(prog="./run chaos", description="Plays what happens to a cluster, with real processes under load.")
    parser.add_argument("scenario", nargs="*", help="one or more, or all (about 12 minutes a run); none: lists them")
    parser.add_argument("--runs", type=int, default=1, help="this many times; the report has medians, and the worst of what must not be")
    parser.add_argument("--seed", type=int, default=1, help="of the load; run N uses seed + N")
    parser.add_argument("--hosts", type=int, help="so many, of scenarios that have many")
    parser.add_argument("--before", metavar="PROGRAM", help="ringside as an earlier version has it, which upgrade begins with "
                        "(./run chaos upgrade [COMMIT] builds it); all leaves upgrade out without it")
    parser.add_argument("--short", action="store_true", help="the short form that ./run test plays")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", help="a folder for records and logs of every process")
    options = parser.parse_args()
    if not options.scenario:
        for name, scenario in scenarios.SCENARIOS.items():
            print(f"{name:18} {scenario.event}")
        return 0
    names = options.scenario
    if names == ["all"]:
        names = [name for name in scenarios.SCENARIOS if name != "upgrade" or options.before]
    wrong = [name for name in names if name not in scenarios.SCENARIOS]
    if wrong:
        parser.error(f"no such scenario: {', '.join(wrong)}")
    if "upgrade" in names and not options.before:
        parser.error("upgrade needs --before PROGRAM; as the only scenario, ./run chaos upgrade [COMMIT], it builds that itself")
    if options.before and not os.access(options.before, os.X_OK):
        parser.error(f"--before {options.before}: not a program that can be run")
    results = []
    for name in names:
        runs = []
        for run in range(options.runs):
            keep = f"{options.keep}/{name}-{run}" if options.keep else None
            with scenarios.played(name, options.seed + run, options.short, keep, options.hosts, options.before) as result:
                runs.append(result)
        results.append(verdict.medians(runs) if options.runs > 1 else runs[0])
        if not options.json:
            details(results[-1])
            sys.stdout.flush()
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        table(results)
    return 1 if any(one["broken"] for one in results) else 0


sys.exit(main())
