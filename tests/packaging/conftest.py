"""What ships: the package, made once for all tests of a file."""
import pathlib
import subprocess
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import cluster  # noqa: E402


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    made = tmp_path_factory.mktemp("package")
    subprocess.run(["cpack", "-B", made], cwd=cluster.BUILD, check=True, stdout=subprocess.DEVNULL)
    made_package, = made.glob("ringside_*.deb")
    return made_package


@pytest.fixture(scope="module")
def shipped(package, tmp_path_factory):
    """The program in it."""
    system = tmp_path_factory.mktemp("shipped")
    subprocess.run(["dpkg-deb", "-x", package, system], check=True)
    return system / "usr/bin/ringside"
