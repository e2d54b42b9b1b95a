"""Actions on users, apart from deleting and erasing them."""

from kalends.actions.announcing import announce
from kalends.actions.fetching import Versions, expect_version, user_to_change
from kalends.drafts import UserCreate, UserUpdate
from kalends.errors import EmailTaken
from kalends.model import Actor, User, UserId
from kalends.rules.access import is_operator, is_self_or_operator, refuse_unless
from kalends.rules.audit import AuditAction, ObjectKind, user_snapshot
from kalends.rules.editing import apply_user_edit
from kalends.rules.metadata import metadata_text
from kalends.store.database import WriteTx
from kalends.store.users import email_owner, insert_user, update_user


def create_user(tx: WriteTx, actor: Actor, draft: UserCreate) -> User:
    """Create a user. Raise Forbidden or EmailTaken."""
    refuse_unless(is_operator(actor), "Only operators can create users")
    refuse_taken_email(tx, actor, draft.email, None)
    person = User(
        id=UserId(tx.new_id()),
        name=draft.name,
        email=draft.email,
        time_zone=draft.time_zone,
        metadata=metadata_text(draft.metadata),
        version=1,
        created_at=tx.now,
        updated_at=tx.now,
    )
    insert_user(tx, actor, person)
    announce(tx, actor, AuditAction.created, ObjectKind.user, person.id, None, user_snapshot(person))
    return person


def change_user(tx: WriteTx, actor: Actor, user_id: UserId, edit: UserUpdate, *, expect: Versions = None) -> User:
    """Apply an edit to a user. Raise NotFound, Forbidden, StaleVersion, EmailTaken or Invalid."""
    before = user_to_change(tx, actor, user_id)
    refuse_unless(is_self_or_operator(actor, user_id), "Only the user and operators can change a user")
    expect_version("user", before.version, expect)
    after = apply_user_edit(before, edit, now=tx.now)
    if after is before:
        return before
    refuse_unless(is_operator(actor) or after.metadata == before.metadata, "Only operators can set metadata of users")
    if after.email != before.email:
        refuse_unless(is_operator(actor), "Only operators can change an e-mail address, as it identifies a user")
        refuse_taken_email(tx, actor, after.email, user_id)
    update_user(tx, after)
    announce(tx, actor, AuditAction.changed, ObjectKind.user, user_id, user_snapshot(before), user_snapshot(after))
    return after


def refuse_taken_email(tx: WriteTx, actor: Actor, email: str, own_id: UserId | None) -> None:
    """Raise EmailTaken if another user has the address; if two take it at once, the unique index refuses one."""
    if email_owner(tx, actor, email) not in (None, own_id):
        raise EmailTaken(email)
