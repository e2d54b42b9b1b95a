"""Help texts: for every command, fast, and without a database."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress

import click
import pytest

from kalends import __version__, cli
from kalends.cli import kalends
from tests.cli.conftest import call_with, one_line
from tests.served import KALENDS, command, run

SLOW = {"alembic", "falcon", "granian", "httpx", "jinja2", "psycopg", "rich", "sqlalchemy"}


def all_commands(group: click.Group, *path: str) -> list[tuple[str, ...]]:
    """Return the words of every command in a group, and of the group."""
    found = [path]
    for name in group.list_commands(click.Context(group)):
        inner = group.get_command(click.Context(group), name)
        found += all_commands(inner, *path, name) if isinstance(inner, click.Group) else [(*path, name)]
    return found


@pytest.mark.parametrize("words", all_commands(kalends), ids=" ".join)
def test_every_command_explains_itself_with_an_example_and_needs_no_database(words):
    helped = call_with(KALENDS_DATABASE_URL="nowhere://")(*words, "--help")
    assert "Example:  " in helped.stdout or "Try it:  " in helped.stdout
    assert " ".join(("kalends", *words)) in " ".join(helped.stdout.split())
    assert helped.stderr == ""


def test_help_imports_nothing_slow(tmp_path):
    script = (
        "import sys\nfrom kalends.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = command(tmp_path, [sys.executable, "-c", script, "--help"], {})
    assert "demo" in done.stdout
    loaded = set(done.stderr.split())
    assert "click" in loaded
    assert not loaded & SLOW


def test_a_server_on_sqlite_loads_no_driver_for_postgresql_and_nothing_that_only_migrates(tmp_path):
    script = (
        "import sys\nimport kalends.cli.serve\nfrom kalends.app import front_of_worker\n"
        "from kalends.settings import Settings\nsettings = Settings(database_url='sqlite:///new.db')\n"
        "front_of_worker(settings, 4, '', print)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    loaded = set(command(tmp_path, [sys.executable, "-c", script], {}).stderr.split())
    assert "falcon" in loaded
    assert not loaded & {"alembic", "psycopg"}


@pytest.mark.slow
@pytest.mark.measured
@pytest.mark.parametrize("words", [(), ("token", "create")], ids=" ".join)
def test_help_is_the_same_where_python_leaves_docstrings_out(tmp_path, words):
    with_docstrings, without = (
        command(tmp_path, [sys.executable, *flags, "-m", "kalends", *words, "--help"], {}).stdout
        for flags in ((), ("-OO",))
    )
    assert without == with_docstrings


def test_a_signal_ends_a_command_with_the_code_of_a_shell(monkeypatch):
    monkeypatch.setattr(cli, "SIGNALS", [])
    cli.exit_if_signalled()
    for end in (lambda: cli.exit_on_signal(signal.SIGINT, None), cli.exit_if_signalled):
        with pytest.raises(SystemExit) as left:
            end()
        assert left.value.code == 130


def test_the_version_is_printed(tmp_path):
    assert call_with()("--version").stdout == f"kalends, version {__version__}\n"
    assert run(tmp_path, "--version").stdout == f"kalends, version {__version__}\n"


def test_a_usage_error_exits_with_2():
    assert "No such command 'bogus'" in call_with()("bogus", code=2).stderr
    assert "Missing argument" in call_with()("token", "revoke", code=2).stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("POOL_SIZE", "many"), ("POOL_SIZE", "0"), ("BUSY_TIMEOUT_MS", ""), ("MAX_BODY_BYTES", "-1"), ("POOL_SIZE", "٣")],
)
@pytest.mark.parametrize("words", [("serve",), ("demo",), ("token", "list"), ("db", "check")], ids=" ".join)
def test_an_invalid_setting_is_named(words, name, value):
    said = one_line(call_with(**{f"KALENDS_{name}": value})(*words, code=1))
    assert said == f"Error: KALENDS_{name} is not usable: it must be a whole number of at least 1, not {value!r}."


@pytest.mark.parametrize(
    "url", ["mysql://localhost/x", "", "kalends.db", "sqlite://", "sqlite:///", "sqlite:///:memory:"]
)
@pytest.mark.parametrize("words", [("serve",), ("token", "create"), ("db", "migrate"), ("db", "check")], ids=" ".join)
def test_an_invalid_database_url_is_refused(words, url):
    said = one_line(call_with(KALENDS_DATABASE_URL=url)(*words, code=1))
    assert said.startswith("Error: KALENDS_DATABASE_URL is not usable: ")


def test_a_url_with_a_password_is_not_repeated():
    said = one_line(
        call_with(KALENDS_DATABASE_URL="postgresql://me:secret@localhost/x?nonsense=1")("db", "check", code=1)
    )
    assert said.startswith("Error: KALENDS_DATABASE_URL is not usable: ")
    assert "secret" not in said


def test_a_database_server_that_is_not_there_is_named_with_the_reason():
    call = call_with(
        KALENDS_DATABASE_URL="postgresql://me:secret@127.0.0.1:1/x?connect_timeout=1", KALENDS_BUSY_TIMEOUT_MS="300"
    )
    for words in (("db", "migrate"), ("db", "check")):
        said = one_line(call(*words, code=1))
        assert "Connection refused" in said
        assert "Nothing was changed" in said
        assert "secret" not in said


@pytest.mark.parametrize("content", [None, b"not a database at all\n" * 100])
def test_a_file_that_is_no_database_is_refused(tmp_path, content):
    path = tmp_path / "odd.db"
    path.mkdir() if content is None else path.write_bytes(content)
    for words in (("db", "migrate"), ("db", "check"), ("token", "list"), ("serve",)):
        said = one_line(call_with(KALENDS_DATABASE_URL=f"sqlite:///{path}")(*words, code=1))
        assert said.startswith("Error: SQLite reports: ")


@pytest.mark.parametrize("words", [("db", "check"), ("db", "backup", "copy.db"), ("token", "list")], ids=" ".join)
def test_reading_commands_create_no_database(tmp_path, words):
    path = tmp_path / "mistyped.db"
    said = one_line(call_with(KALENDS_DATABASE_URL=f"sqlite:///{path}")(*words, code=1))
    assert f"there is no file {path}" in said
    assert not list(tmp_path.iterdir())


def test_a_command_whose_output_is_closed_early_ends_quietly(tmp_path):
    done = command(tmp_path, ["/bin/sh", "-c", f"{KALENDS[0]} -m kalends openapi | head -c 1"], {})
    assert (done.stdout, done.stderr) == ("{", "")


@contextmanager
def output_to(file: int) -> Iterator[None]:
    """Redirect the output of commands in this process to a file descriptor."""
    stream = os.fdopen(file, "w")
    with redirect_stdout(stream), redirect_stderr(io.StringIO()):  # Click exchanges both
        yield
    with suppress(OSError):
        stream.close()


def test_an_unwritable_output_is_an_error_and_a_closed_one_exits_with_1():
    reader, writer = os.pipe()
    os.close(reader)
    with output_to(writer), pytest.raises(SystemExit) as end:
        kalends.main(["openapi"], standalone_mode=False)
    assert end.value.code == 1
    reader, writer = os.pipe()
    with output_to(reader), pytest.raises(click.ClickException, match="Bad file descriptor"):
        kalends.main(["openapi"], standalone_mode=False)
    os.close(writer)
