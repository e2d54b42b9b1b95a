"""Reading events: one by its id, or a page of a list."""

from collections.abc import Mapping
from enum import Enum
from functools import cache, lru_cache
from types import MappingProxyType
from typing import NamedTuple

import sqlalchemy as sa
from msgspec import Raw, Struct, structs
from sqlalchemy import bindparam

from kalends.errors import Fault, Invalid, NotFound, TooExpensive
from kalends.limits import MAX_PAGE_BYTES
from kalends.model import Actor, EventId, Instant, Response, Role, Status, UserId
from kalends.reads.event_text import (
    ACCESS,
    ACCESS_DECODER,
    HIDDEN,
    KEY,
    KEY_DECODER,
    LISTED_TEXT,
    TEXT,
    TRUNCATED,
    EventAccess,
    about,
    participants_never_hidden,
    title_alone,
    with_participants_among,
)
from kalends.reads.paging import follows, key_values
from kalends.reads.participants import participants_not_hidden
from kalends.rules.access import AccessLevel, access_level_of, hides_participants, is_operator
from kalends.rules.intervals import earliest_start
from kalends.rules.text import like_pattern
from kalends.store.database import ReadTx
from kalends.store.json_text import SEPARATOR, in_one_row
from kalends.store.query import Query
from kalends.store.tables import agenda, event
from kalends.store.visibility import (
    CONCERNED,
    DELEGATE,
    is_participation_visible,
    is_pending_host_visible,
    is_visible,
    visibility_values,
)

PageKey = tuple[int, int]
"""The key of a page: start (microseconds) and id of its last event."""

SURE_TO_FIT = 25
"""A number of events that never exceed LARGEST_TEXT_BYTES: one with 100 participants has at most 0.6 MB."""

MOST_BYTES_A_CHARACTER = 4


class View(Enum):
    """Whose events are listed, and what has to be decided for each of them."""

    everything = "an operator's: nothing"
    own = "one's own: whether participants are hidden"
    others = "somebody else's: how much is seen, if anything"


class EventFilter(Struct, frozen=True, kw_only=True):
    """The filters of a list of events, which have to match all. `response` and `role` are those of the named person."""

    user_id: UserId | None = None
    """Host or participant."""
    host_id: UserId | None = None
    participant_id: UserId | None = None
    pending_host_id: UserId | None = None
    """The person who is asked to host it."""
    since: Instant | None = None
    until: Instant | None = None
    """Events that overlap `[since, until)`."""
    response: Response | None = None
    role: Role | None = None
    status: Status | None = None
    """By default, all events but cancelled ones."""
    text: str | None = None
    after: PageKey | None = None
    """The key of the last event of the page before."""


NEEDS_ALL = ("participant_id", "pending_host_id", "response", "role", "text")
"""Filters by members that actors with access to titles do not see."""


class SeenEvent(NamedTuple):
    """An event as the actor sees it: JSON text, with participants if requested and visible."""

    text: str
    version: int | None
    """None if it is not shown, as it also counts the responses of hidden people."""
    access_level: AccessLevel


class EventPage(Struct, frozen=True):
    """Events in the order of start and id, as a list in JSON; `next_key` is None on the last page."""

    text: str
    next_key: PageKey | None


def read_event(tx: ReadTx, actor: Actor, event_id: EventId, *, expand: bool) -> SeenEvent:
    """Return an event, with its participants if `expand` is true, in one statement. Raise NotFound."""
    ties = {} if is_operator(actor) else visibility_values(actor)
    row = tx.row(event_statement(tied=bool(ties), expand=expand), org=actor.organization_id, id=event_id, **ties)
    if row is None:
        raise NotFound("event", event_id)
    text, known = row
    if is_operator(actor):
        return SeenEvent(text, KEY_DECODER.decode(known).version, AccessLevel.write)
    return seen_by(actor, text, ACCESS_DECODER.decode(known))


def list_events(tx: ReadTx, actor: Actor, wanted: EventFilter, limit: int, *, expand: bool) -> EventPage:
    """Return a page of events that the actor may see, with their participants if `expand` is true, in one statement.

    Filters by a person find only events in which the actor sees that this person takes part or is asked to host.
    Filters by text, role and response find only events of which the actor sees all. A page ends early if it would be
    larger than MAX_PAGE_BYTES.

    Raise Invalid if `response` or `role` is given without a person.
    """
    wanted = own_unless_named(actor, wanted)
    refuse_filters_without_person(wanted)
    try:
        return read_page(tx, actor, wanted, limit, expand=expand)
    except TooExpensive as error:
        if not error.by_size:
            raise
        return read_page(tx, actor, wanted, SURE_TO_FIT, expand=expand)


