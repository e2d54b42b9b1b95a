"""The adapter between HTTP and the house: every route goes through here.

It lets in who may enter, decodes, opens the one transaction, lets the handler call its one action or read, and
commits before the answer exists. This is the only room of the door that knows the store.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, cast

import falcon
import msgspec
from msgspec import UNSET, Meta, Struct

from kalends.actions.idempotency import Claim, KeptAnswer, claim_key, give_up_claim, keep_answer
from kalends.errors import Fault, Invalid, KalendsError, MissingScope, OutcomeUnknown, Unavailable, Unfinished
from kalends.http.lanes import Kind
from kalends.model import Actor, Identifier, Scope
from kalends.rest.advice import advised
from kalends.rest.conditions import Tags, expected_versions, is_known
from kalends.rest.decoding import (
    JSON,
    MERGE_PATCH,
    fingerprint,
    read_body,
    read_condition,
    read_json,
    read_key,
    read_path,
    read_query,
    refuse_media_type,
)
from kalends.rest.files import File
from kalends.rest.identity import Identities
from kalends.rest.problems import BadBody
from kalends.rest.rates import SEARCH_COST, UNLIMITED, RateLimits
from kalends.rest.request import Request
from kalends.rest.scopes import scopes_of
from kalends.rest.wire import ENCODER, read_struct
from kalends.store.database import Database, ReadTx, WriteTx


class NoQuery(Struct, forbid_unknown_fields=True):
    """No parameters."""


class WriteQuery(Struct, forbid_unknown_fields=True):
    """What every write takes."""

    dry_run: Annotated[bool, Meta(description="Validate and answer as the write would, and write nothing")] = False


class Reply(NamedTuple):
    """What a handler answers: a struct to encode, JSON in a file, or nothing."""

    body: Any = None
    etag: str | None = None
    location: str | None = None
    status: HTTPStatus | None = None


class Answer(NamedTuple):
    """What goes out, but for what every answer has."""

    status: int
    headers: dict[str, str]
    body: bytes
    file: File | None = None
    """What goes out in place of a body that is too large to hold."""

    @property
    def size(self) -> int:
        """Return of how many bytes the body is."""
        return self.file.size if self.file else len(self.body)


class Call(NamedTuple):
    """What a handler is given: the transaction, who asks, and the request in the words of the house."""

    tx: Any
    actor: Actor
    ids: dict[str, Any]
    query: Any
    body: Any
    if_match: Tags | None
    if_none_match: Tags | None

    def need(self, scope: Scope) -> None:
        """Raise MissingScope unless the token may be used for this, too."""
        if scope not in self.actor.scopes:
            raise MissingScope(scope)

    @property
    def expect(self) -> frozenset[int] | None:
        """Give the versions that If-Match names."""
        return expected_versions(self.if_match)


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path: all that routing, decoding and the reference need to know of it."""

    method: str
    path: str
    handler: Callable[[Call], Reply]
    tag: str
    scope: Scope | None
    """What a token has to be made for; None where any token will do."""
    besides: tuple[Scope, ...] = ()
    """What it has to be made for as well, as the answer shows more than one kind of data."""
    query: type[Struct]
    ids: Mapping[str, type[Identifier]] = {}
    """The names in the path, and what each is the id of."""
    body: Any = None
    body_optional: bool = False
    cross_check: Callable[[dict[str, Any]], list[Fault]] | None = None
    """Finds what is wrong between the members of a body that also has faults of their own."""
    elsewhere: Mapping[str, str] = {}
    """What callers try to set in this body and have to set elsewhere, as `name` or `name=value`, and what to do."""
    answer: Any = None
    """The struct it answers with, or several where it depends on the body."""
    status: HTTPStatus = HTTPStatus.OK
    also: HTTPStatus | None = None
    """What else it answers where it is done: 201 for something new, 202 for what somebody has to agree to."""
    repeatable: bool = True
    """Whether the answer to a POST may be kept under an Idempotency-Key: a secret may not."""
    errors: tuple[type[KalendsError], ...] = ()
    example: Any = None
    """A body to show in the reference."""
    follow_up: Callable[[Call, Any], Any] | None = None
    """Does a part of what need not be done in the transaction of the handler, each in a transaction of its own, before
    the answer goes out. It is given what it returned for the last part, at first None, and returns None in the end."""
    cost: int = 1
    """How many units of the rate limits a request takes."""
    heavy: bool = False
    """Whether it may read much, even where it costs no more than others."""

    @property
    def writes(self) -> bool:
        """Tell whether this needs a write transaction."""
        return issubclass(self.query, WriteQuery)

    @property
    def kind(self) -> Kind:
        """Return which threads answer it."""
        if self.writes:
            return Kind.WRITE
        return Kind.CALCULATION if self.cost > 1 else Kind.HEAVY if self.heavy else Kind.LIGHT

    @property
    def answers(self) -> tuple[Any, ...]:
        """List the structs that it may answer with."""
        if self.answer is None:
            return ()
        return cast("tuple[Any, ...]", self.answer) if isinstance(self.answer, tuple) else (self.answer,)

    @property
    def shown(self) -> frozenset[str]:
        """Name the members of its answers."""
        return frozenset(field.encode_name for kind in self.answers for field in msgspec.structs.fields(kind))

    @property
    def takes_key(self) -> bool:
        """Tell whether doing it once more under one Idempotency-Key gives the first answer."""
        return self.method == "POST" and self.writes and self.repeatable


