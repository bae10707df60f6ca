"""Fixtures of the mixed clusters. --legacy=python|go chooses in what the legacy hosts are written."""
import os
import pathlib
import sys

import pytest

BUILD = pathlib.Path(os.environ["BUILD_UNDER_TEST"])
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(BUILD / "interop" / "python"), str(HERE / "python"), str(HERE)]

sys.path.append(str(HERE.parent / "integration"))  # for ports; its cluster is not ours

from cluster import Cluster  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--legacy", choices=["python", "go"], default="python")


@pytest.fixture
def cluster(request):
    with Cluster(BUILD, request.config.getoption("--legacy")) as made:
        yield made
