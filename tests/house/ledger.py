"""Clients that keep a ledger of what was reported to them, which the database has to match in the end.

Every event of the ledger is changed by one client alone, in turn with that client's other calls, so that its state is
decidable; that clients need the same people is what makes them race. Some events are everybody's: no ledger says what
becomes of them, but nobody may be booked twice by them either.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from kalends.actions.users import create_user
from kalends.drafts import UserCreate
from kalends.model import Email, EventId, UserId
from kalends.reads.integrity import find_inconsistencies
from kalends.rest.wire import read_id
from kalends.store.database import Database
from tests.caller import OPERATOR, Caller, Lost
from tests.cast import check_consistency, rows_of
from tests.house.overlaps import overlaps

FIRST_DAY = datetime.fromisoformat("2040-03-05T08:00")
DAYS = 3
HALF_HOURS = 20
"""Of a day, from eight to six."""

FEWEST, MOST = 4, 12
"""Events of a client; few enough that most calls find free people, many enough that many do not."""

MAYBE_ASKED = "declined, or needs_action"
"""The response of somebody who had declined, after a move whose answer was lost: reset unless busy at the new time."""

REFUSALS = {404, 409, 412, 422}

Participations = dict[int, tuple[str, str]]
"""Role and response by person."""


@dataclass
class Kept:
    """An event as its client knows it."""

    title: str
    host: int
    start: str
    participations: Participations
    status: str = "confirmed"


@dataclass
class Ledger:
    """What was reported to one client; `doubtful` are changes whose answer was lost, with both possible states."""

    events: dict[int, Kept] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    doubtful: dict[int, tuple[Kept, Kept | None]] = field(default_factory=dict)
    doubtful_creations: dict[str, Kept] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    made: int = 0


def agrees(found: Kept | None, kept: Kept | None) -> bool:
    """Return whether the stored event matches the ledger, with either of two responses where it is unknown which."""
    if found is None or kept is None:
        return found is kept
    either = {user for user, (_, response) in kept.participations.items() if response == MAYBE_ASKED}
    if any(found.participations.get(user, ("", ""))[1] not in ("declined", "needs_action") for user in either):
        return False
    known = {
        user: (role, MAYBE_ASKED if user in either else said) for user, (role, said) in found.participations.items()
    }
    return replace(found, participations=known) == kept


def people_for(database: Database, count: int, name: str = "person") -> list[int]:
    """Create users in the organization that a new installation has."""

    def add(number: int) -> UserId:
        draft = UserCreate(name=f"{name} {number}", email=Email(f"{name}{number}@example.org"))
        return database.write(lambda tx: create_user(tx, OPERATOR, draft)).id

    return [int(add(number)) for number in range(count)]


def text(user_id: int) -> str:
    return str(UserId(user_id))


class Client:
    """A client; with `keys` it sends an Idempotency-Key when it creates something, and repeats lost requests."""

    def __init__(self, name: str, caller: Caller, people: list[int], common: list[int], *, keys: bool) -> None:
        self.name = name
        self.ledger = Ledger()
        self.answered = 0
        self._unanswered: list[tuple[str, str, Any, dict[str, str]]] = []
        self._caller = caller
        self._people = people
        self._common = common
        self._keys = keys
        self._choice = random.Random(name)

    def work(self, operations: int) -> Ledger:
        """Perform a number of random calls."""
        with self._caller:
            for _ in range(operations):
                self._step()
        return self.ledger

    def work_until(self, over: threading.Event, back: Callable[[], None]) -> Ledger:
        """Perform random calls until it is over; `back` waits until a lost server is available again."""
        with self._caller:
            while not over.is_set():
                try:
                    self._settle_doubts()
                    self._step()
                except Lost:
                    back()
        return self.ledger

    # ------------------------------------------------------------------------------------------------ what to do
    def _step(self) -> None:
        mine = [event_id for event_id in self.ledger.events if event_id not in self.ledger.doubtful]
        if len(mine) < FEWEST or self._choice.random() < 0.15:
            self._create()
        elif len(mine) > MOST:
            self._choice.choice((self._cancel, self._delete))(self._choice.choice(mine))
        elif self._common and self._choice.random() < 0.15:
            self._join_in()
        elif self._choice.random() < 0.1:
            self._hold()
        else:
            many = (self._move, self._add, self._add, self._give_role, self._answer, self._answer, self._answer)
            few = (self._transfer, self._remove, self._cancel, self._delete)
            acts = many * 3 + few
            self._choice.choice(acts)(self._choice.choice(mine))

    def _someone(self) -> int:
        return self._choice.choice(self._people)

    def _slot(self) -> tuple[str, str]:
        day, half_hour = self._choice.randrange(DAYS), self._choice.randrange(HALF_HOURS)
        start = FIRST_DAY + timedelta(days=day, minutes=30 * half_hour)
        end = start + timedelta(minutes=30 * self._choice.randrange(1, 4))
        return start.isoformat(), end.isoformat()

    def _ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the content of a successful answer, None if it is refused; fail on any other answer."""
        status, content = self._caller.call(method, path, body, **headers)
        self.ledger.answers[status] += 1
        self.answered += 1
        if status in REFUSALS:
            return None
        assert status in (200, 201, 204), (method, path, body, status, content)
        return content or True

    # --------------------------------------------------------------------------------------------------- events
    def _create(self, query: str = "", slot: tuple[str, str] | None = None, guests: list[int] | None = None) -> None:
        self.ledger.made += 1
        title = f"{self.name} {self.ledger.made}"
        start, end = slot or self._slot()
        host, *others = self._choice.sample(self._people, 4)
        roles = {user: self._choice.choice(("required", "optional")) for user in guests or others}
        roles.pop(host, None)
        body = {
            "host_id": text(host),
            "title": title,
            "start": start,
            "end": end,
            "time_zone": "Europe/Berlin",
            "participants": [{"user_id": text(user), "role": role} for user, role in roles.items()],
        }
        participations = {host: ("required", "accepted")} | {
            user: (role, "needs_action") for user, role in roles.items()
        }
        kept = Kept(title, host, start, participations)
        headers = {"Idempotency-Key": f'"{title}"'} if self._keys or self._choice.random() < 0.2 else {}
        self.ledger.doubtful_creations[title] = kept
        if self._keys:
            self._unanswered.append((title, f"/v1/events{query}", body, headers))
        made = self._ask("POST", f"/v1/events{query}", body, **headers)
        self._unanswered.clear()
        self._created(title, made)
        if headers and made:
            again = self._ask("POST", f"/v1/events{query}", body, **headers)
            assert again == made, "a repeated request is given the first answer"

    def _created(self, title: str, made: Any) -> None:
        kept = self.ledger.doubtful_creations.pop(title)
        if made:
            self.ledger.events[id_of(made)] = kept

    def _settle_doubts(self) -> None:
        """Find out whether a lost call was carried out: repeat a creation, look for any other change."""
        for title, path, body, headers in self._unanswered[:]:
            made = self._ask("POST", path, body, **headers)
            self._unanswered.clear()
            # Refused as being in flight, it may have been done or not: whoever knew has died.
            if made:
                self._created(title, made)
        for event_id, (before, after) in list(self.ledger.doubtful.items()):
            shown = self._ask("GET", f"/v1/events/{EventId(event_id)}?expand=participants")
            found = kept_of(shown) if shown else None
            assert agrees(found, before) or agrees(found, after), "half there"
            del self.ledger.doubtful[event_id]
            if found is None:
                del self.ledger.events[event_id]
                self.ledger.deleted.add(event_id)
            else:
                self.ledger.events[event_id] = found

    def _change(self, event_id: int, after: Kept | None, method: str, path: str, body: Any = None) -> Any:
        """Request a change that leaves an event as `after`, or deletes it; return the answer if it succeeded."""
        before = self.ledger.events[event_id]
        self.ledger.doubtful[event_id] = before, after
        done = self._ask(method, f"/v1/events/{EventId(event_id)}{path}", body)
        del self.ledger.doubtful[event_id]
        if done and after is None:
            del self.ledger.events[event_id]
            self.ledger.deleted.add(event_id)
        elif done and after is not None:
            self.ledger.events[event_id] = after
        return done

    def _copy(self, event_id: int) -> Kept:
        return deepcopy(self.ledger.events[event_id])

    def _move(self, event_id: int) -> None:
        after = self._copy(event_id)
        start, end = self._slot()
        if start != after.start:
            keep = self._choice.random() < 0.3
            after.start = start
            if not keep:
                for user, (role, response) in after.participations.items():
                    if user != after.host:
                        open_yet = response in ("declined", MAYBE_ASKED) and role == "required"
                        after.participations[user] = role, MAYBE_ASKED if open_yet else "needs_action"
            query = "?keep_responses=true" if keep else ""
            moved = self._change(event_id, after, "PATCH", query, {"start": start, "end": end})
            if moved:
                busy = {int(read_id(UserId, one["user_id"])) for one in moved.get("warnings", [])}
                for user, (role, response) in after.participations.items():
                    if response == MAYBE_ASKED and not keep:
                        after.participations[user] = role, "declined" if user in busy else "needs_action"

    def _add(self, event_id: int) -> None:
        after, user, role = self._copy(event_id), self._someone(), self._choice.choice(("required", "optional"))
        if user not in after.participations:
            after.participations[user] = role, "accepted" if user == after.host else "needs_action"
            self._change(event_id, after, "POST", "/participants", {"user_id": text(user), "role": role})

    def _give_role(self, event_id: int) -> None:
        after, user, role = self._copy(event_id), self._someone(), self._choice.choice(("required", "optional"))
        first = "accepted" if user == after.host else "needs_action"
        after.participations[user] = role, after.participations.get(user, (role, first))[1]
        self._change(event_id, after, "PUT", f"/participants/{text(user)}", {"role": role})

    def _answer(self, event_id: int) -> None:
        after = self._copy(event_id)
        if after.participations:
            user = self._choice.choice(sorted(after.participations))
            response = self._choice.choice(("accepted", "accepted", "declined", "tentative"))
            after.participations[user] = after.participations[user][0], response
            self._change(event_id, after, "PUT", f"/participants/{text(user)}/response", {"response": response})

    def _remove(self, event_id: int) -> None:
        after = self._copy(event_id)
        if after.participations:
            user = self._choice.choice(sorted(after.participations))
            del after.participations[user]
            self._change(event_id, after, "DELETE", f"/participants/{text(user)}")

    def _transfer(self, event_id: int) -> None:
        after, successor = self._copy(event_id), self._someone()
        if successor != after.host:
            if after.host in after.participations or successor in after.participations:
                after.participations[successor] = "required", "accepted"
            after.host = successor
            self._change(event_id, after, "POST", "/transfer", {"host_id": text(successor)})

    def _cancel(self, event_id: int) -> None:
        after = self._copy(event_id)
        after.status = "cancelled"
        self._change(event_id, after, "POST", "/cancel")

    def _delete(self, event_id: int) -> None:
        self._change(event_id, None, "DELETE", "")

    # ----------------------------------------------------------------------------------- holds, and what is common
    def _hold(self) -> None:
        slot, guests = self._slot(), self._choice.sample(self._people, 2)
        start, end = (f"{time}+01:00" for time in slot)
        ttl = self._choice.choice((1, 900))
        body = {"user_ids": [text(user) for user in guests], "start": start, "end": end, "ttl": ttl}
        hold = self._ask("POST", "/v1/holds", body)
        if not hold:
            return
        path = f"/v1/holds/{hold['id']}"
        if self._choice.random() < 0.3:
            self._ask("POST", f"{path}/extend", {"ttl": 900})
        if self._choice.random() < 0.5:
            self._create(f"?hold={hold['id']}", slot, guests)
        elif self._choice.random() < 0.8:
            self._ask("DELETE", path)

    def _join_in(self) -> None:
        """Change an event that is common to all clients, who also compete for its participations."""
        event, user = EventId(self._choice.choice(self._common)), self._someone()
        start, end = self._slot()
        role, response = self._choice.choice(("required", "optional")), self._choice.choice(("accepted", "declined"))
        participation = f"/v1/events/{event}/participants/{text(user)}"
        method, path, body = self._choice.choice(
            (
                ("PATCH", f"/v1/events/{event}", {"start": start, "end": end}),
                ("PUT", participation, {"role": role}),
                ("PUT", participation, {"role": role}),
                ("DELETE", participation, None),
                ("PUT", f"{participation}/response", {"response": response}),
                ("POST", f"/v1/events/{event}/transfer", {"host_id": text(user)}),
            )
        )
        self._ask(method, path, body)


