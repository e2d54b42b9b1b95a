"""E-mail addresses: which are valid (RFC 5321, RFC 6531), and when two of them are the same.

Nothing is looked up in the DNS. Domains that are never reached by public mail stay usable (example.org, .test, .local,
localhost): an organization may have such a network, and tests need them. Quoted local parts and addresses in brackets
are refused, although RFC 5321 knows them: hardly any program takes them.
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
    """Raise ValueError, with the reason, for what is not a valid address."""
    validated(address)


def email_key(address: str) -> str:
    """Return what is the same for two ways to write one address: no case, and the domain in ASCII (IDNA).

    An address that is not valid, kept from before it was checked, has a key as well.
    """
    known = international(address)
    return caseless(address) if known is None else f"{caseless(known.local_part)}@{known.ascii_domain.lower()}"


def email_words(address: str) -> str:
    """Return what an address is found by: as it is written, and with both forms of an international domain."""
    known = international(address)
    return address if known is None else f"{address}\n@{known.domain}\n@{known.ascii_domain}"


def international(address: str) -> ValidatedEmail | None:
    """Return the parts of an address that may have more than one form; None for any other, and if it is not valid."""
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
        raise ValueError(f"it holds the invisible character U+{ord(found[0]):04X} before the @-sign")
    # Without a dot it is a machine of one's own network; with one, its end has to look like that of a public domain.
    return validate_email(address, check_deliverability=False, strict=True, globally_deliverable="." in domain)
