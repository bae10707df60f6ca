"""The Debian package is installed into a directory of its own and its unit's command is started from there; it is installed
by dpkg on a copy of this machine, where systemd runs the unit; the image's files run without anything else of this machine."""
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys

import pytest

import cluster

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVE = ["/usr/bin/ringside", "serve", "--host", "127.0.0.1", "--peer", "127.0.0.1:0", "--local", "127.0.0.1:0",
         "--admin", "127.0.0.1:0"]
SETTINGS = 'host = "127.0.0.1"\npeer = "127.0.0.1:0"\nlocal = ["127.0.0.1:0"]\nadmin = "127.0.0.1:0"\n'


@pytest.fixture(scope="module")
def installed(package, tmp_path_factory):
    system = tmp_path_factory.mktemp("system")
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


class Machine(cluster.Process):
    """A copy of this machine with systemd and the package."""

    def __init__(self, directory, package):
        super().__init__(["unshare", "--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup",
                          pathlib.Path(__file__).with_name("machine.sh"), directory, package])
        children = pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        self.first = cluster.until(children.read_text, "it begins").strip()
        # Installing has ended when systemd answers.
        cluster.until(lambda: not self.alive() or "running" in self.run("systemctl", "is-system-running", check=False),
                      "systemd runs")
        assert self.alive(), "".join(self.lines)

    def run(self, *command, check=True, stdin=None):
        done = subprocess.run(["nsenter", f"--target={self.first}", "--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup",
                               "--root", "--wd", *command], capture_output=True, text=True, check=False, input=stdin)
        assert done.returncode == 0 or not check, (command, done.stdout, done.stderr, "".join(self.lines))
        return done.stdout

    def write(self, path, text):
        self.run("tee", path, stdin=text)

    def of_unit(self, name, unit="ringside"):
        return self.run("systemctl", "show", "--value", "-p", name, unit).strip()

    def is_ready(self):
        return "phase    ready" in self.run("ringside", "status", check=False)


@pytest.fixture(scope="module")
def machine(package, tmp_path_factory):
    if os.getuid() != 0:
        pytest.skip("namespaces and mounts need root")
    made = Machine(tmp_path_factory.mktemp("machine"), package)
    made.write("/srv/app.py", (ROOT / "deploy/k8s/base/app.py").read_text())
    made.write("/etc/systemd/system/app.service", APP_UNIT)
    made.write("/etc/ringside/ringside.toml", (ROOT / "deploy/systemd/ringside.toml").read_text().replace("# app =", "app ="))
    yield made
    made.kill()


APP_UNIT = """[Unit]
Description=An application
Before=ringside.service
[Service]
DynamicUser=yes
ExecStart=/usr/bin/python3 /srv/app.py
"""


def test_systemd_runs_the_unit(machine):
    machine.run("systemctl", "start", "app", "ringside")
    cluster.until(machine.is_ready, "it is ready")
    assert machine.run("ringside", "call", "42", "add", "{}").strip() == "1"
    assert machine.run("ps", "-o", "user=", "-p", machine.of_unit("MainPID")).strip() == "ringside"

    machine.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", "ringside")
    cluster.until(lambda: machine.of_unit("NRestarts") == "1" and machine.is_ready(), "it is started again")
    assert machine.run("ringside", "call", "42", "add", "{}").strip() == "1", "the activation of before has ended"

    machine.run("systemctl", "isolate", "nothing.target")  # ends both, as a shutdown does

    def journal():
        return machine.run("journalctl", "--no-pager", "--output=cat", "--unit=app", "--unit=ringside")

    # The journal is written a moment after the units have stopped.
    cluster.until(lambda: all(f"Stopped {unit}.service" in journal() for unit in ("app", "ringside")), "both have stopped")
    told = journal()
    assert 0 < told.rindex("Stopped ringside.service") < told.rindex("Stopping app.service"), \
        "the app lives until its actors have been handed over"
    assert (machine.of_unit("Result"), machine.of_unit("ExecMainStatus")) == ("success", "0")


def test_systemd_does_not_repeat_a_wrong_setting(machine):
    machine.run("systemctl", "set-environment", "RINGSIDE_DRAIN_TIMEOUT=soon")
    machine.run("systemctl", "restart", "ringside")
    cluster.until(lambda: machine.of_unit("ActiveState") == "failed", "it has ended")
    assert (machine.of_unit("NRestarts"), machine.of_unit("ExecMainStatus")) == ("0", "2")
    assert "drain-timeout" in machine.run("journalctl", "--no-pager", "--unit=ringside")


def test_settings_are_kept_by_upgrades(installed):
    info = subprocess.run(["dpkg-query", f"--admindir={installed}/var/lib/dpkg", "-W", "-f=${Conffiles}", "ringside"],
                          capture_output=True, text=True, check=True).stdout
    assert "/etc/ringside/ringside.toml" in info


def described(tree):
    """What git says of a tree, in the form of a version."""
    def git(*words):
        return subprocess.run(["git", "-c", "safe.directory=*", "-C", tree, *words], capture_output=True, text=True, check=True).stdout.strip()
    try:
        return git("describe", "--tags", "--match", "v*").removeprefix("v")
    except subprocess.CalledProcessError:
        number = (ROOT / "VERSION").read_text().strip()
        return f"{number}-{git('rev-list', '--count', 'HEAD')}-g{git('rev-parse', '--short', 'HEAD')}"


