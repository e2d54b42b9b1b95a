"""The audit log over HTTP."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from kalends.errors import Fault, Invalid
from kalends.limits import DEFAULT_PAGE_SIZE
from kalends.model import UTC, Actor, AuditId, DateOrTime, Instant, Scope, TokenId, UserId, Zone
from kalends.reads import audit as reads
from kalends.reads.audit import AuditFilter
from kalends.rest.operation import Reply
from kalends.rest.paging import PageJson, PageRequest
from kalends.rest.queries import Cursor, Limit, or_none
from kalends.rest.users import UserIdText
from kalends.rest.wire import ObjectId, id_schema
from kalends.rules.audit import AuditAction, AuditEntry, ObjectKind
from kalends.rules.zones import TimeError, bound_of, from_instant
from kalends.store.database import ReadTx

NO_SNAPSHOT = b"null"
SnapshotJson = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": ["object", "null"]})]


class AuditEntryJson(Struct):
    """An action, its actor and its object. `before` and `after` hold what differs; null if the object did not exist.

    Without `token_id` it was done on the command line, without `user_id` by an operator.
    """

    scope: ClassVar[Scope] = Scope.audit_read
    id: Annotated[str, Meta(extra_json_schema=id_schema(AuditId))]
    at: datetime
    action: AuditAction
    object_kind: ObjectKind
    object_id: str
    """Shares have the id of the calendar's owner, and working hours the id of their user."""
    user_id: UserIdText | None
    token_id: Annotated[str, Meta(extra_json_schema=id_schema(TokenId))] | None
    address: str | None
    request_id: str | None
    before: SnapshotJson
    after: SnapshotJson
    example: ClassVar[Any] = {
        "id": "aud_018f3c5a9b301c03",
        "at": "2026-03-03T09:30:00Z",
        "action": "changed",
        "object_kind": "event",
        "object_id": "evt_018f3c5a9b2e0a81",
        "user_id": "usr_018f3c5a9b2d5f70",
        "token_id": "tok_018f3c5a9b2c3d5e",
        "address": "192.0.2.17",
        "request_id": "5f2a9c0d1e3b4a67",
        "before": {
            "participants": {
                "usr_018f3c5a9b2d5f70": {"role": "required", "response": "needs_action", "comment": None},
            }
        },
        "after": {
            "participants": {
                "usr_018f3c5a9b2d5f70": {"role": "required", "response": "accepted", "comment": "I bring the cake."},
            }
        },
    }


class AuditListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Filters, which all have to match, and the page."""

    object_id: Annotated[ObjectId, Meta(description="The object of the action")] | UnsetType = UNSET
    user_id: Annotated[UserId, Meta(description="The actor, or whom an operator acted for")] | UnsetType = UNSET
    token_id: Annotated[TokenId, Meta(description="The token of the actor")] | UnsetType = UNSET
    since: Annotated[DateOrTime, Meta(description="Only at or after this time")] | UnsetType = field(
        default=UNSET, name="from"
    )
    until: Annotated[DateOrTime, Meta(description="Only before this time")] | UnsetType = field(
        default=UNSET, name="to"
    )
    time_zone: Annotated[Zone, Meta(description="Zone of `from` and `to` without offset; default: UTC")] = field(
        default_factory=lambda: UTC
    )
    limit: Limit = DEFAULT_PAGE_SIZE
    cursor: Cursor | UnsetType = UNSET


def audit_entry_json(one: AuditEntry) -> AuditEntryJson:
    """Return an entry of the audit log as callers see it."""
    return AuditEntryJson(
        str(one.id),
        from_instant(one.at),
        one.action,
        one.object_kind,
        str(one.object_id),
        None if one.user_id is None else str(one.user_id),
        None if one.token_id is None else str(one.token_id),
        one.address,
        one.request_id,
        snapshot_json(one.before),
        snapshot_json(one.after),
    )


def snapshot_json(text: str | None) -> msgspec.Raw:
    """Return a snapshot as JSON, or null."""
    return msgspec.Raw(NO_SNAPSHOT if text is None else text.encode())


def list_audit_entries(
    tx: ReadTx, actor: Actor, query: AuditListQuery, page: PageRequest
) -> Reply[PageJson[AuditEntryJson]]:
    """List the entries of the audit log.

    Newest first, page by page, for operators only: who did what to which object, when, from where, and the object
    before and after. Entries never change, except that erasing a user removes their personal data.
    """
    found = reads.list_audit_entries(tx, actor, filter_of(query, page), query.limit)
    return Reply(page.to_json(found, audit_entry_json))


def filter_of(query: AuditListQuery, page: PageRequest) -> AuditFilter:
    """Return the filter of a query. Raise Invalid."""
    since, until = moment_of("from", query.since, query.time_zone), moment_of("to", query.until, query.time_zone)
    if since is not None and until is not None and since >= until:
        raise Invalid(Fault(("to",), "empty_span", "must come after from"))
    return AuditFilter(
        object_id=or_none(query.object_id),
        user_id=or_none(query.user_id),
        token_id=or_none(query.token_id),
        since=since,
        until=until,
        older_than=page.after(int),
    )


def moment_of(name: str, written: DateOrTime | UnsetType, time_zone: str) -> Instant | None:
    """Return the instant of a bound, if it is given. Raise Invalid."""
    try:
        return None if written is UNSET else bound_of(written, time_zone)
    except TimeError as error:
        raise Invalid(error.fault(name)) from error
