"""kalends token: credentials for callers of the API."""

import secrets

import click

from kalends.actions.tokens import issue_token, revoke_token
from kalends.cli.opening import OPERATOR, existing_database, open_database, read_settings
from kalends.model import TokenId
from kalends.rest.wire import BadValue, read_id
from kalends.rules.tokens import SECRET_BYTES
from kalends.rules.zones import from_instant
from kalends.store.tokens import list_tokens

LONGEST_NAME = 200


@click.group(name="token", epilog="Example:  kalends token list")
def command() -> None:
    """Create, list and revoke tokens."""


@command.command(epilog="Example:  TOKEN=$(kalends token create --name backend)")
@click.option("--name", default="unnamed", show_default=True, help="What the token is for.")
def create(name: str) -> None:
    """Create a token and print it, alone, on stdout: it is shown this once and stored only as a hash."""
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise click.BadParameter(f"1 to {LONGEST_NAME} printable characters are needed", param_hint="--name")
    with open_database(read_settings()) as database:
        secret = secrets.token_bytes(SECRET_BYTES)
        made, text = database.write(lambda tx: issue_token(tx, OPERATOR, name, secret))
    click.echo(f"Created {made.id} ({name}). Keep the token safe; it cannot be shown again.", err=True)
    click.echo(text)


@command.command(name="list", epilog="Example:  kalends token list")
def show() -> None:
    """List all tokens: id, beginning, state, creation and name, separated by tabs."""
    with existing_database(read_settings()) as database:
        tokens = database.read(lambda tx: list_tokens(tx, OPERATOR))
    for token in tokens:
        state = "active" if token.revoked_at is None else "revoked"
        created = from_instant(token.created_at).isoformat(timespec="seconds")
        click.echo(f"{token.id}\t{token.hint}…\t{state}\t{created}\t{token.name}")


@command.command(epilog="Example:  kalends token revoke tok_0ca9502e209288f4")
@click.argument("token_id")
def revoke(token_id: str) -> None:
    """Take the token with an id (see `kalends token list`) out of use at once."""
    try:
        found = TokenId(read_id(TokenId, token_id))
    except BadValue as error:
        raise click.BadParameter(str(error), param_hint="TOKEN_ID") from error
    with existing_database(read_settings()) as database:
        database.write(lambda tx: revoke_token(tx, OPERATOR, found))
    click.echo(f"Revoked {found}.", err=True)
