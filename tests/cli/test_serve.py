"""Real servers: processes that are started, called over TCP, and stopped."""

import json
import os
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import click
import httpx
import pytest

from kalends.cli.serving import answers_ready, exit_with_parent, free_address
from kalends.store.zone_data import load_zone_data
from tests.cli.conftest import on_postgresql, on_sqlite, one_line
from tests.served import PATIENCE_S, Server, serving

pytestmark = pytest.mark.slow

RELEASE = load_zone_data().release
LOOPBACK = "127.0.0.1"


@pytest.mark.measured
def test_a_server_migrates_prints_one_line_serves_and_stops_gracefully(server, bearer):
    assert httpx.get(f"{server.address}/health/live").json() == {"status": "live"}
    ready = httpx.get(f"{server.address}/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "zone_data": RELEASE})
    users = httpx.get(f"{server.address}/v1/users", headers=bearer)
    assert (users.status_code, users.json()) == (200, {"items": [], "next_cursor": None})
    assert server.end() == 0
    assert server.said == [f"Kalends serves at {server.address} with zone data {RELEASE}\n"]
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    assert users.headers["X-Request-Id"] in {line["request_id"] for line in lines}
    assert bearer["Authorization"].removeprefix("Bearer ") not in server.log.read_text()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.address}/health/live")


def test_one_key_sent_twenty_times_at_once_to_all_processes_makes_one_user(server, bearer):
    headers = bearer | {"Idempotency-Key": "once"}
    body = {"name": "Only Once", "email": "once@example.org"}

    def send(_: int) -> httpx.Response:
        while True:
            answer = httpx.post(f"{server.address}/v1/users", json=body, headers=headers, timeout=PATIENCE_S)
            if answer.status_code != 409:
                return answer
            assert answer.json()["code"] == "idempotency_key_in_flight"

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(httpx.get(f"{server.address}/v1/users", headers=bearer).json()["items"]) == 1


@on_postgresql
def test_a_server_that_is_killed_leaves_nobody_on_its_port(server):
    port = int(server.address.rpartition(":")[2])
    server.process.kill()
    assert server.process.wait(PATIENCE_S) == -signal.SIGKILL
    deadline = time.monotonic() + PATIENCE_S
    while not is_free(port):
        assert time.monotonic() < deadline, "a process without its parent goes on serving"
        time.sleep(0.05)


def is_free(port):
    """Return whether a port is free."""
    try:
        return free_address(LOOPBACK, port) == (LOOPBACK, port)
    except click.ClickException:
        return False


@pytest.mark.measured
def test_a_process_ends_when_its_parent_is_gone():
    ended = []
    exit_with_parent(os.getppid() + 1, lambda: ended.append(True))
    assert ended
    waiting = threading.Thread(target=exit_with_parent, args=(os.getppid(), lambda: ended.append(True)), daemon=True)
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()


def send_raw(address: str, *parts: bytes) -> bytes:
    """Send bytes as they are, and return the beginning of the answer."""
    with socket.create_connection((LOOPBACK, int(address.rpartition(":")[2])), timeout=PATIENCE_S) as connection:
        with suppress(ConnectionError):  # whoever has heard enough hangs up
            for part in parts:
                connection.sendall(part)
        return connection.recv(4_096)


