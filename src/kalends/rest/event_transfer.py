"""Operations on transfers of events to other hosts, who have to agree."""

from http import HTTPStatus
from typing import Any, ClassVar, Literal

from msgspec import Struct

from kalends.actions import events as actions
from kalends.http.conditions import Conditions
from kalends.model import Actor, EventId, UserId
from kalends.rest.conflicts import BookingQuery, with_conflicts
from kalends.rest.event_shapes import EventJson
from kalends.rest.events import event_reply
from kalends.rest.operation import Reply
from kalends.store.database import WriteTx


class TransferRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """The new host."""

    host_id: UserId
    example: ClassVar[Any] = {"host_id": "usr_018f3c5a9b2d5f70"}


class TransferResponseUpdate(Struct, forbid_unknown_fields=True, kw_only=True):
    """The response to a request to host an event."""

    response: Literal["accepted", "declined"]
    example: ClassVar[Any] = {"response": "accepted"}


def transfer_event(
    tx: WriteTx, actor: Actor, event_id: EventId, query: BookingQuery, body: TransferRequest, conditions: Conditions
) -> Reply[EventJson]:
    """Transfer an event to another host, or ask them to host it.

    If the caller is an operator or has write access to the calendar of the new host, the event is transferred at once.
    Otherwise the new host is asked, and the answer is 202: the event keeps its host, and has a `pending_host_id`, until
    that person accepts or declines, another person is asked, the event is transferred or cancelled, or the request is
    withdrawn. Naming the current host withdraws it, too.

    The new host attends, as required and accepted, if the old host did or the new one took part already; the old host
    stays as a participant.
    """
    on_conflict, expect = query.on_conflict, conditions.versions
    saved = actions.transfer_event(tx, actor, event_id, body.host_id, expect=expect, on_conflict=on_conflict)
    pending = saved.event.pending_host_id is not None
    return with_conflicts(event_reply(saved.event)._replace(status=HTTPStatus.ACCEPTED if pending else None), saved)


def respond_to_transfer(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    query: BookingQuery,
    body: TransferResponseUpdate,
    conditions: Conditions,
) -> Reply[EventJson]:
    """Accept or decline to host an event.

    For the person who is asked, people with write access to their calendar, and operators. If they accept, the event is
    transferred as it is then, unless the new host is not free. If they decline, the event keeps its host, and the
    answer is 204.
    """
    on_conflict, expect = query.on_conflict, conditions.versions
    accept = body.response == "accepted"
    saved = actions.answer_transfer(tx, actor, event_id, accept=accept, expect=expect, on_conflict=on_conflict)
    return with_conflicts(event_reply(saved.event), saved) if accept else Reply(status=HTTPStatus.NO_CONTENT)


def withdraw_transfer(tx: WriteTx, actor: Actor, event_id: EventId, conditions: Conditions) -> Reply[None]:
    """Withdraw the request to host an event.

    The event keeps its host.
    """
    actions.withdraw_transfer(tx, actor, event_id, expect=conditions.versions)
    return Reply()
