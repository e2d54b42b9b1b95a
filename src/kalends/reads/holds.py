"""Reading a hold."""

from kalends.errors import NotFound
from kalends.model import Actor, Hold, HoldId
from kalends.store.database import ReadTx
from kalends.store.holds import find_hold


def read_hold(tx: ReadTx, actor: Actor, hold_id: HoldId) -> Hold:
    """Give a hold. Raises NotFound, for one that has lapsed too."""
    found = find_hold(tx, actor, hold_id)
    if found is None:
        raise NotFound("hold", hold_id)
    return found
