"""Operations: a method of a path with its handler and the handler's annotations.

A handler is a plain function: `def get_event(tx: ReadTx, actor: Actor, event_id: EventId, query: EventQuery) ->
Reply[EventJson]`. `tx` and `actor` come first. Any other parameter is one of

- an id in the path, of the same name, whose annotation is a subclass of Identifier,
- `query` or `body`, a struct that the query or the body is decoded to (`body: X | None` may be left out),
- `conditions: Conditions`, what If-Match and If-None-Match say,
- `page: PageRequest`, the cursor of a list.

A handler with a WriteTx writes. Any other parameter is a TypeError when the operation is created.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Any, Generic, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Raw, Struct

from kalends.errors import Fault, KalendsError
from kalends.http.conditions import Conditions
from kalends.http.files import File
from kalends.http.lanes import Kind
from kalends.model import Actor, Identifier, Scope
from kalends.rest.paging import PageRequest, RawPage
from kalends.rest.queries import NoQuery, WriteQuery
from kalends.store.database import ReadTx, WriteTx

Body_co = TypeVar("Body_co", covariant=True)
MERGE_PATCH = "application/merge-patch+json"
PATH_NAME = re.compile(r"\{(\w+)\}")


class Reply(NamedTuple, Generic[Body_co]):
    """The result of a handler: a struct to encode, or JSON that is encoded already."""

    body: Body_co | Raw | RawPage | File | None = None
    etag: str | None = None
    location: str | None = None
    status: HTTPStatus | None = None


class Signature(NamedTuple):
    """The parameters and the results of a handler, by its annotations."""

    writes: bool
    ids: dict[str, type[Identifier]]
    query: type[Struct]
    """NoQuery or WriteQuery if the handler takes none."""
    body: Any
    """A type that msgspec decodes to; None if there is no body."""
    body_optional: bool
    answers: tuple[Any, ...]
    """The structs that it may return."""
    passed: frozenset[str]
    """Those of `query`, `body`, `conditions` and `page` that the handler takes."""


@dataclass(frozen=True)
class Operation:
    """A method of a path, with all facts that routing, decoding and the reference need."""

    method: str
    path: str
    handler: Callable[..., Reply[Any]]
    tag: str
    scope: Scope | None
    """The scope that the token needs; None if any token is sufficient."""
    _: KW_ONLY
    other_scopes: tuple[Scope, ...] = ()
    """Further scopes that it needs, as the answer shows more than one kind of data."""
    status: HTTPStatus | None = None
    """The status of success, if it is not 200, or 204 for an answer without a body."""
    other_status: HTTPStatus | None = None
    """Another status of success: 201 for a new object, 202 if somebody has to agree, 204 if a transfer is declined."""
    errors: tuple[type[KalendsError], ...] = ()
    """Errors besides those of every operation and those that follow from the signature."""
    cross_check: Callable[[dict[str, Any]], list[Fault]] | None = None
    """Returns the faults between members of a body whose members also have faults of their own."""
    set_elsewhere: Mapping[str, str] = field(default_factory=dict[str, str])
    """Advice for members that other operations set, by `name` or `name=value`."""
    keeps_answer: bool = True
    """Whether the answer to a POST may be kept under an Idempotency-Key; an answer with a secret may not."""
    follow_up: Callable[..., Any] | None = None
    """A function for work after the transaction of the handler and before the answer. It is called for one part after
    another, each in its own transaction, with tx, actor, the ids and its last result, at first None, until it returns
    None."""
    cost: int = 1
    """The units of the rate limits that a request costs."""
    heavy: bool = False
    """Whether it may read much, even if it costs no more than others."""
    signature: Signature = field(init=False)

    def __post_init__(self) -> None:
        """Read the handler's annotations. Raise TypeError if they are not valid."""
        signature = signature_of(self.handler)
        if signature.ids.keys() != set(PATH_NAME.findall(self.path)):
            raise bad_handler(self.handler, f"its ids are not those of {self.path}")
        if signature.writes and self.method == "GET":
            raise bad_handler(self.handler, "it answers GET, and takes a WriteTx")
        object.__setattr__(self, "signature", signature)

    @property
    def success(self) -> HTTPStatus:
        """Return the status of success."""
        return self.status or (HTTPStatus.OK if self.signature.answers else HTTPStatus.NO_CONTENT)

    @property
    def kind(self) -> Kind:
        """Return the kind of threads that answer it."""
        if self.signature.writes:
            return Kind.WRITE
        return Kind.CALCULATION if self.cost > 1 else Kind.HEAVY if self.heavy else Kind.LIGHT

    @property
    def shown(self) -> frozenset[str]:
        """Return the names of the members of its answers."""
        return frozenset(name.encode_name for kind in self.signature.answers for name in msgspec.structs.fields(kind))

    @property
    def takes_key(self) -> bool:
        """Return whether the operation accepts an Idempotency-Key."""
        return self.method == "POST" and self.signature.writes and self.keeps_answer


