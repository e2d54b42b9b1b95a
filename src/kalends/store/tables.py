"""The whole schema in one module; a test checks that the migrations result in the same.

Instants are microseconds since 1970 in 64-bit integers, enumerations are short texts, JSON is text: the same bytes on
both engines. Every row that belongs to a customer has its organization_id, and every key is limited to it.
"""

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.event import listen

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

SORTED_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its code points, which is the only order that both engines share."""


def required(name: str, kind: Any = Text, *rest: Any, **options: Any) -> Column[Any]:
    """Return a column that always has a value."""
    return Column(name, kind, *rest, nullable=False, **options)


def own_id() -> Column[Any]:
    """Return the column of an id as primary key; this process creates ids, never the engine."""
    rowid_on_sqlite = BigInteger().with_variant(Integer, "sqlite")
    return Column("id", rowid_on_sqlite, primary_key=True, autoincrement=False)


def of_organization() -> Column[Any]:
    """Return the column of the organization that a row belongs to."""
    return required("organization_id", BigInteger, ForeignKey("organization.id"))


organization = Table(
    "organization",
    metadata,
    own_id(),
    required("name"),
    required("created_at", BigInteger),
)

token = Table(
    "token",
    metadata,
    own_id(),
    of_organization(),
    required("name"),
    required("hint"),
    required("hash", LargeBinary, unique=True),
    required("created_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("user_id", BigInteger),
    required("scopes", server_default=text("''")),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Index(None, "organization_id", "id"),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    Index(None, "revoked_at"),
)

user = Table(
    "user",
    metadata,
    own_id(),
    of_organization(),
    required("name"),
    required("email"),
    required("email_folded"),
    required("search_text"),
    required("time_zone"),
    required("metadata"),
    required("version", Integer),
    required("created_at", BigInteger),
    required("updated_at", BigInteger),
    Column("deleted_at", BigInteger),
    required("name_key", SORTED_TEXT, server_default=text("''")),
    Index(
        "uq_user_email",
        "organization_id",
        "email_folded",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(None, "organization_id", "name_key", "id"),
)

event = Table(
    "event",
    metadata,
    own_id(),
    of_organization(),
    required("host_id", BigInteger, ForeignKey("user.id")),
    required("title"),
    required("description"),
    required("location"),
    required("search_text"),
    required("time_zone"),
    required("starts_at", BigInteger),
    required("ends_at", BigInteger),
    required("start_local"),
    required("end_local"),
    required("status"),
    required("show_as"),
    required("visibility"),
    Column("cancel_reason", Text),
    required("metadata"),
    required("required_count", Integer),
    required("optional_count", Integer),
    required("accepted_count", Integer),
    required("declined_count", Integer),
    required("tentative_count", Integer),
    required("needs_action_count", Integer),
    required("version", Integer),
    required("created_at", BigInteger),
    required("updated_at", BigInteger),
    required("hide_participants", Boolean, server_default=false()),
    Column("pending_host_id", BigInteger),
    Index(None, "organization_id", "starts_at", "id"),
    Index(None, "host_id", "starts_at", "id"),
    Index(
        None,
        "pending_host_id",
        "starts_at",
        "id",
        sqlite_where=text("pending_host_id IS NOT NULL"),
        postgresql_where=text("pending_host_id IS NOT NULL"),
    ),
)

participant = Table(
    "participant",
    metadata,
    of_organization(),
    required("event_id", BigInteger, ForeignKey("event.id", ondelete="CASCADE")),
    required("user_id", BigInteger, ForeignKey("user.id")),
    required("role"),
    required("response"),
    Column("comment", Text),
    Column("responded_at", BigInteger),
    required("version", Integer),
    PrimaryKeyConstraint("event_id", "user_id"),
    sqlite_with_rowid=False,
)

# Derived from event and participant and written with them, so it needs no foreign keys (a cascade would scan it).
agenda = Table(
    "agenda",
    metadata,
    required("organization_id", BigInteger),
    required("user_id", BigInteger),
    required("starts_at", BigInteger),
    required("event_id", BigInteger),
    required("ends_at", BigInteger),
    required("hosting", Boolean),
    Column("role", Text),
    Column("response", Text),
    required("status"),
    required("shown"),
    required("blocking", Boolean),
    required("exclusive", Boolean),
    PrimaryKeyConstraint("user_id", "starts_at", "event_id"),
    sqlite_with_rowid=False,
)
# An exclusive row blocks, and was not booked over another on purpose (on_conflict=allow). On PostgreSQL no two of one
# person may overlap: a second safeguard besides the conflict check of actions/booking.py. SQLite lacks the constraint.
NO_DOUBLE_BOOKING = DDL("""
ALTER TABLE agenda ADD CONSTRAINT no_double_booking EXCLUDE USING gist (
    int8range(user_id, user_id, '[]') WITH &&, int8range(starts_at, ends_at) WITH &&
) WHERE (exclusive)
""")
listen(agenda, "after_create", NO_DOUBLE_BOOKING.execute_if(dialect="postgresql"))

hold = Table(
    "hold",
    metadata,
    own_id(),
    of_organization(),
    required("starts_at", BigInteger),
    required("ends_at", BigInteger),
    required("expires_at", BigInteger),
    required("extended", Boolean),
    required("created_at", BigInteger),
    Column("placed_by", BigInteger),
    Index(None, "organization_id", "expires_at"),
)

held_time = Table(
    "held_time",
    metadata,
    of_organization(),
    required("user_id", BigInteger, ForeignKey("user.id")),
    required("starts_at", BigInteger),
    required("hold_id", BigInteger, ForeignKey("hold.id", ondelete="CASCADE")),
    required("ends_at", BigInteger),
    required("expires_at", BigInteger),
    PrimaryKeyConstraint("user_id", "starts_at", "hold_id"),
    Index(None, "hold_id"),
    sqlite_with_rowid=False,
)

working_hours = Table(
    "working_hours",
    metadata,
    of_organization(),
    Column("user_id", BigInteger, ForeignKey("user.id"), primary_key=True, autoincrement=False),
    required("hours"),
    required("version", Integer),
    required("updated_at", BigInteger),
)

# Read with every token of the person with whom a calendar is shared, so it is clustered by that person.
share = Table(
    "share",
    metadata,
    of_organization(),
    required("user_id", BigInteger, ForeignKey("user.id")),
    required("owner_id", BigInteger, ForeignKey("user.id")),
    required("level"),
    required("updated_at", BigInteger),
    PrimaryKeyConstraint("user_id", "owner_id"),
    Index(None, "owner_id", "user_id"),
    sqlite_with_rowid=False,
)

audit = Table(
    "audit",
    metadata,
    own_id(),
    of_organization(),
    required("at", BigInteger),
    Column("token_id", BigInteger),
    Column("user_id", BigInteger),
    Column("address", Text),
    Column("request_id", Text),
    required("action"),
    required("object_kind"),
    required("object_id", BigInteger),
    Column("before", Text),
    Column("after", Text),
    Index(None, "organization_id", "id"),
    Index(None, "organization_id", "object_id", "id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    of_organization(),
    required("token_id", BigInteger, ForeignKey("token.id")),
    required("key"),
    required("fingerprint", LargeBinary),
    required("claim", BigInteger),
    required("claimed_at", BigInteger),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", LargeBinary),
    PrimaryKeyConstraint("token_id", "key"),
    Index(None, "claimed_at"),
)

imported = Table(
    "imported",
    metadata,
    of_organization(),
    required("source"),
    required("kind"),
    required("ref"),
    required("object_id", BigInteger),
    PrimaryKeyConstraint("organization_id", "source", "kind", "ref"),
    sqlite_with_rowid=False,
)

# One row. `target` is another release than `release` only while events are being moved; null is unknown.
zone_data = Table(
    "zone_data",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("release", Text),
    Column("target", Text),
)
