"""The command line: parse, call, print. Data goes to stdout, messages go to stderr.

Each command is a module of its own that is imported when it is called, so `kalends --help` answers in milliseconds.
"""

import errno
import importlib
import signal
import sys
from typing import Any

import click

from kalends import __version__
from kalends.errors import KalendsError

COMMANDS = {
    "serve": "Serve the API.",
    "demo": "Serve sample data from a temporary database, to try things out.",
    "import": "Import people and events from a JSON file.",
    "token": "Create, list and revoke tokens.",
    "org": "Create and list organizations.",
    "db": "Migrate, check, retime and back up the database.",
    "doctor": "Check a deployment and say what to fix.",
    "openapi": "Print the OpenAPI document.",
}
"""The summaries of all commands. The module of `import` is `importing`; the others have the name of their command."""


class Kalends(click.Group):
    """A group that imports the module of a command when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click asks so)
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click asks so)
        """Import a command and return it."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"kalends.cli.{'importing' if cmd_name == 'import' else cmd_name}")
        return with_help(module.command)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. An error is printed as one line on stderr, and the exit code is 1."""
        from kalends.store.zone_data import load_zone_data

        try:
            load_zone_data()
            return super().invoke(ctx)
        except KalendsError as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # the reader of the output has closed it, on which Click exits quietly
            raise click.ClickException(str(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click asks so)
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=Kalends,
    epilog="KALENDS_DATABASE_URL names the database: sqlite:///file.db (default: sqlite:///kalends.db) or postgresql://…",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="kalends")
def kalends() -> None:
    """Kalends: scheduling that never books anybody twice by accident.

    Try it:  kalends demo
    """


def with_help(command: click.Command) -> click.Command:
    """Return a command with its help text, and those of its subcommands, even under `python -OO`."""
    if sys.flags.optimize > 1:
        from kalends.rest.reference.docstrings import docstring_of

        command.help = docstring_of(command.callback) if command.callback else None
        for subcommand in getattr(command, "commands", {}).values():
            with_help(subcommand)
    return command


def main() -> None:
    """Run the command line: exit code 0 after success, 1 after an error, 2 if it was called wrongly.

    After a signal a command rolls back and cleans up before it exits, with the exit code that shells use, such as 130
    after Ctrl-C. Servers that have started handle signals themselves (see `kalends.cli.ending`).
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # `nohup` ignores SIGHUP
            signal.signal(number, exit_on_signal)
    with_help(kalends)()


SIGNALS: list[int] = []
"""Signals that were received. The exception of `exit_on_signal` is lost if a library ignores all exceptions."""


def exit_on_signal(number: int, _: object) -> None:
    """Raise SystemExit, so that the command cleans up."""
    SIGNALS.append(number)
    sys.exit(128 + number)


def exit_if_signalled() -> None:
    """Raise SystemExit if a signal was received that did not end the command."""
    if SIGNALS:
        sys.exit(128 + SIGNALS[0])
