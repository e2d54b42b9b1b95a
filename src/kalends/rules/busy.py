"""Busy: how a commitment is shown in a person's time, and whether it blocks the person. No other module decides it."""

from kalends.model import Response, Role, ShowAs, Status, Strength


def strength_of(status: Status, show_as: ShowAs, role: Role | None, response: Response | None) -> tuple[Strength, bool]:
    """Return how a participation is shown and whether it blocks its person; a host who does not attend has no role."""
    if status is Status.cancelled or show_as is ShowAs.free or role is None or response is Response.declined:
        return Strength.free, False
    if response is Response.accepted:
        return Strength.busy, True
    return Strength.tentative, role is Role.required
