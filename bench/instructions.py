"""What a call costs in instructions, which hardly depend on what else runs: python3 bench/instructions.py [PROGRAM]

The sidecar runs under valgrind's callgrind, beside an app, and is called over HTTP for one actor, one call after the other.
Runs of two lengths are compared, so that its start and its end count for nothing."""
import http.client
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/integration"))
import cluster  # noqa: E402

FEW, MANY = 500, 2500


def instructions(directory, calls):
    """Of a whole run with this many calls."""
    world = cluster.World(directory)
    try:
        host = world.sidecar("--app-health-interval", "1m", app=world.app()).ready()
        connection = http.client.HTTPConnection(host.local)
        for _ in range(calls):
            connection.request("POST", "/v1/actors/42/method/add", b"{}")
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
        connection.close()
        host.child.terminate()
        assert host.wait() == 0
        return int(host.line(r"Collected : (\d+)")[1])
    finally:
        world.close()


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else cluster.RINGSIDE
    with tempfile.TemporaryDirectory() as directory:
        under = pathlib.Path(directory) / "ringside"
        under.write_text(f'#!/bin/sh\nexec valgrind --tool=callgrind --callgrind-out-file=/dev/null "{program}" "$@"\n')
        under.chmod(0o755)
        cluster.RINGSIDE = str(under)
        few, many = instructions(directory, FEW), instructions(directory, MANY)
    print(f"{(many - few) / (MANY - FEW):.0f} instructions a call over HTTP")


if __name__ == "__main__":
    main()
