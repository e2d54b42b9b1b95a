"""The files of a database and their file system."""

from pathlib import Path

import pytest

from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.disk import database_files, file_facts, filesystem_at
from kalends.store.schema import migrate


def test_all_files_of_a_database_are_seen_with_their_rights(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    assert database_files(path) == []
    database = Database(Settings(database_url=f"sqlite:///{path}"))
    migrate(database)
    database.write(lambda tx: tx.now)
    files = database_files(path)
    database.close()
    assert [file.path for file in files] == [f"{path}{ending}" for ending in ("", "-wal", "-shm", "-turn")]
    assert {file.mode for file in files} == {0o600}
    assert {file.folder for file in files} == {str(tmp_path)}
    assert files[0].size == path.stat().st_size
    assert files[0].free > 0
    path.chmod(0o644)
    tmp_path.chmod(0o777)
    assert database_files(path)[0][1:4] == (0o644, str(tmp_path), 0o777)
    tmp_path.chmod(0o700)


def test_a_link_leads_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "real.db").write_text("x")
    (tmp_path / "link.db").symlink_to("real.db")
    assert [file.path for file in database_files(tmp_path / "link.db")] == [str(tmp_path / "real.db")]


def test_the_file_system_is_reported_if_the_system_knows_it(tmp_path: Path) -> None:
    (tmp_path / "k.db").touch()
    mounts = tmp_path / "mounts"
    assert file_facts(tmp_path / "k.db", mounts).filesystem == ""
    mounts.write_text("files:/export / nfs4 rw 0 0\n")
    assert file_facts(tmp_path / "k.db", mounts).filesystem == "nfs4"


MOUNTS = """/dev/sda1 / ext4 rw 0 0
proc /proc proc rw 0 0
files:/export /data nfs4 rw 0 0
/dev/sdb1 /data/my\\040disk xfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/k.db", "ext4"),
        ("/data/k.db", "nfs4"),
        ("/database/k.db", "ext4"),
        ("/data/my disk/k.db", "xfs"),
        ("/proc", "proc"),
    ],
)
def test_the_deepest_mount_counts(path: str, kind: str) -> None:
    assert filesystem_at(path, MOUNTS) == kind


def test_without_mounts_nothing_is_known() -> None:
    assert filesystem_at("/k.db", "") == ""
