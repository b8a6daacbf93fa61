import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.report import numerals

SPACE = "\u00a0"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (12.575175, "12.6"), (0.0433, "0.0433"), (28756, "28,756"), (0, "0"), (-0.0555, "−0.0555"), (0.86, "0.860"),
        (4.846e-7, f"4.85{SPACE}×{SPACE}10⁻⁷"), (np.int64(3), "3.00"), (None, "none"), ("NaN", "none"),
        ("Infinity", "∞"), ("-Infinity", "−∞"), (True, "none"),
    ],
)  # fmt: skip
def test_a_number_has_few_digits(value, written):
    assert numerals.number(value) == written


@given(st.floats(1e-3, 1e8) | st.floats(-1e8, -1e-3))
def test_a_written_number_is_near_the_number(value):
    read = float(numerals.number(value).replace(",", "").replace("−", "-"))
    assert read == pytest.approx(value, rel=0.0051)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8))
def test_a_column_has_one_number_of_decimals_and_no_negative_zero(values):
    decimals = numerals.places(values)
    written = [numerals.fixed(value, decimals) for value in values]
    if decimals <= numerals.MOST_DECIMALS:
        assert {len(text.partition(".")[2]) for text in written} == {decimals}
    assert not any(text.strip("−0.") == "" and text.startswith("−") for text in written)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.82, "82"),
        (0.068, "6.8"),
        (0.0004, f"<{SPACE}0.1"),
        (0.9996, f">{SPACE}99.9"),
        (0, "0"),
        (1, "100"),
        (0.996, "99.6"),
    ],
)
def test_a_share_is_in_percent_and_never_rounded_to_none_or_all(value, written):
    assert numerals.share(value) == f"{written}{SPACE}%"


@pytest.mark.parametrize(
    ("value", "step", "written"),
    [
        (0.5, 0.5, "0.5"),
        (-40, 20, "−40"),
        (0, 0.2, "0"),
        (20_000, 20_000, "20k"),
        (1_500_000, 500_000, "1.5M"),
        (0.15, 0.05, "0.15"),
    ],
)
def test_an_axis_is_labelled_with_short_numbers(value, step, written):
    assert numerals.compact(value, step) == written


@pytest.mark.parametrize(("value", "written"), [(0.031, "0.03"), (12.94, "12.9"), (200.4, None)])
def test_a_duration_has_the_unit_that_people_use(value, written):
    assert numerals.seconds(value) == (f"{written}{SPACE}s" if written else f"3{SPACE}min 20{SPACE}s")


def test_a_moment_is_written_out_and_what_is_none_is_left_alone():
    assert numerals.moment("2026-11-21T09:22:10+00:00") == "21 November 2026, 09:22 UTC"
    assert numerals.moment("yesterday") == "yesterday"
    assert numerals.day("2013-05-01T05:00:00") == "1 May 2013"
    assert numerals.day(None) == "none"


@given(st.floats() | st.text() | st.none() | st.integers() | st.booleans())
def test_whatever_a_json_file_holds_can_be_written(value):
    for write in (numerals.number, numerals.given, numerals.count, numerals.share, numerals.seconds):
        assert isinstance(write(value), str)
    assert math.isnan(numerals.measured(None))