def test_program_package_and_git_agree_on_the_version(package):
    told = subprocess.run([cluster.RINGSIDE, "version"], capture_output=True, text=True, check=True).stdout
    version = subprocess.run(["dpkg-deb", "-f", package, "Version"], capture_output=True, text=True, check=True).stdout.strip()
    assert told.splitlines()[0] == f"ringside {version}"
    if (ROOT / ".git").exists():
        assert version == described(ROOT), "the build is of another commit: ./run build"


def test_the_versions_of_libraries_are_those_of_the_machine():
    told = json.loads(subprocess.run([cluster.RINGSIDE, "version", "--json"], capture_output=True, text=True, check=True).stdout)
    for name, package in (("OpenSSL", "libssl3"), ("nghttp2", "libnghttp2-14"), ("c-ares", "libc-ares2"), ("zlib", "zlib1g"),
                          ("glibc", "libc6")):
        there = subprocess.run(["dpkg-query", "-W", "-f", "${source:Upstream-Version}", package], capture_output=True, text=True,
                               check=True).stdout
        assert re.match(re.escape(told["loaded"][name]) + r"(\.dfsg)?$", there), (name, told, there)


def version_of(tree, *given):
    subprocess.run(["cmake", "-D", f"OUT={tree}", *given, "-P", tree / "cmake/RingsideVersion.cmake"], check=True)
    version = (tree / "version.txt").read_text().strip()
    assert f'"{version}"' in (tree / "version.cc").read_text()
    subprocess.run(["dpkg", "--validate-version", version], check=True)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", version), "a tag of an image"
    return version


def test_the_version_of_every_kind_of_tree(tmp_path):
    def git(*words, tree=tmp_path / "tree"):
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"]
        return subprocess.run(["git", "-C", tree, *identity, *words], capture_output=True, text=True, check=True).stdout.strip()

    tree = tmp_path / "tree"
    (tree / "cmake").mkdir(parents=True)
    (tree / "cmake/RingsideVersion.cmake").write_text((ROOT / "cmake/RingsideVersion.cmake").read_text())
    (tree / "VERSION").write_text("0.4.0\n")
    assert version_of(tree) == "0.4.0", "a tarball"
    git("init", "-q")
    assert version_of(tree) == "0.4.0", "no commit yet"
    git("add", "VERSION", "cmake")
    git("commit", "-qm", "one")
    assert version_of(tree) == f"0.4.0-1-g{git('rev-parse', '--short', 'HEAD')}", "no tag"
    git("tag", "nightly")
    assert version_of(tree).startswith("0.4.0-1-g"), "a tag that is not a version"
    git("tag", "-a", "v1.2.3", "-m", "v1.2.3")
    assert version_of(tree) == "1.2.3"
    git("commit", "-qm", "two", "--allow-empty")
    assert version_of(tree) == git("describe", "--tags", "--match", "v*").removeprefix("v")
    assert version_of(tree).startswith("1.2.3-1-g")
    assert version_of(tree, "-D", "RINGSIDE_VERSION=7.0.0") == "7.0.0"
    written = (tree / "version.cc").stat().st_mtime_ns
    version_of(tree, "-D", "RINGSIDE_VERSION=7.0.0")
    assert (tree / "version.cc").stat().st_mtime_ns == written, "nothing to compile"

    shallow = tmp_path / "shallow"
    git("clone", "-q", "--depth", "1", "--no-tags", f"file://{tree}", shallow)
    assert version_of(shallow) == f"0.4.0-1-g{git('rev-parse', '--short', 'HEAD')}"


@pytest.fixture
def image(tmp_path):
    if os.getuid() != 0:
        pytest.skip("chroot needs root")
    subprocess.run([ROOT / "deploy/collect-image.sh", cluster.RINGSIDE, tmp_path / "image"], check=True)
    return tmp_path / "image"


def test_the_image_needs_nothing_else(image):
    size = sum(file.stat().st_size for file in image.rglob("*") if file.is_file())
    assert size < 40 << 20, f"{size >> 20} MiB"
    process = cluster.Process(["chroot", image, *SERVE])
    try:
        ends_well(process)
    finally:
        process.kill()


def test_the_image_runs_as_anybody_read_only_and_without_any_right(image):
    """As a pod of the `restricted` kind with a user of the cluster's choice does, which no /etc/passwd knows."""
    user, before = "54321", sorted(image.rglob("*"))
    app = cluster.apps.HttpApp()
    process = cluster.Process([sys.executable, pathlib.Path(__file__).with_name("confined.py"), image, user, *SERVE,
                               "--app", app.url])
    try:
        local = process.line(r"event=start .*local=(\S+)")[1]
        cluster.until(lambda: cluster.request(local, "POST", "/v1/actors/42/method/add").status == 200, "it serves")
        there = pathlib.Path(f"/proc/{process.child.pid}")
        status = dict(line.split(":\t", 1) for line in (there / "status").read_text().splitlines())
        assert status["Uid"].split() == status["Gid"].split() == [user] * 4 and status["Groups"].strip() == ""
        assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
        assert status["NoNewPrivs"] == "1"
        mounts = {fields[4]: fields[5].split(",") for fields in map(str.split, (there / "mountinfo").read_text().splitlines())}
        assert "ro" in mounts["/"], mounts
        ends_well(process)
        assert app.ended == ["all", "42"], "the app was told of the end of its activation"
    finally:
        process.kill()
        app.kill()
    assert sorted(set(image.rglob("*")) - {image / "proc"}) == before, "nothing was written"
