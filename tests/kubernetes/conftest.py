"""One Kubernetes for all tests, and one cluster of carts in it that most of them use."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import pytest

import images
import shop as shops
import testbed

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "ringside/kubernetes"
PARTS = os.environ.get("KUBERNETES_PARTS", str(CACHE / "parts"))
VERSION = subprocess.run([shops.cluster.RINGSIDE, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]


@pytest.fixture(scope="session")
def bed():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # tears down
    directory = pathlib.Path(os.environ.get("RINGSIDE_TESTBED") or tempfile.mkdtemp(prefix="ringside-k8s-", dir="/tmp"))
    made = [images.ringside(shops.cluster.RINGSIDE, directory / "ringside.tar", [f"ringside.dev/ringside:{VERSION}"]),
            images.python(directory / "python.tar", ["docker.io/library/python:3.13-slim"]),
            images.pause(directory / "pause.tar", ["ringside.dev/pause:1"])]
    made_bed = testbed.Testbed(directory, PARTS, made)
    try:
        yield made_bed.start()
    finally:
        made_bed.stop()


@pytest.fixture(scope="session")
def recorder(bed):
    return shops.Recorder()


@pytest.fixture(scope="session")
def shop(bed, recorder):
    """Four pods with apps and two gateways, in a namespace whose pods have to be restricted."""
    made = shops.Shop(bed, "shop").create(shops.RESTRICTED)
    made.apply(shops.HERE / "overlays/shop")
    made.rolled_out()
    made.rolled_out("statefulset/gateway")
    made.settled(4)
    return made


@pytest.fixture
def place(bed, request):
    """A namespace of the test's own."""
    made = shops.Shop(bed, re.sub("[^a-z0-9]+", "-", request.node.name.lower()).removeprefix("test-")[:50].strip("-")).create(shops.RESTRICTED)
    yield made
    made.delete()


@pytest.fixture(scope="session")
def image():
    return f"ringside.dev/ringside:{VERSION}"


@pytest.fixture(scope="session")
def pod_monitor_crd(bed):
    """The Prometheus Operator's own definition of a PodMonitor, from its Go module."""
    bed.kubectl("create", "-f", os.environ["POD_MONITOR_CRD"])
    bed.kubectl("wait", "--for=condition=Established", "crd/podmonitors.monitoring.coreos.com", "--timeout=30s")
