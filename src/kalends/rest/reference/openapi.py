"""The OpenAPI 3.1 document, generated from the operations and their structs."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

import msgspec
from msgspec import UNSET
from msgspec.structs import fields

from kalends import __version__, errors
from kalends.errors import KalendsError
from kalends.http.errors import (
    PROBLEM_TYPES,
    BodyTooLarge,
    BodyTooSlow,
    InternalError,
    Malformed,
    Overloaded,
    TargetTooLong,
    WrongContentEncoding,
    WrongMediaType,
    WrongTransferCoding,
)
from kalends.http.responses import JSON
from kalends.rest.event_shapes import EventJson
from kalends.rest.hours import WorkingHoursJson
from kalends.rest.operation import MERGE_PATCH, Operation
from kalends.rest.participants import ParticipantJson
from kalends.rest.reference.docstrings import describe_schemas, docstring_of
from kalends.rest.reference.schemas import (
    CONDITIONS,
    HEADERS,
    PROBLEM,
    PUBLISHED_PATTERNS,
    headers_named,
    problem_content,
    text_schema,
)
from kalends.rest.scopes import scopes_of
from kalends.rest.users import UserJson

REFERENCE = "#/components/schemas/{name}"
LIST_NAME = re.compile(r"PageJson[_\[](\w+)Json[_\]]$")
HEALTH = "Health"
VERSIONED = (EventJson, ParticipantJson, UserJson, WorkingHoursJson)
RATES = ("RateLimit-Policy", "RateLimit")
TAGS = ("Users", "Events", "Participants", "Working hours", "Availability", "Holds", "Sharing", "Tokens", "Audit log")
DESCRIPTION = (
    "Users, events with one host, and participants who respond. Every call under /v1 needs a token "
    "(`Authorization: Bearer …`). Errors are answered with a problem document (RFC 9457) whose `code` is meant "
    "for programs. HEAD works like GET without the content. No path ends with a slash: a path that does "
    "is redirected (308)."
)


def openapi_document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document of some operations."""
    taken = [known.signature for known in operations]
    kinds = [kind for one in taken for kind in (one.query, one.body, *one.answers) if kind is not None]
    made, components = msgspec.json.schema_components(kinds, schema_hook=text_schema, ref_template=REFERENCE)
    describe_schemas(components, kinds)
    components = {public_name(name): published(schema) for name, schema in components.items()}
    schemas = dict(zip(kinds, map(published, made), strict=True))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for known in operations:
        paths[known.path][known.method.lower()] = operation_object(known, schemas, components)
    queries = {one.query.__name__ for one in taken}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kalends",
            "version": __version__,
            "summary": "Scheduling that never books anybody twice by accident",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in (*TAGS, HEALTH)],
        "paths": paths | health_paths(),
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries}
            | {"Problem": PROBLEM},
            "parameters": CONDITIONS,
            "headers": HEADERS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def public_name(name: str) -> str:
    """Return the name of a schema in the reference: `Event` for `EventJson`, `EventList` for `PageJson[EventJson]`."""
    return LIST_NAME.sub(r"\1List", name).removesuffix("Json")


def published(schema: Any) -> Any:
    """Return a schema with the names and patterns of the reference instead of those of the code."""
    if isinstance(schema, dict):
        described = cast("dict[str, Any]", schema)
        shown = PUBLISHED_PATTERNS.get(described.get("pattern"), {})
        return shown | {name: published(part) for name, part in described.items() if name != "pattern" or not shown}
    if isinstance(schema, list):
        return [published(part) for part in cast("list[Any]", schema)]
    return public_name(schema) if isinstance(schema, str) else schema  # a title or a reference ends with a name


