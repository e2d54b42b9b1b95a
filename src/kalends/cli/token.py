"""kalends token: credentials for callers of the API."""

import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import structs

from kalends.actions.tokens import issue_token, revoke_token
from kalends.cli.listing import json_option, moment, print_list
from kalends.cli.opening import (
    DEMO_FOLDER,
    checked_name,
    existing_database,
    open_database,
    operator_of,
    organization_option,
    read_settings,
)
from kalends.credentials import Token
from kalends.errors import BadValue
from kalends.model import ALL_SCOPES, Actor, Instant, Scope, TokenId, UserId
from kalends.reads.tokens import list_tokens
from kalends.rest.wire import read_id
from kalends.rules.intervals import DAY, HOUR, MINUTE
from kalends.rules.tokens import SECRET_BYTES
from kalends.store.database import Database, ReadTx
from kalends.store.users import email_owner

UNITS = {"m": MINUTE, "h": HOUR, "d": DAY}
COLUMNS = ("id", "token", "state", "created_at", "expires_at", "last_used_at", "user", "scopes", "name")
PAGE = 250
LIFETIME = re.compile(r"(\d{1,5})([mhd])", re.ASCII)


@click.group(name="token", epilog="Example:  kalends token list")
def command() -> None:
    """Create, list and revoke tokens."""


@command.command(
    epilog="Example:  kalends token create --user hanna@example.org --scope events:read --scope respond --expires 30d"
)
@click.option("--name", default="unnamed", show_default=True, help="What the token is for.")
@click.option(
    "--user", metavar="EMAIL", help="Issue the token to the user with this e-mail address; without it, to an operator."
)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    help="What the token may be used for; may be repeated. Without it, everything.",
)
@click.option(
    "--expires", metavar="TIME", help="When the token expires: in 30d, 12h or 90m, for example. Without it, never."
)
@organization_option
def create(name: str, user: str | None, scopes: tuple[str, ...], expires: str | None, org: str | None) -> None:
    """Create a token and print it on stdout. Only its hash is stored, so it cannot be shown again."""
    named, lifetime = checked_name(name, "--name"), lifetime_of(expires)
    wanted = frozenset(map(Scope, scopes)) or ALL_SCOPES
    with open_database(read_settings()) as database:
        actor = operator_of(database, org)
        bearer = actor if user is None else database.read(lambda tx: person_named(tx, actor, user))
        secret = secrets.token_bytes(SECRET_BYTES)
        end = None if lifetime is None else Instant(database.now() + lifetime)
        made, text = database.write(lambda tx: issue_token(tx, bearer, named, secret, scopes=wanted, expires_at=end))
        where = database.description
    whose = "an operator" if user is None else user
    click.echo(
        f"Created token {made.id} ({name}) for {whose} in {where}. Keep it safe: it cannot be shown again.", err=True
    )
    if demo_was_started():
        click.echo(
            "The demo on this machine has its own database, and accepts only the token that it printed.", err=True
        )
    click.echo(text)


@command.command(name="list", epilog="Example:  kalends token list")
@click.option(
    "--all", "ended", is_flag=True, help="List tokens that were revoked or have expired, too, for at least 90 days."
)
@json_option
@organization_option
def show(org: str | None, *, ended: bool, as_json: bool) -> None:
    """List the active tokens, one on each line; the first line names the columns, which tabs separate."""
    with existing_database(read_settings()) as database:
        actor = operator_of(database, org)
        now, tokens = database.now(), list(every_token(database, actor, ended=ended))
    rows = (
        (
            str(token.id),
            f"{token.hint}…",
            state_of(token, now),
            moment(token.created_at),
            moment(token.expires_at),
            moment(token.last_used_at),
            "operator" if token.user_id is None else str(token.user_id),
            ["all"] if token.scopes == ALL_SCOPES else sorted(scope.value for scope in token.scopes),
            token.name,
        )
        for token in tokens
    )
    print_list(COLUMNS, rows, as_json=as_json)


@command.command(epilog="Example:  kalends token revoke tok_0ca9502e209288f4")
@click.argument("token_id")
@organization_option
def revoke(token_id: str, org: str | None) -> None:
    """Revoke the token with the id TOKEN_ID (see `kalends token list`). All processes refuse it within a second."""
    try:
        found = TokenId(read_id(TokenId, token_id))
    except BadValue as error:
        raise click.BadParameter(str(error), param_hint="TOKEN_ID") from error
    with existing_database(read_settings()) as database:
        actor = operator_of(database, org)
        database.write(lambda tx: revoke_token(tx, actor, found))
    click.echo(f"Revoked {found}.", err=True)


def every_token(database: Database, actor: Actor, *, ended: bool) -> Iterator[Token]:
    """Return all tokens of an organization, read page by page."""
    key: int | None = None
    while True:
        page = database.read(lambda tx, after=key: list_tokens(tx, actor, PAGE, ended=ended, after=after))
        yield from page.items
        key = page.next_key
        if key is None:
            return


def lifetime_of(text: str | None) -> int | None:
    """Return how long a token lasts, in microseconds. Raise BadParameter."""
    if text is None:
        return None
    found = LIFETIME.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise click.BadParameter("must be a number followed by m, h or d, such as 30d", param_hint="--expires")
    return int(found[1]) * UNITS[found[2]]


def person_named(tx: ReadTx, operator: Actor, email: str) -> Actor:
    """Return the actor who is the user with an e-mail address. Raise BadParameter."""
    found = email_owner(tx, operator, email)
    if found is None:
        raise click.BadParameter(f"there is no user with the e-mail address {email}", param_hint="--user")
    return structs.replace(operator, user_id=UserId(found))


def state_of(token: Token, now: Instant) -> str:
    """Return the state of a token: active, expired or revoked."""
    if token.is_active(now):
        return "active"
    return "expired" if token.revoked_at is None else "revoked"


def demo_was_started() -> bool:
    """Return whether there is the folder of a demo, which may be running or was killed."""
    return any(Path(tempfile.gettempdir()).glob(f"{DEMO_FOLDER}*"))
