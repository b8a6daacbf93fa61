"""The kinds of values that a request may hold."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.model.encoder import Feature
from ml.serving.values import Mismatch, reader, scalar

REFUSED = {
    "number": [True, "1", "1.5", "", [1], {}, None, 10**400],
    "category": [1.5, 1.0, [], {"a": 1}, None],
    "boolean": [0, 1, 1.0, "true", [], None],
    "date": [
        0,
        1.5,
        True,
        None,
        [],
        "",
        "yesterday",
        "2013",
        "2013-06",
        "2013-13-01",
        "2013-06-31",
        "20130601",
        "2013-W22-6",
        "2013-06-01x10:00",
        "2013-06-01T24:01",
        "2013-06-01T10:00:60",
        "0001-01-01T00:00+23:59",
        "9999-12-31T23:59-23:59",
        "2013-06-01T",
        "\ud800",
    ],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in REFUSED.items() for value in values])
def test_a_value_of_another_kind_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(Mismatch):
        reader(Feature("column", kind, nullable=False))(value)


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_null_is_taken_where_training_saw_missing_values(kind: str) -> None:
    assert reader(Feature("column", kind, nullable=True))(None) is None
    with pytest.raises(Mismatch, match="training data had no missing value"):
        reader(Feature("column", kind, nullable=False))(None)


def test_a_whole_number_is_a_category_by_its_digits() -> None:
    assert reader(Feature("column", "category", nullable=False))(2**60 + 1) == "1152921504606846977"


def test_true_and_false_are_categories_by_the_words_that_training_had() -> None:
    import pyarrow as pa

    from ml.raw.cells import texts

    read = reader(Feature("column", "category", nullable=False))
    assert [read(True), read(False)] == texts(pa.chunked_array([[True, False]])).to_pylist()


@pytest.mark.parametrize("words", [("True", "False"), ("FALSE", "TRUE"), ("true", "false", "unknown")])
def test_true_and_false_are_the_levels_that_a_csv_had_for_them(words: tuple[str, ...]) -> None:
    read = reader(Feature("column", "category", nullable=False, categories=words))
    assert {read(True), read(False)} == {word for word in words if word != "unknown"}
    assert read(True).lower() == "true"


def test_a_boolean_says_what_it_takes() -> None:
    with pytest.raises(Mismatch, match="must be true or false, not a number"):
        reader(Feature("column", "boolean", nullable=False))(1)


def test_a_whole_number_beyond_2_to_53_becomes_the_nearest_double() -> None:
    assert reader(Feature("column", "number", nullable=False))(2**53 + 1) == 2.0**53


@given(
    st.datetimes(
        min_value=dt.datetime(2, 1, 1),
        max_value=dt.datetime(9998, 1, 1),
        timezones=st.none() | st.timezones(),
    )
)
def test_a_moment_is_read_back_and_brought_to_utc(moment: dt.datetime) -> None:
    read = reader(Feature("column", "date", nullable=False))(moment.isoformat())
    assert read.tzinfo is None
    assert read == (moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment)


@pytest.mark.parametrize(
    "text",
    [
        "2013-06-01",
        "2013-06-01T00:00",
        "2013-06-01 00:00:00",
        "2013-06-01T02:00:00+02:00",
        "2013-06-01t00:00:00.000Z",
        "2013-05-31T19:00-05:00",
    ],
)
def test_the_usual_ways_to_write_a_day_are_one_moment(text: str) -> None:
    assert reader(Feature("column", "date", nullable=False))(text) == dt.datetime(2013, 6, 1)


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x"])
def test_a_carried_column_takes_any_scalar(value: Any) -> None:
    assert scalar(value) == value


@pytest.mark.parametrize("value", [[], {}, [1]])
def test_a_carried_column_takes_no_structure(value: Any) -> None:
    with pytest.raises(Mismatch):
        scalar(value)
