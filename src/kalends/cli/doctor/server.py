"""Checks of a PostgreSQL server and of the connection to it."""

from collections.abc import Iterator

from kalends.cli.doctor.results import CheckResult, Severity, ok, problem, warning
from kalends.reads.deployment import ServerFacts
from kalends.settings import Settings

SECOND = 1_000_000
OLDEST_POSTGRESQL = 15
CLOCKS_DIFFER = 1 * SECOND
CLOCKS_ARE_WRONG = 30 * SECOND
LOOPBACK = ("127.0.0.1", "::1")


def check_server(server: ServerFacts) -> Iterator[CheckResult]:
    """Check whether the server is supported, and keeps all changes that it has acknowledged."""
    major = server.version // 10_000
    if major < OLDEST_POSTGRESQL:
        yield problem("PostgreSQL", f"version {major}", f"upgrade it to {OLDEST_POSTGRESQL} or later")
    else:
        yield ok("PostgreSQL", f"version {major}")
    if not server.fsync:
        yield problem("fsync", "off, so a power cut can destroy the database", "set fsync = on in postgresql.conf")
    else:
        yield ok("fsync", "on")
    if server.synchronous_commit == "off":
        text = "off, so a crash loses changes that were acknowledged"
        yield problem("synchronous commit", text, "set synchronous_commit = on in postgresql.conf")
    else:
        yield ok("synchronous commit", server.synchronous_commit)


def check_connection(server: ServerFacts, settings: Settings) -> Iterator[CheckResult]:
    """Check encryption, rights and the number of connections."""
    if server.encrypted or not server.address or server.address in LOOPBACK:
        yield ok("connection", "encrypted" if server.encrypted else "within this machine")
    else:
        text = f"not encrypted between this machine and {server.address}"
        yield problem("connection", text, "add sslmode=verify-full to the URL of the database")
    if server.superuser:
        text = "Kalends is connected as a superuser"
        yield warning("database role", text, "create a role that owns the database and nothing else")
    else:
        yield ok("database role", "not a superuser")
    each, fitting = settings.pool_size, server.connections // settings.pool_size
    text = f"the server allows {server.connections}, a process uses up to {each}: enough for {fitting} processes"
    if fitting == 0:
        yield problem("connections", text, "lower KALENDS_POOL_SIZE or raise max_connections")
    elif fitting == 1:
        yield warning("connections", text, "lower KALENDS_POOL_SIZE or raise max_connections before you add a process")
    else:
        yield ok("connections", text)


def check_pooler(server: ServerFacts, *, expected: bool) -> Iterator[CheckResult]:
    """Check for a pooler that the URL does not name: behind one, a different process answers than the announced one."""
    found = server.process != server.backend_pid
    if found and not expected:
        text, advice = "there is one in front of the server", "add pooler=transaction to the URL of the database"
        yield warning("pooler", text, f"{advice}, unless it pools whole sessions")
    elif expected and not found:
        text = "the URL of the database names one, but there is none"
        yield warning("pooler", text, "remove pooler=transaction from it: each read costs two more round trips")
    else:
        yield ok("pooler", "each transaction sets its own settings" if found else "none")


def check_clocks(server: ServerFacts, now: int) -> Iterator[CheckResult]:
    """Check whether the clocks of this machine and of the server agree."""
    apart = abs(server.clock - now)
    text = f"those of this machine and the server differ by {apart / SECOND:.1f} s"
    if apart > CLOCKS_DIFFER:
        severity = Severity.problem if apart > CLOCKS_ARE_WRONG else Severity.warning
        yield CheckResult(severity, "clocks", text, "synchronize both with a time server (NTP)")
    else:
        yield ok("clocks", text)
