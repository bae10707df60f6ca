#!/usr/bin/env python3
"""Who may include whom (docs/architecture.md). CMake's link lists do not stop an include: on Debian the headers of Boost,
gRPC and absl are found without any -I."""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^">]+)[">]')

# Folder -> what of our own it may include besides its own files: folders, which end in a slash and do not include those
# below them that have rules of their own, and single files.
IO = ("sidecar/base/", "sidecar/core/", "sidecar/log/", "sidecar/loop/", "sidecar/net/", "sidecar/wire/")
TLS = ("sidecar/net/tls/",)
HTTP1, HTTP2, GRPC = ("sidecar/net/http1/",), ("sidecar/net/http2/",), ("sidecar/net/grpc/",)
ADAPTER = IO + ("adapters/app_adapter.h", "adapters/health_monitor.h", "adapters/listener_watch.h",
                "adapters/turn_headers.h")
OURS = {
    "sidecar/base": (),
    "sidecar/core": ("sidecar/base/check.h", "sidecar/base/number.h", "sidecar/base/overloaded.h", "sidecar/base/parse.h",
                     "sidecar/base/result.h"),
    "sidecar/log": ("sidecar/base/", "sidecar/core/level.h"),
    "sidecar/loop": ("sidecar/base/",),
    "sidecar/process": (),
    "sidecar/net": ("sidecar/base/", "sidecar/loop/"),
    "sidecar/net/tls": ("sidecar/base/", "sidecar/loop/", "sidecar/net/"),
    "sidecar/net/http1": ("sidecar/base/", "sidecar/loop/", "sidecar/net/") + TLS,
    "sidecar/net/http2": ("sidecar/base/", "sidecar/loop/", "sidecar/net/"),
    "sidecar/net/grpc": ("sidecar/base/", "sidecar/loop/", "sidecar/net/") + HTTP2 + TLS,
    "sidecar/net/listener": ("sidecar/base/", "sidecar/loop/", "sidecar/net/") + HTTP1 + HTTP2 + TLS,
    "sidecar/wire": ("sidecar/base/", "sidecar/core/", "sidecar/net/") + HTTP1 + GRPC,
    "sidecar/config": ("sidecar/base/", "sidecar/core/"),
    "sidecar/runtime": ("sidecar/base/", "sidecar/core/", "sidecar/log/", "sidecar/loop/", "sidecar/process/"),
    "sidecar/peer_tls": ("sidecar/base/", "sidecar/core/", "sidecar/log/", "sidecar/net/") + TLS,
    "sidecar/peer": IO + GRPC + TLS,
    "sidecar/services": ("sidecar/base/", "sidecar/net/") + GRPC,
    "sidecar/events": ("sidecar/base/", "sidecar/core/", "sidecar/net/", "sidecar/wire/"),
    "sidecar/local": IO + GRPC + ("sidecar/events/",),
    "sidecar/admin": IO + ("sidecar/process/", "sidecar/events/"),
    "sidecar/discovery": IO + HTTP1 + ("sidecar/config/settings.h",),
    "sidecar/cli": ("sidecar/base/", "sidecar/core/", "sidecar/net/", "sidecar/wire/", "sidecar/config/",
                    "sidecar/peer_tls/credential_files.h") + HTTP1 + TLS,
    "adapters/http": ADAPTER + HTTP1 + HTTP2,
    "adapters/grpc": ADAPTER + GRPC,
    "adapters": IO,
}

# Library (by prefix of the include) -> the folders that may use it; a folder that is not named may not.
LIBRARIES = {
    "xxhash": ("sidecar/core",),
    "toml": ("sidecar/config",),
    "fmt/": ("sidecar/log",),
    "CLI/": ("sidecar/cli",),
    "prometheus": ("sidecar/admin",),
    "ares": ("sidecar/net",),
    "nghttp2": ("sidecar/net/http2", "sidecar/net/grpc", "sidecar/net/listener"),
    "grpcpp/": (),
    "grpc/": ("sidecar/services", "adapters/grpc"),
    "google/protobuf": ("sidecar/wire", "sidecar/peer", "sidecar/services", "sidecar/local", "sidecar/admin", "adapters/http",
                        "adapters/grpc"),
    "messages/": ("sidecar/wire", "sidecar/peer", "sidecar/local", "sidecar/admin", "adapters/http", "adapters/grpc"),
    "ringside/": ("sidecar/wire", "sidecar/peer", "sidecar/local", "sidecar/admin", "adapters/http", "adapters/grpc"),
    "nlohmann/": ("sidecar/wire", "sidecar/events", "sidecar/local", "sidecar/admin", "sidecar/cli", "sidecar/discovery"),
    "openssl/": ("sidecar/net/http1", "sidecar/net/tls"),
    "boost/": ("sidecar/loop", "sidecar/net", "sidecar/net/tls", "sidecar/peer_tls", "sidecar/net/http1", "sidecar/net/http2", "sidecar/net/grpc", "sidecar/net/listener",
               "sidecar/runtime", "sidecar/peer", "sidecar/events", "sidecar/local", "sidecar/admin", "sidecar/discovery",
               "sidecar/cli", "adapters", "adapters/http", "adapters/grpc"),
}

