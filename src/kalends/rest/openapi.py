"""The OpenAPI 3.1 document, generated from the table of operations and the structs they take and give."""

import inspect
from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from kalends import __version__, errors
from kalends.errors import KalendsError
from kalends.model import Email, Identifier, Metadata, TimeText, Zone
from kalends.rest.examples import ANSWER_EXAMPLES
from kalends.rest.incoming import JSON, LONGEST_KEY, MERGE_PATCH
from kalends.rest.problems import MEDIA_TYPE, STATUS, TITLES, BodyTooLarge, InternalError, Malformed, WrongMediaType
from kalends.rest.route import Operation
from kalends.rest.wire import LONGEST_ADDRESS, DateOrTime

REFERENCE = "#/components/schemas/{name}"
TEXT_SCHEMAS: dict[type, dict[str, Any]] = {
    TimeText: {
        "type": "string",
        "description": "RFC 3339 with an offset, or local to `time_zone` without one; 24:00 ends a day",
        "examples": ["2026-03-09T14:00:00+01:00", "2026-03-09T14:00"],
    },
    DateOrTime: {
        "type": "string",
        "description": "A time, or a date alone for its local midnight",
        "examples": ["2026-03-09", "2026-03-09T14:00:00Z"],
    },
    Zone: {"type": "string", "description": "An IANA time zone", "examples": ["Europe/Berlin"]},
    Email: {"type": "string", "maxLength": LONGEST_ADDRESS, "examples": ["hanna@example.org"]},
    Metadata: {"type": "object", "description": "Any JSON object of at most 16 KiB", "examples": [{"badge": "blue"}]},
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457); `errors` names every fault at once",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "Where the code is explained"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "What a program should look at"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "in", "code", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON Pointer (RFC 6901) of the member at fault"},
                    "in": {"enum": ["body", "query"]},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
HEADERS: dict[str, dict[str, Any]] = {
    "if-match": {
        "name": "If-Match",
        "in": "header",
        "description": "Only if it still has this ETag, else 412",
        "schema": {"type": "string", "examples": ['"7"']},
    },
    "if-none-match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "304 without a body if it still has this ETag",
        "schema": {"type": "string", "examples": ['"7"']},
    },
    "idempotency-key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Repeating the request with the same key within 24 hours repeats the answer, not the work",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    },
}


