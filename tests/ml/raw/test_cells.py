from __future__ import annotations

import datetime as dt
import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.raw.cells import booleans, numbers, plain, texts
from ml.raw.misfit import Misfit


def column(values: list[object], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def misfit_of(read: object, values: pa.ChunkedArray) -> Misfit:
    with pytest.raises(Misfit) as caught:
        read(values)
    assert caught.value.remedy
    return caught.value


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_number_as_python_writes_it_is_read_as_python_reads_it(values: list[float]) -> None:
    for written in ([repr(v) for v in values], [f" {v:+e}\t" for v in values]):
        assert numbers(column(written)).to_pylist() == [float(text) for text in written]


@settings(max_examples=300)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=6))
def test_text_is_a_number_only_where_python_agrees(text: str) -> None:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    try:
        read = numbers(column([text])).to_pylist()[0]
    except Misfit:
        # Python also takes infinity and 1_000, which no file means.
        assert not math.isfinite(value) or "_" in text
        return
    assert read == value or (read is None and math.isnan(value))


@pytest.mark.parametrize("word", ["", "NA", "na", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", " none ", "  "])
def test_a_word_for_missing_is_missing_among_numbers_and_booleans(word: str) -> None:
    assert numbers(column(["1.5", word])).to_pylist() == [1.5, None]
    assert booleans(column(["yes", word])).to_pylist() == [True, None]


@pytest.mark.parametrize("word", ["NA", "null", "None", "NaN", " "])
def test_a_word_for_missing_is_a_category_like_any_other(word: str) -> None:
    assert texts(column(["DE", word, ""])).to_pylist() == ["DE", word, None]


@pytest.mark.parametrize(
    ("value", "message", "remedy"),
    [
        ("abc", "'abc' is not a number", "make the column a category"),
        ("1,5", "'1,5' is not a number", "write a decimal point, not a comma: 1.5"),
        ("1.234,50", "'1.234,50' is not a number", "without separators between the thousands"),
        ("12 345", "'12 345' is not a number", "without separators between the thousands"),
        ("$12", "'$12' is not a number", "leave the unit out"),
        ("12 kg", "'12 kg' is not a number", "leave the unit out"),
        ("inf", "is not a finite number", "leave the field empty"),
        ("-Infinity", "is not a finite number", "leave the field empty"),
        ("1e999", "is not a finite number", "leave the field empty"),
    ],
)
def test_what_is_no_number_is_told_with_its_row_and_remedy(value: str, message: str, remedy: str) -> None:
    found = misfit_of(numbers, column(["1", "NA", " 2", value, value]))
    assert found.row == 3
    assert message in found.message
    assert remedy in found.remedy


def test_infinity_among_typed_numbers_is_refused_and_nan_is_missing() -> None:
    assert numbers(column([1.0, math.nan])).to_pylist() == [1.0, None]
    assert misfit_of(numbers, column([1.0, math.inf])).row == 1


@pytest.mark.parametrize(
    "values",
    [
        column([1, None, 3], pa.int64()),
        column([1, None, 3], pa.uint8()),
        column([1, None, 3], pa.float32()),
        column([1, None, 3], pa.decimal128(10, 2)),
        plain(column(["1", None, "3"]).dictionary_encode()),
        plain(column(["1", None, "3"], pa.large_string())),
    ],
)
def test_every_numeric_type_of_a_parquet_file_is_a_number(values: pa.ChunkedArray) -> None:
    assert numbers(values).type == pa.float64()
    assert numbers(values).to_pylist() == [1.0, None, 3.0]


@pytest.mark.parametrize("values", [column([True]), column([[1]]), column([{"a": 1}]), column([b"1"])])
def test_a_type_that_is_no_number_is_refused_for_the_whole_column(values: pa.ChunkedArray) -> None:
    assert misfit_of(numbers, values).row is None


def test_booleans_are_told_by_the_usual_words_in_any_case() -> None:
    yes, no = ["true", "TRUE", "T", "Yes", "y", "1", "1.0"], ["false", "F", "no", "N", "0", "0.0"]
    assert booleans(column([*yes, *no])).to_pylist() == [True] * len(yes) + [False] * len(no)
    assert booleans(column([1.0, None, 0.0])).to_pylist() == [True, None, False]
    assert misfit_of(booleans, column(["yes", "maybe"])).row == 1


def test_a_typed_value_becomes_the_text_that_a_file_without_types_would_hold() -> None:
    assert texts(column([1.0, None, 2.5, -0.0])).to_pylist() == ["1", None, "2.5", "0"]
    assert texts(column([True, None])).to_pylist() == ["true", None]
    assert texts(column([2**62], pa.int64())).to_pylist() == [str(2**62)]
    assert texts(column([dt.date(2013, 7, 31)])).to_pylist() == ["2013-07-31"]
    assert misfit_of(texts, column([b"x"])).row is None
