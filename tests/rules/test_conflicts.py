"""Whose time a change needs, and what then is a conflict, a warning, or neither."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.model import Conflict, EventId, Response, Role, ShowAs, Status, Strength, UserId
from kalends.rules.busy import strength_of
from kalends.rules.conflicts import classify_conflicts, merge_unseen, newly_occupies, rows_newly_occupying
from kalends.rules.participation import AgendaRow
from kalends.rules.periods import Period, merge_by_strength
from tests.rules.spans import span, spans

NOON, LATER = span(12, 13), span(13, 14)


def row(
    person: int = 1,
    role: Role | None = Role.required,
    response: Response | None = Response.accepted,
    *,
    show_as: ShowAs = ShowAs.busy,
    at=NOON,
    event: int = 9,
) -> AgendaRow:
    """Return the agenda row of an event in a user's time, by the rule for busy."""
    shown, blocking = strength_of(Status.confirmed, show_as, role, response)
    return AgendaRow(UserId(person), EventId(event), at, False, role, response, Status.confirmed, shown, blocking)


ROWS = [row(role=role, response=response) for role, response in itertools.product(Role, Response)]
ROWS += [row(role=None, response=None), row(show_as=ShowAs.free)]


@pytest.mark.parametrize("after", ROWS)
def test_a_new_or_moved_row_takes_time_unless_it_is_free(after):
    expected = after.shown is not Strength.free
    assert newly_occupies(None, after) is expected
    assert newly_occupies(row(at=LATER, role=after.role, response=after.response), after) is expected


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ROWS, ROWS)))
def test_an_unmoved_row_takes_time_only_if_it_is_stronger_than_before(before, after):
    def firmness(one):
        return [Strength.free, Strength.tentative, Strength.busy].index(one.shown), one.blocking

    shown, blocking = zip(firmness(before), firmness(after), strict=True)
    assert newly_occupies(before, after) is (shown[1] > shown[0] or (blocking[1] and not blocking[0]))


def test_the_changes_that_count():
    tentative, optional = row(response=Response.tentative), row(role=Role.optional, response=Response.needs_action)
    assert newly_occupies(row(response=Response.needs_action), row())  # accepting
    assert not newly_occupies(row(), tentative)  # taking it back
    assert newly_occupies(row(response=Response.declined), tentative)  # changing one's mind
    assert newly_occupies(optional, row(response=Response.needs_action))  # needed after all
    assert not newly_occupies(row(response=Response.needs_action), optional)
    assert newly_occupies(row(show_as=ShowAs.free), row())
    assert not newly_occupies(row(), row(show_as=ShowAs.free))


def test_rows_are_compared_person_by_person():
    before = [row(1), row(2, response=Response.declined), row(3, at=LATER)]
    after = [row(1), row(2, response=Response.tentative), row(3), row(4)]
    taking = {2: after[1], 3: after[2], 4: after[3]}
    assert rows_newly_occupying(before, after) == {(person, NOON.start): row for person, row in taking.items()}


def test_rows_of_one_person_are_compared_event_by_event():
    """As in a series: one event moves, the other stays."""
    first, second = row(1), row(1, at=LATER, event=10)
    moved = row(1, at=span(14, 15), event=10)
    assert rows_newly_occupying([first, second], [first, moved]) == {(1, moved.span.start): moved}


ANYTIME = st.tuples(st.sampled_from([1, 2, 3, 4]), st.sampled_from([NOON, LATER]))


@given(st.lists(ANYTIME))
def test_an_overlap_is_a_conflict_for_rows_that_block_and_a_warning_for_others_that_take_time(overlaps):
    """There is an event at noon, and another an hour later, where person 1 is optional and nobody else takes time."""
    optional = row(2, Role.optional, Response.needs_action)
    rows = [row(1), optional, row(3, Role.required, Response.needs_action)]
    rows += [row(1, Role.optional, Response.needs_action, at=LATER, event=10)]
    taking = {(row.user_id, row.span.start): row for row in rows}
    blocking = {
        at: [
            Conflict(UserId(person), at, Strength.busy, None, needed=True) for person, where in overlaps if where == at
        ]
        for at in (NOON, LATER)
    }
    conflicts, warnings = classify_conflicts(blocking, taking)
    at_noon, later = ([person for person, where in overlaps if where == at] for at in (NOON, LATER))
    assert [conflict.user_id for conflict in conflicts] == [person for person in at_noon if person in (1, 3)]
    assert [(conflict.user_id, conflict.span) for conflict in warnings] == [
        *((person, NOON) for person in at_noon if person == 2),
        *((person, LATER) for person in later if person == 1),
    ]
    assert all(conflict.needed for conflict in conflicts)
    assert not any(conflict.needed for conflict in warnings)


BLOCKING = st.lists(st.builds(Period, spans(0, 40), st.sampled_from([Strength.busy, Strength.tentative])), max_size=8)
WINDOW = span(10, 30)


def conflicts(periods, *event_ids):
    ids = itertools.chain(event_ids, itertools.repeat(None))
    return [
        Conflict(UserId(1), one.span, one.strength, event_id, needed=True)
        for one, event_id in zip(periods, ids, strict=False)
    ]


@given(BLOCKING, BLOCKING, st.randoms())
def test_hidden_events_matter_only_by_the_times_at_which_they_block(unseen, seen, chance):
    """However many hidden events there are, wherever they begin, and whether or not they overlap with visible ones."""
    named = conflicts(seen, *map(EventId, range(1, len(seen) + 1)))
    reported = merge_unseen([*named, *conflicts(unseen)], WINDOW)
    others = merge_by_strength(unseen, WINDOW)
    others += [Period(span(one.span.start, one.span.end + 5), one.strength) for one in others if one.span.end == 30]
    others += [chance.choice(others)] if others else []
    others += [one for one in merge_by_strength(seen, WINDOW) if chance.random() < 0.5]
    chance.shuffle(others)
    assert merge_unseen([*conflicts(others), *named], WINDOW) == reported
    assert [one for one in reported if one.event_id is not None] == sorted(
        named, key=lambda one: (one.span, one.event_id)
    )
