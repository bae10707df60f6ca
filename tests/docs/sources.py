"""What the repository holds, for tests that look up what documents name."""
import functools
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOPS = ("sidecar", "adapters", "proto", "tests/fuzz", "tests/sim", "tests/transcripts", "tests/unit")
SUFFIXES = {".h", ".cc", ".proto", ".py"}


@functools.cache
def text_of(path):
    return (ROOT / path).read_text()


@functools.cache
def code():
    """Path -> text of every source of ours."""
    return {str(path.relative_to(ROOT)): path.read_text() for top in TOPS for path in sorted((ROOT / top).rglob("*"))
            if path.suffix in SUFFIXES}


def holds(text, word):
    """The whole word: `end` is not in `ending`, nor `app-slow` in `app-slower`."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def is_in_code(word):
    return any(holds(text, word) for text in code().values())


def in_backticks(text):
    return re.findall(r"`([^`\n]+)`", text)


def is_path(name):
    """A file or folder of the repository, from its root."""
    return re.fullmatch(r"[.\w-]+(/[.\w-]+)+/?", name) is not None and name.split("/")[0] not in ("", ".")
