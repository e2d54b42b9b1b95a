"""Transfers of events to other hosts, who have to agree, over HTTP."""

from http import HTTPStatus
from typing import Literal

from msgspec import Struct

from kalends.actions import events as actions
from kalends.errors import BookingConflict, EventCancelled, Invalid, NotFound, StaleVersion
from kalends.model import Scope, UserId
from kalends.rest.conflicts import BookingQuery, guard_of, with_conflicts
from kalends.rest.event_shapes import EventJson
from kalends.rest.events import ID, event_reply
from kalends.rest.route import Call, Reply, operation

PATH = "/v1/events/{event_id}/transfer"


class TransferRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Who is to host from now on."""

    host_id: UserId


class TransferResponseUpdate(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether somebody hosts what they are asked to host."""

    response: Literal["accepted", "declined"]


@operation(
    "POST",
    PATH,
    tag="Events",
    scope=Scope.events_write,
    ids=ID,
    query=BookingQuery,
    body=TransferRequest,
    answer=EventJson,
    also=HTTPStatus.ACCEPTED,
    errors=(NotFound, StaleVersion, EventCancelled, BookingConflict, Invalid),
    example={"host_id": "usr_018f3c5a9b2d5f70"},
)
def transfer_event(call: Call) -> Reply:
    """Transfer an event to another host, or ask them to host it.

    Operators, and people with write access to the calendar of the new host, transfer it at once. Everybody else asks
    that person, which is answered 202: the event keeps its host, and has a `pending_host_id`, until that person accepts
    or declines, somebody else is asked, the event is transferred or cancelled, or the request is withdrawn. Naming the
    present host withdraws it, too.

    The new host attends if the old one did; the old host stays as a participant.
    """
    guard = guard_of(call.query)
    event_id, host_id = call.ids["event_id"], call.body.host_id
    event = actions.transfer_event(call.tx, call.actor, event_id, host_id, expect=call.expect, guard=guard)
    pending = event.pending_host_id is not None
    return with_conflicts(event_reply(event)._replace(status=HTTPStatus.ACCEPTED if pending else None), guard)


@operation(
    "PUT",
    f"{PATH}/response",
    tag="Events",
    scope=Scope.events_write,
    ids=ID,
    query=BookingQuery,
    body=TransferResponseUpdate,
    answer=EventJson,
    also=HTTPStatus.NO_CONTENT,
    errors=(NotFound, StaleVersion, BookingConflict, Invalid),
    example={"response": "accepted"},
)
def respond_to_transfer(call: Call) -> Reply:
    """Accept or decline to host an event.

    For the person who is asked, people with write access to their calendar, and operators. If they accept, the event is
    transferred as it is by then, unless the new host is not free. If they decline, the event keeps its host,
    and the answer is 204.
    """
    guard, event_id = guard_of(call.query), call.ids["event_id"]
    accept = call.body.response == "accepted"
    event = actions.answer_transfer(call.tx, call.actor, event_id, accept=accept, expect=call.expect, guard=guard)
    return with_conflicts(event_reply(event), guard) if accept else Reply(status=HTTPStatus.NO_CONTENT)


@operation(
    "DELETE",
    PATH,
    tag="Events",
    scope=Scope.events_write,
    ids=ID,
    status=HTTPStatus.NO_CONTENT,
    errors=(NotFound, StaleVersion),
)
def withdraw_transfer(call: Call) -> Reply:
    """Withdraw the request that somebody host an event.

    The event keeps its host.
    """
    actions.withdraw_transfer(call.tx, call.actor, call.ids["event_id"], expect=call.expect)
    return Reply()
