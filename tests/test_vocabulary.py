import inspect
import string

import pytest

from kalends import errors
from kalends.errors import BadSetting, Fault, HostsEvents, Invalid, KalendsError, NotFound, OutcomeUnknown, StaleVersion
from kalends.model import EventId, OrganizationId, Tally, TokenId, UserId
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


def test_a_tally_counts_everybody_once() -> None:
    assert Tally(required=2, optional=3, accepted=5).total == 5


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_fills_its_fields_into_its_message(kind: type[KalendsError]) -> None:
    code = getattr(kind.__init__, "__code__", None)  # an error without fields has no __init__ of its own
    names = code.co_varnames[1 : code.co_argcount] if code else ()
    values = {name: 7 if name in ("count", "current", "retry_after") else f"<{name}>" for name in names}
    error = kind(**values)
    fields = {name for _, name, _, _ in string.Formatter().parse(kind.__doc__ or "") if name}
    assert fields <= values.keys()
    assert "{" not in str(error)
    assert all(str(values[name]) in str(error) for name in fields)


def test_every_error_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_messages_read_as_sentences() -> None:
    assert str(NotFound("user", UserId(1))) == "There is no user usr_0000000000000001 here."
    assert str(StaleVersion("event", 4)) == "The event has changed: it is at version 4, not at the one you have."
    assert str(HostsEvents(2)).startswith("The user hosts 2 unfinished events")
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
        }
    )
    wanted = Settings(
        database_url="postgresql://db/kalends", pool_size=3, busy_timeout_ms=2_147_483_647, max_body_bytes=1
    )
    assert read == wanted


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", " 7", "1e3", "٣", "²", "2147483648", "9" * 5_000, "many"])
def test_a_number_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadSetting, match="KALENDS_POOL_SIZE") as refused:
        settings_from({"KALENDS_POOL_SIZE": text})
    assert refused.value.name == "KALENDS_POOL_SIZE"
