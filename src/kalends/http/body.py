"""Reading bodies: up to a limit, compressed or not, and with the right media type."""

import codecs
import zlib

from kalends.http.errors import BodyTooLarge, Malformed, WrongContentEncoding, WrongMediaType
from kalends.http.request import Request

GZIP = ("gzip", "x-gzip")
GZIP_FORMAT = zlib.MAX_WBITS + 16


def read_body(request: Request, limit: int) -> bytes:
    """Return the body without a byte order mark; the limit holds for it as sent and as decompressed.

    Raise BodyTooLarge, Malformed or WrongContentEncoding.
    """
    encoding = (request.header("Content-Encoding") or "identity").strip().lower()
    if encoding not in ("identity", *GZIP):
        raise WrongContentEncoding
    raw = read_raw(request, limit)
    plain = decompressed(raw, limit) if raw and encoding in GZIP else raw
    return plain.removeprefix(codecs.BOM_UTF8)


def read_raw(request: Request, limit: int) -> bytes:
    """Return the body as it was sent. Raise BodyTooLarge or Malformed."""
    length = request.content_length
    if length is None:
        # In chunks, or a stream of HTTP/2: without a length, it can be read only if the server marks the end of input.
        ends = request.env.get("wsgi.input_terminated") or "chunked" in (request.header("Transfer-Encoding") or "")
        raw = request.stream.read(limit + 1) if ends else b""
    elif length > limit:
        raise BodyTooLarge(limit)
    else:
        raw = request.bounded_stream.read(length)
    if len(raw) > limit:
        raise BodyTooLarge(limit)
    if length is not None and len(raw) < length:
        raise Malformed("the body ends before its Content-Length")
    return raw


def decompressed(raw: bytes, limit: int) -> bytes:
    """Return a gzip body (RFC 1952) decompressed, up to a byte more than the limit. Raise BodyTooLarge or Malformed."""
    stream = zlib.decompressobj(GZIP_FORMAT)
    try:
        plain = stream.decompress(raw, limit + 1)
    except zlib.error as error:
        raise Malformed("the body is not gzip") from error
    if len(plain) > limit:
        raise BodyTooLarge(limit)
    if not stream.eof:
        raise Malformed("the body ends before its gzip stream")
    if stream.unused_data:
        raise Malformed("the body has data after its gzip stream")
    return plain


def refuse_media_type(request: Request, wanted: tuple[str, ...]) -> None:
    """Raise WrongMediaType unless the body is plain JSON in UTF-8."""
    media_type, _, options = (request.content_type or "").partition(";")
    charset = options.strip().lower().replace('"', "")
    if media_type.strip().lower() not in wanted or charset not in ("", "charset=utf-8"):
        raise WrongMediaType(*wanted)
