"""The truth: months of real flights of which it is known what moved."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from deploy.monitor.drift import ColumnDrift, Thresholds, compare
from ml.model.model import PROFILE, Model
from ml.profile import Profile, count, profile

NUMBERS = (
    "departure_delay", "distance", "departure_minute", "scheduled_minutes", "weekday", "temperature",
    "humidity", "wind_direction", "wind_speed", "precipitation", "pressure", "visibility",
)  # fmt: skip
MOVED = 0.15  # of the rows moved across one value


@pytest.fixture(scope="module")
def reference(learnt) -> Profile:
    return Profile.load(learnt.model / PROFILE)


@pytest.fixture(scope="module")
def model(learnt) -> Model:
    return Model.load(learnt.model)


def drifts(reference: Profile, model: Model, rows: pa.Table) -> dict[str, ColumnDrift]:
    """The drift of each column by its name."""
    found = compare(reference, count(reference, rows, model.outputs(rows)), Thresholds())
    return {column.name: column for column in found}


def drifted(columns: dict[str, ColumnDrift]) -> set[str]:
    """The names of the columns that drifted."""
    return {name for name, column in columns.items() if column.drifted}


@pytest.mark.parametrize(("size", "draws"), [(500, 60), (1_000, 40), (3_000, 25), (10_000, 12), (30_000, 6)])
def test_random_samples_of_the_training_months_never_drift(flights, flight_delay, model, size, draws):
    rows = flights.between("2013-01-01", "2013-05-01")
    order = np.random.default_rng(size).permutation(rows.num_rows)
    half = rows.num_rows // 2
    teach, others = rows.take(order[:half]), rows.take(order[half:])
    learnt_half = profile(teach, flight_delay.columns.features, model.outputs(teach))
    for seed in range(draws):
        sample = others.take(np.random.default_rng(seed).choice(others.num_rows, size, replace=False))
        assert drifted(drifts(learnt_half, model, sample)) == set()


def test_in_summer_the_columns_drift_that_really_moved_and_no_others(flights, reference, model):
    before, summer = flights.between("2013-01-01", "2013-05-01"), flights.between("2013-06-01", "2013-09-01")
    moved = {name for name in NUMBERS if distance(before, summer, name) > MOVED}
    columns = drifts(reference, model, summer)
    assert drifted(columns) == moved == {"temperature", "humidity", "wind_direction", "wind_speed", "pressure"}
    assert max(columns.values(), key=lambda column: column.headline.value).name == "temperature"
    assert columns["temperature"].headline.value > 5


def distance(before: pa.Table, after: pa.Table, name: str) -> float:
    """SciPy's Kolmogorov-Smirnov distance of the values that are there."""
    return float(stats.ks_2samp(*(rows.column(name).drop_null().to_numpy() for rows in (before, after))).statistic)


def test_a_thousand_of_the_summers_flights_are_enough(flights, reference, model):
    summer = flights.between("2013-06-01", "2013-09-01")
    for seed in range(10):
        sample = summer.take(np.random.default_rng(seed).choice(summer.num_rows, 1_000, replace=False))
        found = drifted(drifts(reference, model, sample))
        assert {"temperature", "wind_direction", "pressure"} <= found
        assert found <= {"temperature", "humidity", "wind_direction", "wind_speed", "pressure"}


@pytest.mark.parametrize(
    ("month", "warm"), [(3, True), (6, True), (7, True), (8, True), (9, True), (11, False), (12, False)]
)
def test_single_months_drift_by_their_season(flights, reference, model, month, warm):
    until = f"2013-{month + 1:02d}-01" if month < 12 else "2014-01-01"
    found = drifted(drifts(reference, model, flights.between(f"2013-{month:02d}-01", until)))
    # The weather of a single month is not that of four; the timetable is.
    assert ("temperature" in found) == warm
    assert found.isdisjoint({"weekday", "carrier", "origin", "destination", "distance", "departure_minute"})


def test_the_weather_of_one_week_is_not_that_of_four_months(flights, reference, model):
    week = drifts(reference, model, flights.between("2013-02-04", "2013-02-11"))
    assert {"temperature", "pressure"} <= drifted(week)
    assert not week["weekday"].drifted
