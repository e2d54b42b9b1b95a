"""kalends serve: serve the API."""

from functools import partial

import click

from kalends.cli.opening import open_database, read_settings
from kalends.cli.retiming import retime_if_needed
from kalends.cli.serving import is_loopback, run_server
from kalends.errors import BadSetting
from kalends.store.organizations import is_demo
from kalends.store.zone_data import load_zone_data


@click.command(name="serve", epilog="Example:  KALENDS_DATABASE_URL=sqlite:///team.db kalends serve --port 8000")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. By default only this machine can reach it; 0.0.0.0 accepts connections from others.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8_000,
    show_default=True,
    help="Port to listen on; 0 chooses a free one.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of server processes. On SQLite, one is fastest.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    default=2,
    show_default=True,
    help="Number of threads of each process that read. Twice as many write, and three are for heavy requests.",
)
def command(host: str, port: int, processes: int, threads: int) -> None:
    """Serve the API with the database that KALENDS_DATABASE_URL names.

    Before it serves, it migrates a database that is empty or has an older schema, and updates events that were stored
    with older zone data, as `kalends db retime` does. A SQLite file that was lost is an error: it
    is not replaced by a new one. It prints one line on stdout when it is ready, and one line of JSON on stderr for each
    request.

    Ctrl-C or SIGTERM ends it: requests in flight are finished first, for at most 20 s, and the exit code is 0. A second
    Ctrl-C ends it at once, with exit code 130.
    """
    settings = read_settings()
    with open_database(settings) as database:
        if not is_loopback(host) and database.read(is_demo):
            raise BadSetting(
                "KALENDS_DATABASE_URL", f"the demo's data can only be served on loopback addresses, not on {host}"
            )
        retime_if_needed(database, partial(click.echo, err=True))
    release = load_zone_data().release

    def print_ready(address: str) -> None:
        click.echo(f"Kalends serves at {address} with zone data {release}")

    run_server(settings, host, port, processes, threads, print_ready)