def signature_of(handler: Callable[..., Reply[Any]]) -> Signature:
    """Return the signature of a handler. Raise TypeError if its annotations are not valid."""
    hints = get_type_hints(handler, include_extras=True)
    names = list(inspect.signature(handler).parameters)
    if names[:2] != ["tx", "actor"] or hints.get("tx") not in (ReadTx, WriteTx) or hints.get("actor") is not Actor:
        raise bad_handler(handler, "it does not begin with tx (a ReadTx or WriteTx) and actor (an Actor)")
    ids = {name: hints[name] for name in names[2:] if is_class(hints.get(name), Identifier)}
    passed = [name for name in names[2:] if name not in ids]
    for name in passed:
        if name not in CHECKS or not CHECKS[name](hints.get(name)):
            raise bad_handler(handler, f"the parameter {name} is not known, or not annotated as it has to be")
    writes = hints["tx"] is WriteTx
    query = hints.get("query", WriteQuery if writes else NoQuery)
    if writes != issubclass(query, WriteQuery):
        raise bad_handler(handler, "its query has to be a WriteQuery if it takes a WriteTx, and only then")
    if "page" in passed and "cursor" not in query.__struct_fields__:
        raise bad_handler(handler, "it takes a page, and its query no cursor")
    body, body_optional = without_none(hints.get("body"))
    return Signature(writes, ids, query, body, body_optional, answers_of(handler, hints), frozenset(passed))


def bad_handler(handler: Callable[..., Any], reason: str) -> TypeError:
    """Return the error of a handler whose annotations are not valid."""
    return TypeError(f"{handler.__module__}.{handler.__qualname__}: {reason}")


def is_class(hint: object, parent: type) -> bool:
    """Return whether an annotation is a subclass of `parent`."""
    return isinstance(hint, type) and issubclass(hint, parent)


def alternatives(hint: object) -> tuple[Any, ...]:
    """Return the types of a union, or a single type alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def without_none(hint: Any) -> tuple[Any, bool]:
    """Return the type of a body, and whether it may be left out: `X | None`."""
    kinds = [kind for kind in alternatives(hint) if kind is not NoneType]
    return (kinds[0], True) if len(kinds) == 1 and kinds[0] is not hint else (hint, False)


def answers_of(handler: Callable[..., Any], hints: dict[str, Any]) -> tuple[Any, ...]:
    """Return the structs that a handler may return. Raise TypeError unless it returns a Reply."""
    returned = hints.get("return")
    answers = alternatives(get_args(returned)[0]) if get_origin(returned) is Reply else (Any,)
    if answers == (NoneType,):
        return ()
    if not all(is_class(get_origin(kind) or kind, Struct) for kind in answers):
        raise bad_handler(handler, "it has to return a Reply of structs, or of None")
    return answers


CHECKS: dict[str, Callable[[Any], bool]] = {
    "query": lambda hint: is_class(hint, Struct),
    "body": lambda hint: hint is not None,
    "conditions": lambda hint: hint is Conditions,
    "page": lambda hint: hint is PageRequest,
}
"""The tests of the annotations of a handler's parameters, apart from ids."""
