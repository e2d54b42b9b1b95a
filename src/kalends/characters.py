"""The characters that text may contain, and which of them are visible: the same rule for all entry points.

The types in drafts.py and model.py use these patterns, which msgspec checks.
Right-to-left text, combining marks, joiners (emoji, Persian) and directional marks (U+200E, U+200F) stay legal.
"""

import re
import unicodedata
from itertools import chain

BREAKS = "\t\n\r"
"""The control characters that text of several lines may contain."""

CONTROLS = "\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
"""All others (category Cc), and lone surrogates: Python decodes bytes of a command line to them that are not UTF-8."""

SEPARATORS = "\u2028\u2029"
"""Line and paragraph separators, which are not control characters."""

OVERRIDES = "\u202a-\u202e\u2066-\u2069"
"""Bidirectional embeddings, overrides and isolates: they reorder the text that follows, even that of others."""

MARKS = "".join(
    letter
    for letter in map(chr, chain(range(0x300, 0x3100), range(0xA600, 0xAC00), range(0xFB1E, 0xFE30)))
    if unicodedata.category(letter)[0] == "M"
)
"""Combining marks (up to U+FFFF), which are visible only together with a letter."""

IGNORABLE = (
    "\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Format characters, fillers and others that Unicode displays as nothing (Default_Ignorable_Code_Point)."""

BLANK = rf"\s\x00-\x1f\x7f-\x9f\u2800{IGNORABLE}{MARKS}"
"""What is not visible by itself: white space, the Braille blank, ignorable characters, and marks without a letter."""

IN_LINE = f"[^{CONTROLS}{BREAKS}{SEPARATORS}{OVERRIDES}]*"
SHOWS_SOMETHING = f"(?=[{BLANK}]*[^{BLANK}])"

LINE = rf"^{SHOWS_SOMETHING}{IN_LINE}\Z"
"""One line in which something is visible, such as a name or a title."""

LINE_OR_NOTHING = rf"^(?:{SHOWS_SOMETHING}{IN_LINE})?\Z"
"""The same, or empty, such as a location."""

LINES = rf"^[^{CONTROLS}]*\Z"
"""Text with line breaks and tabs, but without other control characters, such as a description or a comment."""

VISIBLE = rf"^{SHOWS_SOMETHING}"
"""Text in which something is visible, such as text to search for."""

CONTROL = re.compile(f"[{CONTROLS}]")
SHOWN = re.compile(VISIBLE)
NOT_IN_LINE = re.compile(f"[{BREAKS}{SEPARATORS}{OVERRIDES}]")


def misfit(text: str) -> tuple[str, str]:
    """Return the code and the message of what is wrong with a text that does not match its pattern."""
    if found := CONTROL.search(text):
        return "control_character", f"must not contain control characters; {named(found)}"
    found = NOT_IN_LINE.search(text)
    if found is None or not SHOWN.match(text):
        return "blank", "must not be blank; nothing in it is visible"
    return "control_character", f"must be one line without characters that break or reorder it; {named(found)}"


def named(found: re.Match[str]) -> str:
    """Return a phrase with the position and the name of the character that was found."""
    letter = found[0]
    name = unicodedata.name(letter, "")
    return f"character {found.start() + 1} is U+{ord(letter):04X}{name and f' ({name})'}"
