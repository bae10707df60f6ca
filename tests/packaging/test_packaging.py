"""The Debian package is installed into a directory of its own, and its unit's command is started from there; the image's
files run without anything else of this machine."""
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/integration"))
import cluster  # noqa: E402

SETTINGS = 'host = "127.0.0.1"\npeer = "127.0.0.1:0"\nlocal = ["127.0.0.1:0"]\nadmin = "127.0.0.1:0"\n'


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    made, system = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("system")
    subprocess.run(["cpack", "-B", made], cwd=cluster.BUILD, check=True, stdout=subprocess.DEVNULL)
    package, = made.glob("ringside_*.deb")
    needs = subprocess.run(["dpkg-deb", "-f", package, "Depends"], check=True, capture_output=True, text=True).stdout
    assert "libssl3" in needs and "libnghttp2" in needs
    database = system / "var/lib/dpkg"
    database.mkdir(parents=True)
    (database / "status").touch()
    subprocess.run(["dpkg", f"--root={system}", "--force-depends", "--force-not-root", "--force-bad-path", f"--log={system}/log", "-i", package],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return system


def ends_well(process):
    start = process.line(r"event=start .*admin=(\S+)")
    cluster.until(lambda: cluster.request(start.group(1), "GET", "/readyz").status == 200, "it is ready")
    process.child.send_signal(signal.SIGTERM)
    assert process.wait() == 0


def test_the_unit_starts_what_is_installed(installed):
    unit = (installed / "lib/systemd/system/ringside.service").read_text()
    command = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.M).group(1))
    settings = installed / "etc/ringside/ringside.toml"
    settings.write_text(settings.read_text() + SETTINGS)
    under = [f"{installed}{word}" if word.startswith("/") else word for word in command]
    process = cluster.Process(under)
    try:
        ends_well(process)
    finally:
        process.kill()


def test_systemd_understands_the_unit(installed, tmp_path):
    unit = (installed / "lib/systemd/system/ringside.service").read_text()
    (tmp_path / "ringside.service").write_text(unit.replace("=/usr/bin/", f"={installed}/usr/bin/"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "ringside.service"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "ringside" not in done.stderr, done.stderr


def test_settings_are_kept_by_upgrades(installed):
    info = subprocess.run(["dpkg-query", f"--admindir={installed}/var/lib/dpkg", "-W", "-f=${Conffiles}", "ringside"],
                          capture_output=True, text=True, check=True).stdout
    assert "/etc/ringside/ringside.toml" in info


def test_the_image_needs_nothing_else(tmp_path):
    if os.getuid() != 0:
        pytest.skip("chroot needs root")
    subprocess.run([ROOT / "deploy/collect-image.sh", cluster.RINGSIDE, tmp_path], check=True)
    size = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    assert size < 40 << 20, f"{size >> 20} MiB"
    process = cluster.Process(["chroot", str(tmp_path), "/usr/bin/ringside", "serve", "--host", "127.0.0.1",
                               "--peer", "127.0.0.1:0", "--local", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
    try:
        ends_well(process)
    finally:
        process.kill()
