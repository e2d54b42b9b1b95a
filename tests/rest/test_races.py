"""Races over HTTP: the later request is refused, and nothing is half done."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.api import client, problem
from tests.cast import check_consistency


def at_once(app, token, calls):
    """Send calls at once, each from a thread, and return the answers in the order of the calls."""
    barrier = Barrier(len(calls))

    def send(call):
        method, path, options = call
        with client(app, token) as mine:
            barrier.wait()
            return mine.request(method, path, **options)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(send, calls))


def test_of_two_updates_with_one_version_one_succeeds_and_one_is_stale(app, token, api, cast):
    for version in range(1, 11):
        for path, member in ((f"/v1/users/{cast.host.id}", "name"), (f"/v1/events/{event_of(api, cast)}", "title")):
            tag = f'"{version}"'
            options = [
                {"json": {member: f"{member} {version}.{number}"}, "headers": {"If-Match": tag}} for number in (1, 2)
            ]
            answers = at_once(app, token, [("PATCH", path, given) for given in options])
            won, lost = sorted(answers, key=lambda answer: answer.status_code)
            assert (won.status_code, won.headers["ETag"]) == (200, f'"{version + 1}"')
            problem(lost, 412, "stale_version")
            assert api.get(path).json() == won.json()


def event_of(api, cast):
    """Return the only event."""
    found = api.get("/v1/events").json()["items"]
    return found[0]["id"] if found else str(cast.event().id)


def test_fifty_at_once_on_one_events_participants_lose_nothing(app, token, api, cast, clock):
    guests = [cast.person() for _ in range(50)]
    event = cast.event()
    clock.set_to(event.block.span.start)
    path = f"/v1/events/{event.id}/participants"
    calls = [("PUT", f"{path}/{guest.id}", {"json": {"role": "optional"}}) for guest in guests]
    assert [answer.status_code for answer in at_once(app, token, calls)] == [201] * 50
    assert counts(api, event) == {"total": 51, "required": 1, "optional": 50, "accepted": 1, "needs_action": 50}
    said = ["accepted", "declined", "tentative"]
    calls = [
        ("PUT", f"{path}/{guest.id}/response", {"json": {"response": said[number % 3]}})
        if number % 5
        else ("DELETE", f"{path}/{guest.id}", {})
        for number, guest in enumerate(guests)
    ]
    assert sorted(answer.status_code for answer in at_once(app, token, calls)) == [200] * 40 + [204] * 10
    responses = [said[number % 3] for number in range(50) if number % 5]
    expected = {"total": 41, "required": 1, "optional": 40, "accepted": 1 + responses.count("accepted")}
    assert counts(api, event) == expected | {name: responses.count(name) for name in ("declined", "tentative")}
    assert api.get(f"/v1/events/{event.id}").json()["version"] == 101
    assert check_consistency(cast.database, cast.actor) == 1


def counts(api, event):
    """Return the counts of an event that are not zero."""
    found = api.get(f"/v1/events/{event.id}").json()["participant_counts"]
    return {name: count for name, count in found.items() if count}


def test_one_address_is_given_to_one_of_many(app, token, api, cast):
    calls = [("POST", "/v1/users", {"json": {"name": "x", "email": "One@example.org"}}) for _ in range(10)]
    answers = at_once(app, token, calls)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert len(api.get("/v1/users?q=one@").json()["items"]) == 1