# Standard headers that the core has no use for: time is an argument, randomness a seed, and there is one thread.
IMPURE = {"thread", "mutex", "shared_mutex", "condition_variable", "atomic", "future", "stop_token", "semaphore", "latch",
          "barrier", "random", "fstream", "iostream", "cstdio", "ctime", "filesystem", "coroutine", "csignal"}
# Parts of the core: sidecar/core/PART/. A part knows the values that all share, and no other part, nor what knows them:
# the node, and what stands between it and the parts.
PART = re.compile(r"sidecar/core/(\w+)/")
SHARED = re.compile(r"sidecar/core/\w+\.h")
KNOWS_PARTS = re.compile(r"sidecar/core/(node\w*|route|explanations|ports)\.h")
# Addresses are read by inet_pton, which asks nobody.
IMPURE_FILES = {"sidecar/core/host_name.cc": {"arpa/inet.h", "netinet/in.h"}}
# Folders that consist of parts: the file that knows them all, with whatever begins with its name, and the values that the
# parts share. A part includes its own header and values, but no other part.
# What stands between the file that knows all and the parts is in LEVELS: each knows the parts, and those of lower level.
PARTS = {"sidecar/core/membership": ("membership", {"candidate", "epoch_clock", "member", "question", "ring"})}
LEVELS = {"sidecar/core/membership": {"roster": 1, "joining": 2, "liveness": 2, "requests": 3}}
ASKS_ALL_LIBRARIES = "sidecar/cli/libraries.cc"  # for their versions
ROOT_FILES = {"sidecar/main.cc", "sidecar/wiring.cc", "sidecar/wiring.h"}  # the composition root knows all


def folder_of(path):
    """The folder whose rules hold for a file: the longest that has rules."""
    names = [name for name in OURS if path.startswith(name + "/")]
    return max(names, key=len) if names else None


def may_include(folder, name):
    there = folder_of(name)
    return there == folder or name in OURS[folder] or f"{there}/" in OURS[folder]


def is_another_part(path, name):
    """Both are parts of one folder, and neither is the whole nor a value."""
    folder, other = pathlib.PurePath(path).parent, pathlib.PurePath(name).parent
    levels = LEVELS.get(str(folder), {})

    def part_of(file):  # a part may have several files: joining.cc, joining_taken_in.cc
        stem = pathlib.PurePath(file).stem
        return next((part for part in levels if stem.startswith(f"{part}_")), stem)

    here, there = part_of(path), part_of(name)
    if folder != other or str(folder) not in PARTS or here == there:
        return False
    whole, values = PARTS[str(folder)]
    if here in levels:
        return there in levels and levels[there] >= levels[here] or there == whole
    return not here.startswith(whole) and there not in values


def standard(name):
    return re.fullmatch(r"[a-z_0-9]+", name) is not None


def violations(path, text):
    if path in ROOT_FILES:
        return
    folder = folder_of(path)
    if folder is None:
        yield f"{path}: the folder has no rules; add it to tests/layers/layers.py"
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, name = match.groups()
        where = f"{path}:{number}: {folder}"
        if name.startswith(("sidecar/", "adapters/")):
            part, other = PART.match(path), PART.match(name)
            if other and SHARED.fullmatch(path) and not KNOWS_PARTS.fullmatch(path):
                yield f"{where}: all parts may read this header, and so it must not include {name} of one of them"
            if part and ((other and part[1] != other[1]) or KNOWS_PARTS.fullmatch(name)):
                yield f"{where}/{part[1]} is a part, and must not include {name}"
            if not may_include(folder, name):
                yield f"{where} must not include {name}"
            elif is_another_part(path, name):
                yield f"{where}: a part must not include another: {name}"
            continue
        if quote == '"':
            yield f"{where}: \"{name}\": our own includes start at the repository's root"
            continue
        allowed = name == "xxhash.h" or name in IMPURE_FILES.get(path, ())
        if folder == "sidecar/core" and not allowed and (not standard(name) or name in IMPURE):
            yield f"{where} must not include <{name}>: it is pure"
            continue
        for library, users in LIBRARIES.items():
            if name.startswith(library) and folder not in users and path != ASKS_ALL_LIBRARIES:
                yield f"{where} must not include <{name}>"


