"""Checks of the files of a SQLite database: who may read them, and where they are."""

from collections.abc import Iterable, Iterator

from kalends.cli.doctor.results import CheckResult, ok, problem, warning
from kalends.store.disk import FileFacts

MEBIBYTE = 1 << 20
LITTLE_SPACE = 1_024 * MEBIBYTE
NO_SPACE = 100 * MEBIBYTE

NETWORK_FILESYSTEMS = (
    *("9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"),
    *("fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"),
)


def check_rights(files: Iterable[FileFacts]) -> Iterator[CheckResult]:
    """Check whether other users of the machine may read the database, or replace it."""
    files = list(files)
    opened = [file.path for file in files if file.mode & 0o077]
    if opened:
        yield problem("file rights", f"other users may read {', '.join(opened)}", f"run: chmod 600 {' '.join(opened)}")
    else:
        yield ok("file rights", "only the owner may read them")
    for folder in sorted({file.folder for file in files if file.folder_mode & 0o022}):
        text = f"other users may write to the folder {folder}, so they can replace the database"
        yield warning("folder rights", text, f"run: chmod go-w {folder}, or move the database to a folder of its own")


def check_disk(file: FileFacts) -> Iterator[CheckResult]:
    """Check whether there is space for growth and for a backup, on a file system that keeps locks."""
    text = f"{file.free // MEBIBYTE} MiB are free, and the database has {file.size // MEBIBYTE} MiB"
    if file.free < NO_SPACE:
        yield problem("disk space", text, "free some space: writes fail when the disk is full")
    elif file.free < max(LITTLE_SPACE, file.size):
        yield warning("disk space", text, "free some space: a backup needs as much as the database")
    else:
        yield ok("disk space", text)
    if file.filesystem in NETWORK_FILESYSTEMS:
        text = f"{file.path} is on {file.filesystem}, which may lose locks and therefore data"
        yield warning("file system", text, "move it to a local disk, or use PostgreSQL")
    else:
        yield ok("file system", file.filesystem or "unknown: this system does not report it")
