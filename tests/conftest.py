"""Fixtures for all tests: both engines, a clock that can be set, and a cast for every test."""

import gc
import importlib
import itertools
import os
import pkgutil
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import coverage
import httpx
import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

import kalends
from kalends.actions.tokens import issue_token
from kalends.app import build_app
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.zone_data import load_zone_data
from tests.api import client
from tests.cast import Cast, assemble
from tests.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.pgbouncer import PROGRAM
from tests.postgres import start_postgres

load_zone_data()

settings.register_profile(
    "kalends",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize="CI" in os.environ,  # the same cases on every run that decides; at a desk, new ones each time
)
settings.load_profile("kalends")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as shells have it for what they run in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # servers of tests inherit it, and have to hear Ctrl-C
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # as `nohup` has it
    signal.signal(signal.SIGHUP, lambda *_: None)  # what a test starts has the default again, and this goes on

HOME = Path(__file__).parents[1]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else all that tests start would compile the package anew
os.environ["COVERAGE_SOURCE"] = str(HOME / "src" / "kalends")
os.environ["COVERAGE_FILE"] = str(HOME / ".coverage")
"""Server processes that are forked in another folder read the settings of coverage anew (see pyproject.toml)."""

ENGINES = ("sqlite", "postgresql")
MEMORY = Path("/dev/shm")


def pytest_report_header() -> str:
    """Return a header line if the tests behind a transaction pooler are left out."""
    return f"PgBouncer: {PROGRAM or 'not installed, tests through a transaction pooler are left out (tests/pooler)'}"


