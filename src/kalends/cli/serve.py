"""kalends serve: the API, for real."""

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
    help="Address to listen on. By default only this machine reaches it; 0.0.0.0 lets others in.",
)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True, help="Port; 0 takes a free one."
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Server processes; on SQLite one is fastest.",
)
@click.option("--threads", type=click.IntRange(1, 256), default=4, show_default=True, help="Threads of each process.")
def command(host: str, port: int, processes: int, threads: int) -> None:
    """Serve the API of the database that KALENDS_DATABASE_URL names, migrating it first if it is empty or older.

    If its events follow older zone data, they are moved to their wall-clock times first, as by `kalends db retime`.
    Prints one line on stdout when it is ready, and a line of JSON for each request on stderr.

    Ctrl-C or SIGTERM ends it with exit code 0 when the requests in flight are finished, which may take 20 s; Ctrl-C
    again ends it at once, with exit code 130.
    """
    settings = read_settings()
    with open_database(settings) as database:
        if not is_loopback(host) and database.read(is_demo):
            raise BadSetting("KALENDS_DATABASE_URL", f"the data of the demo is served on loopback only, not on {host}")
        retime_if_needed(database, partial(click.echo, err=True))
    release = load_zone_data().release

    def say_ready(address: str) -> None:
        click.echo(f"Kalends serves at {address} with zone data {release}")

    run_server(settings, host, port, processes, threads, say_ready)
