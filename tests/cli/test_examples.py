"""Every example that `--help` shows is run as it is, in a folder where what it names exists."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from kalends.actions.users import create_user
from kalends.cli import kalends
from kalends.cli.opening import OPERATOR
from kalends.drafts import UserCreate
from kalends.model import Email, TokenId
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.query import Query
from kalends.store.schema import migrate
from tests.cli.conftest import call_with
from tests.cli.test_help import all_commands
from tests.cli.test_import import VILLAGE
from tests.served import PATIENCE_S

SERVES = re.compile(r"kalends (serve|demo)\b")
PORT = re.compile(r" --port \d+|$")
REVOKED = TokenId(0x0CA9502E209288F4)


def example_of(words: tuple[str, ...]) -> str:
    """Return the example that a command shows, on one line."""
    helped = call_with()(*words, "--help").stdout
    shown = helped.partition("Example:  ")[2] or helped.partition("Try it:  ")[2]
    lines = shown.split("\n\n")[0].splitlines()
    return " ".join(line.strip() for line in lines)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a folder with a database and a schedule, in which what the examples name exists."""
    folder = tmp_path_factory.mktemp("prepared")
    database = Database(Settings(database_url=f"sqlite:///{folder / 'kalends.db'}"))
    migrate(database)
    hanna = UserCreate(name="Hanna", email=Email("hanna@example.org"))
    database.write(lambda tx: create_user(tx, OPERATOR, hanna))
    database.close()
    call_with(KALENDS_DATABASE_URL=f"sqlite:///{folder / 'kalends.db'}")("token", "create")
    database = Database(Settings(database_url=f"sqlite:///{folder / 'kalends.db'}"))
    database.write(lambda tx: tx.run(Query(sa.text("UPDATE token SET id = :id")), id=REVOKED))
    database.close()
    shutil.copy(VILLAGE, folder / "schedule.json")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("words", all_commands(kalends), ids=" ".join)
def test_the_example_of_a_command_does_what_it_says(words: tuple[str, ...], prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    example = example_of(words)
    assert example.startswith(("kalends ", "KALENDS_", "ORG=$(kalends "))
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kalends").write_text(f'#!/bin/sh\nexec {sys.executable} -m kalends "$@"\n')
    (programs / "kalends").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KALENDS_")}
    process = subprocess.Popen(
        ["/bin/sh", "-ec", PORT.sub(" --port 0", example, count=1) if SERVES.search(example) else example],
        cwd=tmp_path,
        env=environment | {"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if SERVES.search(example):
        assert process.stdout is not None
        assert any("http://127.0.0.1:" in line for line in process.stdout), "it ended before it served"
        os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    ended = (0, -signal.SIGINT) if SERVES.search(example) else (0,)  # the shell hears Ctrl-C as well
    assert process.returncode in ended, (example, said)
