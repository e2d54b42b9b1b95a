"""kalends demo: sample data in a temporary database, deleted when the demo ends."""

import secrets
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec import structs

from kalends.actions.tokens import issue_token
from kalends.cli.opening import DEMO_FOLDER, OPERATOR, open_database, read_settings
from kalends.cli.sample import add_sample
from kalends.cli.serving import free_address, is_loopback, run_server
from kalends.model import UserId
from kalends.rules.tokens import SECRET_BYTES
from kalends.store.organizations import mark_as_demo

READY = """\
{address}/

Kalends serves a sample organization there. Its operator token:
{token}

Try it:
  curl -H 'Authorization: Bearer {token}' '{address}/v1/events?user_id={user}&expand=participants&limit=2'

Reference: {address}/docs
Ctrl-C ends it and deletes everything.
"""

USUAL_PORT = 8_000


@click.command(name="demo", epilog="Example:  kalends demo --port 8080")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on. It has to be a loopback address."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    show_default=f"{USUAL_PORT}, or a free one if that is in use",
    help="Port to listen on; 0 chooses a free one.",
)
def command(host: str, port: int | None) -> None:
    """Serve the sample data of a small organization from a temporary database, and print a token to use.

    Only this machine reaches it. When it ends, it deletes the database.
    """
    if not is_loopback(host):
        raise click.BadParameter(
            "the demo listens on loopback addresses only; use 127.0.0.1 or ::1", param_hint="--host"
        )
    if port is None:
        port = usual_or_free_port(host)
    with tempfile.TemporaryDirectory(prefix=DEMO_FOLDER) as folder:
        settings = structs.replace(read_settings(), database_url=f"sqlite:///{Path(folder) / 'demo.db'}")
        with open_database(settings) as database:
            database.write(mark_as_demo)
            secret = secrets.token_bytes(SECRET_BYTES)
            _, token = database.write(lambda tx: issue_token(tx, OPERATOR, "demo", secret))
            today = datetime.fromtimestamp(time.time(), UTC).date()
            user = UserId(database.write(lambda tx: add_sample(tx, OPERATOR, today)))
        run_server(
            settings,
            host,
            port,
            1,
            2,
            lambda address: click.echo(READY.format(address=address, token=token, user=user)),
        )


def usual_or_free_port(host: str) -> int:
    """Return the usual port, or print that it is in use and return 0, which means a free one."""
    try:
        free_address(host, USUAL_PORT)
    except click.ClickException:
        click.echo(f"Port {USUAL_PORT} is in use, so the demo uses a free one (--port chooses another).", err=True)
        return 0
    return USUAL_PORT
