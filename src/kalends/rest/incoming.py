"""Reading what comes in: path, query, body and headers, each bounded, and each fault in the caller's own terms."""

import hashlib
from typing import Any
from urllib.parse import unquote_to_bytes

import falcon
import msgspec
from msgspec import Struct

from kalends.errors import Fault, Invalid, NotFound
from kalends.model import Identifier
from kalends.rest.conditions import Tags, read_tags
from kalends.rest.problems import BadQuery, BodyTooLarge, Malformed, WrongMediaType
from kalends.rest.wire import BadValue, read_id, read_struct

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
LONGEST_KEY = 255


def read_path(kinds: dict[str, type[Identifier]], path: dict[str, str]) -> dict[str, Identifier]:
    """Read the ids in a path; one that cannot be names nothing. Raises NotFound."""
    ids: dict[str, Identifier] = {}
    for name, kind in kinds.items():
        try:
            ids[name] = read_id(kind, path[name])
        except BadValue as error:
            raise NotFound(name.removesuffix("_id"), path[name][:64]) from error
    return ids


def read_query(kind: type[Struct], text: str) -> Any:
    """Read the query of a URL. Raises Malformed or BadQuery."""
    values: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        try:
            name, value = (unquote_to_bytes(piece.replace("+", " ")).decode() for piece in (name, value))
        except UnicodeDecodeError as error:
            raise Malformed("the query is not UTF-8") from error
        if name in values:
            raise BadQuery(Fault((name,), "repeated_parameter", f"{name} is given twice"))
        if "\0" in value:
            raise BadQuery(Fault((name,), "nul_character", "the NUL character is not text"))
        values[name] = value
    try:
        return read_struct(kind, values, strict=False)
    except Invalid as error:
        raise BadQuery(*error.faults) from error


def read_body(request: falcon.Request, limit: int) -> bytes:
    """Read the body, but never more than the limit. Raises BodyTooLarge or Malformed."""
    length = request.content_length
    if length is None:
        if "chunked" not in (request.get_header("Transfer-Encoding") or ""):
            return b""
        length = limit + 1
    if length > limit + 1:
        raise BodyTooLarge(limit)
    raw = request.bounded_stream.read(length) if request.content_length is not None else request.stream.read(length)
    if len(raw) > limit:
        raise BodyTooLarge(limit)
    if request.content_length is not None and len(raw) < length:
        raise Malformed("the body ends before its Content-Length")
    return raw


def read_json(raw: bytes) -> Any:
    """Decode a body; numbers that JSON cannot write, text that is not Unicode and endless nesting are refused."""
    try:
        value = msgspec.json.decode(raw)
        faults = nul_faults(value, ()) if b"\\u0000" in raw else []
    except RecursionError as error:
        raise Malformed("the body is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise Malformed("the body is not UTF-8") from error
    except ValueError as error:
        lone = b"\\ud" in raw.lower()
        raise Malformed("a \\ud… escape stands alone, which is no text" if lone else str(error)) from error
    if faults:
        raise Invalid(*faults)
    return value


def nul_faults(value: Any, where: tuple[str | int, ...]) -> list[Fault]:
    """Find every text with a NUL character in it."""
    if isinstance(value, str):
        return [Fault(where, "nul_character", "the NUL character is not text")] if "\0" in value else []
    if isinstance(value, dict):
        return [
            fault
            for name, part in value.items()
            for fault in nul_faults(part, (*where, name)) + nul_faults(name, where)
        ]
    if isinstance(value, list):
        return [fault for place, part in enumerate(value) for fault in nul_faults(part, (*where, place))]
    return []


def refuse_media_type(request: falcon.Request, wanted: tuple[str, ...]) -> None:
    """Raise WrongMediaType unless the body is plain JSON in UTF-8."""
    media_type, _, options = (request.content_type or "").partition(";")
    charset = options.strip().lower().replace('"', "")
    encoding = (request.get_header("Content-Encoding") or "identity").strip().lower()
    if media_type.strip().lower() not in wanted or charset not in ("", "charset=utf-8") or encoding != "identity":
        raise WrongMediaType(" or ".join(wanted))


def read_condition(request: falcon.Request, name: str) -> Tags | None:
    """Read If-Match or If-None-Match. Raises Malformed."""
    try:
        return read_tags(request.get_header(name))
    except ValueError as error:
        raise Malformed(f"{name}: {error}") from error


def read_key(request: falcon.Request) -> str | None:
    """Read the Idempotency-Key. Raises Malformed."""
    key = request.get_header("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Malformed(f"an Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters")
    return key


def fingerprint(request: falcon.Request, raw: bytes) -> bytes:
    """Tell one request from another under the same key."""
    whole = hashlib.sha256()
    for part in (request.method, request.path, request.query_string):
        whole.update(part.encode() + b"\0")
    whole.update(raw)
    return whole.digest()
