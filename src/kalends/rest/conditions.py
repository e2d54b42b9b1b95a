"""Versions as entity tags (RFC 9110 section 8.8.3) and the conditions that callers make of them (section 13.1)."""

import re

from msgspec import Struct

TAG = re.compile(r'[ \t]*(W/)?"([^"]*)"[ \t]*(?:,|$)')
VERSION = re.compile(r"(\d{1,18})(?:\.\d{1,18})?", re.ASCII)


class Tags(Struct, frozen=True):
    """The entity tags of an If-Match or If-None-Match header; `anything` stands for `*`."""

    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    anything: bool = False


def entity_tag(version: int, shown: int | None = None) -> str:
    """Write a version as strong entity tag; `shown` tells apart answers that show different things of one version.

    Someone's new name changes what is shown of an event with its participants, though not the event's version: that is
    a digest. To who is not told the version, it is 0.
    """
    return f'"{version}"' if shown is None else f'"{version}.{shown}"'


def read_tags(header: str | None) -> Tags | None:
    """Read a list of entity tags. Raises ValueError."""
    if header is None:
        return None
    if header.strip() == "*":
        return Tags(anything=True)
    texts: dict[bool, list[str]] = {False: [], True: []}
    position = 0
    while position < len(header):
        found = TAG.match(header, position)
        if found is None:
            raise ValueError('must be entity tags such as "7", or *')
        texts[found[1] is not None].append(found[2])
        position = found.end()
    return Tags(tuple(texts[False]), tuple(texts[True]))


def expected_versions(tags: Tags | None) -> frozenset[int] | None:
    """Give the versions that an If-Match names, where weak tags name none (section 13.1.1); None if any will do."""
    if tags is None or tags.anything:
        return None
    return frozenset(int(found[1]) for text in tags.strong if (found := VERSION.fullmatch(text)))


def is_known(tags: Tags | None, etag: str) -> bool:
    """Tell whether an If-None-Match names this answer, where a weak tag is as good (section 13.1.2)."""
    return tags is not None and (tags.anything or etag[1:-1] in tags.strong + tags.weak)
