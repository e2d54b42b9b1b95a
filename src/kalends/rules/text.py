"""Comparing text the way people do: without regard to case or to how a character is composed."""

import unicodedata


def folded(text: str) -> str:
    """Give the form in which two texts that people call the same are equal (Unicode NFKC, case-folded)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def like_pattern(part: str) -> str:
    r"""Give the LIKE pattern, escaped with `\`, that finds `part` anywhere in folded text."""
    escaped = folded(part).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