def read_page(tx: ReadTx, actor: Actor, wanted: EventFilter, limit: int, *, expand: bool) -> EventPage:
    """Return a page of at most `limit` events. Raise TooExpensive if they are larger than LARGEST_TEXT_BYTES."""
    filters = frozenset(name for name in EventFilter.__struct_fields__ if getattr(wanted, name) is not None)
    values = {"org": actor.organization_id, "count": limit + 1, **filter_values(wanted)}
    view = view_of(actor, wanted)
    if view is View.others:
        least = AccessLevel.titles if filters.isdisjoint(NEEDS_ALL) else AccessLevel.read
        values |= visibility_values(actor, least)
    ((texts, known),) = tx.rows(list_statement(filters, view, expand=expand), **values)
    if known is None:
        return EventPage("[]", None)
    if texts is None:
        raise TooExpensive(by_size=True)
    count = known.count(SEPARATOR) + 1
    texts = texts if count <= limit else texts.rpartition(SEPARATOR)[0]
    if view is View.others or (view is View.own and HIDDEN in known):
        texts = as_seen(tx, actor, texts, known, own=view is View.own)
    texts = fitting(texts)  # as the actor sees them: else the end of a page would reveal the size of hidden members
    shown = texts.count(SEPARATOR) + 1
    next_key: PageKey | None = None
    if shown < count:
        known = SEPARATOR.join(known.split(SEPARATOR, shown)[:shown])
        last = KEY_DECODER.decode(known.rpartition(SEPARATOR)[2])
        next_key = (last.start, last.id)
    return EventPage(f"[{texts.replace(SEPARATOR, ',')}]", next_key)


def as_seen(tx: ReadTx, actor: Actor, texts: str, known: str, *, own: bool) -> str:
    """Return events as a person sees them; `known` has the facts of each, and may have those of one more."""
    access = [ACCESS_DECODER.decode(one) for one in known.split(SEPARATOR)]
    events = list(zip(texts.split(SEPARATOR), access, strict=False))
    cut_off = [one.id for text, one in events if one.hides and text.endswith(TRUNCATED)]
    participants = participants_never_hidden(tx, actor, cut_off) if cut_off else {}
    return SEPARATOR.join(seen_by(actor, text, one, own=own, participants=participants).text for text, one in events)


def fitting(texts: str) -> str:
    """Return the first texts that fit into MAX_PAGE_BYTES together."""
    if len(texts) <= MAX_PAGE_BYTES // MOST_BYTES_A_CHARACTER:
        return texts
    content = texts.encode()
    if len(content) <= MAX_PAGE_BYTES:
        return texts
    end = content.rfind(SEPARATOR.encode(), 0, MAX_PAGE_BYTES)
    return content[:end].decode() if end > 0 else texts


def view_of(actor: Actor, wanted: EventFilter) -> View:
    """Return what has to be decided for each event, which depends on the filter and the actor."""
    if is_operator(actor):
        return View.everything
    own = {wanted.participant_id, wanted.user_id} - {None} == {actor.user_id}
    return View.own if own and wanted.pending_host_id is None else View.others


def seen_by(
    actor: Actor,
    text: str,
    access: EventAccess,
    *,
    own: bool = False,
    participants: Mapping[int, Raw] = MappingProxyType({}),
) -> SeenEvent:
    """Return an event as a person sees it; `own` says that it concerns them in any case.

    `participants` replaces those in the text, for events whose text does not have all of them.
    """
    host = UserId(access.host_id)
    access_level = access_level_of(
        actor, host, access.visibility, concerned=own or access.concerned, delegate=access.delegate
    )
    if access_level < AccessLevel.read:
        return SeenEvent(title_alone(text), None, access_level)
    if hides_participants(access_level, hides=access.hides):
        return SeenEvent(
            with_participants_among(text, participants_not_hidden(actor, host), participants.get(access.id)),
            None,
            access_level,
        )
    return SeenEvent(text, access.version, access_level)


def own_unless_named(actor: Actor, wanted: EventFilter) -> EventFilter:
    """Return the filter; if a user names no person, the filter for their own events."""
    named = wanted.user_id or wanted.host_id or wanted.participant_id or wanted.pending_host_id
    if actor.user_id is None or named:
        return wanted
    return structs.replace(wanted, user_id=actor.user_id)


def refuse_filters_without_person(wanted: EventFilter) -> None:
    """Raise Invalid if a filter needs a person and none is named."""
    if wanted.participant_id is None and wanted.user_id is None:
        faults = [
            Fault((name,), "person_required", f"{name} is that of one person: name them with participant_id or user_id")
            for name in ("response", "role")
            if getattr(wanted, name) is not None
        ]
        if faults:
            raise Invalid(*faults)


