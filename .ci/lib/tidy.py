#!/usr/bin/env python3
"""clang-tidy over our sources, remembering what was clean.

The key of a source is a hash over the tool, .clang-tidy, its compile command, and the text of itself and of every header
of ours that it reaches. A key that was clean once is never checked again; what had findings is.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKED = ("sidecar/", "adapters/", "bench/")  # tests: the compiler's own warnings are enough
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


def reached(source, build, texts):
    """The file and all headers of the repository and of the generated messages below it."""
    seen, todo = set(), [source]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        if path not in texts:
            texts[path] = path.read_bytes()
        for name in INCLUDE.findall(texts[path].decode(errors="replace")):
            for base in (ROOT, build / "proto"):
                if (base / name).is_file():
                    todo.append(base / name)
                    break
    return sorted(seen)


def key_of(source, command, salt, build, texts):
    # The same tree in another place is the same tree.
    digest = hashlib.sha256(salt)
    digest.update(command.replace(str(ROOT), "").encode())
    for path in reached(source, build, texts):
        name = str(path).replace(str(ROOT), "")
        digest.update(name.encode() + b"\0" + hashlib.sha256(texts[path]).digest())
    return digest.hexdigest()


def check(source, build):
    started = time.monotonic()
    done = subprocess.run(["clang-tidy", "--quiet", "-p", str(build), str(source)], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # stderr holds "N warnings generated" in every run, and matters only when the tool itself failed.
    output = done.stdout if done.stdout.strip() or done.returncode == 0 else done.stderr
    return done.returncode == 0 and not done.stdout.strip(), output, time.monotonic() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--all", action="store_true", help="check even what was clean before")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    cache = home / "ringside" / "tidy-clean"
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], check=True, stdout=subprocess.PIPE).stdout
    salt = version + (ROOT / ".clang-tidy").read_bytes()

    texts, todo, clean = {}, [], 0
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        if not source.is_relative_to(ROOT) or not str(source.relative_to(ROOT)).startswith(CHECKED):
            continue
        key = key_of(source, entry["command"], salt, build, texts)
        if (cache / key).exists() and not arguments.all:
            clean += 1
        else:
            todo.append((source, key))

    if not todo and not clean:
        sys.exit(f"clang-tidy: {build} has compile commands of another folder: remove it, and run this again")
    print(f"clang-tidy: {clean} known to be clean, {len(todo)} to check", flush=True)
    found = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(check, source, build): (source, key) for source, key in todo}
        for number, future in enumerate(concurrent.futures.as_completed(running), 1):
            source, key = running[future]
            ok, output, seconds = future.result()
            name = source.relative_to(ROOT)
            print(f"[{number}/{len(todo)}] {name} {seconds:.1f} s{'' if ok else ' FINDINGS'}", flush=True)
            if ok:
                (cache / key).touch()
            else:
                print(output, flush=True)
                found.append(str(name))
    if found:
        sys.exit("clang-tidy has findings in: " + ", ".join(sorted(found)))


if __name__ == "__main__":
    main()
