"""The real service with conflicts, behind the same calls as the reference model."""

from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any

from kalends.actions import events, holds
from kalends.actions.booking import OnConflict
from kalends.actions.saving import Saved
from kalends.errors import BookingConflict, KalendsError
from kalends.model import Actor, Hold, HoldId, Span
from kalends.model import Conflict as StoredConflict
from kalends.store.database import Database
from tests.cast import saved_in, without_conflicts
from tests.house.booking_reference_model import Conflict, Request, ordered
from tests.house.driver import UNKNOWN, Driver, instant, minute_of, reported
from tests.house.reference_model import Refusal


class BookingDriver(Driver):
    """One organization in one database, and the user who acts."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.request = Request()
        self.saved: Saved | None = None
        self.holds: list[HoldId] = []

    def perform(self, request: Request, call: str, *arguments: Any) -> Any:
        """Perform a call. Raise Refusal if it is not allowed."""
        self.request, self.saved = request, None
        try:
            return getattr(self, call)(*arguments)
        except BookingConflict as conflict:
            raise Refusal("conflict", self.shown_conflicts(conflict.conflicts)) from conflict
        except KalendsError as error:
            raise Refusal(*reported(error)) from error

    def do(self, action: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        who, on_conflict, hold = self.request
        actor = self.actor if who is None else Actor(self.actor.organization_id, user_id=self.user(who))
        if "on_conflict" in signature(action).parameters:
            options["on_conflict"] = OnConflict(on_conflict)
        if hold is not None and action is events.create_event:
            options["hold_id"] = self.hold(hold)
        answer = self.database.write(lambda tx: action(tx, actor, *arguments, **options))
        self.saved = saved_in(answer)
        return without_conflicts(answer)

    @property
    def conflicts(self) -> list[Conflict]:
        return list(self.shown_conflicts(self.saved.conflicts if self.saved else ()))

    @property
    def warnings(self) -> list[Conflict]:
        return list(self.shown_conflicts(self.saved.warnings if self.saved else ()))

    def shown_conflicts(self, conflicts: Iterable[StoredConflict]) -> tuple[Conflict, ...]:
        return ordered(
            (
                self.users.index(conflict.user_id),
                minute_of(conflict.span.start) or 0,
                minute_of(conflict.span.end) or 0,
                conflict.strength.value,
                None if conflict.event_id is None else self.events.index(conflict.event_id),
                conflict.needed,
            )
            for conflict in conflicts
        )

    # ----------------------------------------------------------------------------------------------------- transfers
    def answer_transfer(self, number: int, accept: bool, expect: Any) -> Any:
        return self.shown_event(self.do(events.answer_transfer, self.event(number), accept=accept, expect=expect))

    def withdraw_transfer(self, number: int, expect: Any) -> None:
        self.do(events.withdraw_transfer, self.event(number), expect=expect)

    # --------------------------------------------------------------------------------------------------------- holds
    def hold(self, place: int) -> HoldId:
        return self.holds[place] if 0 <= place < len(self.holds) else HoldId(UNKNOWN + place)

    def place_hold(self, people: list[int], start: int, end: int, minutes: int) -> Any:
        span = Span(instant(start), instant(end))
        made = self.do(holds.place_hold, [self.user(who) for who in people], span, minutes * 60)
        self.holds.append(made.id)
        return self.shown_hold(made)

    def extend_hold(self, place: int, minutes: int) -> Any:
        return self.shown_hold(self.do(holds.extend_hold, self.hold(place), minutes * 60))

    def release_hold(self, place: int) -> None:
        self.do(holds.release_hold, self.hold(place))

    def shown_hold(self, hold: Hold) -> Any:
        people = tuple(sorted(self.users.index(user_id) for user_id in hold.user_ids))
        times = (minute_of(hold.span.start), minute_of(hold.span.end), minute_of(hold.expires_at))
        return (self.holds.index(hold.id), people, *times, hold.extended)
