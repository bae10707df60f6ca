#!/usr/bin/env python3
"""Files stay small: headers 200 lines, sources 500. sizes.txt lists those that are larger, with the size that each may
have; it may only shrink, so a file that got smaller must have its number lowered, and one that fits must leave the list."""
import pathlib
import sys

LIMITS = {".h": 200, ".cc": 500, ".py": 500}
TOPS = ("sidecar", "adapters", "tests", "bench", "examples")


def main():
    root = pathlib.Path(sys.argv[1])
    allowed = {}
    for line in (root / "tests/layers/sizes.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            path, lines = line.split()
            allowed[path] = int(lines)
    problems = []
    for path in sorted(path for top in TOPS for path in (root / top).rglob("*")):
        limit = LIMITS.get(path.suffix)
        if limit is None or not path.is_file():
            continue
        name = str(path.relative_to(root))
        lines = len(path.read_text().splitlines())
        permitted = allowed.pop(name, None)
        if permitted is None and lines > limit:
            problems.append(f"{name}: {lines} lines, {limit} are the limit; split it by what changes together")
        elif permitted is not None and lines <= limit:
            problems.append(f"{name}: fits by now; take it off tests/layers/sizes.txt")
        elif permitted is not None and lines > permitted:
            problems.append(f"{name}: {lines} lines, it may only shrink from {permitted}")
        elif permitted is not None and lines < permitted:
            problems.append(f"{name}: shrank to {lines}; lower its number in tests/layers/sizes.txt")
    problems += [f"{name}: is on tests/layers/sizes.txt, but is no file" for name in allowed]
    sys.exit("\n".join(problems) if problems else 0)


if __name__ == "__main__":
    main()
