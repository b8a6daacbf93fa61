"""Volume and performance by day, week or month."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.monitor.periods import FEWEST_LABELS, periods
from ml.metrics import METRICS

MAE = METRICS["mae"]
moments = st.datetimes(dt.datetime(1960, 1, 1), dt.datetime(2040, 1, 1))


def found(times, known=None, unit=None):
    """The periods of rows whose answers are wrong by 2."""
    times = np.array(times, dtype="M8[us]")
    known = np.ones(len(times), bool) if known is None else np.array(known)
    target = np.zeros(int(known.sum()))
    return periods(times, MAE, target, target + 2.0, known, unit)


def test_each_day_has_its_rows_its_labels_and_its_metric():
    first, second = found(["2013-06-01T23"] * 20 + ["2013-06-02"] * 30, [True] * 25 + [False] * 25)
    assert (first.start, first.rows, first.labelled, first.value) == ("2013-06-01", 20, 20, 2.0)
    assert (second.start, second.rows, second.labelled, second.value) == ("2013-06-02", 30, 5, None)
    assert second.labelled < FEWEST_LABELS


@given(moments)
def test_a_week_starts_on_its_monday_and_a_month_on_its_first(moment):
    (week,), (month,) = (found([moment], unit=unit) for unit in ("week", "month"))
    monday = moment.date() - dt.timedelta(days=moment.weekday())
    assert (week.start, month.start) == (monday.isoformat(), moment.date().replace(day=1).isoformat())


@pytest.mark.parametrize(("days", "unit"), [(30, 1), (200, 7), (900, 30)])
def test_the_unit_fits_the_span(days, unit):
    times = np.datetime64("2013-01-01") + np.arange(days).astype("m8[D]")
    assert len(found(times)) == pytest.approx(days / unit, abs=2)


def test_rows_without_a_time_are_in_no_period_and_keep_their_place():
    (only,) = found(["NaT"] * 12 + ["2013-06-01"] * 12, [True] * 24)
    assert (only.rows, only.labelled) == (12, 12)
    assert found(["NaT"] * 3) == ()
    assert found([]) == ()
