"""What a method call costs over HTTP/1.1 and over h2c: ./run bench h2c [--rounds N] [--calls N] [--in-flight N]
[--beside BINARY] [--system-calls] [--json]

One sidecar beside an app in Go (net/http) for each of the ways, in turns in one run; h2load calls 100 actors, 64 calls in
flight, 100 bytes each. Told is the CPU of the sidecar for a call, from the process's own clock, as the median of the
rounds, and the ratio to HTTP/1.1 on both sides in the same round. --beside runs another build of the sidecar as well, to
which the ratios are then. --system-calls counts what the sidecars ask of the kernel for a call, and no CPU: strace takes
most of that.
"""
import argparse
import json
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/integration"))
import cluster  # noqa: E402
import ports  # noqa: E402

# The caller's side, then the app's.
WAYS = {"HTTP/1.1, HTTP/1.1": (False, "http"), "h2c, HTTP/1.1": (True, "http"), "HTTP/1.1, h2c": (False, "h2c"),
        "h2c, h2c": (True, "h2c")}


def cpu(host):
    """Seconds, of all its threads."""
    threads = pathlib.Path(f"/proc/{host.child.pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def calls(host, h2c, count, in_flight, body):
    """Calls a second."""
    how = ["-c", "1", "-m", str(in_flight)] if h2c else ["--h1", "-c", str(in_flight)]
    done = subprocess.run(["h2load", "-n", str(count), *how, "-d", body,
                           *(f"http://{host.local}/v1/actors/{actor}/method/add" for actor in range(1, 101))],
                          capture_output=True, text=True, check=True).stdout
    assert f"{count} succeeded, 0 failed" in done and f"{count} 2xx" in done, done
    return float(re.search(r"([\d.]+) req/s", done)[1])


def cpu_per_call(host, h2c, given, body):
    """Microseconds, and calls a second."""
    before = cpu(host)
    rate = calls(host, h2c, given.calls, given.in_flight, body)
    return (cpu(host) - before) / given.calls * 1e6, rate


def system_calls_per_call(host, h2c, given, body):
    with tempfile.NamedTemporaryFile("r") as counted:
        tracer = subprocess.Popen(["strace", "-c", "-f", "-o", counted.name, "-p", str(host.child.pid)], stderr=subprocess.PIPE,
                                  text=True)
        attached = tracer.stderr.readline()
        assert "attached" in attached, attached
        rate = calls(host, h2c, given.calls, given.in_flight, body)
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
        total = next(line for line in counted if line.rstrip().endswith(" total"))
    return int(total.split()[3]) / given.calls, rate


def measure(given):
    """(build, way) -> for each round what a call costs, and calls a second."""
    builds = ([given.beside] if given.beside else []) + [cluster.RINGSIDE]
    once = system_calls_per_call if given.system_calls else cpu_per_call
    seen = {(build, way): [] for build in builds for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        program, body = directory / "app", directory / "body"
        body.write_bytes(b"x" * 100)
        subprocess.run([shutil.which("go") or "/usr/local/go/bin/go", "build", "-o", program, "."], cwd=HERE / "h2c_app", check=True)
        world, apps, hosts = cluster.World(directory), [], {}
        try:
            for build, way in seen:
                h2c, scheme = WAYS[way]
                address = ports.address()
                apps.append(subprocess.Popen([*cluster.DIES_WITH_US, program, address]))
                hosts[build, way] = world.sidecar(app=f"{scheme}://{address}", binary=build).ready()
                calls(hosts[build, way], h2c, 2000, given.in_flight, body)
            for _ in range(given.rounds):
                for build, way in seen:
                    seen[build, way].append(once(hosts[build, way], WAYS[way][0], given, body))
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
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--beside", metavar="BINARY")
    parser.add_argument("--system-calls", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seen = measure(given)
    if given.json:
        print(json.dumps([{"binary": build, "way": way, "rounds": rounds} for (build, way), rounds in seen.items()]))
        return
    what = "system calls" if given.system_calls else "us of CPU"
    for (build, way), rounds in seen.items():
        base = seen[given.beside, way] if given.beside else next(iter(seen.values()))
        cost = statistics.median(one[0] / other[0] for one, other in zip(rounds, base))
        rate = statistics.median(one[1] / other[1] for one, other in zip(rounds, base))
        told = f"{build}: {way}" if given.beside else way
        to = "of the other build" if given.beside else "of HTTP/1.1 on both sides"
        print(f"{told:20} {statistics.median(one[0] for one in rounds):6.1f} {what} of the sidecar for a call, {given.in_flight} in flight; "
              f"{cost:.2f} times that {to}, {rate:.2f} times its calls a second")


if __name__ == "__main__":
    main()
