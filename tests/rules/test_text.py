import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.rules import text as text_rules
from kalends.rules.text import Letters, caseless, folded, like_pattern, searchable, sort_key


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
def test_texts_that_people_consider_equal_are_folded_to_the_same(a: str, b: str) -> None:
    assert caseless(a) == caseless(b)
    assert folded(a) == folded(b)


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("José", "jose"),
        ("Çağr\u0131", "cagri"),
        ("İSTANBUL", "istanbul"),
        ("Søren Ærø", "soren aero"),
        ("Łukasz", "lukasz"),
        ("Đặng Thị Hồng", "dang thi hong"),
        ("Œuvre", "oeuvre"),
        ("Þórður", "thordur"),
        ("ĦĦ ŧ ƀ ɨ ȷ", "hh t b i j"),
        ("Алёна", "алена"),
        ("Ελένη", "ελενη"),
        ("O\u2019Brien \u201cthe\u201d \u2013 x", 'o\'brien "the" - x'),
        ("\u0663\u06f7\u0969", "373"),
        ("\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
        ("\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f", "\u0645\u062d\u0645\u062f"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645"),
        ("co\u00adoperate\u200b", "cooperate"),
        ("\u2764\ufe0f", "\u2764"),
        ("\u3164x", "x"),
    ],
)
def test_texts_are_found_with_or_without_accents(written: str, typed: str) -> None:
    assert folded(written) == folded(typed) == typed


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("hanna", "hana"),
        ("a b", "ab"),
        ("", "\0"),
        ("\u0439", "\u0438"),  # Cyrillic short i
        ("\u304b", "\u304c"),  # ka and ga
        ("\u0915\u0941", "\u0915"),  # ku and ka in Devanagari
        ("\ud55c", "\ud558"),  # han and ha
        ("mueller", "müller"),
    ],
)
def test_texts_that_people_distinguish_stay_different(a: str, b: str) -> None:
    assert folded(a) != folded(b)
    assert sort_key(a) != sort_key(b)


def test_an_address_keeps_its_accents() -> None:
    assert caseless("José") == "josé" != caseless("jose")


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert caseless(caseless(text)) == caseless(text)
    assert folded(folded(text)) == folded(text)


@given(st.text(), st.text())
def test_each_part_of_a_folded_text_is_found_in_the_whole(a: str, b: str) -> None:
    """Unless the cut separates a letter and its marks, or the parts of a syllable."""
    if unicodedata.is_normalized("NFC", folded(a) + folded(b)):
        assert folded(f"{a}\n{b}") == f"{folded(a)}\n{folded(b)}"


def test_texts_that_grow_in_folding_are_cut() -> None:
    assert len(folded("\ufdfa")) == 18
    assert len(searchable("\ufdfa" * 5_000, "x")) == 2 * 5_002
    assert searchable("ß" * 100, "ß") == "ss" * 100 + "\nss"
    assert len(sort_key("\ufdfa" * 200).encode()) < 2_000


def test_the_cache_of_folded_letters_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_rules, "MAX_KNOWN", 2)
    table = Letters(str.upper, {})
    assert "abcab".translate(table) == "ABCAB"
    assert len(table) == 2


IN_ORDER = [
    "\U0001f389",
    "10th Floor",
    "2nd Floor",
    "adam",
    "Ádám",
    "Adam Ant",
    "Anne-Marie",
    "Anne Marie B",
    "Annemarie",
    "ça",
    "Cb",
    "d'Arc",
    "(deleted)",
    "Élan",
    "Eva",
    "Łukasz",
    "Lz",
    "Obama",
    "O\u2019Brien",
    "obrien",
    "Oscar",
    "Øystein",
    "Ünal",
    "Zed",
    "Zoë",
    "Анна",
    "Еда",
    "Ёлка",
    "Иван",
    "Йод",
]


def test_names_are_sorted_where_people_expect_them() -> None:
    assert sorted(IN_ORDER, key=lambda name: sort_key(name).encode()) == IN_ORDER


@pytest.mark.parametrize(("name", "key"), [(" A  b ", "a b"), ("O'Brien-Smith, Jr.", "obrien smith jr"), ("!?", " !?")])
def test_punctuation_separates_words(name: str, key: str) -> None:
    assert sort_key(name) == key


@given(st.text(min_size=1, max_size=200))
def test_no_key_is_empty_or_ends_in_a_blank_made_by_the_cut(name: str) -> None:
    key = sort_key(name)
    assert key
    assert len(key) <= 200


def matches(pattern: str, text: str) -> bool:
    """Return whether LIKE with a backslash as escape matches, computed with regular expressions."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild[part] if part in wild else re.escape(part[-1]) for part in parts)
    return bool(re.fullmatch(expression, text, re.DOTALL))


@given(st.text(alphabet="ab%_\\ ", max_size=4), st.text(alphabet="ab%_\\ ", max_size=8))
def test_a_pattern_matches_exactly_the_texts_that_contain_it(part: str, text: str) -> None:
    assert matches(like_pattern(part), folded(text)) == (folded(part) in folded(text))


def test_a_pattern_is_folded() -> None:
    assert like_pattern("50%_ÓFF\\") == "%50\\%\\_off\\\\%"
