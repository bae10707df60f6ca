"""The short form of every scenario: what must not be, whatever the speed of the machine."""
import os

import pytest

import scenarios
from world import cluster

LAST_RELEASE = (cluster.ROOT / ".ci/upgrade-from").read_text().split()[-1]
BEFORE = str(cluster.ROOT / "build/previous" / LAST_RELEASE / "ringside")


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_short_form(name):
    if name == "upgrade" and not os.access(BEFORE, os.X_OK):
        pytest.skip("the last release has not been built: ./run chaos upgrade does it")
    with scenarios.played(name, short=True, before=BEFORE) as result:
        assert not result["broken"], result
