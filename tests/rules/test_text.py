import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.rules.text import folded, like_pattern


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("HANNA@Example.org", "hanna@example.ORG"),
        ("Straße", "STRASSE"),
        ("Jose\u0301", "JOSÉ"),
        ("ﬁn", "FIN"),
        ("\u212bngström", "ångström"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("\uff11\uff12", "12"),
    ],
)
def test_what_people_call_the_same_is_the_same(a: str, b: str) -> None:
    assert folded(a) == folded(b)


@pytest.mark.parametrize(("a", "b"), [("hanna", "hana"), ("o", "ö"), ("a b", "ab"), ("", "\0")])
def test_what_people_tell_apart_stays_apart(a: str, b: str) -> None:
    assert folded(a) != folded(b)


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert folded(folded(text)) == folded(text)


def matches(pattern: str, text: str) -> bool:
    """What LIKE with an escaping backslash does, in words of regular expressions."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild[part] if part in wild else re.escape(part[-1]) for part in parts)
    return bool(re.fullmatch(expression, text, re.DOTALL))


@given(st.text(alphabet="ab%_\\ ", max_size=4), st.text(alphabet="ab%_\\ ", max_size=8))
def test_a_pattern_finds_what_holds_the_text_and_nothing_else(part: str, text: str) -> None:
    assert matches(like_pattern(part), folded(text)) == (folded(part) in folded(text))


def test_a_pattern_is_folded() -> None:
    assert like_pattern("50%_OFF\\") == "%50\\%\\_off\\\\%"
