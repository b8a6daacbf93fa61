import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from ml.problem import Problem


@pytest.fixture
def flights():
    """A small table in time, with a category, a missing value and a signal."""
    rng, rows = np.random.default_rng(1), 400
    x = rng.normal(size=rows)
    start = dt.datetime(2020, 1, 1)
    return pa.table(
        {
            "x": pa.array([None, *x[1:]], pa.float64()),
            "colour": pa.array(rng.choice(["red", "green", "blau"], rows)),
            "y": pa.array(3 * x + rng.normal(scale=0.1, size=rows), pa.float64()),
            "t": pa.array([start + dt.timedelta(hours=6 * k) for k in range(rows)], pa.timestamp("us")),
            "who": pa.array([f"w{k % 40}" for k in range(rows)]),
        }
    )


@pytest.fixture
def problem():
    """Makes a problem over the columns of `flights`."""

    def make(**changes) -> Problem:
        fields = {
            "name": "some-problem",
            "expected_output": "y",
            "task": "regression",
            "data": {"path": "rows.csv"},
            "columns": {"target": "y", "features": {"x": "number", "colour": "category"}},
            "split": {"evaluation_share": 0.25},
            "model": {"parameters": {"num_iterations": 20, "min_data_in_leaf": 5}},
            "success": {"metric": "mae", "margin": 0.1},
        }
        return Problem.model_validate({**fields, **changes})

    return make


@pytest.fixture
def by_time(problem):
    """The same split by time."""
    columns = {"target": "y", "time": "t", "features": {"x": "number", "colour": "category"}}
    return problem(columns=columns, split={"evaluation_days": 20, "live_days": 10})
