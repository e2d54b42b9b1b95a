"""Reading holds: one by its id, or page by page in the order of ids."""

from functools import lru_cache

import sqlalchemy as sa

from kalends.errors import NotFound
from kalends.model import Actor, Hold, HoldId, UserId
from kalends.reads.paging import Page, first_column, key_values, paged, read_page
from kalends.rules.access import hold_shown_to, is_self_or_operator, may_see_hold, refuse_unless
from kalends.store.database import ReadTx, Row
from kalends.store.holds import LIVE, OF_PERSON, columns_of, find_hold, hold_from
from kalends.store.query import Query
from kalends.store.tables import hold


def read_hold(tx: ReadTx, actor: Actor, hold_id: HoldId) -> Hold:
    """Return a hold that the actor placed or that keeps their time. Raise NotFound, also if it has expired."""
    found = find_hold(tx, actor, hold_id)
    if found is None or not may_see_hold(actor, found.placed_by, found.user_ids):
        raise NotFound("hold", hold_id)
    return hold_shown_to(actor.user_id, found)


def list_holds(
    tx: ReadTx, actor: Actor, limit: int, *, user_id: UserId | None = None, after: int | None = None
) -> Page[Hold, int]:
    """Return a page of the holds that a person placed or that keep their time; by default the actor's own.

    For an operator who names nobody, return all of the organization. Raise Forbidden for those of another user.
    """
    whose = user_id or actor.user_id
    refuse_unless(is_self_or_operator(actor, whose), "Only the user and operators can list the holds of a user")
    values = key_values(after) | ({"user_id": whose} if whose else {})
    query = list_statement(of_person=whose is not None, continued=after is not None)

    def shown(row: Row) -> Hold:
        return hold_shown_to(actor.user_id, hold_from(row))

    return read_page(tx, query, limit, shown, first_column, org=actor.organization_id, now=tx.now, **values)


@lru_cache
def list_statement(*, of_person: bool, continued: bool) -> Query:
    """Return the statement: it selects the holds of a page, and then the people of each."""
    where = [*LIVE]
    if of_person:
        where.append(OF_PERSON)
    page = paged(sa.select(hold).where(*where), hold.c.id, continued=continued).subquery("page")
    return Query(sa.select(*columns_of(page)).order_by(page.c.id))
