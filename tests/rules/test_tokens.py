import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalends.rules.tokens import PREFIX, SECRET_BYTES, is_token, token_digest, token_hint, token_text

secrets = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)


@given(secrets)
def test_a_new_token_is_valid(secret: bytes) -> None:
    text = token_text(secret)
    assert is_token(text)
    assert text.startswith(PREFIX)
    assert set(text.removeprefix(PREFIX)) <= set(string.ascii_lowercase + string.digits)
    assert text.startswith(token_hint(text))
    assert len(token_hint(text)) == 10


@given(secrets)
@settings(max_examples=30)
def test_no_single_wrong_character_goes_unnoticed(secret: bytes) -> None:
    text = token_text(secret)
    for place, right in enumerate(text):
        for wrong in string.ascii_lowercase + string.digits + "A_= é":
            assert wrong == right or not is_token(text[:place] + wrong + text[place + 1 :])


@given(secrets)
def test_no_missing_or_additional_character_goes_unnoticed(secret: bytes) -> None:
    text = token_text(secret)
    assert not any(is_token(text[:place] + text[place + 1 :]) for place in range(len(text)))
    assert not any(is_token(text + more) for more in (" ", "a", "=", "\n", "aaaaaaaa"))


@pytest.mark.parametrize("text", ["", "kal_", "kal_\0", "kal_" + "a" * 39, "a" * 43, "kal_é", "kal_\u017f" + "a" * 38])
def test_other_texts_are_not_tokens(text: str) -> None:
    assert not is_token(text)


@given(st.text() | st.text(string.ascii_lowercase + "234567", min_size=39, max_size=39).map(PREFIX.__add__))
def test_any_text_can_be_checked(text: str) -> None:
    assert not is_token(text)


def test_a_digest_is_sha_256_of_the_text() -> None:
    # NIST's example of "abc"
    assert token_digest("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
