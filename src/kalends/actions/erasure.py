"""Erasing a person: the calendar stays as it was, and nothing in it says any more who they were."""

import msgspec
from msgspec import structs

from kalends.actions.booking import Guard
from kalends.actions.departure import Hosted, delete_user, refuse_wrong_heir, unfinished_ids
from kalends.actions.finding import Versions, expect_version
from kalends.actions.recording import record
from kalends.actions.saving import save_event
from kalends.errors import NotFound
from kalends.model import Actor, Event, User, UserId
from kalends.rules.access import is_operator, refuse_unless
from kalends.rules.audit import Deed, ObjectKind
from kalends.rules.erasure import ERASED_TOKEN_NAME, erased_answer, erased_facts, erased_user
from kalends.rules.revise import next_version
from kalends.store.audit import facts_naming, forget_addresses, rewrite_facts
from kalends.store.database import WriteTx
from kalends.store.events import lock_events
from kalends.store.hours import delete_hours
from kalends.store.idempotency import answers_naming, rewrite_answer
from kalends.store.imports import forget_imported_person
from kalends.store.participants import commented_events, seats_among
from kalends.store.retry import Contended
from kalends.store.tokens import rename_tokens_of
from kalends.store.users import find_user_even_if_deleted, update_user


def erase_user(
    tx: WriteTx,
    actor: Actor,
    user_id: UserId,
    *,
    hosted: Hosted | None = None,
    to: UserId | None = None,
    expect: Versions = None,
    guard: Guard | None = None,
) -> User:
    """Delete a user unless they are, and replace name and address wherever they are kept; give what is left.

    Their comments, metadata, working hours and the names of their tokens go, too. What others wrote stays: titles,
    descriptions and metadata of events are not searched. Once more changes nothing.

    Raises what `delete_user` raises; NotFound only for somebody who never was.
    """
    refuse_unless(is_operator(actor), "Only operators can erase users")
    concerned = {*commented_events(tx, actor, user_id), *unfinished_ids(tx, actor, user_id)}
    events = lock_events(tx, actor, sorted(concerned))
    if person_to_erase(tx, actor, user_id)[1]:
        refuse_wrong_heir(user_id, hosted, to, [])
        expect_version("user", person_to_erase(tx, actor, user_id, lock=True)[0].version, expect)
    else:
        delete_user(tx, actor, user_id, hosted=hosted, to=to, expect=expect, guard=guard)
    remove_comments(tx, actor, user_id, events)
    before, _ = person_to_erase(tx, actor, user_id)
    after = erased_user(before, now=tx.now)
    delete_hours(tx, actor, user_id)
    rename_tokens_of(tx, actor, user_id, ERASED_TOKEN_NAME)
    forget_imported_person(tx, actor, user_id)
    clean_record(tx, actor, user_id)
    clean_answers(tx, actor, user_id)
    if after is not before:
        update_user(tx, after)
        record(tx, actor, Deed.erased, ObjectKind.user, user_id)
    return after


def person_to_erase(tx: WriteTx, actor: Actor, user_id: UserId, *, lock: bool = False) -> tuple[User, bool]:
    """Give a user, or what is left of one, and whether they are deleted. Raises NotFound."""
    found = find_user_even_if_deleted(tx, actor, user_id, lock=lock)
    if found is None:
        raise NotFound("user", user_id)
    return found


def remove_comments(tx: WriteTx, actor: Actor, user_id: UserId, locked: list[Event]) -> None:
    """Take somebody's comments off events, each as a new version of event and seat; the events are locked already."""
    commented = commented_events(tx, actor, user_id)
    if not set(commented) <= {event.id for event in locked}:
        raise Contended("They are commenting on events.")  # the events come before the people: begin again
    for before in lock_events(tx, actor, commented):
        seat = seats_among(tx, before.id, [user_id])[user_id]
        after = next_version(before, now=tx.now)
        silent = structs.replace(seat, comment=None, version=seat.version + 1)
        save_event(tx, actor, before, after, {user_id: seat}, {user_id: silent})


def clean_record(tx: WriteTx, actor: Actor, user_id: UserId) -> None:
    """Take somebody out of what the record says, and from where they acted; that they acted stays."""
    forget_addresses(tx, actor, user_id)
    for record_id, kind, object_id, before, after in facts_naming(tx, actor, user_id):
        cleaned = [cleaned_facts(text, kind, object_id, user_id) for text in (before, after)]
        if cleaned != [before, after]:
            rewrite_facts(tx, record_id, *cleaned)


def cleaned_facts(text: str | None, kind: ObjectKind, object_id: int, user_id: UserId) -> str | None:
    """Give recorded facts, as JSON text, without what they say of somebody."""
    if text is None:
        return None
    return msgspec.json.encode(erased_facts(msgspec.json.decode(text), kind, object_id, user_id)).decode()


def clean_answers(tx: WriteTx, actor: Actor, user_id: UserId) -> None:
    """Take somebody out of the answers that are kept for repeats."""
    for kept_under, body in answers_naming(tx, actor, user_id):
        rewrite_answer(tx, kept_under, msgspec.json.encode(erased_answer(msgspec.json.decode(body), user_id)))
