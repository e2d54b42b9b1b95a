"""What can be done with a user, short of deleting one."""

from kalends.actions.finding import Versions, expect_version, user_to_change
from kalends.actions.recording import record
from kalends.drafts import UserDraft, UserEdit
from kalends.errors import EmailTaken
from kalends.model import Actor, User, UserId
from kalends.rules.access import is_operator, is_self, refuse_unless
from kalends.rules.audit import Deed, ObjectKind, user_facts
from kalends.rules.metadata import metadata_text
from kalends.rules.revise import revised_user
from kalends.store.database import WriteTx
from kalends.store.users import email_owner, insert_user, update_user


def create_user(tx: WriteTx, actor: Actor, draft: UserDraft) -> User:
    """Add somebody who can host and take part. Raises Forbidden or EmailTaken."""
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
    record(tx, actor, Deed.created, ObjectKind.user, person.id, None, user_facts(person))
    return person


def change_user(tx: WriteTx, actor: Actor, user_id: UserId, edit: UserEdit, *, expect: Versions = None) -> User:
    """Apply an edit. Raises NotFound, Forbidden, StaleVersion, EmailTaken or Invalid."""
    before = user_to_change(tx, actor, user_id)
    refuse_unless(is_self(actor, user_id), "Only the user and operators can change a user")
    expect_version("user", before.version, expect)
    after = revised_user(before, edit, now=tx.now)
    if after is before:
        return before
    refuse_unless(is_operator(actor) or after.metadata == before.metadata, "Only operators can set metadata of users")
    if after.email != before.email:
        refuse_unless(is_operator(actor), "Only operators can change an e-mail address, as it tells who somebody is")
        refuse_taken_email(tx, actor, after.email, user_id)
    update_user(tx, after)
    record(tx, actor, Deed.changed, ObjectKind.user, user_id, user_facts(before), user_facts(after))
    return after


def refuse_taken_email(tx: WriteTx, actor: Actor, email: str, own_id: UserId | None) -> None:
    """Raise EmailTaken if somebody else has the address. Two who take it at once: the unique index lets one retry."""
    if email_owner(tx, actor, email) not in (None, own_id):
        raise EmailTaken(email)
