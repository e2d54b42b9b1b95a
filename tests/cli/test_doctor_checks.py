"""Every result that a check of the doctor can have, for made-up facts."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from kalends.cli.doctor.contents import check_event_times, check_tokens
from kalends.cli.doctor.files import check_disk, check_rights
from kalends.cli.doctor.results import CheckResult
from kalends.cli.doctor.server import check_clocks, check_connection, check_pooler, check_server
from kalends.cli.doctor.settings import (
    check_bodies,
    check_open_files,
    check_proxies,
    check_rate_limits,
    check_zone_data,
)
from kalends.reads.deployment import ServerFacts, TokenFacts
from kalends.settings import Settings
from kalends.store.disk import FileFacts

GIB = 1 << 30
FILE = FileFacts("/data/k.db", 0o600, "/data", 0o700, GIB, 100 * GIB, "ext4")
SERVER = ServerFacts(150_004, True, "on", 97, False, "", False, 1_000_000_000, 7, 7)


def reported(results: Iterator[CheckResult]) -> dict[str, str]:
    """Return the severity by subject, and check that everything except good results has advice."""
    found = list(results)
    assert all((result.severity == "ok") == (result.advice == "") for result in found)
    return {result.subject: str(result.severity) for result in found}


def test_few_open_files_are_worth_a_warning() -> None:
    assert reported(check_open_files(4_096)) == {"open files": "ok"}
    assert reported(check_open_files(4_095)) == {"open files": "warning"}


def test_limits_that_are_off_are_worth_a_warning() -> None:
    assert reported(check_rate_limits(Settings())) == {"rate limit": "ok", "address rate limit": "ok"}
    assert reported(check_rate_limits(Settings(rate_limit=0))) == {"rate limit": "warning", "address rate limit": "ok"}
    assert reported(check_rate_limits(Settings(address_rate_limit=0)))["address rate limit"] == "warning"


@pytest.mark.parametrize(
    ("networks", "severity"),
    [
        ("", "ok"),
        ("10.0.0.0/8 2001:db8::/32", "ok"),
        ("0.0.0.0/0", "problem"),
        ("::/0", "problem"),
        ("10.0.0.0/8 0.0.0.0/1 128.0.0.0/1", "problem"),
        ("::/1 8000::/1", "problem"),
        ("0.0.0.0/1 8000::/1", "ok"),
    ],
)
def test_trusting_all_proxies_is_a_problem(networks: str, severity: str) -> None:
    settings = Settings(trusted_proxies=tuple(map(ip_network, networks.split())))
    assert reported(check_proxies(settings)) == {"trusted proxies": severity}


def test_huge_bodies_are_worth_a_warning() -> None:
    assert reported(check_bodies(Settings())) == {"body size": "ok"}
    assert reported(check_bodies(Settings(max_body_bytes=1 << 30))) == {"body size": "warning"}


def test_files_that_others_may_read_are_a_problem() -> None:
    assert reported(check_rights([FILE])) == {"file rights": "ok"}
    for mode in (0o640, 0o604, 0o620, 0o777):
        beside = FILE._replace(path="/data/k.db-wal", mode=mode)
        (result,) = check_rights([FILE, beside])
        assert (result.severity, result.advice) == ("problem", "run: chmod 600 /data/k.db-wal")


def test_a_folder_that_others_may_write_to_is_worth_a_warning() -> None:
    for mode in (0o720, 0o702, 0o1777):
        open_folder = FILE._replace(folder_mode=mode)
        assert reported(check_rights([open_folder, open_folder])) == {"file rights": "ok", "folder rights": "warning"}


@pytest.mark.parametrize(
    ("size", "free", "severity"),
    [
        (0, GIB, "ok"),
        (5 * GIB, 5 * GIB, "ok"),
        (5 * GIB, 5 * GIB - 1, "warning"),
        (0, GIB - 1, "warning"),
        (0, 100 << 20, "warning"),
        (0, (100 << 20) - 1, "problem"),
    ],
)
def test_a_disk_has_room_to_grow_and_for_a_copy(size: int, free: int, severity: str) -> None:
    assert reported(check_disk(FILE._replace(size=size, free=free)))["disk space"] == severity


@pytest.mark.parametrize(
    ("kind", "severity"),
    [("ext4", "ok"), ("", "ok"), ("nfs4", "warning"), ("cifs", "warning"), ("fuse.sshfs", "warning")],
)
def test_a_disk_of_another_machine_is_worth_a_warning(kind: str, severity: str) -> None:
    assert reported(check_disk(FILE._replace(filesystem=kind)))["file system"] == severity


def test_a_sound_server_gets_no_advice() -> None:
    assert set(reported(check_server(SERVER)).values()) == {"ok"}
    assert set(reported(check_connection(SERVER, Settings())).values()) == {"ok"}
    assert reported(check_clocks(SERVER, SERVER.clock)) == {"clocks": "ok"}


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"version": 140_011}, "PostgreSQL"),
        ({"fsync": False}, "fsync"),
        ({"synchronous_commit": "off"}, "synchronous commit"),
    ],
)
def test_a_server_that_may_lose_what_it_has_is_a_problem(change: dict[str, object], subject: str) -> None:
    found = reported(check_server(SERVER._replace(**change)))
    assert {name for name, severity in found.items() if severity == "problem"} == {subject}


@pytest.mark.parametrize(
    ("address", "encrypted", "severity"),
    [
        ("", False, "ok"),
        ("127.0.0.1", False, "ok"),
        ("::1", False, "ok"),
        ("10.0.0.5", True, "ok"),
        ("10.0.0.5", False, "problem"),
    ],
)
def test_connections_to_other_machines_should_be_encrypted(address: str, encrypted: bool, severity: str) -> None:
    server = SERVER._replace(address=address, encrypted=encrypted)
    assert reported(check_connection(server, Settings()))["connection"] == severity


def test_a_superuser_is_worth_a_warning() -> None:
    assert reported(check_connection(SERVER._replace(superuser=True), Settings()))["database role"] == "warning"


@pytest.mark.parametrize(("connections", "severity"), [(97, "ok"), (16, "ok"), (15, "warning"), (7, "problem")])
def test_every_process_needs_its_connections(connections: int, severity: str) -> None:
    server = SERVER._replace(connections=connections)
    assert reported(check_connection(server, Settings(pool_size=8)))["connections"] == severity


@pytest.mark.parametrize(
    ("apart", "severity"), [(1, "ok"), (-1, "ok"), (1.1, "warning"), (-30, "warning"), (31, "problem")]
)
def test_clocks_should_agree(apart: float, severity: str) -> None:
    assert reported(check_clocks(SERVER, SERVER.clock + int(apart * 1_000_000))) == {"clocks": severity}


def test_tokens_that_nobody_uses_or_that_never_end_are_worth_a_warning() -> None:
    assert reported(check_tokens(TokenFacts(3, 0, 0))) == {"idle tokens": "ok", "old tokens": "ok"}
    assert reported(check_tokens(TokenFacts(3, 1, 2))) == {"idle tokens": "warning", "old tokens": "warning"}


def test_a_newer_release_of_zone_data_that_cannot_be_used_is_worth_a_warning() -> None:
    assert reported(check_zone_data("2026f", "/zones", None)) == {"zone data": "ok"}
    (result,) = check_zone_data("2026f", "/zones", "2099a")
    assert result.severity == "warning"
    assert "2026f" in result.text
    assert "2099a" in result.text


@pytest.mark.parametrize(
    ("process", "expected", "severity"),
    [(7, False, "ok"), (7, True, "warning"), (8, True, "ok"), (8, False, "warning")],
)
def test_a_pooler_that_the_url_does_not_name_is_detected(process: int, expected: bool, severity: str) -> None:
    assert reported(check_pooler(SERVER._replace(process=process), expected=expected)) == {"pooler": severity}


@pytest.mark.parametrize(
    ("release", "target", "severity"),
    [
        ("2026b", "2026b", "ok"),
        ("2026a", "2026a", "warning"),
        ("2026a", "2026b", "warning"),
        (None, None, "warning"),
        ("2026c", "2026c", "problem"),
        ("2026b", "2026c", "problem"),
    ],
)
def test_event_times_follow_the_zone_data_that_are_used(release: str | None, target: str | None, severity: str) -> None:
    assert reported(check_event_times(release, target, "2026b")) == {"event times": severity}
