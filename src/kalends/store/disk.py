"""Where a SQLite database lies: rights, room and file system."""

import shutil
import stat
from pathlib import Path

from kalends.rules.deployment import FileFacts, filesystem_at

BESIDE = ("", "-wal", "-shm", "-turn")
"""What follows the name of the database in the names of its files."""

MOUNTS = Path("/proc/mounts")


def database_files(path: Path) -> list[FileFacts]:
    """Look at the files of a database, first the database itself; none if it is not there."""
    whole = path.resolve()
    return [file_facts(one) for ending in BESIDE if (one := whole.with_name(whole.name + ending)).exists()]


def file_facts(path: Path, mounts: Path = MOUNTS) -> FileFacts:
    """Look at a file."""
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
