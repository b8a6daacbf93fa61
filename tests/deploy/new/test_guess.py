from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from deploy.new.guess import Guess, guess


def of(values: list[object], kind: pa.DataType | None = None) -> Guess:
    return guess(pa.chunked_array([pa.array(values, kind)]))


NUMBERS = [f"{n}.5" for n in range(40)]
WORDS = [f"w{n % 7}" for n in range(40)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (NUMBERS, "number"),
        ([*NUMBERS, "NA", ""], "number"),
        ([" 1 ", "2e3", "-.5", "+7"], "number"),
        ([1, 2, None], "number"),
        ([1.5, float("nan")], "number"),
        (["yes", "no", "Yes"], "boolean"),
        (["TRUE", "FALSE", "NA"], "boolean"),
        ([True, False], "boolean"),
        (["0", "1"], "number"),
        (WORDS, "category"),
        (["01234", "56789", "01234"], "category"),
        (["yes", "no", "maybe"], "category"),
        (["2024-01-01", "2024-02-01"], "date"),
        (["31.01.2024", "01.02.2024"], "date"),
        (["2024-01-01T10:00:00Z", "NA", "2024-02-01T10:00:00Z"], "date"),
        ([dt.date(2024, 1, 1), dt.date(2024, 2, 1)], "date"),
        (["20240101", "20240102"], "number"),
    ],
)
def test_a_column_is_what_its_values_are(values: list[object], kind: str) -> None:
    found = of(values)
    assert (found.kind, found.unfit) == (kind, "")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["", "NA", ""], "no value in any row"),
        ([None, None], "no value in any row"),
        (["x"] * 5, "the same value in every row"),
        ([3] * 5, "the same value in every row"),
        ([f"text {n}" for n in range(40)], "a text of its own"),
        ([*NUMBERS, "?", "?"], "2 of its 42 values are no numbers"),
        ([f"{n},5" for n in range(40)], "decimal commas"),
        (["01/02/2024", "03/04/2024"], "cannot all be read in one way"),
        ([*(f"2024-01-{n:02d}" for n in range(1, 31)), "2024-02-31"], "cannot all be read in one way"),
        ([[1], [2]], "list"),
        ([b"a", b"b"], "binary"),
    ],
)
def test_a_column_that_nothing_can_be_learnt_from_is_left_out_with_the_reason(
    values: list[object], reason: str
) -> None:
    assert reason in of(values).unfit


@pytest.mark.parametrize(
    ("values", "remark"),
    [
        (["yes", "no"], "no and yes in the file; requests send true and false"),
        ([0, 1] * 10, "`boolean`"),
        ([1, 2, 3] * 10, "3 whole numbers: codes?"),
        (["NA", "DE", "FR"] * 10, "NA is a category here, not a missing value"),
    ],
)
def test_a_doubtful_column_has_a_remark(values: list[object], remark: str) -> None:
    assert remark in of(values).remark


def test_missing_and_distinct_values_are_counted_as_the_kind_counts_them() -> None:
    assert (of(["1", "1.0", "NA", ""]).distinct, of(["1", "1.0", "NA", ""]).missing) == (1, 2)
    assert (of(["a", "NA", ""]).distinct, of(["a", "NA", ""]).missing) == (2, 1)
    assert (of(["yes", "no", "null"]).distinct, of(["yes", "no", "null"]).missing) == (2, 1)


def test_infinity_is_no_number_to_learn_from() -> None:
    assert "no numbers" in of([*NUMBERS, "inf"]).unfit
    assert "not a finite number" in of([1.0, float("inf")]).unfit
