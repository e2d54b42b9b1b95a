import inspect
import string
from ipaddress import ip_network
from pathlib import Path

import pytest

from kalends import errors
from kalends.errors import BadSetting, Fault, HostsEvents, Invalid, KalendsError, NotFound, OutcomeUnknown, StaleVersion
from kalends.model import EventId, Identifier, OrganizationId, ParticipantCounts, TokenId, UserId
from kalends.settings import Settings, settings_from

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, KalendsError)]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (UserId(1), "usr_0000000000000001"),
        (EventId(2**63 - 1), "evt_7fffffffffffffff"),
        (TokenId(0x18F3C5A9B2D4E6F), "tok_018f3c5a9b2d4e6f"),
        (OrganizationId(255), "org_00000000000000ff"),
    ],
)
def test_an_id_is_shown_with_its_kind(given: UserId, text: str) -> None:
    assert str(given) == f"{given}" == text


def test_an_id_is_read_from_its_text_and_nothing_else_is() -> None:
    assert Identifier.kinds["user"] is UserId
    for kind in Identifier.kinds.values():
        assert kind.parse(str(kind(2**63 - 1))) == 2**63 - 1
        for text in ("", "7", "usr", f"{kind.prefix}7", f"{kind.prefix}8000000000000000", f"x{kind.prefix}{0:016x}"):
            with pytest.raises(ValueError, match=f"must be an id such as {kind.example()}"):
                kind.parse(text)


def test_participant_counts_count_everybody_once() -> None:
    assert ParticipantCounts(required=2, optional=3, accepted=5).total == 5


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_fills_its_fields_into_its_message(kind: type[KalendsError]) -> None:
    code = getattr(kind.__init__, "__code__", None)  # an error without fields has no __init__ of its own
    names = code.co_varnames[1 : code.co_argcount] if code else ()
    values = {name: 7 if name in ("count", "current", "retry_after") else f"<{name}>" for name in names}
    error = kind(**values)
    fields = {name for _, name, _, _ in string.Formatter().parse(kind.message) if name}
    assert fields <= values.keys()
    assert "{" not in str(error)
    assert all(str(values[name]) in str(error) for name in fields)


def test_every_error_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_messages_read_as_sentences() -> None:
    assert str(NotFound("user", UserId(1))) == (
        "No user usr_0000000000000001 could be found: it does not exist, or you may not see it."
    )
    assert str(StaleVersion("event", 4)).startswith(
        "The If-Match or If-None-Match condition is not met: the event is at version 4"
    )
    assert str(HostsEvents(2)).startswith("Unfinished events that the user hosts: 2. Cancel them")
    assert str(BadSetting("X", "{braces} stay")) == "X is not usable: {braces} stay."
    assert str(OutcomeUnknown("The connection broke.")).startswith("The connection broke. Whether")
    assert str(Invalid(Fault((), "a", "one"), Fault((), "b", "two"))) == "one; two"


def test_without_an_environment_settings_keep_their_defaults() -> None:
    assert settings_from({}) == settings_from({"HOME": "/", "kalends_pool_size": "3"}) == Settings()


def test_every_setting_is_read_from_the_environment() -> None:
    read = settings_from(
        {
            "KALENDS_DATABASE_URL": "postgresql://db/kalends",
            "KALENDS_POOL_SIZE": "3",
            "KALENDS_BUSY_TIMEOUT_MS": "2147483647",
            "KALENDS_MAX_BODY_BYTES": "0001",
            "KALENDS_TOKEN_CACHE_MS": "0",
            "KALENDS_RATE_LIMIT": "0",
            "KALENDS_ADDRESS_RATE_LIMIT": "5",
            "KALENDS_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7,2001:db8::/32,",
        }
    )
    wanted = Settings(
        database_url="postgresql://db/kalends",
        pool_size=3,
        busy_timeout_ms=2_147_483_647,
        max_body_bytes=1,
        token_cache_ms=0,
        rate_limit=0,
        address_rate_limit=5,
        trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("192.0.2.7/32"), ip_network("2001:db8::/32")),
    )
    assert read == wanted
    assert {f"KALENDS_{field.upper()}" for field in Settings.__struct_fields__} == ALL_SETTINGS


ALL_SETTINGS = {
    f"KALENDS_{name}"
    for name in (
        *("DATABASE_URL", "POOL_SIZE", "BUSY_TIMEOUT_MS", "READ_TIMEOUT_MS", "MAX_BODY_BYTES"),
        *("TOKEN_CACHE_MS", "RATE_LIMIT", "ADDRESS_RATE_LIMIT", "TRUSTED_PROXIES"),
    )
}


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example.org", "10.0.0.0/33", "*", "10.0.0.1 10.0.0.2", "1,x"])
def test_invalid_addresses_of_proxies_are_refused_with_the_name_of_the_setting(text: str) -> None:
    with pytest.raises(BadSetting, match="KALENDS_TRUSTED_PROXIES is not usable: ") as refused:
        settings_from({"KALENDS_TRUSTED_PROXIES": text})
    assert refused.value.name == "KALENDS_TRUSTED_PROXIES"


def test_only_limits_may_be_zero() -> None:
    with pytest.raises(BadSetting, match="it must be a whole number of at least 0, not '-1'"):
        settings_from({"KALENDS_RATE_LIMIT": "-1"})


def test_the_url_of_the_database_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("  postgresql://me:secret@db/kalends\n")
    assert settings_from({"KALENDS_DATABASE_URL_FILE": str(secret)}).database_url == "postgresql://me:secret@db/kalends"
    assert settings_from({"KALENDS_DATABASE_URL_FILE": "x"}, lambda path: f"of {path}").database_url == "of x"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), (b"", "is empty"), (b" \n", "is empty"), (b"\xff", "not UTF-8")]
)
def test_a_file_that_gives_no_secret_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(BadSetting, match=reason) as refused:
        settings_from({"KALENDS_DATABASE_URL_FILE": str(secret)})
    assert refused.value.name == "KALENDS_DATABASE_URL_FILE"


@pytest.mark.parametrize("path", ["\0", ""])
def test_a_missing_file_is_refused(path: str) -> None:
    with pytest.raises(BadSetting, match="KALENDS_DATABASE_URL_FILE"):
        settings_from({"KALENDS_DATABASE_URL_FILE": path})


def test_a_secret_is_set_only_once() -> None:
    with pytest.raises(BadSetting, match="KALENDS_DATABASE_URL is set as well"):
        settings_from({"KALENDS_DATABASE_URL_FILE": "x", "KALENDS_DATABASE_URL": "y"}, lambda path: path)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", " 7", "1e3", "٣", "²", "2147483648", "9" * 5_000, "many"])
def test_an_invalid_number_is_refused_with_the_name_of_the_setting(text: str) -> None:
    with pytest.raises(BadSetting, match="KALENDS_POOL_SIZE") as refused:
        settings_from({"KALENDS_POOL_SIZE": text})
    assert refused.value.name == "KALENDS_POOL_SIZE"
