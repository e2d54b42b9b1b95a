"""The release of zone data with which the instants of all events were derived, and the one they are being moved to."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.errors import ZoneDataMismatch
from kalends.rules.zones import release_order
from kalends.store.database import ReadTx, WriteTx
from kalends.store.query import Query
from kalends.store.tables import zone_data

FIND = Query(sa.select(zone_data.c.release, zone_data.c.target))
FIND_AND_HOLD = Query(sa.select(zone_data.c.release, zone_data.c.target).with_for_update(read=True))
SET_TARGET = Query(sa.update(zone_data).values(target=bindparam("release")))
SET_RELEASE = Query(sa.update(zone_data).values(release=bindparam("release")))


class RecordedRelease(NamedTuple):
    """The releases in the database: `target` is another one only while events are being moved; None is unknown."""

    release: str | None
    target: str | None

    @property
    def newest(self) -> str | None:
        """Return the newer of both."""
        return max(self, key=release_order)


def find_release(tx: ReadTx) -> RecordedRelease:
    """Return the releases that the database has recorded."""
    return RecordedRelease(*tx.rows(FIND)[0])


def refuse_other_release(tx: ReadTx, used: str) -> None:
    """Raise ZoneDataMismatch unless all instants were derived with the release that this process uses."""
    found = find_release(tx)
    if found != (used, used):
        raise mismatch(found, used)


def mismatch(found: RecordedRelease, used: str) -> ZoneDataMismatch:
    """Return the error that says which release the database has, and what to do."""
    name = found.newest or "of an unknown release"
    if release_order(found.newest) > release_order(used):
        advice = f"upgrade the package tzdata to {name} or later and start again, or run `kalends db retime` to go back"
    else:
        advice = "run: kalends db retime"
    return ZoneDataMismatch(name, used, advice)


def begin_retiming(tx: WriteTx, release: str) -> RecordedRelease:
    """Record that events are being moved to a release, and return what was recorded before."""
    found = find_release(tx)
    tx.run(SET_TARGET, release=release)
    return found


def go_on_retiming(tx: WriteTx, release: str) -> None:
    """Lock the target until the transaction ends. Raise ZoneDataMismatch if another process has changed it."""
    found = RecordedRelease(*tx.rows(FIND_AND_HOLD)[0])
    if found.target != release:
        raise mismatch(found, release)


def end_retiming(tx: WriteTx, release: str) -> None:
    """Record that all instants were derived with a release. Raise ZoneDataMismatch if it is no longer the target."""
    go_on_retiming(tx, release)
    tx.run(SET_RELEASE, release=release)
