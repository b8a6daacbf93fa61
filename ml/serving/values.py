"""One JSON value as the kind of its column, or why it is not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from ml.model.encoder import Feature

Read = Callable[[Any], Any]

_WORDS = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
}


class Mismatch(ValueError):
    """A value is not of its column's kind. The message never holds the value."""


def reader(feature: Feature) -> Read:
    """The function from a JSON value of the column to what the encoder takes; it raises `Mismatch`."""
    kinds = {"number": number, "category": category(feature.categories), "boolean": boolean, "date": date}
    read = kinds[feature.kind]
    return _or_null(read) if feature.nullable else read


def number(value: Any) -> float:
    """A float; a whole number that float64 does not hold becomes the nearest that it does."""
    if type(value) is float:
        return value
    if type(value) is not int:
        raise _mismatch("a number", value)
    try:
        return float(value)
    except OverflowError:
        raise Mismatch("is beyond float64") from None


def category(levels: Iterable[str]) -> Read:
    """What reads a string, or a value that stands for a level of those that training saw.

    A whole number is taken as its digits: that is how levels such as 4711 often come. True and false are
    taken as the word that the levels have for them, such as `True` or `false`.
    """
    words = {level.lower(): level for level in levels}
    said = {True: words.get("true", "true"), False: words.get("false", "false")}

    def read(value: Any) -> str:
        if type(value) is str:
            return value
        if type(value) is int:
            return str(value)
        if type(value) is bool:
            return said[value]
        raise _mismatch("a string", value)

    return read


def boolean(value: Any) -> bool:
    """True or false."""
    if type(value) is bool:
        return value
    raise _mismatch("true or false", value)


def date(value: Any) -> dt.datetime:
    """A naive moment from an ISO 8601 date, or date with time; one with an offset is brought to UTC."""
    if type(value) is not str:
        raise _mismatch("a date", value)
    try:
        moment = dt.datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise Mismatch(_DATE) from None
    # Python also reads weeks, dates without hyphens, and any character between date and time.
    if value[7:8] != "-" or value[10:11] not in ("", "T", "t", " "):
        raise Mismatch(_DATE)
    return moment


def scalar(value: Any) -> Any:
    """Any value that is no array or object: what a column may hold that is only collected."""
    if isinstance(value, list | dict):
        raise _mismatch("a single value", value)
    return value


# The same whatever form the training data had: what means one day there may mean another to a client.
_DATE = "must be an ISO 8601 date such as 2013-06-01 or 2013-06-01T10:30:00Z"


def _or_null(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


def _mismatch(wanted: str, value: Any) -> Mismatch:
    given = _WORDS.get(type(value), "an object")
    reason = ": the training data had no missing value here" if value is None else ""
    return Mismatch(f"must be {wanted}, not {given}{reason}")
