"""The short form of every scenario: what must not be, whatever the speed of the machine."""
import pytest

import scenarios


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_short_form(name):
    with scenarios.played(name, short=True) as result:
        assert not result["broken"], result
