"""Checking that stored local times agree with the zone data of this process."""

from collections import Counter

from kalends.model import EventId
from kalends.rules.retiming import retimed_block
from kalends.rules.zones import TimeError
from kalends.store.database import ReadTx
from kalends.store.retiming import unfinished_blocks

PAGE = 1_000


def find_stale_times(tx: ReadTx, release: str) -> list[str]:
    """Return a sentence for each zone that is unknown, or whose unfinished events have other times by the zone data."""
    tx.snapshot()
    stale: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    first: dict[str, EventId] = {}
    last: int | None = 0
    while last is not None:
        page = unfinished_blocks(tx, last, PAGE)
        last = page[-1].event_id if len(page) == PAGE else None
        for one in page:
            zone = one.block.time_zone
            try:
                agrees = retimed_block(one.block) is one.block
            except TimeError:
                unknown[zone] += 1
            else:
                stale[zone] += not agrees
                if agrees:
                    continue
            first.setdefault(zone, one.event_id)
    return [
        f"Unfinished events in {zone} whose stored local times disagree with zone data {release}: {count}, "
        f"{first[zone]} among them; run: kalends db retime."
        for zone, count in sorted(stale.items())
        if count
    ] + [
        f"Unfinished events in {zone}, a zone that zone data {release} do not have: {count}, "
        f"{first[zone]} among them; give them another time_zone."
        for zone, count in sorted(unknown.items())
    ]
