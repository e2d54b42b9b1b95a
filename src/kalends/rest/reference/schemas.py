"""JSON Schemas for values, headers and problems, which no struct describes."""

from collections.abc import Mapping
from typing import Any

from kalends.characters import LINE, LINE_OR_NOTHING, LINES, VISIBLE
from kalends.errors import FAULT_CODES
from kalends.http.errors import PROBLEM_TYPES
from kalends.limits import MAX_EMAIL_LENGTH, MAX_KEY_LENGTH
from kalends.model import Email, Identifier, Metadata, UserId, WrittenTime, Zone
from kalends.rest.problems import MEDIA_TYPE
from kalends.rest.wire import DateOrTime, Minutes, ObjectId, TimeOfDay, id_schema
from kalends.rules.audit import OBJECT_ID_KINDS

YEAR = "(19[0-9]{2}|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])"
DATE = f"{YEAR}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))"
NO_FRACTION = "[.](0{1,6}|0{6}[0-9]{1,3})"
"""A fraction of zero: digits after microseconds are ignored."""
MINUTES = "([01][0-9]|2[0-3]):[0-5][0-9]"
OFFSET = f"([Zz]|[+-]{MINUTES})?"
MIDNIGHT = f"24:00(:00({NO_FRACTION})?)?"

TEXT_SCHEMAS: dict[type, dict[str, Any]] = {
    WrittenTime: {
        "type": "string",
        "pattern": f"^{DATE}[Tt ]({MINUTES}(:[0-5][0-9]({NO_FRACTION})?)?|{MIDNIGHT}){OFFSET}$",
        "description": "RFC 3339 with an offset, or local to `time_zone` without one; 24:00 ends a day",
        "examples": ["2026-03-09T14:00:00+01:00", "2026-03-09T14:00"],
    },
    DateOrTime: {
        "type": "string",
        "pattern": f"^{DATE}([Tt ]({MINUTES}(:[0-5][0-9]([.][0-9]{{1,9}})?)?|{MIDNIGHT}){OFFSET})?$",
        "description": "A time, or a date alone for its local midnight",
        "examples": ["2026-03-09", "2026-03-09T14:00:00Z"],
    },
    TimeOfDay: {
        "type": "string",
        "pattern": f"^({MINUTES}|24:00)$",
        "description": "Wall-clock time; 24:00 ends a day",
        "examples": ["09:30"],
    },
    Zone: {
        "type": "string",
        "pattern": "^[A-Z][A-Za-z0-9_+/-]*$",
        "description": "An IANA time zone",
        "examples": ["Europe/Berlin"],
    },
    Email: {
        "type": "string",
        "pattern": r'^[^@\s()<>\[\]\\,;:"]{1,64}@[^@\s.()<>\[\]\\,;:"_]+([.][^@\s.()<>\[\]\\,;:"_]+)*$',
        "maxLength": MAX_EMAIL_LENGTH,
        "description": "An address of RFC 5321 and RFC 6531, without quotes and brackets",
        "examples": ["hanna@example.org"],
    },
    ObjectId: {
        "type": "string",
        "pattern": f"^({'|'.join(kind.prefix for kind in OBJECT_ID_KINDS)})[0-7][0-9a-f]{{15}}$",
        "examples": ["evt_018f3c5a9b2e0a81"],
    },
    Minutes: {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 1440},
            {"type": "string", "pattern": "^PT([0-9]{1,4}H)?([0-9]{1,5}M)?$"},
        ],
        "description": "Whole minutes, or an ISO 8601 duration",
        "examples": [60, "PT1H30M"],
    },
    Metadata: {
        "type": "object",
        "description": "Any JSON object of at most 16 KiB and 32 levels",
        "examples": [{"badge": "blue"}],
    },
}

