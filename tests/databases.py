"""New databases of both engines, each dropped after its test."""

import itertools
import resource
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.private_files import create_private
from kalends.store.schema import migrate
from tests.postgres import create_database


class Databases(ABC):
    """New databases of one engine: empty ones, and copies of one migrated database."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """Yield the URL of an empty database."""
        url = self._create(next(self._numbers))
        try:
            yield url
        finally:
            self._drop(url)

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """Yield the URL of a database with all tables and only the rows that the migrations create."""
        url = self._copy(self._template, next(self._numbers))
        try:
            yield url
        finally:
            self._drop(url)

    @cached_property
    def _template(self) -> str:
        url = self._create(0)
        database = Database(Settings(database_url=url))
        migrate(database)
        database.close()
        return url

    @abstractmethod
    def refusing_writes(self, url: str) -> AbstractContextManager[None]:
        """Make new connections read-only within the block."""

    @abstractmethod
    def _create(self, number: int) -> str: ...

    @abstractmethod
    def _copy(self, url: str, number: int) -> str: ...

    @abstractmethod
    def _drop(self, url: str) -> None: ...


class SqliteDatabases(Databases):
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def _create(self, number: int) -> str:
        path = self._folder / f"{number}.db"
        create_private(path)
        return f"sqlite:///{path}"

    def _copy(self, url: str, number: int) -> str:
        copy = self._create(number)
        shutil.copy(_file_of(url), _file_of(copy))
        return copy

    def refusing_writes(self, url: str) -> AbstractContextManager[None]:
        return full_disk(_file_of(url))

    def _drop(self, url: str) -> None:
        for file in self._folder.glob(f"{_file_of(url).name}*"):
            file.unlink()


class PostgresDatabases(Databases):
    """Databases of one server, by the URL of its maintenance database."""

    def __init__(self, server: str) -> None:
        super().__init__()
        self._server = server

    def _create(self, number: int) -> str:
        return create_database(self._server, _name(number))

    def _copy(self, url: str, number: int) -> str:
        return create_database(self._server, _name(number), template=urlsplit(url).path[1:])

    @contextmanager
    def refusing_writes(self, url: str) -> Iterator[None]:
        change = "ALTER DATABASE {} SET default_transaction_read_only = {}"
        name = sql.Identifier(urlsplit(url).path[1:])
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(sql.SQL(change).format(name, "on"))
            yield
            connection.execute(sql.SQL(change).format(name, "off"))

    def _drop(self, url: str) -> None:
        name = sql.Identifier(urlsplit(url).path[1:])
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Keep files of this process from growing beyond the log of a SQLite database, as a full disk does."""
    usual, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(f"{path.name}-wal").stat().st_size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (usual, most))


def _file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _name(number: int) -> str:
    return f"kalends_{number}"