def id_of(made: Any) -> int:
    return int(read_id(EventId, made["id"]))


def kept_of(shown: Any) -> Kept:
    """Read an event as the API shows it."""
    participations = {
        int(read_id(UserId, guest["user_id"])): (guest["role"], guest["response"]) for guest in shown["participants"]
    }
    host = int(read_id(UserId, shown["host_id"]))
    return Kept(shown["title"], host, shown["start"][:19], participations, shown["status"])


def common_events(caller: Caller, hosts: list[int]) -> list[int]:
    """Create an event for each of some users, all at one time, that every client may change."""
    made: list[int] = []
    for host in hosts:
        start, end = (FIRST_DAY + timedelta(days=DAYS, hours=hour) for hour in (0, 1))
        body = {"host_id": text(host), "title": "of all", "time_zone": "Europe/Berlin"}
        status, answer = caller.call("POST", "/v1/events", body | {"start": start.isoformat(), "end": end.isoformat()})
        assert status == 201, answer
        made.append(id_of(answer))
    return made


def check_ledgers(database: Database, ledgers: list[Ledger], common: list[int]) -> None:
    """Compare the database with what was reported to all clients."""
    assert overlaps(database, OPERATOR) == []
    assert database.read(find_inconsistencies) == []
    check_consistency(database, OPERATOR)
    stored = stored_events(database)
    for event_id in common:
        del stored[event_id]
    for ledger in ledgers:
        assert not ledger.deleted & stored.keys(), "deleted, and there all the same"
        for event_id, kept in ledger.events.items():
            before, after = ledger.doubtful.get(event_id, (kept, kept))
            found = stored.pop(event_id, None)
            assert agrees(found, before) or agrees(found, after), "acknowledged and missing, or half there"
    doubtful = {title: kept for ledger in ledgers for title, kept in ledger.doubtful_creations.items()}
    for found in stored.values():
        assert found == doubtful.pop(found.title, None), "half there, there twice, or refused and there all the same"


def stored_events(database: Database) -> dict[int, Kept]:
    """Return all events as they are stored."""
    rows = rows_of(database, OPERATOR)
    participations: dict[int, Participations] = {}
    for _, event_id, user_id, role, response, *_ in rows["participant"]:
        participations.setdefault(event_id, {})[user_id] = role, response
    return {
        event_id: Kept(title, host, start[:19], participations.get(event_id, {}), status)
        for event_id, _, host, title, _, _, _, _, _, _, start, _, status, *_ in rows["event"]
    }
