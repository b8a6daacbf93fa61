"""A request's body as strict JSON: no NaN, no duplicate keys, no number beyond float64."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from ml.serving.refusal import Flaw, Place, Refusal

ESCAPED_COLONS = (b"\\u003a", b"\\u003A")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def decode(body: bytes) -> Any:
    """The document in `body`.

    Raises:
        Refusal: 400 where it is no JSON of RFC 8259 in UTF-8, nested too deeply, or has a key twice;
            422 where a number is beyond float64.
    """
    try:
        document = _decode(body)
    except msgspec.ValidationError:
        raise _out_of_range(body) from None
    except msgspec.DecodeError as error:
        raise Refusal(400, f"the body is no JSON: {error}") from None
    except UnicodeDecodeError:
        raise Refusal(400, "the body is not UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    if _may_have_lost_a_key(body, document):
        _require_keys_once(_as_it_stands(body))
    return document


def _may_have_lost_a_key(body: bytes, document: Any) -> bool:
    """Whether msgspec may have kept only the last of several equal keys, which it does silently.

    A colon stands in JSON between a key and its value, or within a string. Written again, the document
    has every colon that was kept: a difference is a pair that was dropped, and a dropped pair is a
    difference. Only the escape for the colon itself breaks the count.
    """
    colons = body.count(b":")
    if colons == _outer_pairs(document):
        return False  # each colon belongs to a pair that was kept, so there is none for a dropped one
    if colons != _encode(document).count(b":"):
        return True
    return any(colon in body for colon in ESCAPED_COLONS)


def _outer_pairs(document: Any) -> int:
    """How many pairs the outer two levels have: all that there are in the split formats."""
    if type(document) is not dict:
        return 0
    return len(document) + sum(len(value) for value in document.values() if type(value) is dict)


class _Pairs(list[tuple[str, Any]]):
    """An object's members as they stand in the body."""


class _OutOfRange:
    """Stands for a number beyond float64."""


def _as_it_stands(body: bytes) -> Any:
    """The document with equal keys kept and numbers beyond float64 marked; slow, and for bodies in doubt.

    Raises:
        Refusal: 400 where it is no JSON.
    """
    try:
        text = body.decode("utf-8")
        return json.loads(
            text, object_pairs_hook=_Pairs, parse_float=_number, parse_int=_number, parse_constant=_no_number
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise Refusal(400, "the body is no JSON") from None


def _number(text: str) -> _OutOfRange | None:
    return None if math.isfinite(float(text)) else _OutOfRange()


def _no_number(text: str) -> None:
    raise ValueError(text)


def _too_deep() -> Refusal:
    return Refusal(400, "the body is nested too deeply")


def _out_of_range(body: bytes) -> Refusal:
    document = _as_it_stands(body)
    _require_keys_once(document)
    flaws = (Flaw(place, "is beyond float64") for place, value in _walk(document) if type(value) is _OutOfRange)
    return Refusal(422, "the body has a number beyond float64", flaws)


def _require_keys_once(document: Any) -> None:
    refusal = Refusal(400, "an object of the body has a key twice", _duplicates(document))
    if refusal.flaws:
        raise refusal


def _duplicates(document: Any) -> Iterator[Flaw]:
    for place, value in _walk(document):
        if type(value) is _Pairs:
            times = Counter(key for key, _ in value)
            yield from (Flaw((*place, key), f"this key appears {n} times") for key, n in times.items() if n > 1)


def _walk(document: Any) -> Iterator[tuple[Place, Any]]:
    """Every object and marked number of the document with its place."""
    waiting: list[tuple[Place, Any]] = [((), document)]
    while waiting:
        place, value = waiting.pop()
        yield place, value
        members = value if type(value) is _Pairs else enumerate(value) if type(value) is list else ()
        waiting += [((*place, key), inner) for key, inner in members if type(inner) in _OF_INTEREST]


_OF_INTEREST = (list, _Pairs, _OutOfRange)
