"""Strict JSON, checked against the standard library's reader, which tells every pair it meets."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ml.serving.body import decode
from ml.serving.refusal import MOST_ERRORS, Refusal

# Few and awkward characters, so that keys collide and strings hold what the count of colons could trip over.
TEXT = st.text('ab:"\\é{}[],\n', max_size=4)
SCALARS = (
    st.none() | st.booleans() | TEXT | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
)


def quoted(text: str, escaped: bool) -> str:
    """A JSON string; escaped, every character is written as \\uXXXX."""
    return '"' + "".join(f"\\u{ord(c):04x}" for c in text) + '"' if escaped else json.dumps(text, ensure_ascii=False)


def _object(pairs: list[tuple[str, bool, str]], space: str) -> str:
    return "{" + ",".join(f"{quoted(key, escaped)}{space}:{space}{value}" for key, escaped, value in pairs) + "}"


def _written(scalar: Any) -> st.SearchStrategy[str]:
    if isinstance(scalar, str):
        return st.booleans().map(lambda escaped: quoted(scalar, escaped))
    return st.just(json.dumps(scalar))


# JSON texts whose objects may have a key twice.
TEXTS = st.recursive(
    SCALARS.flatmap(_written),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: "[" + ",".join(items) + "]")
        | st.builds(
            _object,
            st.lists(st.tuples(TEXT, st.booleans(), inner), max_size=4),
            st.sampled_from(["", " ", "\n"]),
        )
    ),
    max_leaves=12,
)


def has_a_key_twice(text: str) -> bool:
    """The slow and certain way."""
    found = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        found.append(len({key for key, _ in pairs}) < len(pairs))

    json.loads(text, object_pairs_hook=look)
    return any(found)


@given(TEXTS)
@example('{"a":1,"a":1}')
@example('{"\\u003a":":","\\u003A":1}')
@example('{"a":"\\u003a","b":{"c":1,"c":":"}}')
@example('{"input_data":{"a":1,"a":1},"x":":"}')
@settings(max_examples=400, deadline=None)
def test_a_key_twice_is_refused_and_nothing_else_is(text: str) -> None:
    if has_a_key_twice(text):
        with pytest.raises(Refusal) as refused:
            decode(text.encode())
        assert refused.value.status == 400
        assert 1 <= len(refused.value.flaws) <= MOST_ERRORS
    else:
        assert decode(text.encode()) == json.loads(text)


def test_each_duplicate_is_shown_by_its_pointer() -> None:
    with pytest.raises(Refusal) as refused:
        decode(b'{"data": [1, {"a/b": 1, "a/b": 2, "x": {"k": 1, "k": 1, "k": 1}}]}')
    told = [(flaw.pointer, flaw.detail) for flaw in refused.value.flaws]
    assert told == [("/data/1/a~1b", "this key appears 2 times"), ("/data/1/x/k", "this key appears 3 times")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,]",
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"01",
        b"'a'",
        b'"a\nb"',
        b"[1] 2",
        b"\xef\xbb\xbf1",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 990 + b"1e999" + b"]" * 990,
        b"[1e999, }",
        b"[1e999, NaN]",
        b'[1e999, "\xff"]',
        '["ä"]'.encode("latin-1"),
        "[1]".encode("utf-16"),
    ],
)
def test_what_is_no_json_is_400(body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        decode(body)
    assert refused.value.status == 400


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1))
def test_numbers_are_read_as_the_standard_library_reads_them(number: float) -> None:
    for text in (repr(number), f"{number:.30e}"):
        expected = json.loads(text)
        read = decode(text.encode())
        assert read == expected
        assert math.copysign(1, read) == math.copysign(1, expected)


def test_a_number_beyond_float64_is_422_with_its_pointer_and_never_infinity() -> None:
    with pytest.raises(Refusal) as refused:
        decode(b'{"data": [[1, 1e309], [-1e400, 1.7976931348623157e308, 1e-400]]}')
    assert refused.value.status == 422
    assert sorted(flaw.pointer for flaw in refused.value.flaws) == ["/data/0/1", "/data/1/0"]


def test_a_whole_number_of_five_thousand_digits_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        decode(b"[" + b"9" * 5000 + b"]")
    assert (refused.value.status, refused.value.flaws[0].pointer) == (422, "/0")
