"""Which e-mail addresses are accepted, and which of them are the same."""

import re
import sys

import pytest

from kalends.rules.emails import check_email, email_key, email_words
from kalends.rules.text import folded

VALID = [
    "hanna@example.org",
    "Hanna.Host+kalends@EXAMPLE.org",
    "o'brien@example.org",
    "x" * 64 + "@example.org",
    "jürgen@example.org",
    "用户@例子.example",
    "hanna@münchen.example",
    "hanna@xn--mnchen-3ya.example",
    "hanna@localhost",
    "hanna@printer.local",
    "hanna@kalends.test",
    "hanna@kalends.example",
    "tom@village.invalid",
    "hanna@a-b.example",
]
INVALID = {
    "ha\u200bnna@example.org": "U+200B",
    "ha\u3164nna@example.org": "U+3164",
    "ha\u2800nna@example.org": "U+2800",
    "hanna@exam\u200bple.org": "ZERO WIDTH SPACE",
    "\u202ehanna@example.org": "U+202E",
    "<hanna@example.org>": "angle brackets",
    "Hanna <hanna@example.org>": "angle brackets",
    "hanna@[192.0.2.1]": "bracketed",
    "hanna[1]@example.org": "'['",
    "hanna(x)@example.org": "'('",
    "a;b@example.org": "';'",
    "a@example.org;b@example.org": "';'",
    "a,b@example.org": "','",
    '"a b"@example.org': "Quoting",
    "a..b@example.org": "two periods",
    ".a@example.org": "start with a period",
    "a.@example.org": "period immediately before",
    "a@example..org": "two periods",
    "a@example.org.": "end with a period",
    "x" * 65 + "@example.org": "too long before",
    "a@-example.org": "hyphen",
    "a@example-.org": "hyphen",
    "a@ex--ample.org": "two dashes",
    "a@under_score.org": "'_'",
    "a@192.0.2.1": "top-level domain",
    "a@" + "x" * 64 + ".org": "so many characters",
    "a@" + "x." * 126 + "org": "longer than 254",
    "a@xn--a.example": "IDNA",
    "a b@example.org": "SPACE",
    "hanna@example.org\n": "U+000A",
    "hanna@example.org ": "SPACE",
    "@example.org": "something before",
    "hanna@": "something after",
    "hanna": "@-sign",
    "": "@-sign",
    "a" * 1_000_000: "longer than 254",
}


@pytest.mark.parametrize("address", VALID)
def test_valid_addresses_are_taken(address: str) -> None:
    assert check_email(address) is None, "it raises nothing"


@pytest.mark.parametrize("address", INVALID, ids=lambda address: ascii(address)[:40])
def test_other_addresses_are_refused_with_the_reason(address: str) -> None:
    with pytest.raises(ValueError, match=re.escape(INVALID[address])):
        check_email(address)


def test_no_module_for_dns_is_loaded() -> None:
    assert "dns" not in sys.modules


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Hanna@Example.ORG", "hanna@example.org"),
        ("hanna@münchen.example", "Hanna@xn--mnchen-3ya.example"),
        ("hanna@MÜNCHEN.example", "hanna@XN--MNCHEN-3YA.example"),
        ("hanna@mu\u0308nchen.example", "hanna@münchen.example"),
        ("hanna@例子\u3002example", "hanna@例子.example"),
        ("JÜRGEN@example.org", "ju\u0308rgen@example.org"),
        ("HANNA@@Example", "hanna@@example"),
    ],
)
def test_one_address_has_one_key_however_it_is_written(a: str, b: str) -> None:
    assert email_key(a) == email_key(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("jose@example.org", "josé@example.org"),
        ("hanna@straße.example", "hanna@strasse.example"),
        ("hanna+x@example.org", "hanna@example.org"),
    ],
)
def test_two_addresses_have_two_keys(a: str, b: str) -> None:
    assert email_key(a) != email_key(b)


@pytest.mark.parametrize("address", ["hanna@münchen.example", "hanna@xn--mnchen-3ya.example"])
def test_a_domain_is_found_in_both_forms(address: str) -> None:
    assert all(form in folded(email_words(address)) for form in ("munchen.", "xn--mnchen-3ya.", folded(address)))


@pytest.mark.parametrize("address", ["hanna@example.org", "hanna@xn--a.example", "ha nna@münchen.example"])
def test_other_addresses_are_found_as_they_are_written(address: str) -> None:
    assert email_words(address) == address
