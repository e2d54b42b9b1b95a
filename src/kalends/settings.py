"""The only reader of the environment: one frozen value, made once and handed down."""

import re
from collections.abc import Mapping

from msgspec import Struct

from kalends.errors import BadSetting


class Settings(Struct, frozen=True, kw_only=True):
    """How this installation runs; each field is read from `KALENDS_` and its name in capitals."""

    database_url: str = "sqlite:///kalends.db"
    """`sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host/name`."""

    pool_size: int = 8
    """Connections that one process keeps: readers on SQLite, all connections on PostgreSQL."""

    busy_timeout_ms: int = 10_000
    """How long a write waits for its turn before the caller is told 503, in milliseconds."""

    token_cache_ms: int = 800
    """How long what a token stands for is remembered, in milliseconds; 0 looks it up with each request."""

    max_body_bytes: int = 1_048_576
    """The largest request body that is read, in bytes; a larger one is answered 413."""


MAY_BE_ZERO = ("token_cache_ms",)


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read every field from the environment; what is absent keeps its default. Raises BadSetting."""
    values: dict[str, str | int] = {}
    for field in Settings.__struct_fields__:
        name = f"KALENDS_{field.upper()}"
        text = environment.get(name)
        if text is None:
            continue
        if field == "database_url":
            values[field] = text
        elif (
            re.fullmatch(r"\d{1,10}", text, re.ASCII) and int(text) < 2**31 and (int(text) > 0 or field in MAY_BE_ZERO)
        ):
            values[field] = int(text)
        else:
            raise BadSetting(name, "a whole number above zero is needed")
    return Settings(**values)  # pyright: ignore[reportArgumentType]
