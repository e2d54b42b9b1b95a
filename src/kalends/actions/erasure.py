"""Erasing a user: events stay, and no longer show who the user was.

First the user is deleted and their row is erased, in one transaction. Other rows may hold many traces of them: these
are removed in further transactions, each of which reads a limited number of rows (decision 0030).
"""

from typing import NamedTuple

import msgspec
from msgspec import structs

from kalends.actions.announcing import announce
from kalends.actions.booking import OnConflict
from kalends.actions.fetching import Versions, expect_version
from kalends.actions.saving import EventChange, save_event
from kalends.actions.user_deletion import HostedEvents, delete_user, refuse_wrong_successor
from kalends.errors import NotFound
from kalends.model import Actor, AuditId, EventId, User, UserId
from kalends.rules.access import is_operator, refuse_unless
from kalends.rules.audit import AuditAction, ObjectKind
from kalends.rules.editing import next_version
from kalends.rules.erasure import ERASED_TOKEN_NAME, erased_snapshot, erased_user
from kalends.store import audit, idempotency
from kalends.store.database import WriteTx
from kalends.store.events import lock_events
from kalends.store.hours import delete_hours
from kalends.store.imports import forget_imported_person
from kalends.store.participants import commented_events, participations_of_people
from kalends.store.tokens import rename_tokens_of
from kalends.store.users import find_user_even_if_deleted, update_user

EVENTS_AT_ONCE = 100
"""Events from which comments are removed in one transaction."""


class Traces(NamedTuple):
    """The rows that have yet to be searched for traces of an erased user."""

    commented: list[EventId]
    entries_after: int = 0
    """Entries of the audit log with larger ids have yet to be searched."""
    answers_after: int = 0
    """Kept answers have yet to be searched whose keys were claimed after this instant."""


def erase_user(
    tx: WriteTx,
    actor: Actor,
    user_id: UserId,
    *,
    hosted: HostedEvents | None = None,
    to: UserId | None = None,
    expect: Versions = None,
    on_conflict: OnConflict = OnConflict.reject,
) -> User:
    """Delete a user unless they are deleted already, and replace their name and e-mail address; return the erased user.

    Their metadata, working hours and the names of their tokens are removed, too. `erase_traces` removes the rest.
    Erasing a user again changes nothing.

    Raise what `delete_user` raises; NotFound only for a user who never existed.
    """
    refuse_unless(is_operator(actor), "Only operators can erase users")
    if person_to_erase(tx, actor, user_id)[1]:
        refuse_wrong_successor(user_id, hosted, to, [])
        expect_version("user", person_to_erase(tx, actor, user_id, lock=True)[0].version, expect)
    else:
        delete_user(tx, actor, user_id, hosted=hosted, to=to, expect=expect, on_conflict=on_conflict)
    before, _ = person_to_erase(tx, actor, user_id)
    after = erased_user(before, now=tx.now)
    delete_hours(tx, actor, user_id)
    rename_tokens_of(tx, actor, user_id, ERASED_TOKEN_NAME)
    forget_imported_person(tx, actor, user_id)
    if after is not before:
        update_user(tx, after)
        announce(tx, actor, AuditAction.erased, ObjectKind.user, user_id)
    return after


def erase_traces(tx: WriteTx, actor: Actor, user_id: UserId, traces: Traces | None) -> Traces | None:
    """Remove some traces of an erased user from comments, audit log and kept answers; return what is left to search.

    Call it with None first, and again with what it returns until that is None, each time in a new transaction: so no
    other writer waits long. It may stop after any call and start again. All answers kept for repeats lose their bodies,
    also those about other users; their status stays, so a repeat still learns that the work was done. What others wrote
    stays: titles, descriptions and metadata of events are not searched.
    """
    if traces is None:
        return Traces(commented_events(tx, actor, user_id))
    if traces.commented:  # first, as the entries that record it say what the comments were
        remove_comments(tx, actor, user_id, traces.commented[:EVENTS_AT_ONCE])
        return traces._replace(commented=traces.commented[EVENTS_AT_ONCE:])
    last = audit.end_of_page(tx, actor, traces.entries_after)
    if last is not None:
        clean_audit_log(tx, actor, user_id, traces.entries_after, last)
        return traces._replace(entries_after=last)
    last = idempotency.end_of_page(tx, traces.answers_after)
    if last is not None:
        idempotency.empty_page_of_answers(tx, actor, traces.answers_after, last)
        return traces._replace(answers_after=last)
    return None


def person_to_erase(tx: WriteTx, actor: Actor, user_id: UserId, *, lock: bool = False) -> tuple[User, bool]:
    """Return a user, erased ones too, and whether they are deleted. Raise NotFound."""
    found = find_user_even_if_deleted(tx, actor, user_id, lock=lock)
    if found is None:
        raise NotFound("user", user_id)
    return found


def remove_comments(tx: WriteTx, actor: Actor, user_id: UserId, events: list[EventId]) -> None:
    """Remove somebody's comments from events, each as a new version of event and participation."""
    for before in lock_events(tx, actor, events):
        participation = participations_of_people(tx, before.id, [user_id]).get(user_id)
        if participation is not None and participation.comment is not None:
            after = next_version(before, now=tx.now)
            silent = structs.replace(participation, comment=None, version=participation.version + 1)
            save_event(tx, actor, EventChange(before, after, {user_id: participation}, {user_id: silent}))


def clean_audit_log(tx: WriteTx, actor: Actor, user_id: UserId, after: int, last: int) -> None:
    """Remove a user's data and network addresses from a page of the audit log; the entries of their actions stay."""
    audit.forget_addresses(tx, actor, user_id, after, last)
    cleaned: list[tuple[AuditId, str | None, str | None]] = []
    for record_id, kind, object_id, *snapshot in audit.snapshots_naming(tx, actor, user_id, after, last):
        old, new = (cleaned_snapshot(text, kind, object_id, user_id) for text in snapshot)
        if [old, new] != snapshot:
            cleaned.append((record_id, old, new))
    audit.rewrite_snapshots(tx, cleaned)


def cleaned_snapshot(text: str | None, kind: ObjectKind, object_id: int, user_id: UserId) -> str | None:
    """Return a snapshot, as JSON text, without the data of a user."""
    if text is None:
        return None
    return msgspec.json.encode(erased_snapshot(msgspec.json.decode(text), kind, object_id, user_id)).decode()
