"""Versions as entity tags (RFC 9110 section 8.8.3), and conditional requests with them (section 13.1)."""

import re

from msgspec import Struct

from kalends.http.errors import Malformed
from kalends.http.request import Request

TAG = re.compile(r'[ \t]*(W/)?"([^"]*)"[ \t]*(?:,|$)')
VERSION = re.compile(r"(\d{1,18})(?:\.\d{1,18})?", re.ASCII)


class Tags(Struct, frozen=True):
    """The entity tags of an If-Match or If-None-Match header; `anything` stands for `*`."""

    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    anything: bool = False


def entity_tag(version: int, shown: int | None = None) -> str:
    """Return a version as strong entity tag; `shown` distinguishes different answers about one version.

    A new name of a participant changes the answer about an event with its participants, but not the event's version:
    `shown` is then a digest of the answer. The version is 0 for callers who may not see it.
    """
    return f'"{version}"' if shown is None else f'"{version}.{shown}"'


def read_tags(header: str | None) -> Tags | None:
    """Return the entity tags in a header, None without one. Raise ValueError."""
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


class Conditions(Struct, frozen=True):
    """The conditions of a request on the state of its object: If-Match and If-None-Match."""

    if_match: Tags | None = None
    if_none_match: Tags | None = None

    @property
    def versions(self) -> frozenset[int] | None:
        """Return the versions of If-Match, without those of weak tags (section 13.1.1); None if any version matches."""
        if self.if_match is None or self.if_match.anything:
            return None
        return frozenset(int(found[1]) for text in self.if_match.strong if (found := VERSION.fullmatch(text)))

    @property
    def must_exist(self) -> bool:
        """Return whether If-Match is `*`."""
        return self.if_match is not None and self.if_match.anything

    @property
    def must_be_new(self) -> bool:
        """Return whether If-None-Match is `*`."""
        return self.if_none_match is not None and self.if_none_match.anything

    def knows(self, etag: str) -> bool:
        """Return whether If-None-Match names this answer; weak tags count, too (section 13.1.2)."""
        tags = self.if_none_match
        return tags is not None and (tags.anything or etag[1:-1] in tags.strong + tags.weak)


NO_CONDITIONS = Conditions()


def read_conditions(request: Request) -> Conditions:
    """Return the conditions of a request. Raise Malformed."""
    if_match, if_none_match = request.header("If-Match"), request.header("If-None-Match")
    if if_match is None and if_none_match is None:
        return NO_CONDITIONS
    return Conditions(read_condition("If-Match", if_match), read_condition("If-None-Match", if_none_match))


def read_condition(name: str, header: str | None) -> Tags | None:
    """Return the entity tags of one of the headers. Raise Malformed."""
    try:
        return read_tags(header)
    except ValueError as error:
        raise Malformed(f"{name}: {error}") from error
