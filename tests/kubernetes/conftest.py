"""Two Kubernetes run side by side: in one the tests that share one cluster of carts, in the other those that have each a
namespace of their own. With `-n 0` there is one, for all."""
import os
import pathlib
import re

import pytest

import images
import shop as shops
import testbed

PARTS = pathlib.Path(os.environ["KUBERNETES_PARTS"])  # what ./run kubernetes has built
# The release that deploy/k8s names as its image, whatever commit this build says that it is.
VERSION = (shops.HERE.parents[1] / "VERSION").read_text().strip()
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
chosen = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xdist_group("shop" if "shop" in item.fixturenames else "places"))


def pytest_runtest_setup(item):
    """Which of the two clusters this process has is known with its first test."""
    chosen.setdefault("prefers_ipv6", "shop" in item.fixturenames)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("measured")
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        for _, text in report.user_properties if report.when == "call" else ():
            terminalreporter.write_line(f"{report.nodeid.partition('::')[2].partition('@')[0]}: {text}")


@pytest.fixture(autouse=True)
def measured(request):
    shops.measured = request.node.user_properties


@pytest.fixture(scope="session")
def bed():
    directory = pathlib.Path(f"{os.environ['RINGSIDE_TESTBED']}-{WORKER}")
    directory.mkdir()
    made = [images.ringside(shops.cluster.RINGSIDE, directory / "ringside.tar", [f"ringside.dev/ringside:{VERSION}"]),
            images.python(directory / "python.tar", ["docker.io/library/python:3.13-slim"]),
            images.pause(directory / "pause.tar", ["ringside.dev/pause:1"])]
    made_bed = testbed.Testbed(directory, PARTS / "parts", made, **chosen)
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
    bed.kubectl("wait", "--for=condition=Established", "crd/podmonitors.monitoring.coreos.com", "--timeout=120s")