def self_check():
    """The rules bite: each of these lines is refused where it stands, or is not."""
    cases = [
        ("sidecar/core/x.cc", "<mutex>", True), ("sidecar/core/x.cc", "<vector>", False),
        ("sidecar/base/check.cc", "<cstdio>", False), ("sidecar/core/x.cc", "<cstdio>", True),
        ("sidecar/core/membership/view.cc", '"sidecar/core/membership/candidates.h"', True),
        ("sidecar/core/membership/view.cc", '"sidecar/core/membership/membership.h"', True),
        ("sidecar/core/membership/view.cc", '"sidecar/core/membership/view.h"', False),
        ("sidecar/core/membership/view.cc", '"sidecar/core/membership/member.h"', False),
        ("sidecar/core/membership/joining_taken_in.cc", '"sidecar/core/membership/joining.h"', False),
        ("sidecar/core/membership/joining_taken_in.cc", '"sidecar/core/membership/liveness.h"', True),
        ("sidecar/core/membership/membership.h", '"sidecar/core/membership/view.h"', False),
        ("sidecar/core/x.cc", "<xxhash.h>", False), ("sidecar/core/x.cc", "<boost/asio.hpp>", True),
        ("sidecar/core/x.cc", "<sys/socket.h>", True), ("sidecar/core/x.cc", '"sidecar/net/a.h"', True),
        ("sidecar/core/x.cc", '"sidecar/core/a.h"', False), ("sidecar/core/calls/x.cc", '"sidecar/core/life/a.h"', True),
        ("sidecar/core/calls/x.cc", '"sidecar/core/calls/a.h"', False),
        ("sidecar/core/calls/x.cc", '"sidecar/core/route.h"', True),
        ("sidecar/core/calls/x.cc", '"sidecar/core/cluster_view.h"', False),
        ("sidecar/core/route.cc", '"sidecar/core/directory/directory.h"', False),
        ("sidecar/core/calls/x.cc", '"sidecar/core/node.h"', True), ("sidecar/core/calls/x.cc", '"sidecar/core/a.h"', False),
        ("sidecar/core/node.cc", '"sidecar/core/calls/a.h"', False), ("sidecar/core/node.h", '"sidecar/core/calls/a.h"', False),
        ("sidecar/core/config.h", '"sidecar/core/membership/ring.h"', True),
        ("sidecar/net/x.cc", "<google/protobuf/any.pb.h>", True),
        ("sidecar/net/x.cc", '"sidecar/core/node.h"', True), ("sidecar/peer/x.cc", '"sidecar/local/a.h"', True),
        ("sidecar/peer/x.cc", '"sidecar/log/log.h"', False), ("sidecar/peer/x.cc", '"sidecar/runtime/loop.h"', True),
        ("sidecar/base/x.cc", '"sidecar/core/types.h"', True), ("sidecar/base/x.cc", "<boost/asio.hpp>", True),
        ("sidecar/net/x.cc", '"sidecar/net/http1/a.h"', True), ("sidecar/net/http1/x.cc", '"sidecar/net/a.h"', False),
        ("sidecar/net/http1/x.cc", '"sidecar/net/http2/a.h"', True),
        ("sidecar/net/grpc/x.cc", '"sidecar/net/http2/a.h"', False),
        ("sidecar/net/http2/x.cc", '"sidecar/net/grpc/a.h"', True), ("sidecar/peer/x.cc", '"sidecar/net/listener/a.h"', True),
        ("sidecar/net/x.cc", "<nghttp2/nghttp2.h>", True), ("sidecar/net/grpc/x.cc", "<grpcpp/grpcpp.h>", True),
        ("sidecar/services/x.cc", "<grpc/health/v1/health.pb.h>", False), ("adapters/x.cc", "<grpc/grpc.h>", True),
        ("adapters/http/x.cc", '"adapters/grpc/a.h"', True), ("adapters/http/x.cc", '"adapters/app_adapter.h"', False),
        ("adapters/x.h", '"adapters/http/a.h"', True), ("sidecar/wire/x.cc", "<messages/control_plane.pb.h>", False),
        ("sidecar/local/x.cc", '"x.h"', True), ("sidecar/main.cc", '"sidecar/local/a.h"', False),
        ("sidecar/new/x.cc", "<vector>", True), ("sidecar/admin/x.cc", "<prometheus/registry.h>", False),
        ("sidecar/peer/x.cc", "<prometheus/registry.h>", True), ("sidecar/cli/libraries.cc", "<openssl/crypto.h>", False),
        ("sidecar/cli/x.cc", "<openssl/crypto.h>", True),
    ]
    wrong = [case for case in cases if bool(list(violations(case[0], "#include " + case[1]))) != case[2]]
    sys.exit(f"wrongly judged: {wrong}" if wrong else 0)


def main():
    if sys.argv[1:] == ["--self-check"]:
        self_check()
    root = pathlib.Path(sys.argv[1])
    found = []
    for top in ("sidecar", "adapters"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cc"):
                found += violations(str(path.relative_to(root)), path.read_text())
    sys.exit("\n".join(found) if found else 0)


if __name__ == "__main__":
    main()
