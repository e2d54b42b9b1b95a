"""E-mail addresses: which are valid (RFC 5321, RFC 6531), and which are equal.

The DNS is not used. Domains without public mail are valid (example.org, .test, .local, localhost): an organization may
have such a network, and tests need them. Quoted local parts and domains in brackets are refused, although RFC 5321
allows them: hardly any program accepts them.
"""

import re
from contextlib import suppress

import email_validator
from email_validator import ValidatedEmail, validate_email

from kalends.characters import IGNORABLE
from kalends.limits import MAX_EMAIL_LENGTH
from kalends.rules.text import caseless

INVISIBLE = re.compile(f"[\u2800{IGNORABLE}]")

email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def check_email(address: str) -> None:
    """Raise ValueError, with the reason, if an address is not valid."""
    validated(address)


def email_key(address: str) -> str:
    """Return the form in which equal addresses are the same: without case, and with the domain in ASCII (IDNA).

    An invalid address, stored before addresses were checked, has a key as well.
    """
    known = international(address)
    return caseless(address) if known is None else f"{caseless(known.local_part)}@{known.ascii_domain.lower()}"


def email_words(address: str) -> str:
    """Return the text in which an address is searched: as written, and with both forms of an international domain."""
    known = international(address)
    return address if known is None else f"{address}\n@{known.domain}\n@{known.ascii_domain}"


def international(address: str) -> ValidatedEmail | None:
    """Return the parts of an address that may have more than one form; None if it has one form or is not valid."""
    if address.isascii() and "xn--" not in address.lower():
        return None
    with suppress(ValueError):
        return validated(address)
    return None


def validated(address: str) -> ValidatedEmail:
    """Return the parts of a valid address. Raise ValueError."""
    if len(address) > MAX_EMAIL_LENGTH:
        raise ValueError(f"it is longer than {MAX_EMAIL_LENGTH} characters")
    local, _, domain = address.rpartition("@")
    if found := INVISIBLE.search(local):
        raise ValueError(f"it contains the invisible character U+{ord(found[0]):04X} before the @-sign")
    # A domain without a dot is a machine in a private network; one with a dot has to end like a public domain.
    return validate_email(address, check_deliverability=False, strict=True, globally_deliverable="." in domain)
