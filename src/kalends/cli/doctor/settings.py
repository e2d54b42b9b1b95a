"""Checks of the settings and of the machine."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from kalends.cli.doctor.results import CheckResult, ok, problem, warning
from kalends.settings import Settings

MEBIBYTE = 1 << 20
LARGEST_SANE_BODY = 64 * MEBIBYTE
FEWEST_FILES = 4_096
"""With a lower limit, few clients are enough to shut out all others."""


def check_rate_limits(settings: Settings) -> Iterator[CheckResult]:
    """Check whether one caller could use up all capacity."""
    for name, units in (("RATE_LIMIT", settings.rate_limit), ("ADDRESS_RATE_LIMIT", settings.address_rate_limit)):
        subject = name.lower().replace("_", " ")
        if units:
            yield ok(subject, f"{units} units a minute of each process")
        else:
            yield warning(subject, "switched off", f"unset KALENDS_{name} unless a proxy limits rates")


def check_proxies(settings: Settings) -> Iterator[CheckResult]:
    """Check whether callers could choose the address that rate limits use."""
    four = [network for network in settings.trusted_proxies if isinstance(network, IPv4Network)]
    six = [network for network in settings.trusted_proxies if isinstance(network, IPv6Network)]
    everybody = [one for one in (*collapse_addresses(four), *collapse_addresses(six)) if one.prefixlen == 0]
    if everybody:
        text = f"all of {everybody[0]} is trusted, so callers can claim any address"
        yield problem("trusted proxies", text, "list only your proxies in KALENDS_TRUSTED_PROXIES")
    else:
        yield ok("trusted proxies", ", ".join(map(str, settings.trusted_proxies)) or "none")


def check_bodies(settings: Settings) -> Iterator[CheckResult]:
    """Check whether a few requests could use up the memory."""
    if settings.max_body_bytes > LARGEST_SANE_BODY:
        text = f"up to {settings.max_body_bytes // MEBIBYTE} MiB, and every thread may hold a body in memory"
        yield warning("body size", text, "lower KALENDS_MAX_BODY_BYTES; no request needs more than a few MiB")
    else:
        yield ok("body size", f"at most {settings.max_body_bytes:,} bytes")


def check_open_files(limit: int) -> Iterator[CheckResult]:
    """Check the limit of open files: each connection is one."""
    text = f"at most {limit:,}"
    if limit < FEWEST_FILES:
        advice = "raise the hard limit of open files, for example with ulimit -Hn or LimitNOFILE"
        yield warning("open files", f"{text}, so as many idle clients would shut out all others", advice)
    else:
        yield ok("open files", text)


def check_zone_data(release: str, folder: str, incomplete: str | None) -> Iterator[CheckResult]:
    """Report the release of the time zone database in use, and an incomplete one of the system."""
    text = f"{release} of the IANA time zone database, from {folder}"
    if incomplete:
        text += f"; that of the system, {incomplete}, is not used because zones are missing from it"
        yield warning("zone data", text, "install all zones (on Debian tzdata-legacy), or upgrade the package tzdata")
    else:
        yield ok("zone data", text)
