"""Several processes that commit to one SQLite file while others reset its log lose nothing.

Before SQLite 3.51.3 a checkpoint and another connection's commit at the same moment could, very rarely, lose commits
("WAL-reset bug", sqlite.org/wal.html). KALENDS_TEST_COMMITS says how many commits each process makes.
"""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw

COMMITS = int(os.environ.get("KALENDS_TEST_COMMITS", "400"))
PROCESSES = 4

WRITER = """
import sys
import apsw

path, me, commits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
connection = apsw.Connection(path)
connection.set_busy_timeout(30_000)
connection.execute("PRAGMA synchronous = FULL")
connection.execute(f"PRAGMA wal_autocheckpoint = {me % 2}")
for number in range(commits):
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO ledger VALUES (?, ?, ?)", (me, number, "x" * 200))
    connection.execute("COMMIT")
    if me % 2 == 0 and number % 3 == 0:
        mode = ("PASSIVE", "FULL", "RESTART", "TRUNCATE")[number // 3 % 4]
        try:
            connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        except apsw.BusyError:
            pass
"""


def test_commits_beside_checkpoints_of_other_processes_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE ledger (process, number, filling, PRIMARY KEY (process, number))")
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(me), str(COMMITS)]) for me in range(PROCESSES)
    ]
    assert [writer.wait() for writer in writers] == [0] * PROCESSES
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("SELECT process, count(*) FROM ledger GROUP BY process").fetchall() == [
            (me, COMMITS) for me in range(PROCESSES)
        ]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
