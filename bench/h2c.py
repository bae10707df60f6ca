"""What a method call costs over HTTP/1.1 and over h2c: ./run bench h2c [--rounds N] [--calls N] [--json]

One sidecar beside an app in Go (net/http) for each of the ways, in turns in one run; h2load calls 100 actors, 64 calls in
flight, 100 bytes each. Told is the CPU of the sidecar for a call, from the process's own clock, as the median of the
rounds, and the ratio to HTTP/1.1 on both sides in the same round.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/integration"))
import cluster  # noqa: E402
import ports  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
IN_FLIGHT = 64
# The caller's side, then the app's.
WAYS = {"HTTP/1.1, HTTP/1.1": (False, "http"), "h2c, HTTP/1.1": (True, "http"), "HTTP/1.1, h2c": (False, "h2c"),
        "h2c, h2c": (True, "h2c")}


def cpu(host):
    fields = pathlib.Path(f"/proc/{host.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def calls(host, h2c, count, body):
    """Calls a second."""
    how = ["-c", "1", "-m", str(IN_FLIGHT)] if h2c else ["--h1", "-c", str(IN_FLIGHT)]
    done = subprocess.run(["h2load", "-n", str(count), *how, "-d", body,
                           *(f"http://{host.local}/v1/actors/{actor}/method/add" for actor in range(1, 101))],
                          capture_output=True, text=True, check=True).stdout
    assert f"{count} succeeded, 0 failed" in done and f"{count} 2xx" in done, done
    return float(re.search(r"([\d.]+) req/s", done)[1])


def measure(rounds, count):
    seen = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        program, body = directory / "app", directory / "body"
        body.write_bytes(b"x" * 100)
        subprocess.run([shutil.which("go") or "/usr/local/go/bin/go", "build", "-o", program, "."], cwd=HERE / "h2c_app", check=True)
        world, apps, hosts = cluster.World(directory), [], {}
        try:
            for way, (_, scheme) in WAYS.items():
                address = ports.address()
                apps.append(subprocess.Popen([*cluster.DIES_WITH_US, program, address]))
                hosts[way] = world.sidecar(app=f"{scheme}://{address}").ready()
                calls(hosts[way], WAYS[way][0], 2000, body)
            for _ in range(rounds):
                for way, (h2c, _) in WAYS.items():
                    before = cpu(hosts[way])
                    rate = calls(hosts[way], h2c, count, body)
                    seen[way].append(((cpu(hosts[way]) - before) / count * 1e6, rate))
        finally:
            world.close()
            for app in apps:
                app.kill()
                app.wait()
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seen = measure(given.rounds, given.calls)
    if given.json:
        print(json.dumps(seen))
        return
    first = next(iter(seen.values()))
    for way, rounds in seen.items():
        ratio = statistics.median(one[0] / base[0] for one, base in zip(rounds, first))
        rate = statistics.median(one[1] / base[1] for one, base in zip(rounds, first))
        print(f"{way:20} {statistics.median(one[0] for one in rounds):6.1f} us of CPU of the sidecar for a call, {IN_FLIGHT} in flight; "
              f"{ratio:.2f} times that of HTTP/1.1 on both sides, {rate:.2f} times its calls a second")


if __name__ == "__main__":
    main()
