"""The stored data: created once for each size and schema, kept in a folder, and copied for servers that write."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from rich.progress import Progress

from bench.plan import Plan
from bench.rows import Batch, Family, peer_metadata
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.revision import NEEDED
from kalends.store.schema import migrate

FOLDER = Path("build/bench")


class Store(Protocol):
    """One engine with the data of every family and size."""

    engine: str
    root: int | None
    """The main process of the database server, if there is one."""

    def data(self, family: Family, plan: Plan, progress: Progress, *, only_read: bool = False) -> str:
        """Return the URL of the data, which is created if it does not exist; `only_read`: nobody writes to it."""
        ...

    def copied(self, url: str, name: str) -> str:
        """Return the URL of a copy to write to."""
        ...

    def lock_in_memory(self, url: str) -> bool:
        """Lock the data in memory until it is discarded; return whether that worked."""
        ...

    def discard(self, url: str) -> None:
        """Remove a copy."""
        ...

    def size(self, url: str) -> int:
        """Return the size of the data on the disk in bytes."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


def cache_name(family: Family, plan: Plan) -> str:
    """Return a name for the data, made of what it depends on."""
    return f"{family.name}_{NEEDED if family.name == 'kalends' else 'own'}_{plan.name}"


def laid_out(family: Family, url: str) -> None:
    """Create the tables of a family in an empty database."""
    if family.name == "kalends":
        database = Database(Settings(database_url=url))
        migrate(database)
        database.close()
        return
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    peer_metadata.create_all(engine)
    engine.dispose()


def poured(family: Family, plan: Plan, progress: Progress, engine: str, write: Callable[[Batch], None]) -> None:
    """Insert all rows of a plan, and show the progress."""
    label = f"{engine}, {family.name}: {plan.events:,} events"
    bar = progress.add_task(label, total=plan.people + plan.events)
    for count, batch in family.batches(plan):
        write(batch)
        progress.update(bar, advance=count)
    progress.update(bar, description=f"{label}: sorting and indexing", total=None)
