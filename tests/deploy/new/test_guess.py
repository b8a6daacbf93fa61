from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from deploy.new.guess import Guess, guess


def of(values: list[object], kind: pa.DataType | None = None) -> Guess:
    return guess(pa.chunked_array([pa.array(values, kind)]), "row {}".format)


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
        ([*NUMBERS, "?", "?"], "2 of its 42 values are no numbers (row 40: '?')"),
        (["inf", *NUMBERS], "1 of its 41 values is no number (row 0: 'inf')"),
        ([1.5, 2.5, float("inf")], "'inf' is not a finite number (row 2)"),
        (["1.5", *(f"{n},5" for n in range(40))], "decimal commas (row 1: '0,5')"),
        (["999", "1,234", "12,345,678.90"] * 10, "separators between the thousands (row 1: '1,234')"),
        (["1 234", "1'234", "1.234,5"] * 10, "separators between the thousands (row 0: '1 234')"),
        (["1,234", "1,5"] * 10, "decimal commas (row 1: '1,5')"),
        (["", *(f"{n}.{n % 7} kg" for n in range(40))], "have a unit (row 1: '0.0 kg')"),
        ([*(f"{n},{n:03d}" for n in range(1, 40)), "-"], "(row 0: '1,001'): write 1234.5; 1 of its 40 values is"),
        (["01/02/2024", "03/04/2024"], "cannot all be read in one way (row 0: '01/02/2024')"),
        ([*(f"2024-01-{n:02d}" for n in range(1, 31)), "2024-02-31"], "in one way (row 30: '2024-02-31')"),
        (
            [str(2**53 + 7 * n) for n in range(40)],
            "up to 16 digits, which a number would round (row 0: '90071992547409",
        ),
        ([2**53 + 7 * n for n in range(40)], "nearly every row its own: names?"),
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
        (["31.07.2013", "01.08.2013"], "31.07.2013 in the file; requests send ISO 8601, such as 2013-07-31"),
        ([1, 2, 3] * 10, "3 whole numbers: codes?"),
        (["NA", "DE", "FR"] * 10, "NA is a category here, not a missing value"),
        ([*(["1", "2", "3"] * 20), "?"], "1 of its 61 values is no number (row 60: '?'): mend"),
        ([*(["1", "2", "3"] * 20), "inf"], "1 of its 61 values is no number (row 60: 'inf'): mend"),
        ([*(["12", "25"] * 20), "007"], "begin with a zero (row 40: '007')"),
        ([10**18 + n % 3 for n in range(60)], "which a number would round (row 0: '1000000000000000000'): codes?"),
        ([n * n for n in range(100)], "a whole number of its own (row 0: '0'): an amount, or a name?"),
    ],
)
def test_a_doubtful_column_has_a_remark(values: list[object], remark: str) -> None:
    assert remark in of(values).remark


@pytest.mark.parametrize("values", [["12A", "12B", "7C"] * 20, ["5kg", "10kg"] * 20, ["1st", "2nd", "3rd", "4th"] * 9])
def test_few_levels_that_look_like_amounts_are_categories(values: list[object]) -> None:
    assert (of(values).kind, of(values).unfit) == ("category", "")


def test_numbers_as_large_as_float64_are_numbers() -> None:
    assert (of([f"{n}e300" for n in range(40)]).kind, of([f"{n}e300" for n in range(40)]).unfit) == ("number", "")
    assert of([2**53 - n for n in range(1, 40)]).kind == "number"


def test_whole_numbers_that_float64_would_make_equal_stay_apart() -> None:
    assert of([str(2**60 + n) for n in range(40)]).distinct == 40


@pytest.mark.parametrize("moment", ["2013-07-31", "2013-07-31 10:30", "2013-07-31T10:30:00.5Z"])
def test_dates_of_iso_8601_have_no_remark(moment: str) -> None:
    assert of([moment, moment.replace("2013", "2014")]).remark == ""


def test_missing_and_distinct_values_are_counted_as_the_kind_counts_them() -> None:
    assert (of(["1", "1.0", "NA", ""]).distinct, of(["1", "1.0", "NA", ""]).missing) == (1, 2)
    assert (of(["a", "NA", ""]).distinct, of(["a", "NA", ""]).missing) == (2, 1)
    assert (of(["yes", "no", "null"]).distinct, of(["yes", "no", "null"]).missing) == (2, 1)


def test_infinity_is_no_number_to_learn_from() -> None:
    assert "no number" in of([*NUMBERS, "inf"]).unfit
    assert "not a finite number" in of([1.0, float("inf")]).unfit
