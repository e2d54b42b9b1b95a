import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.limits import MAX_METADATA_BYTES, MAX_METADATA_DEPTH
from kalends.rules.metadata import depth_of, merged, metadata_text

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
texts = st.text("abcé\u2028 ", max_size=4)


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
    )
    return st.dictionaries(texts, values, max_size=4)


objects = trees(scalars)


def nested(levels: int, around: type = dict) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if around is dict else [value]
    return value


# RFC 7396, appendix A, as far as target and patch are objects: metadata always is one, and so is a patch for it.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": "foo"}, {"a": {"b": "c", "d": None}}, {"a": {"b": "c"}}),
        ({"a": "b"}, {"a": [None, {"c": None}]}, {"a": [None, {"c": None}]}),
    ],
)
def test_a_merge_patch_does_what_rfc_7396_says(
    target: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]
) -> None:
    before = copy.deepcopy(target)
    assert merged(target, patch) == result
    assert target == before


@given(objects, objects)
def test_a_patch_that_is_applied_again_changes_nothing(target: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merged(target, patch)
    assert merged(once, patch) == once
    assert merged(target, {}) == target


@given(objects)
def test_a_patch_of_nothing_has_nulls_only_in_lists(patch: dict[str, Any]) -> None:
    def holds_null(value: Any) -> bool:
        return isinstance(value, dict) and any(part is None or holds_null(part) for part in value.values())

    assert not holds_null(merged({}, patch))


@given(objects)
def test_metadata_is_json_that_reads_as_what_was_given(metadata: dict[str, Any]) -> None:
    assert json.loads(metadata_text(metadata)) == metadata


def test_no_metadata_is_an_empty_object() -> None:
    assert metadata_text(None) == metadata_text({}) == "{}"


@pytest.mark.parametrize("letter", ["a", "é", "\U0001f4c5"])
def test_metadata_takes_16_kib_of_utf_8_at_most(letter: str) -> None:
    room = MAX_METADATA_BYTES - len('{"note":""}')
    whole, rest = divmod(room, len(letter.encode()))
    longest = {"note": letter * whole + "x" * rest}
    assert len(metadata_text(longest).encode()) == MAX_METADATA_BYTES == 16_384
    with pytest.raises(ValueError, match="must be at most 16,384 bytes as JSON, not 16,385"):
        metadata_text({"note": longest["note"] + "x"})


@pytest.mark.parametrize("around", [dict, list])
def test_metadata_is_32_levels_deep_at_most(around: type) -> None:
    deepest = {"a": nested(MAX_METADATA_DEPTH - 1, around)}
    assert json.loads(metadata_text(deepest)) == deepest
    for levels in (MAX_METADATA_DEPTH, 5_000):
        with pytest.raises(ValueError, match="32 levels"):
            metadata_text({"a": nested(levels, around)})


def test_a_patch_that_is_nested_too_deeply_is_refused_before_it_is_followed() -> None:
    with pytest.raises(ValueError, match="32 levels"):
        merged({}, nested(5_000))


def test_text_that_is_not_unicode_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        metadata_text({"note": "\ud800"})


@pytest.mark.parametrize(("value", "depth"), [(1, 0), ({}, 1), ([[], {}], 2), ({"a": [1, {"b": ()}], "c": 2}, 3)])
def test_depth_counts_objects_and_arrays(value: Any, depth: int) -> None:
    assert depth_of(value) == depth