def openapi_document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Give the whole document."""
    kinds = [
        kind for known in operations for kind in (known.query, known.body, *kinds_of(known.answer)) if kind is not None
    ]
    made, components = msgspec.json.schema_components(kinds, schema_hook=text_schema, ref_template=REFERENCE)
    schemas = dict(zip(map(id, kinds), made, strict=True))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for known in operations:
        paths[known.path][known.method.lower()] = operation_object(known, schemas, components)
    queries = {known.query.__name__ for known in operations}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kalends",
            "version": __version__,
            "summary": "People, events and answers, and nobody booked twice by accident",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(known.tag for known in operations)],
        "paths": dict(paths),
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries}
            | {"Problem": PROBLEM},
            "parameters": HEADERS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def kinds_of(answer: Any) -> tuple[Any, ...]:
    """Give the kinds of answer that an operation may give."""
    return answer if isinstance(answer, tuple) else () if answer is None else (answer,)


def text_schema(kind: type) -> dict[str, Any]:
    """Give the schema of a type that JSON writes as text; msgspec asks for every type it does not know."""
    if issubclass(kind, Identifier):
        return {"type": "string", "pattern": f"^{kind.prefix}[0-7][0-9a-f]{{15}}$"}
    return TEXT_SCHEMAS[kind]


def operation_object(known: Operation, schemas: dict[int, Any], components: dict[str, Any]) -> dict[str, Any]:
    """Describe one operation."""
    summary, _, description = inspect.cleandoc(known.handler.__doc__ or "").partition("\n\n")
    answers: dict[str, Any] = {str(int(status)): answer for status, answer in answers_of(known, schemas).items()}
    described: dict[str, Any] = {
        "operationId": known.handler.__name__,
        "tags": [known.tag],
        "summary": summary.rstrip("."),
        "description": " ".join(description.split()) or summary,
        "parameters": parameters_of(known, components[known.query.__name__]),
        "responses": answers,
    }
    if known.body is not None:
        content: dict[str, Any] = {"schema": schemas[id(known.body)], "example": known.example}
        media_types = (JSON, MERGE_PATCH) if known.method == "PATCH" else (JSON,)
        described["requestBody"] = {
            "required": not known.body_optional,
            "content": dict.fromkeys(media_types, content),
        }
    return described


def parameters_of(known: Operation, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Describe what stands in the path, the query and the headers."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": text_schema(kind)} for name, kind in known.ids.items()
    ]
    for name, schema in query["properties"].items():
        described = dict(schema)
        text = described.pop("description", None)
        parameter = {"name": name, "in": "query", "schema": described}
        parameters.append(parameter | {"description": text} if text else parameter)
    if errors.StaleVersion in known.errors:
        parameters.append({"$ref": "#/components/parameters/if-match"})
    if known.method == "GET" and errors.NotFound in known.errors:
        parameters.append({"$ref": "#/components/parameters/if-none-match"})
    if known.method == "POST":
        parameters.append({"$ref": "#/components/parameters/idempotency-key"})
    return parameters


def answers_of(known: Operation, schemas: dict[int, Any]) -> dict[HTTPStatus, Any]:
    """Describe the answer of success and those of everything that can go wrong."""
    answers: dict[HTTPStatus, Any] = {known.status: {"description": known.status.phrase}}
    if known.answer is not None:
        kinds = kinds_of(known.answer)
        schema = {"anyOf": [schemas[id(kind)] for kind in kinds]} if len(kinds) > 1 else schemas[id(kinds[0])]
        content = {"schema": schema, "example": ANSWER_EXAMPLES[kinds[0]]}
        answers[known.status]["content"] = {JSON: content}
    if known.method == "PUT" and "{user_id}" in known.path and not known.path.endswith("/response"):
        answers[HTTPStatus.CREATED] = answers[known.status] | {"description": HTTPStatus.CREATED.phrase}
    if known.method == "GET" and errors.NotFound in known.errors:
        answers[HTTPStatus.NOT_MODIFIED] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
    for status, kinds in sorted(errors_of(known).items()):
        answers[status] = problem_answer(status, kinds)
    return answers


def errors_of(known: Operation) -> dict[HTTPStatus, list[type[KalendsError]]]:
    """Sort everything that can go wrong by its status: what the operation names, and what every route can answer."""
    everywhere: list[type[KalendsError]] = [Malformed, errors.Unauthenticated, errors.Invalid]
    if known.body is not None:
        everywhere += [BodyTooLarge, WrongMediaType]
    if known.method == "POST":
        everywhere += [errors.KeyInFlight, errors.KeyReused]
    everywhere += [InternalError, errors.Unavailable]
    if known.writes:
        everywhere.append(errors.OutcomeUnknown)
    by_status: dict[HTTPStatus, list[type[KalendsError]]] = defaultdict(list)
    for kind in dict.fromkeys((*known.errors, *everywhere)):
        by_status[STATUS[kind]].append(kind)
    return by_status


def problem_answer(status: HTTPStatus, kinds: list[type[KalendsError]]) -> dict[str, Any]:
    """Describe the problem document of a status, with its first kind as the example."""
    first = kinds[0]
    example = {
        "type": f"/docs#{first.code}",
        "title": TITLES[first],
        "status": int(status),
        "detail": TITLES[first],
        "instance": "/v1/…",
        "code": first.code,
        "request_id": "5f2a9c0d1e3b4a67",
    }
    return {
        "description": "; ".join(f"`{kind.code}`: {TITLES[kind]}" for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(name="Problem")}, "example": example}},
    }
