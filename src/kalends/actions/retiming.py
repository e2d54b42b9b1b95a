"""Moving unfinished events to the instants that the zone data of this process give for their wall-clock times.

Each page of events has a transaction of its own, so that other writers get their turn and only one page is held in
memory. The work may stop after any page and start again: events that were moved stay. First all events are moved, and
their agenda rows are not exclusive meanwhile: an event often moves to the time of another that has yet to move. Then
double bookings are searched for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from kalends.actions.announcing import Announcement, announce_all
from kalends.model import Actor, Block, EventId, Span
from kalends.rules.audit import AuditAction, ObjectKind
from kalends.rules.intervals import overlaps
from kalends.rules.retiming import retimed_block
from kalends.rules.zones import TimeError, to_instant
from kalends.store.database import WriteTx
from kalends.store.retiming import (
    Booked,
    DoubleBooking,
    LooseKey,
    StoredBlock,
    double_bookings,
    latest_moves,
    lock_blocks,
    loose_rows,
    make_exclusive,
    move_events,
    unfinished_blocks,
)
from kalends.store.zone_release import go_on_retiming

PAGE = 1_000
BEFORE_ALL = LooseKey(0, 0, 0)


class MovedPage(NamedTuple):
    """How many events of each zone were moved, and how many are in zones that are unknown."""

    last: EventId | None
    """Of the page; None on the last page."""
    moved: Counter[str]
    unknown: Counter[str]


class SettledPage(NamedTuple):
    """The double bookings that the move has made among a page of agenda rows."""

    last: LooseKey | None
    """Of the page; None on the last page."""
    conflicts: list[DoubleBooking]


def move_page(tx: WriteTx, release: str, after: int) -> MovedPage:
    """Move the stale events of the page after an id. Raise ZoneDataMismatch if a process uses another release."""
    go_on_retiming(tx, release)
    page = unfinished_blocks(tx, after, PAGE)
    stale, unknown = changed_blocks(page)
    moves: list[tuple[StoredBlock, Block]] = []
    if stale:
        moves, _ = changed_blocks(lock_blocks(tx, [old.event_id for old, _ in stale]))
    if moves:
        move_events(tx, moves)
        announce_all(tx, ((Actor(old.organization_id), move_announcement(release, old, new)) for old, new in moves))
    moved = Counter(old.block.time_zone for old, _ in moves)
    return MovedPage(page[-1].event_id if len(page) == PAGE else None, moved, unknown)


def changed_blocks(page: Sequence[StoredBlock]) -> tuple[list[tuple[StoredBlock, Block]], Counter[str]]:
    """Return the blocks that the zone data change, before and after, and the number of blocks in each unknown zone."""
    changed: list[tuple[StoredBlock, Block]] = []
    unknown: Counter[str] = Counter()
    for old in page:
        try:
            new = retimed_block(old.block)
        except TimeError:
            unknown[old.block.time_zone] += 1
        else:
            if new is not old.block:
                changed.append((old, new))
    return changed, unknown


def move_announcement(release: str, old: StoredBlock, new: Block) -> Announcement:
    """Return the announcement of a move, with the release that caused it."""
    return Announcement(
        AuditAction.retimed,
        ObjectKind.event,
        old.event_id,
        {"start": old.block.start_local, "end": old.block.end_local},
        {"start": new.start_local, "end": new.end_local, "zone_data": release},
    )


def settle_page(tx: WriteTx, release: str, after: LooseKey) -> SettledPage:
    """Make agenda rows exclusive that no other overlaps, and return the double bookings that the move has made.

    Raise ZoneDataMismatch if another process uses another release.
    """
    go_on_retiming(tx, release)
    page = loose_rows(tx, after, PAGE)
    make_exclusive(tx, [key for key, overlapped in page if not overlapped])
    crossing = [key for key, overlapped in page if overlapped]
    pairs = double_bookings(tx, crossing) if crossing else []
    moves = latest_moves(tx, pairs) if pairs else {}
    conflicts = [
        pair
        for pair in pairs
        if not overlaps(span_before(pair.first, moves, release), span_before(pair.second, moves, release))
    ]
    return SettledPage(page[-1][0] if len(page) == PAGE else None, conflicts)


def span_before(event: Booked, moves: Mapping[EventId, tuple[str, str]], release: str) -> Span:
    """Return the span of an event before a release moved it, or its span now if none did."""
    before, after = moves.get(event.event_id, ("{}", "{}"))
    if msgspec.json.decode(after).get("zone_data") != release:
        return event.span
    snapshot = msgspec.json.decode(before)
    return Span(*(to_instant(datetime.fromisoformat(snapshot[name])) for name in ("start", "end")))
