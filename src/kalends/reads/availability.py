"""Reading people's busy times, and finding a time that suits everybody."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy import bindparam

from kalends.errors import Fault, Invalid
from kalends.limits import MAX_COMMITMENTS
from kalends.model import Actor, Instant, Span, Strength, UserId
from kalends.rules.hours import WorkingHours, working_periods
from kalends.rules.meeting import Calendar, MeetingRequest, Slot, best_slots, count_slots, search_of
from kalends.rules.no_slot import Obstacle, Reason, Relaxation, finer_step, obstacles, reasons, relaxations
from kalends.rules.periods import Period
from kalends.rules.zones import zone_named, zone_or_utc
from kalends.store.commitments import commitments, span_values
from kalends.store.database import ReadTx
from kalends.store.hours import hours_from
from kalends.store.query import AnyOf, Query
from kalends.store.tables import agenda, user, working_hours

NO_NUMBER = sa.cast(sa.null(), sa.BigInteger)
NO_TEXT = sa.cast(sa.null(), sa.Text)
NO_TRUTH = sa.cast(sa.null(), sa.Boolean)

COMMITMENTS = commitments(lambda rows: AnyOf(rows.c.user_id, "ids"))
BUSY_TIMES = Query(
    sa.select(user.c.id, NO_NUMBER, NO_NUMBER, NO_TEXT, NO_TRUTH, user.c.time_zone, working_hours.c.hours)
    .join_from(user, working_hours, working_hours.c.user_id == user.c.id, isouter=True)
    .where(user.c.organization_id == bindparam("org"), AnyOf(user.c.id, "ids"), user.c.deleted_at.is_(None))
    .union_all(
        COMMITMENTS.events.add_columns(NO_TEXT, NO_TEXT).where(agenda.c.shown != Strength.free.value),
        COMMITMENTS.holds.add_columns(NO_TEXT, NO_TEXT),
    )
    .limit(bindparam("count", type_=sa.Integer))
)
"""One statement for everything: a row for each person who is not deleted, and one for each commitment."""

MOST_OFFERS = 5


class PersonBusyTimes(Struct):
    """One person's zone, working hours if requested, and commitments; `blocked` are those that block."""

    time_zone: str
    hours: WorkingHours | None
    periods: list[Period]
    blocked: list[Span]

    def working(self, within: Span) -> list[Span] | None:
        """Return the person's working periods in a span; None if they have no working hours."""
        return None if self.hours is None else working_periods(self.hours, zone_or_utc(self.time_zone), within)


class Finding(Struct, frozen=True):
    """The best slots; if there are none, the reasons, the obstacles, and the requirements to give up."""

    slots: list[Slot]
    starts: int
    """The number of starts that were evaluated."""
    reasons: list[Reason] = []
    obstacles: list[Obstacle] = []
    relaxations: list[Relaxation] = []


def busy_times(
    tx: ReadTx,
    actor: Actor,
    people: Sequence[UserId],
    window: Span,
    *,
    hours: bool = False,
    most: int = MAX_COMMITMENTS,
) -> dict[UserId, PersonBusyTimes]:
    """Return the busy times of people; unknown and deleted ones are left out.

    Working hours are included if `hours` is true. Raise Invalid if the people have more than `most` commitments in all.
    """
    found: dict[UserId, PersonBusyTimes] = {}
    ids, values = sorted(set(people)), span_values(window)
    count = most + len(ids) + 1
    rows = tx.rows(BUSY_TIMES, org=actor.organization_id, ids=ids, now=tx.now, count=count, **values)
    if len(rows) == count:
        raise too_much(most)
    commitments: list[tuple[int, Period, bool]] = []
    for user_id, start, end, shown, blocking, time_zone, stored in rows:
        if start is None:
            found[UserId(user_id)] = PersonBusyTimes(time_zone, hours_from(stored) if hours else None, [], [])
        else:
            commitments.append((user_id, Period(Span(Instant(start), Instant(end)), Strength(shown)), bool(blocking)))
    for user_id, period, blocking in commitments:
        person = found.get(UserId(user_id))
        if person is not None:
            person.periods.append(period)
            if blocking:
                person.blocked.append(period.span)
    return found


def too_much(most: int) -> Invalid:
    """Return the error for more commitments than one answer may read."""
    message = f"the users have more than {most:,} events and holds in that time: ask for less time or fewer users"
    return Invalid(Fault((), "too_many_commitments", message))


def find_time(
    people: Mapping[UserId, PersonBusyTimes],
    meeting: MeetingRequest,
    time_zone: str,
    most: int,
    *,
    within_working_hours: bool,
) -> Finding:
    """Return the best slots for a meeting request, or the reasons why there are none.

    `people` has everybody in the request, with all commitments that overlap its horizon.
    """
    horizon, zone = meeting.horizon, zone_named(time_zone)
    calendars = {
        user_id: Calendar(person.blocked, [period.span for period in person.periods])
        for user_id, person in people.items()
    }
    working = calendars
    if within_working_hours and horizon:
        working = {
            user_id: structs.replace(calendar, working=people[user_id].working(horizon))
            for user_id, calendar in calendars.items()
        }
    search = search_of(meeting, zone, working)
    slots = best_slots(search, most)
    if slots:
        return Finding(slots, len(search.starts))
    finer = finer_step(search)
    offers = [] if finer is None else [finer]
    if working is not calendars and (outside := count_slots(search_of(meeting, zone, calendars))):
        offers.append(Relaxation((), (), outside, outside_hours=True))
    offers += relaxations(search, MOST_OFFERS)
    return Finding([], len(search.starts), reasons(search, finer), obstacles(search), offers)
