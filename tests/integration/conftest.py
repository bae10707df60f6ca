"""One directory, one set of processes for each test; whatever a test starts ends with it."""
import pytest

import cluster


@pytest.fixture
def world(tmp_path):
    made = cluster.World(tmp_path)
    yield made
    made.close()
