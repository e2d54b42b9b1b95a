"""The files of a SQLite database: permissions, space and file system."""

import shutil
import stat
from pathlib import Path
from typing import NamedTuple

BESIDE = ("", "-wal", "-shm", "-turn")
"""Suffixes to the name of the database in the names of its files."""

MOUNTS = Path("/proc/mounts")


class FileFacts(NamedTuple):
    """Facts about a database file or a file beside it: modes as in chmod, sizes in bytes."""

    path: str
    mode: int
    folder: str
    folder_mode: int
    size: int
    free: int
    filesystem: str


def database_files(path: Path) -> list[FileFacts]:
    """Return the facts of the files of a database, itself first; none if it does not exist."""
    whole = path.resolve()
    return [file_facts(one) for ending in BESIDE if (one := whole.with_name(whole.name + ending)).exists()]


def file_facts(path: Path, mounts: Path = MOUNTS) -> FileFacts:
    """Return the facts of a file."""
    folder = path.parent
    return FileFacts(
        path=str(path),
        mode=stat.S_IMODE(path.stat().st_mode),
        folder=str(folder),
        folder_mode=stat.S_IMODE(folder.stat().st_mode),
        size=path.stat().st_size,
        free=shutil.disk_usage(folder).free,
        filesystem=filesystem_at(str(path), mounts.read_text(errors="replace")) if mounts.exists() else "",
    )


def filesystem_at(path: str, mounts: str) -> str:
    """Return the type of the file system of an absolute path, from text as in /proc/mounts; "" if it is unknown."""
    deepest, found = -1, ""
    for line in mounts.splitlines():
        _, place, kind, *_ = line.split(" ")
        folder = place.replace("\\040", " ").rstrip("/")
        if (path == folder or path.startswith(f"{folder}/")) and len(folder) >= deepest:
            deepest, found = len(folder), kind
    return found
