"""Cells as points in time, without a zone: ISO 8601, and the forms that people and spreadsheets write."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ml.raw.cells import texts, without_words
from ml.raw.misfit import Misfit, quoted

REMEDY = "write 2013-07-31 or 2013-07-31T17:45:00"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
Parts = dict[str, str | None]
DAY_FIRST = ("day", "month")
CLOCK = (
    r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])[Mm])?)?"
)
WORD = r"(?P<month>[A-Za-z]{3,9})\.?"


@dataclass(frozen=True)
class Form:
    """A way to write a date.

    Attributes:
        example: one such date.
        pattern: has a group for each part.
        either: day and month may stand either way; the groups are then `left` and `right`.
    """

    example: str
    pattern: re.Pattern[str]
    either: bool = False


FORMS = (
    Form("2013-07-31", re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d\d?)[-/.](?P<day>\d\d?)" + CLOCK, re.A)),
    Form("20130731", re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)", re.A)),
    Form("31.07.2013", re.compile(r"(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{4})" + CLOCK, re.A)),
    Form(
        "31/07/2013",
        re.compile(r"(?P<left>\d\d?)[-/](?P<right>\d\d?)[-/](?P<year>\d{4})" + CLOCK, re.A),
        either=True,
    ),
    Form("31 Jul 2013", re.compile(r"(?P<day>\d\d?)[ -]" + WORD + r"[ -](?P<year>\d{4})" + CLOCK, re.A)),
    Form("Jul 31, 2013", re.compile(WORD + r" (?P<day>\d\d?),? (?P<year>\d{4})" + CLOCK, re.A)),
    Form("2013-07", re.compile(r"(?P<year>\d{4})[-/](?P<month>\d\d)", re.A)),
    Form("2013", re.compile(r"(?P<year>\d{4})", re.A)),
)


@dataclass(frozen=True)
class Written:
    """The way in which all dates of a column are written.

    Attributes:
        form: None for counts since 1970.
        order: what the left and the right number are, where the form leaves that open.
        zone: `UTC` where ISO 8601 has an offset.
    """

    form: Form | None
    order: tuple[str, str] = DAY_FIRST
    zone: str | None = None


class Doubt(Misfit):
    """Dates of which each may be day/month or month/day; those of another part may tell."""


# Counts since 1970 by their number of digits (a year between 1973 and 2286): how many make a second.
COUNTS = {10: 1, 9: 1, 13: 10**3, 12: 10**3, 16: 10**6, 15: 10**6, 19: 10**9, 18: 10**9}


def dates(column: pa.ChunkedArray, way: Written | None = None) -> pa.ChunkedArray:
    """The column as timestamp[us] without a zone; times with a zone become UTC.

    All values of a column have one form. Which of two numbers is the day is told by the column: one of
    the two is above 12 somewhere.

    Args:
        column: typed dates, text or integers.
        way: how its text is written, where that is known from other parts of the column.

    Raises:
        Misfit: at the first value of another form, at a day that the calendar does not have, or where
            every value could be read both ways.
    """
    column = undated(column)
    if pa.types.is_timestamp(column.type):
        return column
    # Times repeat: each distinct text is read once.
    encoded = column.combine_chunks().dictionary_encode()
    with _by_row(encoded):
        moments = read_written(encoded.dictionary, way or written(encoded.dictionary))
    return pa.chunked_array([moments.take(encoded.indices)], pa.timestamp("us"))


def way_of(column: pa.ChunkedArray) -> Written | None:
    """How the dates in a part of a column of text are written; None where all are missing.

    Raises:
        Doubt: each of them could be read both ways.
        Misfit: at the first value that has another form than most.
    """
    encoded = column.combine_chunks().dictionary_encode()
    if without_words(encoded.dictionary).null_count == len(encoded.dictionary):
        return None
    with _by_row(encoded):
        return written(encoded.dictionary)


def undated(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A part of a column: typed dates as timestamp[us], others as text, which is read later with all of it.

    Raises:
        Misfit: for a column that is neither dates nor text nor integers.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        zoned = pa.types.is_timestamp(kind) and kind.tz
        return column.cast(pa.timestamp("us", "UTC" if zoned else None), safe=False).cast(pa.timestamp("us"))
    if pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind):
        return texts(column)
    raise Misfit(None, f"the column is {kind}, not a date", REMEDY)


@contextmanager
def _by_row(encoded: pa.DictionaryArray) -> Iterator[None]:
    """Turns the place of a misfit among the distinct texts into the first row that has it."""
    try:
        yield
    except Misfit as misfit:
        level = pa.scalar(misfit.row, encoded.indices.type)
        row = int(pc.index(encoded.indices, level).as_py())
        raise type(misfit)(row, misfit.message, misfit.remedy) from None


def read_dates(levels: pa.Array) -> pa.Array:
    """Distinct texts as timestamp[us]; see `dates`."""
    return read_written(levels, written(levels))


def written(levels: pa.Array) -> Written:
    """How distinct texts are written as dates.

    Raises:
        Doubt: each of them could be read both ways.
        Misfit: at the first that has another form than most.
    """
    levels = without_words(levels)
    for zone in (None, "UTC"):
        if _iso(levels, zone) is not None:
            return Written(FORMS[0], zone=zone)
    present = _present(levels)
    if all(level.isascii() and level.isdigit() and len(level) in COUNTS for level in present.values()):
        return Written(None)
    form = _commonest(present)
    return Written(form, _order(_parts(present, form), present)) if form.either else Written(form)


def read_written(levels: pa.Array, way: Written) -> pa.Array:
    """Distinct texts as timestamp[us], all of them written in one way.

    Raises:
        Misfit: at the first that is written otherwise, or is not in the calendar.
    """
    levels = without_words(levels)
    if way.form is FORMS[0] and (moments := _iso(levels, way.zone)) is not None:
        return moments
    present = _present(levels)
    if way.zone is not None:
        raise _without_offset(present, way.zone)
    read = _counted(present) if way.form is None else _moments(present, way.form, way.order)
    return pa.array([read.get(place) for place in range(len(levels))], pa.timestamp("us"))


def _iso(levels: pa.Array, zone: str | None) -> pa.Array | None:
    """The texts as ISO 8601, which is by far the fastest; None where one is something else."""
    for unit in ("us", "ns"):
        try:
            return levels.cast(pa.timestamp(unit, zone)).cast(pa.timestamp("us"), safe=False)
        except pa.ArrowInvalid:
            continue
    return None


def _without_offset(levels: Mapping[int, str], zone: str) -> Misfit:
    """The misfit of the first text that has no offset from UTC, among others that do."""
    place = next(place for place, level in levels.items() if _iso(pa.array([level]), zone) is None)
    remedy = "write an offset with all times of the column, or with none"
    return Misfit(place, f"{quoted(levels[place])} is no time with an offset from UTC, unlike others", remedy)


def _present(levels: pa.Array) -> dict[int, str]:
    """The texts that are not missing, by their place."""
    return {place: level for place, level in enumerate(levels.to_pylist()) if level is not None}


def _commonest(levels: Mapping[int, str]) -> Form:
    """The form that most of the texts have; of several the one that comes first."""
    counts = Counter(form for level in levels.values() for form in FORMS if form.pattern.fullmatch(level))
    if not counts:
        place, level = next(iter(levels.items()))
        raise Misfit(place, f"{quoted(level)} is not a date", REMEDY)
    return counts.most_common(1)[0][0]


def _parts(levels: Mapping[int, str], form: Form) -> dict[int, Parts]:
    """The parts of each text."""
    parts = {}
    for place, level in levels.items():
        if (match := form.pattern.fullmatch(level)) is None:
            raise Misfit(place, f"{quoted(level)} is not a date, unlike {form.example}, the form of others", REMEDY)
        parts[place] = match.groupdict()
    return parts


def _moments(levels: Mapping[int, str], form: Form, order: tuple[str, str]) -> dict[int, dt.datetime]:
    """The texts as moments, both by their place."""
    moments = {}
    for place, part in _parts(levels, form).items():
        try:
            moments[place] = _moment(part, order)
        except ValueError:
            message = f"{quoted(levels[place])} is not in the calendar or on the clock"
            raise Misfit(place, message, REMEDY) from None
    return moments


def _counted(levels: Mapping[int, str]) -> dict[int, dt.datetime]:
    for place, level in levels.items():
        if not (level.isascii() and level.isdigit() and len(level) in COUNTS):
            raise Misfit(place, f"{quoted(level)} is no count since 1970, unlike others", REMEDY)
    return {place: _since_1970(level) for place, level in levels.items()}


def _since_1970(level: str) -> dt.datetime:
    unit = COUNTS[len(level)]
    return dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=int(level) * 10**6 // unit)


def _order(parts: Mapping[int, Parts], levels: Mapping[int, str]) -> tuple[str, str]:
    """What the left and the right number are."""
    left = [place for place, part in parts.items() if int(part["left"] or 0) > 12]
    right = [place for place, part in parts.items() if int(part["right"] or 0) > 12]
    if left and right:
        place = max(left[0], right[0])
        raise Misfit(place, f"{quoted(levels[place])} has day and month the other way round", REMEDY)
    if not left and not right:
        place = next(iter(parts))
        raise Doubt(place, f"{quoted(levels[place])} may be day/month or month/day, in every row", REMEDY)
    return DAY_FIRST if left else ("month", "day")


def _moment(part: Parts, order: tuple[str, str]) -> dt.datetime:
    named = {order[0]: part["left"], order[1]: part["right"]} if "left" in part else part
    fraction = (part.get("fraction") or "").ljust(6, "0")[:6]
    return dt.datetime(
        int(part["year"] or 0), _month(named.get("month") or "1"), int(named.get("day") or 1),
        _hour(part), int(part.get("minute") or 0), int(part.get("second") or 0), int(fraction),
    )  # fmt: skip


def _month(text: str) -> int:
    return int(text) if text.isdigit() else MONTHS.index(text[:3].lower()) + 1


def _hour(part: Parts) -> int:
    hour, half = int(part.get("hour") or 0), part.get("half")
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half in "pP" else 0)
