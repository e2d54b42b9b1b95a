"""How many files a process may have open; each connection of a client is one."""

import resource
from contextlib import suppress

ENOUGH_FILES = 16_384
OWN_FILES = 256
"""Of them, those that are no connections of clients: databases, pipes."""


def open_files_limit() -> int:
    """Return how many files a process may have open once it has asked for as many as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH_FILES if hard == resource.RLIM_INFINITY else hard


def allow_connections() -> int:
    """Allow this process, and those that it starts, enough open files; return how many may be clients.

    Where the system says 1,024 unless asked, clients that say nothing soon shut all others out.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(open_files_limit(), ENOUGH_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # as macOS says where its kernel allows less
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if soft == resource.RLIM_INFINITY else min(soft, ENOUGH_FILES)
    return max(allowed - OWN_FILES, OWN_FILES)
