"""The limit of open files of a process; each connection of a client is one."""

import resource
from contextlib import suppress

ENOUGH_FILES = 16_384
OWN_FILES = 256
"""Reserved for files that are not connections of clients, such as databases and pipes."""


def open_files_limit() -> int:
    """Return the number of files that a process may have open after it has raised its soft limit to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH_FILES if hard == resource.RLIM_INFINITY else hard


def allow_connections() -> int:
    """Raise the soft limit of this process and those that it starts; return how many clients may connect.

    With the usual default of 1,024, a few idle clients would shut out all others.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(open_files_limit(), ENOUGH_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS raises them if its kernel allows less
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if soft == resource.RLIM_INFINITY else min(soft, ENOUGH_FILES)
    return max(allowed - OWN_FILES, OWN_FILES)
