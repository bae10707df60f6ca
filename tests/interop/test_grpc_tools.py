"""grpcurl, ghz and grpc-health-probe as they are, against both listeners."""
import json
import os
import pathlib
import subprocess

import pytest

TOOLS = pathlib.Path(os.environ["BUILD_UNDER_TEST"]) / "tools"
BATCH = {"id": 42, "messages": [{"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "x"}]}


def run(tool, *arguments, fails=False):
    done = subprocess.run([TOOLS / tool, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(params=["local", "name"], ids=["local", "peer"])
def served(cluster, request):
    ringside = cluster.ringside()
    cluster.settle(ringside)
    ringside.address = getattr(ringside, request.param)
    ringside.listener = request.param
    return ringside


def test_grpcurl(served):
    services = run("grpcurl", "-plaintext", served.address, "list").split()
    assert {"messages.ControlPlane", "grpc.health.v1.Health", "ringside.peer.v1.Membership"} <= set(services)
    assert ("ringside.peer.v1.Peer" in services) == (served.listener == "name")
    assert "rpc Apply ( .messages.ApplyRequest )" in run("grpcurl", "-plaintext", served.address, "describe", "messages.ControlPlane")
    answer = run("grpcurl", "-plaintext", "-v", "-d", json.dumps(BATCH), served.address, "messages.ControlPlane/Apply")
    assert '"accepted": true' in answer and "ringside-outcome: applied" in answer
    assert served.app.applied["42"] == ["x"]
    refused = run("grpcurl", "-plaintext", "-d", '{"id":0}', served.address, "messages.ControlPlane/Apply", fails=True)
    assert "InvalidArgument" in refused


def test_grpcurl_asks_for_health(served):
    assert '"status": "SERVING"' in run("grpcurl", "-plaintext", served.address, "grpc.health.v1.Health/Check")


def test_health_probe(served):
    assert "status: SERVING" in run("grpc-health-probe", f"-addr={served.address}")
    assert "NotFound" in run("grpc-health-probe", f"-addr={served.address}", "-service=no.such.Service", fails=True)


def test_health_says_when_there_is_no_app(cluster):
    starting = cluster.ringside("--min-members", "2")
    assert "NOT_SERVING" in run("grpc-health-probe", f"-addr={starting.name}", fails=True)


def test_ghz(served):
    report = json.loads(run("ghz", "--insecure", "--call", "messages.ControlPlane/Apply", "-d", json.dumps(BATCH), "-n", 1000,
                            "-c", 20, "--connections", 4, "--format", "json", served.address))
    assert report["statusCodeDistribution"] == {"OK": 1000}
    assert len(served.app.applied["42"]) == 1000