POSTGRESQL_FIXTURES = {"postgres_url", "postgresql_database", "postgresql_databases"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that need a PostgreSQL server."""
    for item in items:
        if isinstance(item, pytest.Function):
            engine = item.callspec.params.get("engine") if hasattr(item, "callspec") else None
            asked_for = POSTGRESQL_FIXTURES & {*item.fixturenames} | {"postgresql", "pooler"} & {*item.path.parts}
            if engine == "postgresql" or asked_for:
                item.add_marker(pytest.mark.postgresql)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """Measure coverage only in tests that count towards it: the others take half as long without."""
    with nullcontext() if is_measured(item) else not_measured():
        return (yield)


def is_measured(item: pytest.Item) -> bool:
    """Return whether coverage is measured in a test: in those marked as `measured`, and in most that are quick.

    What random cases run is chance, and what holds the whole of a layer above the store together is measured on SQLite
    alone.
    """
    if item.get_closest_marker("measured"):
        return True
    folders = {*item.path.relative_to(HOME).parts}
    chance = isinstance(item, pytest.Function) and is_hypothesis_test(item.obj)
    again = item.get_closest_marker("postgresql") and {"rest", "reads", "house"} & folders
    return not (chance or again or item.get_closest_marker("slow") or item.get_closest_marker("unmeasured"))


@contextmanager
def not_measured() -> Iterator[None]:
    """Suspend coverage; a process of pytest-xdist is measured twice, by pytest-cov and as a process."""
    stopped: list[coverage.Coverage] = []
    processes = os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    while measuring := coverage.Coverage.current():
        measuring.stop()
        stopped.append(measuring)
    try:
        yield
    finally:
        for measuring in reversed(stopped):
            measuring.start()
        if processes is not None:
            os.environ["COVERAGE_PROCESS_CONFIG"] = processes


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """Load the whole package before tests are collected, so that coverage measures definitions once.

    What is there before the tests is no garbage, and looking for some less often saves a thirtieth of their time.
    """
    gc.disable()
    if coverage.Coverage.current():
        load_all_modules()
    with not_measured():
        result = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000)
    return result


def load_all_modules() -> None:
    """Load all modules of the package except migrations, which Alembic loads, and programs."""
    for module in pkgutil.walk_packages(kalends.__path__, "kalends."):
        if not module.name.startswith("kalends.store.migrations.") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


class Clock:
    """A clock in nanoseconds since 1970 that shows the real time until a test sets it."""

    def __init__(self) -> None:
        self.frozen_at: int | None = None

    def __call__(self) -> int:
        return time.time_ns() if self.frozen_at is None else self.frozen_at

    def set_to(self, instant: int) -> None:
        """Set the clock to an instant, in microseconds since 1970, where it stops."""
        self.frozen_at = instant * 1_000


@pytest.fixture(scope="session")
def session_clock() -> Clock:
    return Clock()


@pytest.fixture
def clock(session_clock: Clock) -> Iterator[Clock]:
    """Yield a clock that shows the real time until the test sets it."""
    yield session_clock
    session_clock.frozen_at = None


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a folder for temporary databases: in memory if there is room, since a disk is much slower."""
    if not has_room(MEMORY):
        yield tmp_path_factory.mktemp("scratch")
        return
    with TemporaryDirectory(prefix="kalends-tests-", dir=MEMORY) as folder:
        Path(folder).chmod(0o755)  # so that PostgreSQL's own account gets through
        yield Path(folder)


def has_room(folder: Path) -> bool:
    """Return whether there is such a folder with room for gigabytes, in which programs may be run."""
    if not folder.exists():
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize > 4 << 30 and not found.f_flag & os.ST_NOEXEC


@pytest.fixture(scope="session")
def postgres_url(scratch: Path) -> Iterator[str]:
    """Yield the URL of the maintenance database of this test process's PostgreSQL server."""
    url, stop = start_postgres(scratch / "postgres")
    yield url
    stop()


@pytest.fixture(params=ENGINES, scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """Return the name of the engine; every test that takes a database runs once on each."""
    return request.param


@pytest.fixture(scope="session")
def sqlite_databases(scratch: Path) -> Databases:
    folder = scratch / "sqlite"
    folder.mkdir()
    return SqliteDatabases(folder)


@pytest.fixture(scope="session")
def postgresql_databases(postgres_url: str) -> Databases:
    return PostgresDatabases(postgres_url)


@pytest.fixture(scope="session")
def databases(engine: str, request: pytest.FixtureRequest) -> Databases:
    """Return the new databases of the engine, for tests that need several, or one that outlives a test."""
    return request.getfixturevalue(f"{engine}_databases")


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """Yield the URL of an empty database for this test alone."""
    with databases.empty() as url:
        yield url


@pytest.fixture
def empty_urls(databases: Databases) -> Iterator[Iterator[str]]:
    """Yield a function that returns the URLs of as many empty databases as this test needs."""
    with ExitStack() as stack:
        yield (stack.enter_context(databases.empty()) for _ in itertools.count())


@pytest.fixture
def migrated_url(databases: Databases) -> Iterator[str]:
    """Yield the URL of a migrated database without rows, for this test alone."""
    with databases.migrated() as url:
        yield url


@contextmanager
def shared_by_all(databases: Databases, clock: Clock) -> Iterator[Database]:
    """Open a migrated database that tests share, each with its own organization, without a limit for reads."""
    with databases.migrated() as url:
        shared = Database(Settings(database_url=url, pool_size=16, read_timeout_ms=0), clock)
        yield shared
        shared.close()


@pytest.fixture(scope="session")
def sqlite_database(sqlite_databases: Databases, session_clock: Clock) -> Iterator[Database]:
    with shared_by_all(sqlite_databases, session_clock) as database:
        yield database


@pytest.fixture(scope="session")
def postgresql_database(postgresql_databases: Databases, session_clock: Clock) -> Iterator[Database]:
    with shared_by_all(postgresql_databases, session_clock) as database:
        yield database


@pytest.fixture(scope="session")
def database(engine: str, request: pytest.FixtureRequest) -> Database:
    """Return the database of the engine that tests share."""
    return request.getfixturevalue(f"{engine}_database")


@pytest.fixture
def cast(database: Database) -> Cast:
    """Create a host, a guest and a stranger in an organization that no other test sees."""
    return assemble(database)


def app_over(database: Database) -> Any:
    """Create the application for a database, as a server would call it."""
    return build_app(database, Settings(token_cache_ms=0, rate_limit=0, address_rate_limit=0))


@pytest.fixture(scope="session")
def app(database: Database) -> Any:
    return app_over(database)


@pytest.fixture
def token(cast: Cast) -> str:
    """Create a token of the cast's organization."""
    return cast.do(issue_token, "of a test", secrets.token_bytes(20))[1]


@pytest.fixture
def api(app: Any, token: str) -> Iterator[httpx.Client]:
    """Yield a client with the token of the cast's organization."""
    with client(app, token) as connected:
        yield connected


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data beside the project; a test that needs it also runs on the project's fixtures."""
    return Path(__file__).parent.parent.parent / "shared" / "data"
