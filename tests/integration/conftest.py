"""One directory, one set of processes for each test; whatever a test starts ends with it."""
import faulthandler
import sys

import pytest

import cluster


@pytest.fixture
def world(tmp_path, request):
    # A test that hangs shows where, before ctest ends it.
    faulthandler.dump_traceback_later(5 * cluster.PATIENCE, file=sys.__stderr__)
    made = cluster.World(tmp_path, getattr(request, "param", "http"))
    yield made
    faulthandler.cancel_dump_traceback_later()
    made.close()
