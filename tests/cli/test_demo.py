"""The demo: a server to try that leaves nothing behind."""

import re
import shlex
import signal
import socket
from contextlib import suppress
from datetime import datetime

import httpx
import pytest

from kalends.cli.demo import USUAL_PORT, usual_or_free_port
from kalends.cli.opening import OPERATOR
from kalends.cli.sample import WEEKLY, add_sample
from kalends.cli.serving import is_loopback
from kalends.reads.events import EventFilter
from kalends.rules.zones import to_instant
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.organizations import is_demo, mark_as_demo
from kalends.store.schema import migrate
from tests.cli.conftest import call_with, one_line
from tests.seen import list_events
from tests.served import serving


@pytest.mark.slow
@pytest.mark.measured
def test_the_demo_works_as_printed_and_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    with serving(tmp_path, "demo", "--port", "0", TMPDIR=str(folder), KALENDS_DATABASE_URL="nowhere://") as demo:
        assert demo.said == [f"{demo.address}/\n"], "first of all where to click"
        token = demo.await_line(re.compile(r"^kal_[a-z2-7]{39}$"))
        words = shlex.split(demo.await_line(re.compile("curl .*")))
        assert demo.log.read_text() == "", "nobody has asked for anything yet"
        assert words[:2] == ["curl", "-H"]
        header, url = words[2:]
        assert header == f"Authorization: Bearer {token}"
        page = httpx.get(url, headers=dict([header.split(": ", 1)])).json()
        assert len(page["items"]) == 2
        assert page["next_cursor"]
        assert all(item["participants"] for item in page["items"])
        reference = demo.await_line(re.compile(r"http://\S+/docs"))
        assert httpx.get(reference).status_code == 200
        assert httpx.get(f"{demo.address}/health/ready").status_code == 200
        assert [line["path"] for line in demo.logged(3)] == ["/v1/events", "/docs", "/health/ready"]
        (made,) = folder.glob("kalends-demo-*/demo.db")
        serve = call_with(KALENDS_DATABASE_URL=f"sqlite:///{made}")
        said = one_line(serve("serve", "--host", "0.0.0.0", "--port", "0", code=1))
        assert "can only be served on loopback addresses, not on 0.0.0.0" in said
        assert demo.end(signal.SIGTERM) == 0
    assert not list(folder.iterdir())


@pytest.mark.slow
def test_the_demo_takes_a_free_port_if_the_usual_one_is_in_use(tmp_path):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # then something else has it, which is as good
            other.bind(("127.0.0.1", USUAL_PORT))
            other.listen()
        with serving(tmp_path, "demo") as demo:
            assert not demo.address.endswith(f":{USUAL_PORT}")
            assert httpx.get(f"{demo.address}/health/ready").status_code == 200
            said = "Port 8000 is in use, so the demo uses a free one (--port chooses another).\n"
            assert demo.log.read_text().startswith(said)


def test_the_demo_takes_the_usual_port_if_it_is_free(monkeypatch):
    monkeypatch.setattr("kalends.cli.demo.free_address", lambda host, port: (host, port))
    assert usual_or_free_port("127.0.0.1") == USUAL_PORT


def test_the_demo_takes_no_other_port_than_the_one_that_is_asked_for():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = call_with()("demo", "--port", port, code=1).stderr
    assert said == f"Error: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_the_demo_is_for_this_machine_alone(host):
    assert "loopback" in call_with()("demo", "--host", host, code=2).stderr


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False)],
)
def test_loopback_addresses_are_recognized(host, loopback):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_the_sample_data_is_served_to_no_other_machine(call, database, host):
    assert not database.read(is_demo)
    database.write(mark_as_demo)
    assert database.read(is_demo)
    said = one_line(call("serve", "--host", host, "--port", "0", code=1))
    assert said == (
        "Error: KALENDS_DATABASE_URL is not usable: "
        f"the demo's data can only be served on loopback addresses, not on {host}."
    )


@pytest.mark.slow
def test_the_sample_data_is_served_on_this_machine(tmp_path, database, url):
    database.write(mark_as_demo)
    with serving(tmp_path, "serve", "--port", "0", KALENDS_DATABASE_URL=url) as server:
        assert httpx.get(f"{server.address}/health/ready").status_code == 200


@pytest.mark.parametrize("day", ["2026-03-23", "2026-03-29", "2026-10-31"])
def test_the_sample_data_is_the_same_on_any_day(call, url, day):
    """This includes the weeks when clocks change."""
    today = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    database = Database(Settings(database_url=url), lambda: int(to_instant(today)) * 1_000)
    migrate(database)
    founder = database.write(lambda tx: add_sample(tx, OPERATOR, today.date()))
    wanted = EventFilter(host_id=founder)
    hosted = database.read(lambda tx: list_events(tx, OPERATOR, wanted, 250, expand=True))
    database.close()
    assert len(hosted.events) == 3 * sum(details[4] == "ines" for _, details in WEEKLY)
    assert hosted.participants is not None
    answers = {guest.participation.response.value for guests in hosted.participants.values() for guest in guests}
    assert {"accepted", "tentative", "needs_action"} <= answers
    call("db", "check")


def test_a_free_port_is_taken_where_the_usual_one_is_in_use(monkeypatch, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr("kalends.cli.demo.USUAL_PORT", port)
        assert usual_or_free_port("127.0.0.1") == 0
    assert f"Port {port} is in use" in capsys.readouterr().err
    assert usual_or_free_port("127.0.0.1") == port
