"""Reading a hold."""

from kalends.errors import NotFound
from kalends.model import Actor, Hold, HoldId
from kalends.rules.access import may_use_hold
from kalends.store.database import ReadTx
from kalends.store.holds import find_hold


def read_hold(tx: ReadTx, actor: Actor, hold_id: HoldId) -> Hold:
    """Give a hold of one's own. Raises NotFound, for one that has lapsed too."""
    found = find_hold(tx, actor, hold_id)
    if found is None or not may_use_hold(actor, found.placed_by):
        raise NotFound("hold", hold_id)
    return found
