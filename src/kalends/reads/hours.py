"""Reading the working hours of a user."""

from kalends.errors import NotFound
from kalends.model import Actor, UserId
from kalends.rules.hours import WorkingHours
from kalends.store.database import ReadTx
from kalends.store.hours import find_hours
from kalends.store.users import find_user


def read_working_hours(tx: ReadTx, actor: Actor, user_id: UserId) -> tuple[WorkingHours, int]:
    """Return working hours and their version. Raise NotFound for an unknown user, or one who never set any."""
    tx.snapshot()
    if find_user(tx, actor, user_id) is None:
        raise NotFound("user", user_id)
    hours, version = find_hours(tx, actor, user_id)
    if hours is None:
        raise NotFound("working hours of user", user_id)
    return hours, version
