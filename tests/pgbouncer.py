"""A real PgBouncer in front of a test's PostgreSQL, in transaction pooling mode."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.postgres import account

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
PATIENCE_S = 20
CONFIGURATION = """
[databases]
* = host={server} port={server_port} user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = {home}
listen_port = {port}
auth_type = any
pool_mode = transaction
max_client_conn = 500
default_pool_size = 20
query_wait_timeout = 10
server_round_robin = 1
{more}
"""
"""Connections of the server are taken in turn, so that a transaction seldom gets the one that the last had."""


class PgBouncer:
    """A PgBouncer process for one server, reached through a socket in its folder."""

    def __init__(self, server_url: str, **more: str) -> None:
        """Start the pooler and wait until it answers; `more` is added to its configuration."""
        assert PROGRAM is not None
        place = parse_qs(urlsplit(server_url).query)
        who = account()
        self.home = Path(tempfile.mkdtemp(prefix="kalends-pgbouncer-", dir="/tmp"))
        configuration = self.home / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(
                server=place["host"][0],
                server_port=place["port"][0],
                home=self.home,
                port=6432,
                more="\n".join(f"{name} = {value}" for name, value in more.items()),
            )
        )
        if who:
            for path in (self.home, configuration):
                os.chown(path, *who)
        self._process = subprocess.Popen(
            [PROGRAM, "--quiet", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=who.user if who else None,
            group=who.group if who else None,
            extra_groups=[] if who else None,
        )
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self._process.poll() is None, "PgBouncer has ended"
            assert time.monotonic() < deadline, "PgBouncer does not answer"
            time.sleep(0.01)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.home / ".s.PGSQL.6432")) == 0

    def url(self, server_url: str, *, named: bool = True) -> str:
        """Return the URL of a database through the pooler; `named` adds the parameter that names the pooler."""
        parts = urlsplit(server_url)
        kept = [part for part in parts.query.split("&") if part.partition("=")[0] not in ("host", "port")]
        query = "&".join([f"host={self.home}", "port=6432", *kept, *(["pooler=transaction"] if named else [])])
        return parts._replace(query=query).geturl()

    def end(self) -> None:
        """End the pooler at once, as a crash would, and remove its files."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
