"""The links, headings, files and modules that the documents name exist."""

import re
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
DOCUMENTS = sorted([*HOME.glob("*.md"), *HOME.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
NAMED_FILE = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|md|json|toml|txt|j2)|(?:[\w.-]+/)+)`")
SHOWN = {"copy.db", "team.json", "broken.json", "concert.json", "kalends.db"}
"""Files that the examples make."""

NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")
LONGEST_DECISION = 40


def anchors_of(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub generates them."""
    titles = re.findall(r"^#+ (.+)$", CODE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(HOME)))
def test_every_link_leads_somewhere(document):
    for target in LINK.findall(CODE.sub("", document.read_text())):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        found = document.parent / path if path else document
        assert found.exists(), target
        assert not anchor or anchor in anchors_of(found), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(HOME)))
def test_every_named_file_exists(document):
    text = CODE.sub("", document.read_text())
    for name in NAMED_FILE.findall(text):
        places = (HOME, HOME / "src/kalends", HOME / "docs", document.parent)
        assert name in SHOWN or any((place / name).exists() for place in places), name


def test_every_risk_names_tests_that_exist():
    text = (HOME / "docs/security.md").read_text()
    named = NAMED_TEST.findall(text)
    assert len(named) >= 20
    assert len(named) == text.count("`tests/")
    for path, test in named:
        assert not test or f"def {test}(" in (HOME / path).read_text(), test
        assert (HOME / path).exists(), path
    rows = [line for line in text.splitlines() if line.startswith("| API")]
    assert [line.split()[1] for line in rows] == [f"API{number}" for number in range(1, 11)]
    assert all("`tests/" in line for line in rows)


def test_decisions_are_numbered_short_and_of_one_form():
    decisions = sorted((HOME / "docs/decisions").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        lines = path.read_text().splitlines()
        assert len(lines) <= LONGEST_DECISION, path.name
        assert lines[0].startswith(f"# {path.name[:4]} "), path.name
        assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"]


def test_the_architecture_names_every_module():
    text = (HOME / "ARCHITECTURE.md").read_text()
    tree = text[text.index("src/kalends/\n") : text.index("## How a read travels")]
    packages = {part.split("/")[0]: part for part in re.split(r"^  (?=\S)", tree, flags=re.MULTILINE)}
    for path in (HOME / "src/kalends").rglob("*.py"):
        package, *inner = path.relative_to(HOME / "src/kalends").parts
        if path.name.startswith("__") or "migrations" in inner:
            continue
        if inner:
            assert path.stem in re.findall(r"\w+", packages[package]), path
        else:
            assert path.name in tree, path


def test_all_documents_are_found():
    assert len(DOCUMENTS) >= 11
