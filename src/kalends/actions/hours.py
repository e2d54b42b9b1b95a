"""What can be done with somebody's working hours."""

from kalends.actions.finding import Versions, expect_version, user_to_change
from kalends.errors import NotFound
from kalends.model import Actor, UserId
from kalends.rules.hours import WorkingHours
from kalends.store.database import WriteTx
from kalends.store.hours import find_hours, store_hours


def set_working_hours(
    tx: WriteTx, actor: Actor, user_id: UserId, hours: WorkingHours, *, expect: Versions = None
) -> int:
    """Replace somebody's working hours and give their new version; the same once more changes nothing.

    Raises NotFound or StaleVersion.
    """
    user_to_change(tx, actor, user_id)
    known, version = find_hours(tx, actor, user_id)
    expect_version("working hours", version, expect)
    if known == hours:
        return version
    store_hours(tx, actor, user_id, hours, version + 1)
    return version + 1


def clear_working_hours(tx: WriteTx, actor: Actor, user_id: UserId, *, expect: Versions = None) -> None:
    """Forget somebody's working hours: they may be booked at any time. Raises NotFound or StaleVersion."""
    user_to_change(tx, actor, user_id)
    known, version = find_hours(tx, actor, user_id)
    if known is None:
        raise NotFound("working hours of user", user_id)
    expect_version("working hours", version, expect)
    store_hours(tx, actor, user_id, None, version + 1)
