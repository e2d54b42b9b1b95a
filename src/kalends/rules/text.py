"""Comparing text as people do, for searching words and sorting names.

Both forms are stored, so that both engines compare the same bytes; `kalends db check` finds stored forms that differ
from what these functions return.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

from kalends.characters import IGNORABLE as IGNORABLE_LETTERS

MAX_SORT_KEY = 200
"""Characters: at most 800 bytes, well below what an index of PostgreSQL takes."""

MAX_GROWTH = 2
"""Text to search is cut at so many times its own length: U+FDFA alone is 18 letters."""

OTHER_FORMS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "\u0131": "i", "\u0237": "j"}
    | dict.fromkeys("\u2018\u2019\u02bc`", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2012\u2013\u2014\u2015\u2212", "-")
)
IGNORABLE = re.compile(f"[{IGNORABLE_LETTERS}\ufe00-\ufe0f\u034f\u180b-\u180f\u17b4\u17b5]")
MAX_KNOWN = 10_000
STROKED = re.compile(r"LATIN SMALL LETTER ([A-Z]) WITH .+")
ACCENTS = frozenset({1, *range(10, 37), 107, 122, *range(200, 241)})
"""Combining classes of marks that do not make another letter; others are vowels of Indic scripts, or Kana's voicing."""

SHORT_I = "\u0438\u0306", "\u0439"
"""A letter of its own in Cyrillic, unlike the e with two dots, which is commonly written as plain e."""


def caseless(text: str) -> str:
    """Return the form that is equal for texts that differ only in case and composition (Unicode NFKC, case-folded)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def folded(text: str) -> str:
    """Return the form in which text is searched: without case, accents, and what is not visible.

    ß is ss, ø is o, ł is l, æ is ae, i without a dot is i; digits of every script are 0 to 9; quotes and dashes have
    one form.
    """
    if text.isascii():
        return text.lower().replace("`", "'")
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", apart.replace(*SHORT_I).translate(PLAIN))


def searchable(*texts: str) -> str:
    """Return texts in the form in which they are searched, one below the other."""
    whole = "\n".join(texts)
    return folded(whole)[: MAX_GROWTH * len(whole)]


def sort_key(name: str) -> str:
    """Return the sort key of a name, to be compared byte by byte in UTF-8.

    Apostrophes are ignored, other punctuation counts as a space. Digits come before letters, and names of symbols alone
    before both.
    """
    words = folded(name).translate(IN_WORDS).split()
    return " ".join(words)[:MAX_SORT_KEY].rstrip() or f" {folded(name)}"[:MAX_SORT_KEY]


def like_pattern(part: str) -> str:
    r"""Return the LIKE pattern, escaped with `\`, that finds `part` anywhere in folded text."""
    escaped = folded(part).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def plain_letter(letter: str) -> str:
    """Return the folded form of a letter, which is decomposed and without case."""
    category = unicodedata.category(letter)
    if category == "Nd":
        return str(unicodedata.decimal(letter))
    is_accent = category in ("Mn", "Me") and unicodedata.combining(letter) in ACCENTS
    if is_accent or category == "Cf" or IGNORABLE.match(letter):
        return ""
    found = STROKED.fullmatch(unicodedata.name(letter, ""))
    return found[1].lower() if found else letter


def in_words(letter: str) -> str:
    """Return the form of a character of folded text in a sort key."""
    return " " if unicodedata.category(letter)[0] in "PSZC" else letter


class Letters(dict[int, str]):
    """A table for `str.translate` that calculates the entry of a letter on first use."""

    def __init__(self, of_letter: Callable[[str], str], known: Mapping[int, str]) -> None:
        super().__init__(known)
        self._of_letter = of_letter

    def __missing__(self, code: int) -> str:
        """Return the form of a letter, and cache it unless there are too many."""
        made = self._of_letter(chr(code))
        if len(self) < MAX_KNOWN:
            self[code] = made
        return made


PLAIN = Letters(plain_letter, OTHER_FORMS)
IN_WORDS = Letters(in_words, {ord("'"): ""})
