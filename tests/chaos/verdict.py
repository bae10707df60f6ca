"""The judge: what callers were told against what the apps' records hold."""
import collections
import statistics

SLACK = 0.05  # seconds between a process's look at the clock and its line in the record
NEVER_ARRIVED = ("not-delivered", "overloaded", "expired", "invalid")


def read_app(path, deaths=()):
    """(turns, starts, ends of all): a turn is [epoch, begin, end or None, batch]. A turn that its process never ended, ended
    with it at the latest."""
    turns, starts, told = collections.defaultdict(dict), [], []
    for line in open(path):
        kind, *rest = line.split()
        if kind == "S":
            starts.append(float(rest[0]))
        elif kind == "D":
            told.append((rest[0], float(rest[1])))
        elif kind == "B":
            actor, epoch, batch, time = rest
            turns[actor].setdefault((epoch, batch), []).append([int(epoch), float(time), None, batch])
        else:
            actor, epoch, batch, time = rest
            turns[actor][epoch, batch][-1][2] = float(time)
    lives = starts[1:] + [float("inf")]
    for of_actor in turns.values():
        for twins in of_actor.values():
            for turn in twins:
                if turn[2] is None:
                    died = [time for time in [*deaths, *lives] if time >= turn[1]]
                    turn[2] = min(died) if died and min(died) != float("inf") else turn[1]
    return turns, starts, told


def read_load(path):
    calls = []
    for line in open(path):
        caller, number, actor, outcome, reason, begin, seconds = line.split()
        calls.append((caller, int(number), actor, outcome, reason, float(begin), float(seconds)))
    return calls


def judge(load_records, app_records, frozen=(), split=None):
    """app_records: (path, deaths). frozen: (path, from, to), times in which that app was stopped: a turn that was under way
    then ends whenever the app goes on, which nothing can prevent (its epoch is the fence); counted by itself.
    split: (from, to), when two sides served each for itself, as the default mode promises; counted by itself as well."""
    calls = [call for path in load_records for call in read_load(path)]
    by_actor, arrived = collections.defaultdict(list), collections.Counter()
    for path, deaths in app_records:
        turns, _, _ = read_app(path, deaths)
        stops = [(begin, end) for of, begin, end in frozen if of == path]
        for actor, of_actor in turns.items():
            for twins in of_actor.values():
                for epoch, begin, end, batch in twins:
                    arrived[batch] += 1
                    stopped = any(begin <= to and end >= to for _, to in stops)
                    by_actor[actor].append((begin, end, epoch, path, batch, stopped))
    told = {f"{caller}.{number}": outcome for caller, number, _, outcome, *_ in calls}
    wrong = {"overlaps": [], "frozen_overlaps": [], "split_overlaps": [], "order": [], "late": []}
    for actor, turns in by_actor.items():
        turns.sort()
        furthest = None
        last = {}
        for turn in turns:
            begin, _, epoch, path, batch, stopped = turn
            if furthest:
                clash = begin < furthest[1] and (path, epoch) != (furthest[3], furthest[2]) or epoch < furthest[2] \
                    or epoch == furthest[2] and path != furthest[3] or begin < furthest[1]
                if clash:
                    kind = "frozen_overlaps" if stopped or furthest[5] else "overlaps"
                    if split and split[0] <= furthest[0] <= split[1]:
                        kind = "split_overlaps"
                    wrong[kind].append((actor, furthest, turn))
            if furthest is None or turn[1] >= furthest[1]:
                furthest = turn
            caller, _, number = batch.rpartition(".")
            if last.get(caller, -1) >= int(number):
                wrong["late" if told.get(batch) == "unknown" else "order"].append((actor, batch, last[caller]))
            last[caller] = max(last.get(caller, -1), int(number))
    lost = [batch for batch, outcome in told.items() if outcome == "applied" and not arrived[batch]]
    doubled = [batch for batch, count in arrived.items() if count > 1]
    denied = [batch for batch, outcome in told.items() if outcome in NEVER_ARRIVED and arrived[batch]]
    failed = [call for call in calls if call[3] != "applied"]
    answered = {f"{call[0]}.{call[1]}": call[5] + call[6] for call in calls if call[3] != "applied"}
    after = [turn[4] for turns in by_actor.values() for turn in turns if turn[0] > answered.get(turn[4], turn[0]) + SLACK]
    not_begun = [call for call in failed if call[3] == "unknown" and not arrived[f"{call[0]}.{call[1]}"]]
    times = sorted(call[6] for call in calls) or [0.0]
    begin, end = min((c[5] for c in calls), default=0), max((c[5] + c[6] for c in calls), default=1)
    return {
        "calls": len(calls), "calls_per_s": round(len(calls) / max(end - begin, 0.001)),
        "failed": len(failed),
        "failed_by": dict(collections.Counter(f"{call[3]}/{call[4]}" for call in failed)),
        "unknown_not_begun": len(not_begun),
        "longest_ms": round(times[-1] * 1000, 1), "p50_ms": round(times[len(times) // 2] * 1000, 2),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 1),
        "overlaps": len(wrong["overlaps"]), "frozen_overlaps": len(wrong["frozen_overlaps"]),
        "split_overlaps": len(wrong["split_overlaps"]),
        "lost": len(lost), "doubled": len(doubled), "denied": len(denied), "disorder": len(wrong["order"]),
        "after_answer": len(after),  # not applied, said the answer, and only then handed to the app
        "late": len(wrong["late"]),  # `unknown` to the caller, and handed over after a later batch
        "examples": {key: value[:3] for key, value in (wrong | {
            "lost": lost, "after_answer": after, "doubled": doubled, "denied": denied, "failed": failed}).items() if value},
    }


def medians(results):
    """Of several runs: medians of measures, the worst of what must not be."""
    worst = ("failed", "overlaps", "lost", "doubled", "denied", "disorder", "late", "after_answer", "unknown_not_begun", "frozen_overlaps", "split_overlaps")
    merged = dict(results[0])
    for key, value in results[0].items():
        values = [one.get(key) for one in results]
        if key in worst:
            merged[key] = max(values)
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and None not in values and key != "seed":
            merged[key] = round(statistics.median(values), 2)
    merged["failed_by"] = dict(sum((collections.Counter(one["failed_by"]) for one in results), collections.Counter()))
    merged["longest_each_ms"] = [one["longest_ms"] for one in results]
    merged["broken"] = sorted({line for one in results for line in one["broken"]})
    merged["runs"] = len(results)
    return merged
