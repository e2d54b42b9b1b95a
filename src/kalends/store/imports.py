"""Rows of imported items: the object that each item of a file became, so that a second import finds it."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Actor, UserId
from kalends.store.database import ReadTx, WriteTx
from kalends.store.query import Query
from kalends.store.tables import imported

OF_SOURCE = Query(
    sa.select(imported.c.kind, imported.c.ref, imported.c.object_id).where(
        imported.c.organization_id == bindparam("org"), imported.c.source == bindparam("source")
    )
)
INSERT = Query(sa.insert(imported))
FORGET_PERSON = Query(
    sa.delete(imported).where(
        imported.c.organization_id == bindparam("org"),
        imported.c.kind == "person",
        imported.c.object_id == bindparam("id"),
    )
)


def imported_objects(tx: ReadTx, actor: Actor, source: str) -> dict[tuple[str, str], int]:
    """Return the ids of the objects imported from a source, by kind and ref."""
    return {
        (kind, ref): object_id for kind, ref, object_id in tx.rows(OF_SOURCE, org=actor.organization_id, source=source)
    }


def insert_imported(tx: WriteTx, actor: Actor, source: str, kind: str, became: Iterable[tuple[str, int]]) -> None:
    """Store what items of a kind became: pairs of ref and id."""
    own = {"organization_id": actor.organization_id, "source": source, "kind": kind}
    tx.run_many(INSERT, [own | {"ref": ref, "object_id": object_id} for ref, object_id in became])


def forget_imported_person(tx: WriteTx, actor: Actor, user_id: UserId) -> None:
    """Remove the rows of the items that became a user."""
    tx.run(FORGET_PERSON, org=actor.organization_id, id=user_id)
