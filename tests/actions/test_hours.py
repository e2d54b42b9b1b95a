"""Setting and removing working hours: each change makes a version that is never used again."""

from datetime import date

import pytest

from kalends.actions.hours import clear_working_hours, set_working_hours
from kalends.actions.user_deletion import delete_user
from kalends.errors import NotFound, StaleVersion
from kalends.model import UserId
from kalends.reads.hours import read_working_hours
from kalends.rules.hours import Window, WorkingHours
from tests.cast import assemble

NINE_TO_FIVE = WorkingHours(((Window(540, 1020),),) * 5 + ((), ()), {date(2026, 12, 24): ()})
NIGHTS = WorkingHours(((Window(1320, 1800),),) * 7, {date(2026, 12, 24): (Window(0, 60), Window(120, 180))})
NONE = WorkingHours(((),) * 7, {})


@pytest.mark.parametrize("hours", [NINE_TO_FIVE, NIGHTS, NONE])
def test_hours_are_read_as_they_were_set(cast, hours):
    assert cast.do(set_working_hours, cast.guest.id, hours) == 1
    assert cast.ask(read_working_hours, cast.guest.id) == (hours, 1)


def test_each_change_makes_a_new_version_and_setting_the_same_makes_none(cast):
    assert cast.do(set_working_hours, cast.guest.id, NINE_TO_FIVE) == 1
    before = cast.rows()
    assert cast.do(set_working_hours, cast.guest.id, NINE_TO_FIVE) == 1
    assert cast.rows() == before
    assert cast.do(set_working_hours, cast.guest.id, NIGHTS, expect=frozenset({1})) == 2
    with cast.refused(StaleVersion):
        cast.do(set_working_hours, cast.guest.id, NINE_TO_FIVE, expect=frozenset({1}))
    with cast.refused(StaleVersion):
        cast.do(clear_working_hours, cast.guest.id, expect=frozenset({1}))


def test_versions_are_never_reused_even_after_removal(cast):
    """Otherwise a caller with the first version would overwrite a change that they have not seen."""
    cast.do(set_working_hours, cast.guest.id, NINE_TO_FIVE)
    cast.do(clear_working_hours, cast.guest.id, expect=frozenset({1}))
    with cast.refused(NotFound):
        cast.ask(read_working_hours, cast.guest.id)
    with cast.refused(NotFound):
        cast.do(clear_working_hours, cast.guest.id)
    assert cast.do(set_working_hours, cast.guest.id, NINE_TO_FIVE) == 3


def test_nobody_has_hours_before_they_are_set(cast, database):
    gone = cast.person()
    cast.do(delete_user, gone.id)
    with cast.refused(NotFound):
        cast.ask(read_working_hours, cast.guest.id)
    with cast.refused(StaleVersion):
        cast.do(set_working_hours, cast.guest.id, NIGHTS, expect=frozenset({1}))
    for user_id in (gone.id, UserId(2**62), assemble(database).guest.id):
        for call in (
            lambda user_id=user_id: cast.do(set_working_hours, user_id, NIGHTS),
            lambda user_id=user_id: cast.do(clear_working_hours, user_id),
            lambda user_id=user_id: cast.ask(read_working_hours, user_id),
        ):
            with cast.refused(NotFound):
                call()
