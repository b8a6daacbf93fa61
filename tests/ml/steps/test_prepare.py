import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ml.fault import Fault
from ml.steps.prepare import split


def test_time_splits_into_what_teaches_what_judges_and_what_arrives_later(flights, by_time):
    parts = split(flights, by_time, dt.date(2020, 3, 1))
    assert pc.max(parts.train["t"]).as_py() < dt.datetime(2020, 2, 10) <= pc.min(parts.evaluation["t"]).as_py()
    assert pc.max(parts.evaluation["t"]).as_py() < dt.datetime(2020, 3, 1) <= pc.min(parts.live["t"]).as_py()
    assert pc.max(parts.live["t"]).as_py() < dt.datetime(2020, 3, 11)


def test_the_newest_labelled_row_judges_where_no_day_is_given(flights, by_time):
    parts = split(flights, by_time, None)
    assert pc.max(parts.evaluation["t"]) == pc.max(flights["t"])
    assert parts.live.equals(parts.evaluation)


def test_a_group_is_never_torn_apart(flights, problem):
    grouped = problem(columns={"target": "y", "group": "who", "features": {"x": "number"}})
    parts = split(flights, grouped, None)
    assert not set(parts.train["who"].to_pylist()) & set(parts.evaluation["who"].to_pylist())


def test_a_row_stays_on_its_side_when_rows_are_added(flights, problem):
    few, many = split(flights.slice(0, 200), problem(), None), split(flights, problem(), None)
    judged_before = set(few.evaluation["y"].to_pylist())
    judged_now = set(many.evaluation["y"].to_pylist())
    assert judged_before == judged_now & set(flights.slice(0, 200)["y"].to_pylist())


@pytest.mark.parametrize("kind", ["time", "hash"])
def test_poisoned_evaluation_rows_leave_the_training_rows_as_they_are(flights, problem, by_time, kind):
    chosen = by_time if kind == "time" else problem()
    parts = split(flights, chosen, None)
    judges = pc.is_in(flights["t"], value_set=parts.evaluation["t"].combine_chunks())
    poisoned = flights.set_column(2, "y", pc.if_else(judges, pa.scalar(1e9), flights["y"]))
    again = split(poisoned, chosen, None)
    assert again.train.equals(parts.train)
    assert pc.min(again.evaluation["y"]).as_py() == 1e9


def test_too_few_rows_are_a_fault_that_says_how_many(flights, by_time):
    with pytest.raises(Fault, match="only 4 rows for training"):
        split(flights, by_time, dt.date(2020, 1, 22))
