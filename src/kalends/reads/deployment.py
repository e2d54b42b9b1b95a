"""Reading what a database engine says of itself, and what is in use without need."""

import sqlalchemy as sa

from kalends.rules.deployment import IDLE, OLD, ServerFacts, TokenFacts
from kalends.store.database import ReadTx
from kalends.store.query import Query
from kalends.store.tokens import TOKENS_IN_USE

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
    """Ask a PostgreSQL server about itself."""
    return ServerFacts._make((*tx.rows(SERVER_FACTS)[0], tx.promised_process))


def describe_sqlite(tx: ReadTx) -> str:
    """Return the version of the SQLite library and the options that it was compiled with."""
    return ", compiled with ".join(tx.rows(SQLITE_VERSION)[0])


def token_snapshot(tx: ReadTx) -> TokenFacts:
    """Count the tokens of all organizations that open the door: for who runs the service, never for a caller of it."""
    return TokenFacts(*tx.rows(TOKENS_IN_USE, now=tx.now, idle_since=tx.now - IDLE, old_since=tx.now - OLD)[0])
