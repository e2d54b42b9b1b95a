"""Facts for `kalends doctor`: what a database engine reports about itself, and which tokens are active."""

from typing import NamedTuple

import sqlalchemy as sa

from kalends.rules.intervals import DAY
from kalends.store.database import ReadTx
from kalends.store.query import Query
from kalends.store.tokens import TOKENS_IN_USE

IDLE = 90 * DAY
OLD = 365 * DAY


class ServerFacts(NamedTuple):
    """What a PostgreSQL server reports about itself and about a connection; times in microseconds."""

    version: int
    fsync: bool
    synchronous_commit: str
    connections: int
    superuser: bool
    address: str
    encrypted: bool
    clock: int
    process: int
    backend_pid: int
    """The server process that was announced when the connection was made: a pooler's does not exist."""


class TokenFacts(NamedTuple):
    """Numbers of active tokens, of those idle for 90 days, and of operators' old ones that never expire."""

    active: int
    idle: int
    endless: int


SERVER_FACTS = Query(
    sa.text("""
SELECT
    CAST(current_setting('server_version_num') AS integer),
    current_setting('fsync') = 'on',
    current_setting('synchronous_commit'),
    CAST(current_setting('max_connections') AS integer)
        - CAST(current_setting('superuser_reserved_connections') AS integer),
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
    coalesce(host(inet_server_addr()), ''),
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
    CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint),
    pg_backend_pid()
""")
)
SQLITE_VERSION = Query(
    sa.text("SELECT sqlite_version(), group_concat(compile_options, ', ') FROM pragma_compile_options")
)


def server_facts(tx: ReadTx) -> ServerFacts:
    """Return what a PostgreSQL server reports about itself."""
    return ServerFacts._make((*tx.rows(SERVER_FACTS)[0], tx.backend_pid))


def describe_sqlite(tx: ReadTx) -> str:
    """Return the version of the SQLite library and the options that it was compiled with."""
    return ", compiled with ".join(tx.rows(SQLITE_VERSION)[0])


def token_snapshot(tx: ReadTx) -> TokenFacts:
    """Return numbers of active tokens of all organizations: for the administrator, never for callers of the API."""
    return TokenFacts(*tx.rows(TOKENS_IN_USE, now=tx.now, idle_since=tx.now - IDLE, old_since=tx.now - OLD)[0])