PUBLISHED_PATTERNS: dict[object, dict[str, str]] = {
    LINE: {
        "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$",
        "description": "One line with a visible character, without control characters",
    },
    LINE_OR_NOTHING: {
        "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$",
        "description": "One line without control characters, or empty",
    },
    LINES: {
        "pattern": r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
        "description": "Without control characters other than line breaks and tabs",
    },
    VISIBLE: {"pattern": r"\S", "description": "Text to search for, without regard to case and accents"},
}
"""The patterns of text in the reference; the full list of invisible characters would be too long."""


def described_codes(what: str, meanings: Mapping[str, str]) -> str:
    """Return the description of a code, with the meanings of all codes as a list in Markdown."""
    lines = (f"- `{code}`: {meaning}" for code, meaning in sorted(meanings.items()))
    return "\n".join((f"{what}; there may be more in later versions.\n", *lines))


PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "An error (RFC 9457); `errors` lists all faults at once",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "The documentation of the code"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference", "description": "The path of the request"},
        "code": {
            "type": "string",
            "description": described_codes(
                "The code for programs", {kind.code: title for kind, (_, title) in PROBLEM_TYPES.items()}
            ),
        },
        "request_id": {"type": "string", "description": "The id of the request in the log"},
        "conflicts": {
            "type": "array",
            "description": "With the code `conflict`: all conflicts",
            "items": {"$ref": "#/components/schemas/Conflict"},
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "in", "code", "message"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "format": "json-pointer",
                        "description": "The member of the body, or the parameter, at fault (RFC 6901)",
                    },
                    "in": {"enum": ["body", "query", "path"]},
                    "code": {"type": "string", "description": described_codes("What is wrong", FAULT_CODES)},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

CONDITIONS: dict[str, dict[str, Any]] = {
    "act-as": {
        "name": "Kalends-Act-As",
        "in": "header",
        "description": "With an operator's token: act as this user, with no more rights than they have",
        "schema": id_schema(UserId),
    },
    "if-match": {
        "name": "If-Match",
        "in": "header",
        "description": "Only if the object still has this ETag, else 412",
        "schema": {"type": "string"},
        "example": '"7"',
    },
    "if-none-match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "If the object still has this ETag, answer 304 without a body",
        "schema": {"type": "string"},
        "example": '"7"',
    },
    "if-none-match-any": {
        "name": "If-None-Match",
        "in": "header",
        "description": "`*`: only if the object does not exist yet, else 412",
        "schema": {"type": "string"},
        "example": "*",
    },
    "idempotency-key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Repeating a request with the same key within 24 hours repeats the answer, not the work",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[ -~]+$"},
        "example": "5f2a9c0d1e3b4a67",
    },
}
"""The headers that a request may carry."""

HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {"description": "The version, for If-Match and If-None-Match", "schema": {"type": "string"}},
    "Location": {"description": "The path of the new object", "schema": {"type": "string", "format": "uri-reference"}},
    "X-Request-Id": {
        "description": "The id of the request in the log; a request may have its own",
        "required": True,
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"description": "Requests a token", "required": True, "schema": {"type": "string"}},
    "RateLimit-Policy": {
        "description": "Units per minute of the token (draft-ietf-httpapi-ratelimit-headers), if there is a limit",
        "schema": {"type": "string"},
        "example": '"token";q=60000;w=60',
    },
    "RateLimit": {
        "description": "Units that are left, and seconds until all are available again",
        "schema": {"type": "string"},
        "example": '"token";r=59990;t=42',
    },
    "Retry-After": {"description": "Seconds to wait", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
}
"""The headers that an answer may carry."""


def text_schema(kind: type) -> dict[str, Any]:
    """Return the schema of a type that is text in JSON; msgspec calls this for every type it does not know."""
    return id_schema(kind) if issubclass(kind, Identifier) else TEXT_SCHEMAS[kind]


def problem_content(example: dict[str, Any]) -> dict[str, Any]:
    """Return the content of an error answer."""
    return {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}


def headers_named(*names: str) -> dict[str, Any]:
    """Return references to headers of an answer."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, "X-Request-Id")}
