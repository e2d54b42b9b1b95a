"""The command line: parse, call, print. Data goes to stdout, talk to stderr.

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
"""What each command does. Its module has the same name, but for `importing`, as `import` is a keyword of Python."""


class Kalends(click.Group):
    """A group that imports the module of a command when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click asks so)
        """Name all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click asks so)
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"kalends.cli.{'importing' if cmd_name == 'import' else cmd_name}")
        return with_help(module.command)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever goes wrong is one line on stderr and exit code 1."""
        from kalends.store.zone_data import load_zone_data

        try:
            load_zone_data()
            return super().invoke(ctx)
        except KalendsError as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # whoever read the output has enough of it, which Click ends quietly
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
    """Return a command that has its help text, and so have its subcommands, even under `python -OO`."""
    if sys.flags.optimize > 1:
        from kalends.rest.reference.docstrings import docstring_of

        command.help = docstring_of(command.callback) if command.callback else None
        for subcommand in getattr(command, "commands", {}).values():
            with_help(subcommand)
    return command


def main() -> None:
    """Run the command line: exit code 0 if all went well, 1 if not, 2 if it was called wrongly.

    A signal that ends a command lets it roll back and tidy up first; the exit code is then that of a shell, such as 130
    after Ctrl-C. Servers that have started end in a way of their own (see `kalends.cli.ending`).
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, leave)
    with_help(kalends)()


SIGNALS: list[int] = []
"""Those that have come. The exception that is to end a command is lost if it comes where a library drops all."""


def leave(number: int, _: object) -> None:
    """End a command by an exception, so that it does what it has to do in the end. Raise SystemExit."""
    SIGNALS.append(number)
    sys.exit(128 + number)


def leave_if_told() -> None:
    """Raise SystemExit if a signal has come that did not end the command."""
    if SIGNALS:
        sys.exit(128 + SIGNALS[0])