def health_paths() -> dict[str, Any]:
    """Return the paths of the health checks."""
    asked = (
        ("live", "check_liveness", "Check that the process responds", (InternalError,)),
        (
            "ready",
            "check_readiness",
            "Check that requests can be served",
            (InternalError, errors.Unavailable, errors.SchemaMismatch, errors.ZoneDataMismatch),
        ),
    )
    return {
        f"/health/{name}": {
            "get": {
                "operationId": operation_id,
                "tags": [HEALTH],
                "summary": summary,
                "description": f"{summary}; needs no token.",
                "security": [],
                "parameters": [],
                "responses": {"200": {"description": "OK", "headers": headers_named(), "content": health_content(name)}}
                | {str(int(status)): answer for status, answer in problem_answers(kinds).items()},
            }
        }
        for name, operation_id, summary, kinds in asked
    }


def health_content(name: str) -> dict[str, Any]:
    """Return the content of the answer of a healthy service."""
    properties: dict[str, Any] = {"status": {"const": name}}
    example = {"status": name}
    if name == "ready":
        said = "The release of the IANA time zone database in use"
        properties["zone_data"] = {"type": "string", "description": said}
        example["zone_data"] = "2026f"
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {JSON: {"schema": schema, "example": example}}


def has_version(kinds: Iterable[Any]) -> bool:
    """Return whether an answer of some kinds has an ETag, as objects with a version of their own have."""
    return any(kind in VERSIONED for kind in kinds)


