"""The adapter of every operation: from a request to a call of the handler, and from its reply to an answer.

It authenticates, decodes, begins a transaction, calls the handler, which calls one action or read, and commits before
it sends the answer.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

import falcon
from msgspec import UNSET

from kalends.errors import Invalid, Unavailable, Unfinished
from kalends.http.authentication import Authenticator, need_scope
from kalends.http.body import read_body, refuse_media_type
from kalends.http.conditions import Conditions, read_conditions
from kalends.http.errors import BadBody
from kalends.http.files import File
from kalends.http.rates import UNLIMITED, RateLimits
from kalends.http.request import Request
from kalends.http.responses import JSON, ResponseData, send
from kalends.model import Actor, Identifier
from kalends.rest.advice import advised
from kalends.rest.decoding import read_json, read_path, read_query
from kalends.rest.idempotency import answer_once, fingerprint, read_key
from kalends.rest.operation import MERGE_PATCH, Operation, Reply
from kalends.rest.paging import PageRequest
from kalends.rest.scopes import scopes_of
from kalends.rest.wire import ENCODER, read_struct
from kalends.store.database import Database, ReadTx

SEARCH_COST = 5
"""Units of the rate limits for a list by text, which reads more rows than it returns."""


class Route:
    """A responder for the requests of one operation."""

    def __init__(
        self,
        operation: Operation,
        database: Database,
        authenticator: Authenticator,
        max_body_bytes: int,
        rates: RateLimits = UNLIMITED,
    ) -> None:
        self.operation = operation
        self._database = database
        self._authenticator = authenticator
        self._max_body_bytes = max_body_bytes
        self._rates = rates
        self._scopes = [scope for scope in (operation.scope, *operation.other_scopes) if scope is not None]
        self._answer_scopes = scopes_of(operation.signature.answers)

    def __call__(self, request: Request, response: falcon.Response, **path: str) -> None:
        """Answer a request. Raise KalendsError."""
        operation, signature = self.operation, self.operation.signature
        self._rates.count_address(request, response, operation.cost - 1)  # one was counted by the middleware
        actor = self._authenticator.authenticate(request)
        self._rates.count_token(request, response, operation.cost)
        for scope in self._scopes:
            need_scope(actor, scope)
        ids = read_path(signature.ids, path)
        query = read_query(signature.query, request.query_string)
        if getattr(query, "q", UNSET) is not UNSET:
            self._rates.count_token(request, response, SEARCH_COST - operation.cost)
        raw = read_body(request, self._max_body_bytes) if signature.body is not None else b""
        body = self._decode(request, raw, ids)
        conditions = read_conditions(request)
        arguments = self._arguments(actor, ids, query, body, conditions)

        def handle(tx: ReadTx) -> Reply[Any]:
            try:
                return operation.handler(tx, actor, **arguments)
            finally:
                request.statements = tx.statements

        if not signature.writes:
            sent = send(response, self._answer(self._database.read(handle)), conditions)
            self._rates.charge_weight(request, response, sent)
            return
        key = read_key(request) if operation.takes_key else None
        if key is None or query.dry_run:
            reply = self._database.write(handle, dry_run=query.dry_run)
            answer = self._answer(reply._replace(etag=None, location=None) if query.dry_run else reply)
        else:
            digest = fingerprint(request, actor, raw)
            answer = answer_once(self._database, actor, key, digest, lambda tx: self._answer(handle(tx)))
        if operation.follow_up is not None and not query.dry_run:
            self._follow_up(operation.follow_up, actor, ids)
        if not self._answer_scopes <= actor.scopes:
            answer = answer.without_body()
        self._rates.charge_weight(request, response, send(response, answer))

    def _arguments(
        self, actor: Actor, ids: dict[str, Identifier], query: Any, body: Any, conditions: Conditions
    ) -> dict[str, Any]:
        """Return the arguments of the handler besides tx and actor, by name."""
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
        """Return the body as the struct that the handler takes, or None. Raise KalendsError."""
        operation, signature = self.operation, self.operation.signature
        if signature.body is None or (not raw and signature.body_optional):
            return None
        refuse_media_type(request, (JSON, MERGE_PATCH) if operation.method == "PATCH" else (JSON,))
        value: Any = None
        try:
            value = read_json(raw)
            return read_struct(signature.body, value)
        except Invalid as error:
            faults = [advised(fault, value, operation.set_elsewhere, operation.shown, ids) for fault in error.faults]
            if operation.cross_check is not None and isinstance(value, dict):
                faults += operation.cross_check(cast("dict[str, Any]", value))
            raise BadBody(*faults) from error

    def _answer(self, reply: Reply[Any]) -> ResponseData:
        headers: dict[str, str] = {}
        if reply.etag is not None:
            headers["ETag"] = reply.etag
        if reply.location is not None:
            headers["Location"] = reply.location
        status = reply.status or self.operation.success
        if isinstance(reply.body, File):
            return ResponseData(status, headers, file=reply.body)
        return ResponseData(status, headers, b"" if reply.body is None else ENCODER.encode(reply.body))

    def _follow_up(self, part: Callable[..., Any], actor: Actor, ids: Mapping[str, Identifier]) -> None:
        """Finish the work, also before an answer is repeated: an earlier request may not have finished it.

        Raise Unfinished.
        """
        left = None
        try:
            while (left := self._database.write(lambda tx, left=left: part(tx, actor, **ids, left=left))) is not None:
                pass
        except Unavailable as error:
            raise Unfinished(error.reason, error.retry_after) from error
