"""docs/glossary.md names what is there: each file, flag and identifier is found where it says, and each term stands once."""
import re

import pytest

import sources

PAGE = sources.text_of("docs/glossary.md")
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines()
        if line.startswith("| ") and not line.startswith("| term |")]
EXAMPLE = re.compile(r"[\d.]+|\S*:\S+,\S+|carts-0|(GET|POST) /\S+")
LIST = r"(`[\w-]+`(?: and `[\w-]+`)*)"


def names():
    """All but the third column's, which are the field's."""
    return sorted({name for row in ROWS for cell in row[:2] + row[3:] for name in sources.in_backticks(cell)
                   if not EXAMPLE.fullmatch(name)})


def places(cell):
    """(member, class or file) of "`a` and `b` of `C` and `D`" and of "`A` in `path`"."""
    for members, owners in re.findall(f"{LIST} of {LIST}", cell):
        for member in sources.in_backticks(members):
            for owner in sources.in_backticks(owners):
                yield member, owner
    for members, path in re.findall(f"{LIST} in `([\\w./-]+)`", cell):
        for member in sources.in_backticks(members):
            yield member, path


@pytest.mark.parametrize("name", names())
def test_a_name_is_found(name):
    if sources.is_path(name):
        assert (sources.ROOT / name).exists(), f"no such file: {name}"
    else:
        assert re.fullmatch(r"(--)?[A-Za-z_][\w-]*", name), f"neither a path nor a name: {name}"
        assert sources.is_in_code(name.removeprefix("--")), f"not in the code: {name}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_is_whole_and_its_names_stand_where_it_says(row):
    assert len(row) == 5 and row[0] and row[1].endswith(".") and row[2] and row[3], row
    for member, place in places(row[3] + " / " + row[4]):
        if sources.is_path(place):
            assert sources.holds(sources.text_of(place), member), f"{member} is not in {place}"
        else:
            assert any(sources.holds(text, member) and sources.holds(text, place) for text in sources.code().values()), \
                f"{member} of {place}: no file has both"


def test_terms_are_in_alphabetical_order_and_stand_once():
    terms = [re.sub(r"[^a-z ]", "", row[0].lower()) for row in ROWS]
    assert len(terms) > 80
    assert terms == sorted(set(terms))


def test_the_page_is_linked_from_where_newcomers_begin():
    for page in ("README.md", "CONTRIBUTING.md", "docs/architecture.md"):
        assert "docs/glossary.md" in sources.in_backticks(sources.text_of(page)), page