@cache
def event_statement(*, tied: bool, expand: bool) -> Query:
    """Return the statement for one event, if `tied` only if `me` sees it, with the facts that access depends on.

    No text is made of an invisible event: the time for that would reveal how many participants it has.
    """
    where = [event.c.organization_id == bindparam("org"), event.c.id == bindparam("id")]
    if not tied:
        return Query(sa.select(TEXT[expand], about(*KEY)).where(*where))
    where.append(is_visible())
    return Query(sa.select(TEXT[expand], about(*ACCESS, CONCERNED, DELEGATE)).where(*where))


@lru_cache(maxsize=1024)
def list_statement(given_filters: frozenset[str], view: View, *, expand: bool) -> Query:
    """Return the statement for a set of filters: one range scan along an index that fits the filters, without a sort.

    A person's events are read along their agenda, a host's and everybody's along the event table's own indexes. If the
    events are not the actor's own, only those that `me` sees are read, with their ties to `me`. The texts, and the
    facts that access to each depends on, come in one row.
    """
    scan = scan_of(given_filters)
    where = [scan.rows.c.organization_id == bindparam("org")]
    if scan.person:
        where.append(agenda.c.user_id == bindparam(scan.person))
    filters = conditions(scan, seen=view is View.others)
    where += [condition for name, condition in filters.items() if name in given_filters]
    if "status" not in given_filters:
        where.append(scan.rows.c.status != Status.cancelled.value)
    if "since" in given_filters and "after" not in given_filters:
        where.append(scan.rows.c.starts_at > bindparam("earliest"))
    columns = KEY if view is View.everything else ACCESS
    if view is View.others:
        where.append(is_participation_visible(agenda.c.user_id) if scan.person else is_visible())
        columns = (*ACCESS, CONCERNED, DELEGATE)
    statement = sa.select(LISTED_TEXT[expand], about(*columns)).select_from(scan.source).where(*where)
    ordered = statement.order_by(scan.rows.c.starts_at, scan.event_id)
    return Query(in_one_row(ordered.limit(bindparam("count", type_=sa.Integer))))


class Scan(NamedTuple):
    """The rows that a list is read along, in the order of its index."""

    source: sa.FromClause
    rows: sa.Table
    event_id: sa.ColumnElement[int]
    person: str | None
    """The filter that names whose agenda it is; None if the events themselves are scanned."""


def scan_of(given_filters: frozenset[str]) -> Scan:
    """Return what a list with these filters is read along: a person's agenda if one is named, else the events."""
    person = next((name for name in ("participant_id", "user_id") if name in given_filters), None)
    if person is None:
        return Scan(event, event, event.c.id, None)
    return Scan(sa.join(agenda, event, agenda.c.event_id == event.c.id), agenda, agenda.c.event_id, person)


def conditions(scan: Scan, *, seen: bool) -> dict[str, sa.ColumnElement[bool]]:
    """Return the condition of each filter on the rows that are scanned."""
    rows = scan.rows
    return {
        "participant_id": agenda.c.role.is_not(None),
        "user_id": also_concerns(seen=seen) if scan.person == "participant_id" else sa.true(),
        "host_id": event.c.host_id == bindparam("host_id"),
        "pending_host_id": sa.and_(
            event.c.pending_host_id == bindparam("pending_host_id"), is_pending_host_visible() if seen else sa.true()
        ),
        "since": rows.c.ends_at > bindparam("since"),
        "until": rows.c.starts_at < bindparam("until"),
        "response": agenda.c.response == bindparam("response"),
        "role": agenda.c.role == bindparam("role"),
        "status": rows.c.status == bindparam("status"),
        "text": event.c.search_text.like(bindparam("pattern"), escape="\\"),
        "after": follows(rows.c.starts_at, scan.event_id),
    }


def also_concerns(*, seen: bool) -> sa.ColumnElement[bool]:
    """Return whether the event is on the agenda of `user_id`, too, and, if `seen` is true, whether `me` sees that."""
    other = agenda.alias("other")
    return sa.exists().where(
        other.c.user_id == bindparam("user_id"),
        other.c.starts_at == agenda.c.starts_at,
        other.c.event_id == agenda.c.event_id,
        is_participation_visible(other.c.user_id) if seen else sa.true(),
    )


def filter_values(wanted: EventFilter) -> dict[str, object]:
    """Return the parameters of the filters that are given."""
    values = key_values(wanted.after)
    for name in ("user_id", "host_id", "participant_id", "pending_host_id", "since", "until"):
        if (value := getattr(wanted, name)) is not None:
            values[name] = int(value)
    for name in ("response", "role", "status"):
        if (value := getattr(wanted, name)) is not None:
            values[name] = value.value
    if wanted.since is not None and wanted.after is None:
        values["earliest"] = earliest_start(wanted.since)
    if wanted.text is not None:
        values["pattern"] = like_pattern(wanted.text)
    return values
