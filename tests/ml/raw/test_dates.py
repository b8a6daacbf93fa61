from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ml.raw.dates import dates
from ml.raw.misfit import Misfit

FORMATS = [
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M",
    "%Y%m%d",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y",
    "%m/%d/%Y %I:%M %p",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y %H:%M",
    "%B %d, %Y",
    "%Y-%m",
    "%Y",
]
moments = st.lists(st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)), min_size=1, max_size=6)


def column(values: list[object], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def read(*values: object) -> list[object]:
    return dates(column(list(values))).to_pylist()


def misfit_of(*values: object) -> Misfit:
    with pytest.raises(Misfit) as caught:
        read(*values)
    assert caught.value.remedy
    return caught.value


@given(moments, st.sampled_from(FORMATS))
def test_a_usual_form_is_read_as_the_standard_library_reads_it(values: list[dt.datetime], form: str) -> None:
    texts = [value.strftime(form) for value in values]
    if form.startswith(("%d/", "%m/", "%m-")):  # day and month can be told apart
        assume(any(value.day > 12 for value in values))
    assert read(*texts) == [dt.datetime.strptime(text, form) for text in texts]


@given(moments, st.sampled_from(["NA", "", "null", " "]))
def test_a_missing_date_is_missing_in_every_form(values: list[dt.datetime], word: str) -> None:
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%dT%H:%M:%SZ"):
        read_back = read(word, *(value.strftime(form) for value in values))
        assert read_back[0] is None
        assert None not in read_back[1:]


def test_a_time_with_a_zone_becomes_utc() -> None:
    expected = [dt.datetime(2013, 1, 1, 10), dt.datetime(2013, 1, 1, 8)]
    assert read("2013-01-01T10:00:00Z", "2013-01-01T10:00:00+02:00") == expected
    assert read("2013-01-01 10:00:00.123456789") == [dt.datetime(2013, 1, 1, 10, 0, 0, 123456)]
    typed = column([dt.datetime(2013, 1, 1, 10, tzinfo=dt.UTC)], pa.timestamp("ns", "America/New_York"))
    assert dates(typed).to_pylist() == [dt.datetime(2013, 1, 1, 10)]


@pytest.mark.parametrize("digits", ["1372636800", "1372636800000", "1372636800000000", "1372636800000000000"])
def test_a_count_since_1970_is_a_date_whatever_its_unit(digits: str) -> None:
    assert read(digits) == [dt.datetime(2013, 7, 1)]
    assert read(int(digits)) == [dt.datetime(2013, 7, 1)]


def test_a_number_above_twelve_anywhere_tells_which_one_is_the_day() -> None:
    assert read("3/4/2013", "3/14/2013") == [dt.datetime(2013, 3, 4), dt.datetime(2013, 3, 14)]
    assert read("3/4/2013", "14/3/2013") == [dt.datetime(2013, 4, 3), dt.datetime(2013, 3, 14)]
    assert read("3.4.2013") == [dt.datetime(2013, 4, 3)]


def test_days_are_dates() -> None:
    assert dates(column([dt.date(2013, 7, 31), None])).to_pylist() == [dt.datetime(2013, 7, 31), None]


@pytest.mark.parametrize(
    ("values", "row", "message"),
    [
        (["2013-07-31", "soon"], 1, "'soon' is not a date, unlike 2013-07-31"),
        (["31.07.2013", "30.07.2013", "2013-07-31"], 2, "is not a date, unlike 31.07.2013"),
        (["2013-02-31"], 0, "not in the calendar"),
        (["29.02.2013"], 0, "not in the calendar"),
        (["2013-01-01 25:00"], 0, "not in the calendar or on the clock"),
        (["1/2/2013", "3/4/2013"], 0, "may be day/month or month/day"),
        (["13/2/2013", "NA", "2/13/2013"], 2, "has day and month the other way round"),
        (["12/24/13"], 0, "is not a date"),
        (["01 Foo 2013"], 0, "not in the calendar"),
        (["13:30 PM"], 0, "is not a date"),
        (["2013-01-01 13:30 PM"], 0, "on the clock"),
    ],
)
def test_what_is_no_date_is_told_with_its_row(values: list[str], row: int, message: str) -> None:
    found = misfit_of(*values)
    assert found.row == row
    assert message in found.message


def test_a_repeated_misfit_is_told_at_its_first_row() -> None:
    assert misfit_of("2013-07-31", "2013-07-31", "x", "2013-07-30", "x").row == 2


def test_a_column_of_another_type_is_refused_as_a_whole() -> None:
    assert misfit_of(True).row is None
