"""The server: Granian and its processes, and one line on stdout when it is ready."""

import gc
import http.client
import ipaddress
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from typing import Any

import click
from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels

from kalends.app import front_of_worker
from kalends.cli.ending import EndingServer, finish_on_sigterm
from kalends.cli.open_files import allow_connections
from kalends.http.front import Front
from kalends.http.request import HEADER
from kalends.settings import Settings

HEADER_TIMEOUT_MS = 5_000
"""A client that takes longer to send its headers is disconnected, so that unfinished requests do not block others."""

LARGEST_HEAD_BYTES = 64 * 1_024

BACKLOG = 2_048
"""Connections that the system accepts before the server does."""

GARBAGE_THRESHOLD = 20_000
"""New objects between two runs of the cyclic garbage collector; the default is 700."""

SWITCH_INTERVAL_S = 0.001
"""How long a thread may keep the interpreter while others wait for it; the default is 5 ms."""

PARENT_CHECK_S = 0.5
"""The pause between two checks of a process whether its parent still exists."""

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"()": "kalends.cli.lines.LineHandler"}},
    "loggers": {
        "kalends": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "_granian": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}


def run_server(
    settings: Settings, host: str, port: int, processes: int, threads: int, print_ready: Callable[[str], None]
) -> None:
    """Serve until a signal ends it (see `EndingServer`); the database has to have the needed schema."""
    ip, port = free_address(host, port)
    server = EndingServer(
        "kalends.app",
        address=ip,
        port=port,
        interface=Interfaces.RSGI,
        runtime_mode=RuntimeModes.st,  # `mt` may not notice that all requests are finished, and then never exits
        loop=Loops.uvloop if find_spec("uvloop") else Loops.asyncio,
        http=HTTPModes.http1,
        workers=processes,
        respawn_failed_workers=True,
        websockets=False,
        backlog=BACKLOG,
        backpressure=allow_connections(),
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=LARGEST_HEAD_BYTES),
        log_level=LogLevels.warning,
        log_dictconfig=LOGGING,
    )
    address = f"http://{f'[{ip}]' if ':' in ip else ip}:{port}"
    own_id = secrets.token_hex(16)
    announcing = threading.Thread(target=announce, args=(ip, port, own_id, lambda: print_ready(address)), daemon=True)
    server.on_startup(announcing.start)  # not before: the thread would receive signals that others wait for
    server.serve_until_signal(partial(front_of_child, os.getpid(), settings, threads, own_id))


def front_of_child(parent: int, settings: Settings, threads: int, own_id: str) -> Front:
    """Return the front of a server process that exits when its parent does: an orphan would keep the port in use."""
    threading.Thread(target=exit_with_parent, args=(parent, lambda: os._exit(1)), daemon=True).start()
    finish_on_sigterm()
    log_without_thread_and_process()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    front = front_of_worker(settings, threads, own_id, at_end=logging.shutdown)
    collect_garbage_less_often()
    return front


def log_without_thread_and_process() -> None:
    """Stop looking up thread and process for each line of the log, as none names them (logging, "Optimization")."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def collect_garbage_less_often() -> None:
    """Exclude what exists at the start, such as modules and routes, from garbage collection, and run it less often.

    Requests leave hardly any reference cycles behind, and each collection delays the requests in flight.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def exit_with_parent(parent: int, end: Callable[[], object]) -> None:
    """Wait until the parent of this process has exited, then call `end`."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    end()


def free_address(host: str, port: int) -> tuple[str, int]:
    """Return the IP address of a host, and the port, or a free one for 0. Raise ClickException if it is not free."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            ip, free, *_ = probe.getsockname()
            return str(ip), int(free)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(f"cannot listen on {host} port {port}: {reason}") from error


def is_loopback(host: str) -> bool:
    """Return whether an address can only be reached from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def announce(ip: str, port: int, own_id: str, print_ready: Callable[[], None]) -> None:
    """Call `print_ready` once the server reports that it is ready. Requests with the id `own_id` are not logged."""
    there = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(ip, ip)  # noqa: S104 (compared, not bound)
    while not answers_ready(there, port, own_id):
        time.sleep(0.02)
    with suppress(OSError):  # stdout may be closed, and the server is useful all the same
        print_ready()


def answers_ready(ip: str, port: int, own_id: str) -> bool:
    """Return whether the server reports that it is ready."""
    connection = http.client.HTTPConnection(ip, port, timeout=5)
    try:
        connection.request("GET", "/health/ready", headers={HEADER: own_id})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
