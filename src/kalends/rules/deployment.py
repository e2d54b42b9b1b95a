"""What is good, doubtful or wrong about the way Kalends is deployed, and what to do about it."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import NamedTuple

from kalends.rules.zones import release_order
from kalends.settings import Settings

MEBIBYTE = 1 << 20
SECOND = 1_000_000

LARGEST_SANE_BODY = 64 * MEBIBYTE
LITTLE_SPACE = 1_024 * MEBIBYTE
NO_SPACE = 100 * MEBIBYTE
OLDEST_POSTGRESQL = 15
CLOCKS_DIFFER = 1 * SECOND
CLOCKS_ARE_WRONG = 30 * SECOND
IDLE = 90 * 86_400 * SECOND
OLD = 365 * 86_400 * SECOND

NETWORK_FILESYSTEMS = (
    *("9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"),
    *("fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"),
)
LOOPBACK = ("127.0.0.1", "::1")


class Grade(StrEnum):
    """How much a finding matters."""

    ok = "ok"
    note = "note"
    """Nothing is wrong, and something is still to come."""
    warning = "warning"
    problem = "problem"


class Finding(NamedTuple):
    """What one check has found, and what to do about it unless all is well."""

    grade: Grade
    subject: str
    text: str
    advice: str = ""


class FileFacts(NamedTuple):
    """A database file, or one of those beside it: rights as in chmod, sizes in bytes."""

    path: str
    mode: int
    folder: str
    folder_mode: int
    size: int
    free: int
    filesystem: str


class ServerFacts(NamedTuple):
    """What a PostgreSQL server says of itself and of a connection; times in microseconds."""

    version: int
    fsync: bool
    synchronous_commit: str
    connections: int
    superuser: bool
    address: str
    encrypted: bool
    clock: int
    process: int
    promised_process: int
    """The process that answered when the connection was made, as far as whoever answered said so."""


class TokenFacts(NamedTuple):
    """How many tokens open the door, how many were idle for 90 days, and how many old ones of operators never end."""

    in_use: int
    idle: int
    endless: int


FEWEST_FILES = 4_096
"""With fewer open files, few clients are enough to shut all others out."""


def good(subject: str, text: str) -> Finding:
    """Give a finding that needs nothing done."""
    return Finding(Grade.ok, subject, text)


def warning(subject: str, text: str, advice: str) -> Finding:
    """Give a finding to think about."""
    return Finding(Grade.warning, subject, text, advice)


def note(subject: str, text: str, advice: str) -> Finding:
    """Return a finding that is no fault, such as a database that is still to be made."""
    return Finding(Grade.note, subject, text, advice)


def problem(subject: str, text: str, advice: str = "") -> Finding:
    """Give a finding that has to be mended."""
    return Finding(Grade.problem, subject, text, advice)


# ----------------------------------------------------------------------------------------------------------- settings


def check_rate_limits(settings: Settings) -> Iterator[Finding]:
    """See whether one caller could take everything."""
    for name, units in (("RATE_LIMIT", settings.rate_limit), ("ADDRESS_RATE_LIMIT", settings.address_rate_limit)):
        subject = name.lower().replace("_", " ")
        if units:
            yield good(subject, f"{units} units a minute of each process")
        else:
            yield warning(subject, "switched off", f"unset KALENDS_{name} unless a proxy limits rates")


def check_proxies(settings: Settings) -> Iterator[Finding]:
    """See whether anybody may say what address they come from."""
    four = [network for network in settings.trusted_proxies if isinstance(network, IPv4Network)]
    six = [network for network in settings.trusted_proxies if isinstance(network, IPv6Network)]
    everybody = [one for one in (*collapse_addresses(four), *collapse_addresses(six)) if one.prefixlen == 0]
    if everybody:
        text = f"all of {everybody[0]} is trusted, so that callers may choose their address"
        yield problem("trusted proxies", text, "name your proxies alone in KALENDS_TRUSTED_PROXIES")
    else:
        yield good("trusted proxies", ", ".join(map(str, settings.trusted_proxies)) or "none")


def check_bodies(settings: Settings) -> Iterator[Finding]:
    """See whether a few requests could take all the memory."""
    if settings.max_body_bytes > LARGEST_SANE_BODY:
        text = f"bodies may have {settings.max_body_bytes // MEBIBYTE} MiB, and every thread may hold one"
        yield warning("body size", text, "lower KALENDS_MAX_BODY_BYTES; no call needs more than a few MiB")
    else:
        yield good("body size", f"{settings.max_body_bytes} bytes at most")


def check_open_files(most: int) -> Iterator[Finding]:
    """Check how many files a server may have open: each connection is one."""
    if most < FEWEST_FILES:
        advice = "raise the hard limit of open files, such as by ulimit -Hn or LimitNOFILE"
        yield warning("open files", f"{most:,} at most: as many clients that say nothing shut others out", advice)
    else:
        yield good("open files", f"{most:,} at most")


def check_zone_data(release: str, folder: str, incomplete: str | None) -> Iterator[Finding]:
    """See which release of the time zone database is used, and whether there is a newer one that cannot be."""
    text = f"{release} of the IANA time zone database, from {folder}"
    if incomplete:
        text += f"; the system has {incomplete}, which lacks zones"
        yield warning("zone data", text, "install all zones (on Debian tzdata-legacy), or upgrade the package tzdata")
    else:
        yield good("zone data", text)


def check_event_times(release: str | None, target: str | None, used: str) -> Iterator[Finding]:
    """See whether the instants of events were derived with the zone data that are used."""
    newest = max(release, target, key=release_order)
    if release == target == used:
        yield good("event times", f"derived with zone data {used}")
    elif release_order(newest) > release_order(used):
        text = f"they follow zone data {newest}, newer than {used}, and kalends serve refuses to start"
        yield problem("event times", text, f"upgrade the package tzdata to {newest} or later")
    else:
        text = f"they follow zone data {release or 'of an unknown release'}, not {used}"
        yield warning("event times", text, "kalends serve moves them when it starts; or run: kalends db retime")


# ------------------------------------------------------------------------------------------------------------- SQLite


def check_rights(files: Iterable[FileFacts]) -> Iterator[Finding]:
    """See whether others may read the database, or put something else in its place."""
    files = list(files)
    opened = [file.path for file in files if file.mode & 0o077]
    if opened:
        yield problem("file rights", f"others may read {', '.join(opened)}", f"run: chmod 600 {' '.join(opened)}")
    else:
        yield good("file rights", "the owner's alone")
    for folder in sorted({file.folder for file in files if file.folder_mode & 0o022}):
        text = f"others may write to the folder {folder}, and so replace the database"
        yield warning("folder rights", text, f"run: chmod go-w {folder}, or move the database to a folder of its own")


def check_disk(file: FileFacts) -> Iterator[Finding]:
    """See whether the database has room to grow and to be copied, on a disk that keeps its locks."""
    text = f"{file.free // MEBIBYTE} MiB free where a database of {file.size // MEBIBYTE} MiB lies"
    if file.free < NO_SPACE:
        yield problem("disk space", text, "make room: writes fail when the disk is full")
    elif file.free < max(LITTLE_SPACE, file.size):
        yield warning("disk space", text, "make room: a backup needs as much as the database")
    else:
        yield good("disk space", text)
    if file.filesystem in NETWORK_FILESYSTEMS:
        text = f"{file.path} lies on {file.filesystem}, which may lose locks and with them data"
        yield warning("file system", text, "move it to a local disk, or use PostgreSQL")
    else:
        yield good("file system", file.filesystem or "of a kind that this system does not tell")


def filesystem_at(path: str, mounts: str) -> str:
    """Find the kind of file system that a whole path lies on, in a text as in /proc/mounts; nothing if it says none."""
    deepest, found = -1, ""
    for line in mounts.splitlines():
        _, place, kind, *_ = line.split(" ")
        folder = place.replace("\\040", " ").rstrip("/")
        if (path == folder or path.startswith(f"{folder}/")) and len(folder) >= deepest:
            deepest, found = len(folder), kind
    return found


# --------------------------------------------------------------------------------------------------------- PostgreSQL


def check_server(server: ServerFacts) -> Iterator[Finding]:
    """See whether the server is one that keeps what it has acknowledged."""
    major = server.version // 10_000
    if major < OLDEST_POSTGRESQL:
        yield problem("PostgreSQL", f"version {major}", f"upgrade it to {OLDEST_POSTGRESQL} or later")
    else:
        yield good("PostgreSQL", f"version {major}")
    if not server.fsync:
        yield problem("fsync", "off: a power cut destroys the database", "set fsync = on in postgresql.conf")
    else:
        yield good("fsync", "on")
    if server.synchronous_commit == "off":
        text = "off: a crash loses what callers were told is saved"
        yield problem("synchronous commit", text, "set synchronous_commit = on in postgresql.conf")
    else:
        yield good("synchronous commit", server.synchronous_commit)


def check_connection(server: ServerFacts, settings: Settings) -> Iterator[Finding]:
    """See who is connected to the server, how safely, and whether everybody finds room."""
    if server.encrypted or not server.address or server.address in LOOPBACK:
        yield good("connection", "encrypted" if server.encrypted else "within this machine")
    else:
        text = f"not encrypted on the way to {server.address}"
        yield problem("connection", text, "add sslmode=verify-full to the URL of the database")
    if server.superuser:
        text = "Kalends is connected as a superuser"
        yield warning("database role", text, "create a role that owns the database and nothing else")
    else:
        yield good("database role", "an ordinary one")
    fitting = server.connections // settings.pool_size
    text = f"the server takes {server.connections}, a process up to {settings.pool_size}: room for {fitting} processes"
    if fitting == 0:
        yield problem("connections", text, "lower KALENDS_POOL_SIZE or raise max_connections")
    elif fitting == 1:
        yield warning("connections", text, "lower KALENDS_POOL_SIZE or raise max_connections before you add a process")
    else:
        yield good("connections", text)


def check_pooler(server: ServerFacts, *, expected: bool) -> Iterator[Finding]:
    """See whether a pooler sits between, and whether Kalends knows: a pooler cannot say which process will answer."""
    found = server.process != server.promised_process
    if found and not expected:
        text, advice = "one sits in front of the server", "add pooler=transaction to the URL of the database"
        yield warning("pooler", text, f"unless it lends connections for whole sessions, {advice}")
    elif expected and not found:
        text = "the URL of the database names one, and there is none"
        yield warning("pooler", text, "take pooler=transaction out of it: each read costs two round trips more")
    else:
        yield good("pooler", "every transaction brings its settings along" if found else "none")


def check_clocks(server: ServerFacts, now: int) -> Iterator[Finding]:
    """See whether the clocks of this machine and of the server agree."""
    apart = abs(server.clock - now)
    text = f"{apart / SECOND:.1f} s between this machine and the server"
    if apart > CLOCKS_DIFFER:
        grade = Grade.problem if apart > CLOCKS_ARE_WRONG else Grade.warning
        yield Finding(grade, "clocks", text, "let both follow a time server (NTP)")
    else:
        yield good("clocks", text)


def check_tokens(facts: TokenFacts) -> Iterator[Finding]:
    """Look at tokens that nobody would miss until somebody finds them."""
    if facts.idle:
        text = f"{facts.idle} of {facts.in_use} not used for 90 days"
        yield warning("idle tokens", text, "revoke them: kalends token list, kalends token revoke")
    else:
        yield good("idle tokens", f"none of {facts.in_use}")
    if facts.endless:
        text = f"{facts.endless} of operators made over a year ago have no end"
        yield warning("old tokens", text, "replace them by some that have: kalends token create --expires 365d")
    else:
        yield good("old tokens", "none")