def peak_memory(server: Server) -> int:
    """Return the peak memory of all processes of a server together, in bytes."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            below.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
    status = [Path(f"/proc/{one}/status").read_text() for one in (server.process.pid, *below[server.process.pid])]
    peaks = [re.search(r"VmHWM:\s+(\d+) kB", text) for text in status]
    return sum(int(peak[1]) for peak in peaks if peak) * 1_024


@on_sqlite
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells no memory of a process")
def test_a_chunked_upload_over_the_limit_is_refused_and_not_held(server, bearer):
    head = (
        f"POST /v1/users HTTP/1.1\r\nHost: kalends\r\nAuthorization: {bearer['Authorization']}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    assert send_raw(server.address, head, b"2\r\n{}\r\n0\r\n\r\n").startswith(b"HTTP/1.1 422")
    before = peak_memory(server)
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    assert send_raw(server.address, head, *[chunk] * 200).startswith(b"HTTP/1.1 413")
    assert peak_memory(server) - before < 50 << 20
    assert httpx.get(f"{server.address}/health/ready").status_code == 200


def test_an_export_of_more_than_a_megabyte_is_sent_from_a_file(server, bearer):
    users = f"{server.address}/v1/users"
    path = f"{users}/{httpx.post(users, json={'name': 'N', 'email': 'n@example.org'}, headers=bearer).json()['id']}"
    for number in range(40):
        metadata = {"notes": f"{number} {'x' * 16_000}"}
        assert httpx.patch(path, json={"metadata": metadata}, headers=bearer).status_code == 200
    sizes: set[str] = set()
    for _ in range(2):
        answer = httpx.get(f"{path}/export", headers=bearer)
        assert (answer.status_code, len(answer.json()["audit_log"])) == (200, 41)
        assert int(answer.headers["Content-Length"]) == len(answer.content) > 1 << 20
        sizes.add(answer.headers["Content-Length"])
    head = httpx.head(f"{path}/export", headers=bearer)
    assert (head.content, {head.headers["Content-Length"]}) == (b"", sizes)


@on_sqlite
def test_an_overlong_request_line_or_header_is_refused(server):
    for target, field, status in ((9_000, 1, b"414"), (100_000, 1, b"414"), (1, 200_000, b"431")):
        asked = f"GET /v1/users?q={'a' * target} HTTP/1.1\r\nHost: kalends\r\nX-Long: {'a' * field}\r\n\r\n"
        assert send_raw(server.address, asked.encode()).startswith(b"HTTP/1.1 " + status)
    assert httpx.get(f"{server.address}/health/ready").status_code == 200


def test_only_trusted_proxies_may_forward_a_client_address(tmp_path):
    url = f"sqlite:///{tmp_path / 'proxied.db'}"
    forwarded = b"X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n"
    for trusted, known in (("127.0.0.1", "192.0.2.7"), ("10.0.0.0/8", LOOPBACK)):
        settings = {"KALENDS_DATABASE_URL": url, "KALENDS_TRUSTED_PROXIES": trusted}
        with serving(tmp_path, "serve", "--port", "0", **settings) as server:
            assert send_raw(
                server.address, b"GET /health/live HTTP/1.1\r\nHost: kalends\r\n" + forwarded + b"\r\n"
            ).startswith(b"HTTP/1.1 200")
            assert [(line["path"], line["address"]) for line in server.logged(1)] == [("/health/live", known)]


def test_a_process_keeps_its_limit_for_all_connections(tmp_path, url, call):
    with serving(tmp_path, "serve", "--port", "0", KALENDS_DATABASE_URL=url, KALENDS_RATE_LIMIT="20") as server:
        headers = {"Authorization": f"Bearer {call('token', 'create').stdout.strip()}"}
        answers = [httpx.get(f"{server.address}/v1/users", headers=headers) for _ in range(40)]
        assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 20
        assert httpx.get(f"{server.address}/health/live").headers.get_list("Server") == ["kalends"]


@pytest.mark.measured
def test_a_port_that_is_taken_is_named(call):
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        for words in (("serve",), ("demo",)):
            said = one_line(call(*words, "--port", port, code=1))
            assert said == f"Error: cannot listen on 127.0.0.1 port {port}: Address already in use"


@pytest.mark.parametrize("host", ["no such host", "kalends.invalid", "192.0.2.1", "x" * 300])
def test_a_host_that_is_not_here_is_named(call, host):
    assert one_line(call("serve", "--host", host, "--port", "0", code=1)).startswith(
        f"Error: cannot listen on {host} port 0: "
    )


@pytest.mark.parametrize("words", ["--port 65536", "--port x", "--processes 0", "--threads 0", "--threads 1000"])
def test_invalid_numbers_are_a_usage_error(call, words):
    assert re.search(r"Invalid value for '--\w+'", call("serve", *words.split(), code=2).stderr)


@pytest.mark.measured
def test_an_address_is_found_for_a_name_and_for_any_port():
    ip, port = free_address("localhost", 0)
    assert ip == LOOPBACK
    assert 1024 <= port < 65_536
    assert free_address("0.0.0.0", 0)[0] == "0.0.0.0"
    assert not answers_ready(LOOPBACK, port, "of-a-test")
