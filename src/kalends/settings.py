"""The settings: the only module that reads the environment, once, into one immutable value."""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from msgspec import Struct

from kalends.errors import BadSetting


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of this installation; each field is read from `KALENDS_` and its name in capitals."""

    database_url: str = "sqlite:///kalends.db"
    """`sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host/name`."""

    pool_size: int = 12
    """Connections that one process keeps: readers on SQLite, all connections on PostgreSQL."""

    busy_timeout_ms: int = 10_000
    """How long a write waits for its turn before it is answered 503, in milliseconds."""

    read_timeout_ms: int = 2_000
    """How long a server may read for one answer, in milliseconds, before it answers 503; 0 for no limit."""

    token_cache_ms: int = 800
    """How long the user and rights of a token are cached, in milliseconds; 0 reads them with each request."""

    max_body_bytes: int = 1_048_576
    """The largest request body that is read, in bytes; a larger one is answered 413."""

    rate_limit: int = 60_000
    """Units that a token may use per minute and process; most requests take one. 0 for no limit."""

    address_rate_limit: int = 120_000
    """Units that a client's address may use per minute and process, with all its tokens. 0 for no limit."""

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses or networks, separated by commas, of proxies whose X-Forwarded-For and -Proto are trusted."""


ZERO_ALLOWED = ("read_timeout_ms", "token_cache_ms", "rate_limit", "address_rate_limit")


def read_file(path: str) -> str:
    """Return the text of a file. Raise OSError or UnicodeDecodeError."""
    return Path(path).read_text(encoding="utf-8")


def settings_from(environment: Mapping[str, str], read: Callable[[str], str] = read_file) -> Settings:
    """Return the settings in the environment, with defaults for absent ones. Raise BadSetting.

    `read` returns the text of a file that a variable names in place of a secret.
    """
    values: dict[str, object] = {}
    for field in Settings.__struct_fields__:
        name = f"KALENDS_{field.upper()}"
        text = secret_from(environment, name, read) if field == "database_url" else environment.get(name)
        if text is None:
            continue
        if field == "database_url":
            values[field] = text
        elif field == "trusted_proxies":
            values[field] = networks_of(name, text)
        else:
            values[field] = number_of(name, text, 0 if field in ZERO_ALLOWED else 1)
    return Settings(**values)  # pyright: ignore[reportArgumentType]


def secret_from(environment: Mapping[str, str], name: str, read: Callable[[str], str]) -> str | None:
    """Return a value, or the content of the file that the variable with `_FILE` names. Raise BadSetting."""
    by_file = f"{name}_FILE"
    path = environment.get(by_file)
    if path is None:
        return environment.get(name)
    if name in environment:
        raise BadSetting(by_file, f"{name} is set as well: unset one of the two")
    try:
        text = read(path).strip()
    except (OSError, ValueError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else getattr(error, "strerror", None)
        raise BadSetting(by_file, f"{path!r} cannot be read ({reason or error})") from error
    if not text:
        raise BadSetting(by_file, f"{path!r} is empty")
    return text


def number_of(name: str, text: str, least: int) -> int:
    """Return the number in a text. Raise BadSetting if it is smaller than `least`."""
    if re.fullmatch(r"\d{1,10}", text, re.ASCII) and least <= int(text) < 2**31:
        return int(text)
    raise BadSetting(name, f"it must be a whole number of at least {least}, not {text[:32]!r}")


def networks_of(name: str, text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the addresses and networks in a text. Raise BadSetting."""
    found: list[IPv4Network | IPv6Network] = []
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            found.append(ip_network(part))
        except ValueError as error:
            raise BadSetting(name, f"{part!r} is neither an address nor a network such as 10.0.0.0/8") from error
    return tuple(found)
