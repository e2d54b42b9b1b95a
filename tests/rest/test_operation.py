"""Handlers are plain functions whose annotations declare their arguments and result."""

from typing import Any

import pytest
from msgspec import Struct

from kalends.actions.events import cancel_event, delete_event
from kalends.drafts import UserCreate
from kalends.http.conditions import Conditions
from kalends.model import Actor, EventId, Scope, UserId
from kalends.rest.operation import Operation, Reply
from kalends.rest.paging import PageJson, PageRequest
from kalends.rest.queries import NoQuery, WriteQuery
from kalends.rest.routes import OPERATIONS
from kalends.rest.users import UserJson, UserListQuery
from kalends.store.database import ReadTx, WriteTx

EVENT = "/v1/events/{event_id}"


def operation(handler, path="/v1/x", method="POST"):
    return Operation(method, path, handler, "X", Scope.users_write)


def test_a_write_in_a_handler_that_reads_does_not_pass_the_type_check():
    """`make check` fails if one of these comments is unnecessary, as then the error is not found."""

    def get_event(tx: ReadTx, actor: Actor, event_id: EventId) -> Reply[None]:
        delete_event(tx, actor, event_id)  # pyright: ignore[reportArgumentType]
        return Reply(cancel_event(tx, actor, event_id))  # pyright: ignore[reportArgumentType, reportReturnType]

    assert not operation(get_event, EVENT, "GET").signature.writes


def test_the_annotations_of_a_handler_declare_arguments_and_result():
    def put(
        tx: WriteTx, actor: Actor, event_id: EventId, body: UserCreate | None, conditions: Conditions
    ) -> Reply[UserJson | PageJson[UserJson]]: ...

    def listed(tx: ReadTx, actor: Actor, query: UserListQuery, page: PageRequest) -> Reply[PageJson[UserJson]]: ...

    def emptied(tx: WriteTx, actor: Actor) -> Reply[None]: ...

    written = operation(put, EVENT).signature
    assert (written.writes, written.ids, written.query) == (True, {"event_id": EventId}, WriteQuery)
    assert (written.body, written.body_optional) == (UserCreate, True)
    assert (written.answers, written.passed) == ((UserJson, PageJson[UserJson]), {"body", "conditions"})
    read = operation(listed, method="GET").signature
    assert (read.writes, read.ids, read.query, read.body) == (False, {}, UserListQuery, None)
    assert (read.answers, read.passed) == ((PageJson[UserJson],), {"query", "page"})
    assert operation(emptied).signature.answers == ()
    assert [int(operation(one).success) for one in (listed, emptied)] == [200, 204]


def no_actor(tx: ReadTx) -> Reply[None]: ...
def any_transaction(tx: Any, actor: Actor) -> Reply[None]: ...
def unknown_parameter(tx: ReadTx, actor: Actor, request: str) -> Reply[None]: ...
def unannotated(tx: ReadTx, actor: Actor, query) -> Reply[None]: ...
def untyped_query(tx: ReadTx, actor: Actor, query: dict[str, str]) -> Reply[None]: ...
def untyped_body(tx: ReadTx, actor: Actor, body) -> Reply[None]: ...
def read_as_write(tx: ReadTx, actor: Actor, query: WriteQuery) -> Reply[None]: ...
def write_as_read(tx: WriteTx, actor: Actor, query: NoQuery) -> Reply[None]: ...
def page_of_nothing(tx: ReadTx, actor: Actor, page: PageRequest) -> Reply[None]: ...
def other_id(tx: ReadTx, actor: Actor, user_id: UserId) -> Reply[None]: ...
def no_reply(tx: ReadTx, actor: Actor) -> Struct: ...
def any_reply(tx: ReadTx, actor: Actor) -> Reply[Any]: ...
def no_result(tx: ReadTx, actor: Actor): ...


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (no_actor, "does not begin with tx"),
        (any_transaction, "does not begin with tx"),
        (unknown_parameter, "the parameter request"),
        (unannotated, "the parameter query"),
        (untyped_query, "the parameter query"),
        (untyped_body, "the parameter body"),
        (read_as_write, "a WriteQuery if it takes a WriteTx"),
        (write_as_read, "a WriteQuery if it takes a WriteTx"),
        (page_of_nothing, "its query no cursor"),
        (other_id, "its ids are not those of /v1/x"),
        (no_reply, "a Reply of structs"),
        (any_reply, "a Reply of structs"),
        (no_result, "a Reply of structs"),
    ],
)
def test_a_handler_with_unsupported_annotations_is_refused_at_startup(handler, reason):
    with pytest.raises(TypeError, match=f"{handler.__name__}: .*{reason}"):
        operation(handler)


def test_a_get_does_not_write():
    def written(tx: WriteTx, actor: Actor) -> Reply[None]: ...

    with pytest.raises(TypeError, match="it answers GET, and takes a WriteTx"):
        operation(written, method="GET")


def test_operations_are_named_after_what_they_do():
    names = [known.handler.__name__ for known in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all("_" in name for name in names)
