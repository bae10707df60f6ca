"""docs/security.md names a test for each promise: they are there."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/security.md").read_text()
TESTS = "\n".join(one.read_text() for one in (ROOT / "tests/integration").glob("test_*.py"))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", TEXT))))
def test_a_test_that_it_names_is_there(name):
    assert re.search(rf"^def {name}\(", TESTS, re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:tests|deploy|docs)/[\w/.-]+)`", TEXT))))
def test_a_file_that_it_names_is_there(path):
    assert (ROOT / path).exists()
