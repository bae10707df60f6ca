"""Container images without Docker: from files of this Debian, as `docker save` would write them."""
import hashlib
import io
import json
import pathlib
import re
import subprocess
import tarfile
import tempfile

PAUSE = r"""
#include <signal.h>
#include <unistd.h>
static void end(int signal) { (void)signal; _exit(0); }
int main(void) {
  signal(SIGTERM, end);
  signal(SIGINT, end);
  signal(SIGCHLD, SIG_IGN);
  for (;;) pause();
}
"""
ROOT = pathlib.Path(__file__).resolve().parents[2]
USER = "65532:65532"
ACCOUNTS = {"etc/passwd": "root:x:0:0::/:/none\nringside:x:65532:65532::/:/none\n", "etc/group": "root:x:0:\nringside:x:65532:\n",
            "etc/nsswitch.conf": "hosts: files dns\n"}


def libraries(*programs):
    """The shared libraries that programs need, and the loader, as paths."""
    found = set()
    for program in programs:
        listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        found |= {match for match in re.findall(r"(/\S+) \(0x", listing)}
    return sorted(found)


class Layer:
    def __init__(self):
        self.raw = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.raw, mode="w")
        self.names = set()

    def add(self, source, name=None, mode=None):
        """A file's contents; links are followed, so that paths stay as they are named."""
        name = (name or str(source)).lstrip("/")
        if name in self.names:
            return
        self.names.add(name)
        data = pathlib.Path(source).read_bytes()
        self.put(name, data, mode or (0o755 if pathlib.Path(source).stat().st_mode & 0o111 else 0o644))

    def put(self, name, data, mode=0o644):
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = len(data), mode, 0
        self.tar.addfile(entry, io.BytesIO(data))

    def directory(self, name, mode=0o755):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self.tar.addfile(entry)

    def save(self, path, names, entrypoint, user=USER):
        for file, text in ACCOUNTS.items():
            if file not in self.names:
                self.put(file, text.encode())
        self.directory("tmp", 0o1777)
        self.tar.close()
        layer = self.raw.getvalue()
        digest = "sha256:" + hashlib.sha256(layer).hexdigest()
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest]},
                             "config": {"Entrypoint": entrypoint, "User": user, "Env": ["PATH=/usr/bin"], "WorkingDir": "/"}}).encode()
        name = hashlib.sha256(config).hexdigest() + ".json"
        manifest = json.dumps([{"Config": name, "RepoTags": names, "Layers": ["layer.tar"]}]).encode()
        with tarfile.open(path, "w") as out:
            for file, data in ((name, config), ("layer.tar", layer), ("manifest.json", manifest)):
                entry = tarfile.TarInfo(file)
                entry.size = len(data)
                out.addfile(entry, io.BytesIO(data))
        return path


def ringside(program, out, names):
    """The sidecar's image, of the same files as the Dockerfile's."""
    layer = Layer()
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([ROOT / "deploy/collect-image.sh", program, root], check=True)
        for file in sorted(pathlib.Path(root).rglob("*")):
            if file.is_file():
                layer.add(file, str(file.relative_to(root)))
    return layer.save(out, names, ["/usr/bin/ringside"])


def python(out, names):
    """Stands in for the public Python image: Debian's interpreter and its standard library, no shell."""
    layer = Layer()
    home = pathlib.Path("/usr/lib/python3.11")
    skipped = {"test", "dist-packages", "idlelib", "tkinter", "__pycache__", "lib2to3", "pydoc_data", "ensurepip", "distutils"}
    for file in sorted(home.rglob("*")):
        if file.is_file() and not skipped & set(file.parts) and "config-3.11" not in str(file):
            layer.add(file)
    layer.add("/usr/bin/python3.11")
    layer.add("/usr/bin/python3.11", "/usr/bin/python3")
    for library in libraries("/usr/bin/python3.11", *map(str, home.glob("lib-dynload/*.so"))):
        layer.add(library)
    return layer.save(out, names, ["/usr/bin/python3"])


def pause(out, names):
    layer = Layer()
    with tempfile.TemporaryDirectory() as directory:
        source, program = pathlib.Path(directory, "pause.c"), pathlib.Path(directory, "pause")
        source.write_text(PAUSE)
        subprocess.run(["gcc", "-Os", "-static", "-s", "-o", program, source], check=True)
        layer.add(program, "/pause", 0o755)
    return layer.save(out, names, ["/pause"])
