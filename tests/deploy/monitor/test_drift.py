"""The drift of single columns."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from deploy.monitor.drift import ColumnDrift, Thresholds, compare
from ml.profile import count, profile

DRAW = np.random.default_rng(0)


def drift(before, after, kind: str = "number", **settings: float) -> ColumnDrift:
    """The drift of one column."""
    reference = profile(pa.table({"x": before}), {"x": kind}, np.zeros(1))
    (column,) = compare(reference, count(reference, pa.table({"x": after})), Thresholds(**settings))
    return column


def failed(column: ColumnDrift) -> list[str]:
    """The statistics by which a column drifted."""
    return [check.statistic for check in column.checks if check.failed]


def test_a_shift_of_half_a_deviation_is_drift_and_of_a_quarter_is_not():
    before = DRAW.normal(size=20_000)
    assert failed(drift(before, DRAW.normal(0.55, size=5_000))) == ["psi"]
    assert failed(drift(before, DRAW.normal(0.25, size=5_000))) == []


def test_the_threshold_can_be_set():
    before, after = DRAW.normal(size=20_000), DRAW.normal(0.25, size=5_000)
    assert failed(drift(before, after, psi=0.05)) == ["psi"]


def test_a_small_sample_raises_the_threshold_and_a_large_one_keeps_the_setting():
    before = DRAW.normal(size=20_000)
    small, large = (drift(before, DRAW.normal(size=rows)).checks[0].threshold for rows in (60, 5_000))
    assert small > 0.3
    assert large == 0.2


@pytest.mark.parametrize("value", [0.0, -3.5])
def test_a_constant_column_is_still_and_another_constant_has_drifted(value):
    assert failed(drift([value] * 500, [value] * 200)) == []
    for other in (value - 1, value + 1):
        column = drift([value] * 500, [other] * 200)
        assert "out_of_range" in failed(column)
        assert column.distance == 1.0


def test_values_beyond_the_range_of_training_are_told_even_where_the_distribution_keeps_its_bins():
    before, after = DRAW.normal(size=20_000), DRAW.normal(size=5_000)
    after[:250] = 10.0
    column = drift(before, after)
    assert failed(column) == ["out_of_range"]
    assert (column.headline.statistic, column.headline.value) == ("out_of_range", 0.05)


def test_more_and_fewer_missing_values_are_both_drift():
    whole, holes = DRAW.normal(size=2_000), DRAW.normal(size=2_000)
    holes[:300] = np.nan
    assert failed(drift(whole, holes)) == failed(drift(holes, whole)) == ["missing"]


def test_a_column_that_came_empty_or_was_always_empty_is_judged_by_its_missing_values():
    empty, full = pa.nulls(500, pa.float64()), pa.array(np.ones(500))
    assert failed(drift(full, empty)) == failed(drift(empty, full)) == ["missing"]
    assert failed(drift(empty, empty)) == []


def test_unseen_levels_are_drift():
    before, after = ["a", "b"] * 1_000, ["a", "b"] * 480 + ["c"] * 40
    column = drift(before, after, "category")
    assert failed(column)[-1] == "unseen"
    assert column.checks[-1].value == 0.04


@pytest.mark.parametrize("shape", ["all alike", "a few frequent, thousands rare"])
@pytest.mark.parametrize("levels", [300, 3_000, 30_000])
def test_levels_that_a_fresh_sample_has_not_met_either_do_not_count_as_unseen(shape, levels):
    draw = np.random.default_rng(levels)
    chances = np.ones(levels) if shape == "all alike" else 1 / np.arange(1, levels + 1)
    before, after = (draw.choice(levels, rows, p=chances / chances.sum()).astype(str) for rows in (5_000, 2_000))
    column = drift(before, after, "category")
    assert failed(column) == []
    assert (column.current.other > 100) == (levels > 300)


def test_a_column_of_ids_is_as_unseen_as_it_always_was():
    column = drift([f"a{k}" for k in range(2_000)], [f"b{k}" for k in range(2_000)], "category")
    assert failed(column) == []


def test_shares_of_levels_that_change_are_drift():
    column = drift(["a"] * 500 + ["b"] * 500, ["a"] * 800 + ["b"] * 200, "category")
    assert failed(column) == ["psi"]
    assert column.distance is None


def test_booleans_and_dates_drift_too():
    assert failed(drift([True, False] * 500, [True] * 800 + [False] * 200, "boolean")) == ["psi"]
    days = [dt.datetime(2013, 1, 1) + dt.timedelta(days=k) for k in range(300)]
    later = [day + dt.timedelta(days=300) for day in days]
    assert failed(drift(days, later, "date")) == ["psi", "out_of_range"]
    assert failed(drift(days, days, "date")) == []


def test_levels_that_are_frequent_by_luck_in_a_small_reference_are_no_drift():
    alarms = 0
    for seed in range(150):
        draw = np.random.default_rng(seed)
        before, after = (draw.integers(0, 100, rows).astype(str) for rows in (300, 500))
        alarms += drift(before, after, "category").drifted
    assert alarms == 0


def test_a_random_sample_hardly_ever_drifts_even_where_it_and_the_reference_are_small():
    draw, alarms = np.random.default_rng(5), 0
    for _ in range(200):
        for before, after in ((300, 100), (1_000, 100), (400, 400)):
            alarms += drift(draw.normal(size=before), draw.normal(size=after)).drifted
            alarms += drift(draw.exponential(size=before) ** 3, draw.exponential(size=after) ** 3).drifted
            alarms += drift(*(draw.integers(0, 30, rows).astype(str) for rows in (before, after)), "category").drifted
    assert alarms <= 1  # of 1,800


def test_predictions_are_compared_as_such():
    rows = pa.table({"x": DRAW.normal(size=2_000)})
    reference = profile(rows, {"x": "number"}, DRAW.normal(size=2_000))
    feature, prediction = compare(reference, count(reference, rows, DRAW.normal(2.0, size=2_000)), Thresholds())
    assert (feature.role, feature.drifted) == ("feature", False)
    assert (prediction.role, prediction.name, prediction.drifted) == ("prediction", "prediction", True)