def operation_object(known: Operation, schemas: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    """Return the description of one operation."""
    summary, _, description = docstring_of(known.handler).partition("\n\n")
    needs = "Any valid token is sufficient." if known.scope is None else f"Needs the scope `{known.scope.value}`."
    described: dict[str, Any] = {
        "operationId": known.handler.__name__,
        "tags": [known.tag],
        "summary": summary.rstrip("."),
        "description": f"{' '.join(description.split()) or summary} {needs}",
        "security": [{"token": [] if known.scope is None else [known.scope.value]}],
        "parameters": parameters_of(known, components[known.signature.query.__name__]),
        "responses": {str(int(status)): answer for status, answer in answers_of(known, schemas).items()},
    }
    body = known.signature.body
    if body is not None:
        content: dict[str, Any] = {"schema": schemas[body], "example": example_of(body)}
        media_types = (JSON, MERGE_PATCH) if known.method == "PATCH" else (JSON,)
        described["requestBody"] = {
            "required": not known.signature.body_optional,
            "content": dict.fromkeys(media_types, content),
        }
    return described


def example_of(kind: Any) -> Any:
    """Return the `example` of a struct, or the object or list of the examples of its parts."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is list:
        return [example_of(parts[0])]
    if origin is Annotated:
        return example_of(parts[0])
    if origin in (Union, UnionType):
        return None if NoneType in parts else example_of(parts[-1])
    if "example" in vars(kind):
        return kind.example
    return {member.encode_name: example_of(member.type) for member in fields(kind) if member.default is not UNSET}


def parameters_of(known: Operation, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters in path, query and headers."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": text_schema(kind)}
        for name, kind in known.signature.ids.items()
    ]
    for name, schema in query["properties"].items():
        described = dict(schema)
        text = described.pop("description", None)
        parameter = {"name": name, "in": "query", "schema": described}
        parameters.append(parameter | {"description": text} if text else parameter)
    headers = ["act-as"]
    if "conditions" in known.signature.passed:
        headers.append("if-match")
    if known.method == "GET" and has_version(known.signature.answers):
        headers.append("if-none-match")
    if known.other_status is HTTPStatus.CREATED:
        headers.append("if-none-match-any")
    if known.takes_key:
        headers.append("idempotency-key")
    return parameters + [{"$ref": f"#/components/parameters/{name}"} for name in headers]


def answers_of(known: Operation, schemas: dict[Any, Any]) -> dict[HTTPStatus, Any]:
    """Return the answers of success and of all errors, by status."""
    answers: dict[HTTPStatus, Any] = {}
    for status in filter(None, (known.success, known.other_status)):
        kinds = () if status is HTTPStatus.NO_CONTENT else known.signature.answers
        tag = ("ETag",) if has_version(kinds) else ()
        place = ("Location",) if status is HTTPStatus.CREATED else ()
        answers[status] = {"description": status.phrase, "headers": headers_named(*tag, *place, *RATES)}
        if kinds:
            several = [schemas[kind] for kind in kinds]
            schema = {"anyOf": several} if len(several) > 1 else several[0]
            answers[status]["content"] = {JSON: {"schema": schema, "example": example_of(kinds[0])}}
    if known.signature.writes and scopes_of(known.signature.answers) - {known.scope, *known.other_scopes}:
        description = "Done. The token lacks the scope to read what it has written"
        answers.setdefault(HTTPStatus.NO_CONTENT, {"description": description, "headers": headers_named(*RATES)})
    if known.method == "GET" and has_version(known.signature.answers):
        status = HTTPStatus.NOT_MODIFIED
        answers[status] = {"description": status.phrase, "headers": headers_named("ETag", *RATES)}
    return answers | problem_answers(errors_of(known))


def errors_of(known: Operation) -> Sequence[type[KalendsError]]:
    """Return all errors: those of the operation, those that follow from its signature, and those of all operations."""
    takes = known.signature
    everywhere: list[type[KalendsError]] = [Malformed, TargetTooLong, errors.Invalid]
    everywhere += [errors.Unauthenticated, errors.Forbidden]
    if known.scope is not None:
        everywhere.append(errors.MissingScope)
    if takes.ids:
        everywhere.append(errors.NotFound)
    if "conditions" in takes.passed:
        everywhere.append(errors.StaleVersion)
    if takes.body is not None:
        everywhere += [BodyTooLarge, BodyTooSlow, WrongMediaType, WrongContentEncoding, WrongTransferCoding]
    if known.takes_key:
        everywhere += [errors.KeyInFlight, errors.KeyReused]
    everywhere += [errors.RateLimited, InternalError, errors.Unavailable, Overloaded]
    everywhere.append(errors.OutcomeUnknown if takes.writes else errors.TooExpensive)
    if known.follow_up is not None:
        everywhere.append(errors.Unfinished)
    return tuple(dict.fromkeys((*known.errors, *everywhere)))


def problem_answers(kinds: Sequence[type[KalendsError]]) -> dict[HTTPStatus, dict[str, Any]]:
    """Return the answers of some errors by status; the first of each is the example."""
    by_status: dict[HTTPStatus, list[type[KalendsError]]] = defaultdict(list)
    for kind in kinds:
        by_status[PROBLEM_TYPES[kind].status].append(kind)
    return {status: problem_answer(status, by_status[status]) for status in sorted(by_status)}


def problem_answer(status: HTTPStatus, kinds: list[type[KalendsError]]) -> dict[str, Any]:
    """Return the answer of a status, with its first kind of error as the example."""
    headers = {
        HTTPStatus.UNAUTHORIZED: ["WWW-Authenticate"],
        HTTPStatus.CONFLICT: ["Retry-After"] if errors.KeyInFlight in kinds else [],
        HTTPStatus.TOO_MANY_REQUESTS: ["Retry-After", *RATES],
        HTTPStatus.SERVICE_UNAVAILABLE: ["Retry-After"],
    }
    first = kinds[0]
    example = {
        "type": f"/docs#{first.code}",
        "title": PROBLEM_TYPES[first].title,
        "status": int(status),
        "detail": PROBLEM_TYPES[first].title,
        "instance": "/v1/events",
        "code": first.code,
        "request_id": "5f2a9c0d1e3b4a67",
    }
    return {
        "description": "; ".join(f"`{kind.code}`: {PROBLEM_TYPES[kind].title}" for kind in kinds),
        "headers": headers_named(*headers.get(status, [])),
        "content": problem_content(example),
    }
