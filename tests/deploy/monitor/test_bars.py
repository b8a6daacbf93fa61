"""Columns as bars."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.monitor.bars import MOST_LEVELS, Bar, bars
from ml.profile import count, profile


def drawn(before, after, kind: str = "number") -> tuple[Bar, ...]:
    """The bars of one column."""
    reference = profile(pa.table({"x": before}), {"x": kind}, np.zeros(1))
    return bars(reference.columns[0], count(reference, pa.table({"x": after})).columns[0])


def test_numbers_are_tenths_that_are_named_by_their_upper_edge():
    found = drawn(np.arange(1, 1_001) * 1.0, np.full(400, 950.0))
    assert len(found) == 10
    assert [bar.before for bar in found] == pytest.approx([0.1] * 10, abs=0.021)
    assert (found[0].label, found[-1].label) == ("≤ 101", "> 900")
    assert [bar.after for bar in found] == [0.0] * 9 + [1.0]


def test_missing_values_have_a_bar_where_there_are_any():
    assert drawn([1.0, 2.0] * 50, pa.array([1.0, None] * 50))[-1] == Bar("missing", 0.0, 0.5)
    assert drawn([1.0] * 50, pa.nulls(50, pa.float64())) == (Bar("missing", 0.0, 1.0),)


def test_rare_and_unseen_levels_share_a_bar():
    before = [f"{k:02d}" for k in range(MOST_LEVELS + 8) for _ in range(100 - k)]
    found = drawn(before, ["00"] * 60 + ["19"] * 30 + ["never"] * 10, "category")
    assert len(found) == MOST_LEVELS + 1
    assert (found[0].label, found[0].after) == ("00", 0.6)
    assert (found[-1].label, found[-1].after) == ("other", 0.4)


def test_dates_are_named_as_days():
    days = [dt.datetime(2013, 1, 1) + dt.timedelta(hours=6 * k) for k in range(1_000)]
    assert drawn(days, days, "date")[0].label == "≤ 2013-01-26"


def test_a_constant_column_is_one_bar():
    assert drawn([4.0] * 200, [4.0] * 200) == (Bar("all", 1.0, 1.0),)


numbers = st.lists(st.one_of(st.none(), st.sampled_from([0.0, 1.0, 5.0]), st.floats(-9, 9)), min_size=1, max_size=300)


@given(numbers, numbers)
def test_the_shares_of_each_side_sum_to_one_where_both_have_values(before, after):
    found = drawn(pa.array(before, pa.float64()), pa.array(after, pa.float64()))
    if {*before} != {None} and {*after} != {None}:
        assert sum(bar.before for bar in found) == pytest.approx(1)
        assert sum(bar.after for bar in found) == pytest.approx(1)
