"""The form of a secret token: a prefix that scanners know, 160 random bits, and a checksum against typing errors."""

import base64
import hashlib
import zlib

PREFIX = "kal_"
SECRET_BYTES = 20
SHOWN_CHARACTERS = 6


def token_text(secret: bytes) -> str:
    """Write 160 random bits as a token."""
    checksum = zlib.crc32(secret).to_bytes(4, "big")
    return PREFIX + base64.b32encode(secret + checksum).decode().rstrip("=").lower()


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a token and its checksum holds."""
    body = text.removeprefix(PREFIX)
    try:
        raw = base64.b32decode(body.upper() + "=" * (-len(body) % 8))
    except ValueError:
        return False
    # Writing it again also tells of what decoding forgives: capitals, and spare bits in the last character.
    return len(raw) == SECRET_BYTES + 4 and token_text(raw[:SECRET_BYTES]) == text


def token_hint(text: str) -> str:
    """Give the part of a token that may be shown to tell it from others."""
    return text[: len(PREFIX) + SHOWN_CHARACTERS]


def token_digest(text: str) -> bytes:
    """Give what is stored of a token: SHA-256, as 160 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).digest()
