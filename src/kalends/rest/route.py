"""The adapter of every operation: from a request to a call of the handler, and from its reply to an answer.

It authenticates, decodes, opens the transaction, lets the handler call its one action or read, and commits before the
answer exists.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import falcon
import msgspec
from msgspec import UNSET

from kalends.actions.idempotency import Claim, KeptAnswer, claim_key, give_up_claim, keep_answer
from kalends.errors import Invalid, OutcomeUnknown, Unavailable, Unfinished
from kalends.model import Actor, Identifier
from kalends.rest.advice import advised
from kalends.rest.conditions import NO_CONDITIONS, Conditions, read_conditions
from kalends.rest.decoding import (
    JSON,
    MERGE_PATCH,
    fingerprint,
    read_body,
    read_json,
    read_key,
    read_path,
    read_query,
    refuse_media_type,
)
from kalends.rest.files import File
from kalends.rest.identity import Identities, need_scope
from kalends.rest.operation import Operation, Reply
from kalends.rest.paging import PageRequest
from kalends.rest.problems import BadBody
from kalends.rest.rates import SEARCH_COST, UNLIMITED, RateLimits
from kalends.rest.request import Request
from kalends.rest.scopes import scopes_of
from kalends.rest.wire import ENCODER, read_struct
from kalends.store.database import Database, ReadTx, WriteTx


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
        self._answer_scopes = scopes_of(operation.signature.answers)

    def __call__(self, request: Request, response: falcon.Response, **path: str) -> None:
        """Answer a request. Raise KalendsError."""
        operation, takes = self.operation, self.operation.signature
        self._rates.count_address(request, response, operation.cost - 1)  # one was counted by the middleware
        actor = self._identities.actor_of(request)
        self._rates.count_token(request, response, operation.cost)
        for scope in (operation.scope, *operation.other_scopes):
            if scope is not None:
                need_scope(actor, scope)
        ids = read_path(takes.ids, path)
        query = read_query(takes.query, request.query_string)
        if getattr(query, "q", UNSET) is not UNSET:
            self._rates.count_token(request, response, SEARCH_COST - operation.cost)
        raw = read_body(request, self._max_body_bytes) if takes.body is not None else b""
        body = self._decode(request, raw, ids)
        conditions = read_conditions(request)
        arguments = self._arguments(actor, ids, query, body, conditions)

        def handle(tx: ReadTx) -> Reply[Any]:
            try:
                return operation.handler(tx, actor, **arguments)
            finally:
                request.statements = tx.statements

        if not takes.writes:
            sent = finish(response, self._answer(self._database.read(handle)), conditions)
            self._rates.charge_weight(request, response, sent)
            return
        key = read_key(request) if operation.takes_key else None
        if key is None or query.dry_run:
            reply = self._database.write(handle, rehearse=query.dry_run)
            answer = self._answer(reply._replace(etag=None, location=None) if query.dry_run else reply)
        else:
            answer = self._answer_once(actor, key, fingerprint(request, actor, raw), handle)
        if operation.follow_up is not None and not query.dry_run:
            self._follow_up(operation.follow_up, actor, ids)
        if not self._answer_scopes <= actor.scopes:
            answer = without_body(answer)
        self._rates.charge_weight(request, response, finish(response, answer, NO_CONDITIONS))

    def _arguments(
        self, actor: Actor, ids: dict[str, Identifier], query: Any, body: Any, conditions: Conditions
    ) -> dict[str, Any]:
        """Return what the handler takes beside tx and actor, by name."""
        passed = self.operation.signature.passed
        arguments: dict[str, Any] = ids.copy()
        if "query" in passed:
            arguments["query"] = query
        if "body" in passed:
            arguments["body"] = body
        if "conditions" in passed:
            arguments["conditions"] = conditions
        if "page" in passed:
            arguments["page"] = PageRequest(actor, ids, query)
        return arguments

    def _decode(self, request: Request, raw: bytes, ids: Mapping[str, Identifier]) -> Any:
        """Return the body as the struct that the handler takes; None if there is none. Raise KalendsError."""
        known, takes = self.operation, self.operation.signature
        if takes.body is None or (not raw and takes.body_optional):
            return None
        refuse_media_type(request, (JSON, MERGE_PATCH) if known.method == "PATCH" else (JSON,))
        value: Any = None
        try:
            value = read_json(raw)
            return read_struct(takes.body, value)
        except Invalid as error:
            faults = [advised(fault, value, known.set_elsewhere, known.shown, ids) for fault in error.faults]
            if known.cross_check is not None and isinstance(value, dict):
                faults += known.cross_check(cast("dict[str, Any]", value))
            raise BadBody(*faults) from error

    def _answer(self, reply: Reply[Any]) -> Answer:
        headers: dict[str, str] = {}
        if reply.etag is not None:
            headers["ETag"] = reply.etag
        if reply.location is not None:
            headers["Location"] = reply.location
        status = reply.status or self.operation.success
        if isinstance(reply.body, File):
            return Answer(status, headers, b"", reply.body)
        return Answer(status, headers, b"" if reply.body is None else ENCODER.encode(reply.body))

    def _answer_once(self, actor: Actor, key: str, digest: bytes, handle: Callable[[WriteTx], Reply[Any]]) -> Answer:
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

    def _follow_up(self, part: Callable[..., Any], actor: Actor, ids: Mapping[str, Identifier]) -> None:
        """Do the rest of the work, also when an answer is repeated: what came before may have been cut short.

        Raise Unfinished.
        """
        left = None
        try:
            while (left := self._database.write(lambda tx, left=left: part(tx, actor, **ids, left=left))) is not None:
                pass
        except Unavailable as error:
            raise Unfinished(error.reason, error.retry_after) from error

    def _work_and_keep(
        self, tx: WriteTx, actor: Actor, claim: Claim, handle: Callable[[WriteTx], Reply[Any]]
    ) -> Answer:
        answer = self._answer(handle(tx))
        headers = msgspec.json.encode(answer.headers).decode()
        keep_answer(tx, actor, claim, KeptAnswer(answer.status, headers, answer.body))
        return answer


def without_body(answer: Answer) -> Answer:
    """Return an answer that shows nothing of what was written."""
    status = HTTPStatus.NO_CONTENT if answer.status == HTTPStatus.OK else answer.status
    return Answer(status, answer.headers, b"")


def finish(response: falcon.Response, answer: Answer, conditions: Conditions) -> int:
    """Fill the response, and return of how many bytes its body is.

    A reader who has this very answer already is told so (304) without it.
    """
    response.set_headers(answer.headers)
    if "ETag" in answer.headers and conditions.knows(answer.headers["ETag"]):
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
