"""Canonical JSON: the fast way writes byte for byte what the reference package writes, or leaves it to it."""

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from workflow.canonical import digest, encode
from workflow.errors import LogUnwritable

plain = st.none() | st.booleans() | st.text() | st.integers(-(2**53) + 1, 2**53 - 1)
values = st.recursive(
    plain | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
    max_leaves=25,
)


@given(values)
@example({"\U00010000": 1, "\ue000": 2})  # ordered by UTF-16 units, not by code points
@example({"b": '\x7f\x00\u2028"\\/', "a": [1.0, 1e21, 5e-324]})
def test_agrees_with_the_reference(value: Any) -> None:
    assert encode(value) == rfc8785.dumps(value).decode()


@pytest.mark.parametrize("value", [2**53, float("nan"), {1: "a"}, {"a": {1, 2}}, "\ud800", {"a": "\udfff"}])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(LogUnwritable):
        encode(value)


def test_too_deep_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(LogUnwritable):
        encode(deep)


def test_circles_are_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(LogUnwritable):
        encode(circle)


def test_digest_does_not_depend_on_order() -> None:
    assert digest({"a": 1, "b": [True]}) == digest({"b": [True], "a": 1})
