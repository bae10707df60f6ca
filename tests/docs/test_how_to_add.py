"""docs/how_to_add.md is right: each file that it names is there, and its example really occurs where the lists lead."""
import re

import pytest

import sources

PAGE = sources.text_of("docs/how_to_add.md")
STEPS = re.findall(r"^(\d+)\. `([^`]+)` \(`([^`]+)`\): \S", PAGE, re.M)
PROSE = re.sub(r"^\d+\. `[^`]+` \(`[^`]+`\):", "", PAGE, flags=re.M)


def named():
    """What is neither a step's file nor a step's word."""
    commands = re.compile(r"\./run .*|REWRITE_DOCS=.*|/status|ringside status|names|sim_|dns|build/fuzz/found")
    return sorted({name for name in sources.in_backticks(PROSE) if not commands.fullmatch(name)})


@pytest.mark.parametrize("number, path, word", STEPS, ids=lambda part: str(part))
def test_the_example_is_where_a_step_leads(number, path, word):
    assert sources.holds(sources.text_of(path), word), f"{word} is not in {path}"


@pytest.mark.parametrize("name", named())
def test_whatever_else_it_names_is_there(name):
    if sources.is_path(name) or name.endswith(".md"):
        assert (sources.ROOT / name).exists(), f"no such file: {name}"
    else:
        assert sources.is_in_code(re.sub(r"^--|\(\)$", "", name)), f"not in the code: {name}"


def test_every_line_of_a_list_is_a_step_and_they_count_up():
    lists = PAGE.split("\n## ")[1:]
    assert len(lists) == 7
    for part in lists:
        lines = re.findall(r"^(\d+)\. ", part, re.M)
        assert lines == [str(i) for i in range(1, len(lines) + 1)] and len(lines) >= 6, part.splitlines()[0]
    assert len(STEPS) == len(re.findall(r"^\d+\. ", PAGE, re.M))


@pytest.mark.parametrize("title, words", [("A reason", ["app-slow", "kAppSlow"]),
                                          ("A setting", ["app_health_service", "app-health-service", "--app-health-service"])])
def test_no_file_that_has_the_example_is_missing_in_its_list(title, words):
    part = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    listed = set(re.findall(r"^\d+\. `([^`]+)`", part, re.M)) | {"docs/how_to_add.md", "docs/glossary.md"}
    texts = dict(sources.code())
    for pattern in ("*.md", "docs/*.md", "tests/integration/*.py"):
        texts |= {str(path.relative_to(sources.ROOT)): path.read_text() for path in sources.ROOT.glob(pattern)}
    assert {path for path, text in texts.items() if any(sources.holds(text, word) for word in words)} <= listed


def test_the_page_is_linked_from_where_contributors_begin():
    for page in ("CONTRIBUTING.md", "docs/architecture.md"):
        assert "docs/how_to_add.md" in sources.in_backticks(sources.text_of(page)), page
