import itertools

import pytest

from kalends.model import Response, Role, ShowAs, Status, Strength
from kalends.rules.busy import strength_of

WHATEVER = tuple(itertools.product(Status, ShowAs, (*Role, None), (*Response, None)))


def newly_occupies(status: Status, show_as: ShowAs) -> bool:
    return status is not Status.cancelled and show_as is ShowAs.busy


@pytest.mark.parametrize("status", [Status.confirmed, Status.tentative])
@pytest.mark.parametrize(
    ("role", "response", "shown", "blocking"),
    [
        (Role.required, Response.accepted, Strength.busy, True),
        (Role.optional, Response.accepted, Strength.busy, True),
        (Role.required, Response.tentative, Strength.tentative, True),
        (Role.required, Response.needs_action, Strength.tentative, True),
        (Role.optional, Response.tentative, Strength.tentative, False),
        (Role.optional, Response.needs_action, Strength.tentative, False),
        (Role.required, Response.declined, Strength.free, False),
        (Role.optional, Response.declined, Strength.free, False),
        (None, None, Strength.free, False),
    ],
)
def test_the_table(
    status: Status, role: Role | None, response: Response | None, shown: Strength, blocking: bool
) -> None:
    assert strength_of(status, ShowAs.busy, role, response) == (shown, blocking)


@pytest.mark.parametrize(("status", "show_as", "role", "response"), WHATEVER)
def test_events_that_take_no_time_are_free_and_block_nobody(
    status: Status, show_as: ShowAs, role: Role | None, response: Response | None
) -> None:
    shown, blocking = strength_of(status, show_as, role, response)
    if not newly_occupies(status, show_as) or role is None or response is Response.declined:
        assert (shown, blocking) == (Strength.free, False)
    assert not (blocking and shown is Strength.free)
    assert (shown is Strength.busy) <= blocking
