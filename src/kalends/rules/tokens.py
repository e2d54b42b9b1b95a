"""The form of a secret token: a prefix for secret scanners, 160 random bits, and a checksum against typing errors."""

import base64
import hashlib
import zlib

PREFIX = "kal_"
SECRET_BYTES = 20
SHOWN_CHARACTERS = 6


def token_text(secret: bytes) -> str:
    """Return the token of 160 random bits."""
    checksum = zlib.crc32(secret).to_bytes(4, "big")
    return PREFIX + base64.b32encode(secret + checksum).decode().rstrip("=").lower()


def is_token(text: str) -> bool:
    """Return whether a text has the form of a token and its checksum is right."""
    body = text.removeprefix(PREFIX)
    try:
        raw = base64.b32decode(body.upper() + "=" * (-len(body) % 8))
    except ValueError:
        return False
    # Encoding it again also finds what decoding accepts: capitals, and spare bits in the last character.
    return len(raw) == SECRET_BYTES + 4 and token_text(raw[:SECRET_BYTES]) == text


def token_hint(text: str) -> str:
    """Return the part of a token that may be shown to identify it."""
    return text[: len(PREFIX) + SHOWN_CHARACTERS]


def token_digest(text: str) -> bytes:
    """Return the digest of a token, which is stored: SHA-256, as 160 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).digest()