OPERATIONS: list[Operation] = []
"""Every operation behind a token, in the order of the reference."""


def operation(method: str, path: str, **details: Any) -> Callable[[Callable[[Call], Reply]], Callable[[Call], Reply]]:
    """Enter a handler into the table of operations; its docstring becomes summary and description."""
    query = details.pop("query", NoQuery if method == "GET" else WriteQuery)

    def enter(handler: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        OPERATIONS.append(Operation(method=method, path=path, handler=handler, query=query, **details))
        return handler

    return enter


class Route:
    """Answers the requests of one operation."""

    def __init__(
        self,
        operation: Operation,
        database: Database,
        identities: Identities,
        max_body_bytes: int,
        rates: RateLimits = UNLIMITED,
    ) -> None:
        self.operation = operation
        self._database = database
        self._identities = identities
        self._max_body_bytes = max_body_bytes
        self._rates = rates
        self._answer_scopes = scopes_of(operation.answers)

    def __call__(self, request: Request, response: falcon.Response, **path: str) -> None:
        """Answer a request. Raises KalendsError."""
        self._rates.count_address(request, response, self.operation.cost - 1)  # one was counted at the entrance
        actor = self._identities.actor_of(request)
        self._rates.count_token(request, response, self.operation.cost)
        for scope in (self.operation.scope, *self.operation.besides):
            if scope is not None and scope not in actor.scopes:
                raise MissingScope(scope)
        ids = read_path(self.operation.ids, path)
        query = read_query(self.operation.query, request.query_string)
        if getattr(query, "q", UNSET) is not UNSET:
            self._rates.count_token(request, response, SEARCH_COST - self.operation.cost)
        raw = read_body(request, self._max_body_bytes) if self.operation.body is not None else b""
        body = self._decode(request, raw, ids)
        conditions = read_condition(request, "If-Match"), read_condition(request, "If-None-Match")

        def call(tx: ReadTx) -> Call:
            return Call(tx, actor, ids, query, body, *conditions)

        def handle(tx: ReadTx) -> Reply:
            try:
                return self.operation.handler(call(tx))
            finally:
                request.statements = tx.statements

        if not self.operation.writes:
            sent = finish(response, self._answer(self._database.read(handle)), conditions[1])
            self._rates.charge_weight(request, response, sent)
            return
        key = read_key(request) if self.operation.takes_key else None
        if key is None or query.dry_run:
            reply = self._database.write(handle, rehearse=query.dry_run)
            answer = self._answer(reply._replace(etag=None, location=None) if query.dry_run else reply)
        else:
            answer = self._answer_once(actor, key, fingerprint(request, actor, raw), handle)
        if self.operation.follow_up is not None and not query.dry_run:
            self._follow_up(self.operation.follow_up, call)
        if not self._answer_scopes <= actor.scopes:
            answer = without_body(answer)
        self._rates.charge_weight(request, response, finish(response, answer, None))

    def _decode(self, request: Request, raw: bytes, ids: Mapping[str, Identifier]) -> Any:
        kind = self.operation.body
        if kind is None:
            return None
        if not raw and self.operation.body_optional:
            return read_struct(kind, {})
        refuse_media_type(request, (JSON, MERGE_PATCH) if self.operation.method == "PATCH" else (JSON,))
        value: Any = None
        try:
            value = read_json(raw)
            return read_struct(kind, value)
        except Invalid as error:
            known = self.operation
            faults = [advised(fault, value, known.elsewhere, known.shown, ids) for fault in error.faults]
            if known.cross_check is not None and isinstance(value, dict):
                faults += known.cross_check(cast("dict[str, Any]", value))
            raise BadBody(*faults) from error

    def _answer(self, reply: Reply) -> Answer:
        headers: dict[str, str] = {}
        if reply.etag is not None:
            headers["ETag"] = reply.etag
        if reply.location is not None:
            headers["Location"] = reply.location
        status = reply.status or self.operation.status
        if isinstance(reply.body, File):
            return Answer(status, headers, b"", reply.body)
        return Answer(status, headers, b"" if reply.body is None else ENCODER.encode(reply.body))

    def _answer_once(self, actor: Actor, key: str, digest: bytes, handle: Callable[[WriteTx], Reply]) -> Answer:
        """Answer the first request with a key by doing the work, and every other by repeating the answer."""
        claim = self._database.write(lambda tx: claim_key(tx, actor, key, digest))
        if isinstance(claim, KeptAnswer):
            answer = Answer(claim.status, msgspec.json.decode(claim.headers, type=dict[str, str]), claim.body)
            return answer if claim.body else without_body(answer)
        try:
            return self._database.write(lambda tx: self._work_and_keep(tx, actor, claim, handle))
        except OutcomeUnknown:
            raise  # the answer may be there: the claim has to lapse before anybody does the work again
        except BaseException:
            with suppress(Unavailable):
                self._database.write(lambda tx: give_up_claim(tx, actor, claim))
            raise

    def _follow_up(self, part: Callable[[Call, Any], Any], call: Callable[[WriteTx], Call]) -> None:
        """Do the rest of the work, also when an answer is repeated: what came before may have been cut short.

        Raises Unfinished.
        """
        left = None
        try:
            while (left := self._database.write(lambda tx, left=left: part(call(tx), left))) is not None:
                pass
        except Unavailable as error:
            raise Unfinished(error.reason, error.retry_after) from error

    def _work_and_keep(self, tx: WriteTx, actor: Actor, claim: Claim, handle: Callable[[WriteTx], Reply]) -> Answer:
        answer = self._answer(handle(tx))
        headers = msgspec.json.encode(answer.headers).decode()
        keep_answer(tx, actor, claim, KeptAnswer(answer.status, headers, answer.body))
        return answer


def without_body(answer: Answer) -> Answer:
    """Return an answer that shows nothing of what was written."""
    status = HTTPStatus.NO_CONTENT if answer.status == HTTPStatus.OK else answer.status
    return Answer(status, answer.headers, b"")


def finish(response: falcon.Response, answer: Answer, if_none_match: Tags | None) -> int:
    """Fill the response, and return of how many bytes its body is.

    A reader who has this very answer already is told so (304) without it.
    """
    response.set_headers(answer.headers)
    if "ETag" in answer.headers and is_known(if_none_match, answer.headers["ETag"]):
        response.status = HTTPStatus.NOT_MODIFIED
        return 0
    response.status = answer.status
    if answer.size:
        response.content_type = JSON
    if answer.file:
        response.set_stream(answer.file.file, answer.file.size)
    elif answer.body:
        response.data = answer.body
    return answer.size
