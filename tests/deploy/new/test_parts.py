from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from deploy.new.parts import Parts, parts_of
from ml.fault import Fault
from ml.metrics import Task
from ml.problem import Columns, Problem
from ml.steps.prepare import split

RANDOM = np.random.default_rng(1)


def table(rows: int, task: Task, groups: int = 0) -> pa.Table:
    target = (
        RANDOM.normal(size=rows) if task == "regression" else RANDOM.choice(["a", "b", "c"], rows, p=[0.7, 0.2, 0.1])
    )
    moments = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=int(h)) for h in RANDOM.integers(0, 24 * 200, rows)]
    return pa.table(
        {
            "y": pa.array(target),
            "x": pa.array(RANDOM.normal(size=rows)),
            "when": pa.array(moments, pa.timestamp("us")),
            "g": pa.array([f"g{n}" for n in RANDOM.integers(0, groups or 1, rows)]),
        }
    )


def columns(**keys: str) -> Columns:
    return Columns(target="y", features={"x": "number"}, **keys)


def judged_by_the_pipeline(rows: pa.Table, wanted: Columns, task: Task, parts: Parts) -> pa.Table:
    metric = "mae" if task == "regression" else "log_loss"
    problem = Problem.model_validate(
        {
            "name": "any",
            "expected_output": "",
            "task": task,
            "data": {"path": "x"},
            "columns": wanted.model_dump(),
            "split": parts.split.model_dump(),
            "success": {"metric": metric, "margin": 1},
        }
    )
    return split(rows, problem, None).evaluation


@pytest.mark.parametrize("rows", [30, 100, 569, 5000])
@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("keys", [{}, {"time": "when"}, {"group": "g"}])
def test_the_rows_that_judge_are_those_that_the_pipeline_lets_judge(
    rows: int, task: Task, keys: dict[str, str]
) -> None:
    whole, wanted = table(rows, task, groups=40), columns(**keys)
    parts = parts_of(whole, wanted, task)
    judged = judged_by_the_pipeline(whole, wanted, task, parts)
    expected = whole.filter(pa.array(parts.judges))
    assert sorted(judged["x"].to_pylist()) == sorted(expected["x"].to_pylist())


@pytest.mark.parametrize("rows", [600, 5000])
def test_the_shares_of_the_classes_are_alike_within_one_in_a_hundred(rows: int) -> None:
    whole = table(rows, "classification")
    parts = parts_of(whole, columns(), "classification")
    target = np.asarray(whole["y"].to_pylist())
    for label in "abc":
        assert abs((target[parts.judges] == label).mean() - (target[~parts.judges] == label).mean()) < 0.01


def test_the_quarters_of_an_amount_are_alike_within_one_in_a_hundred() -> None:
    whole = table(2000, "regression")
    parts = parts_of(whole, columns(), "regression")
    target = whole["y"].to_numpy()
    for end in np.quantile(target, (0.25, 0.5, 0.75)):
        assert abs((target[parts.judges] < end).mean() - (target[~parts.judges] < end).mean()) < 0.02


def test_the_newest_fifth_of_the_rows_judges_where_there_is_time() -> None:
    parts = parts_of(table(5000, "regression"), columns(time="when"), "regression")
    assert abs(parts.judges.mean() - 0.2) < 0.01
    assert parts.split.evaluation_share is None


def test_few_rows_give_a_larger_share_so_that_both_sides_have_ten() -> None:
    parts = parts_of(table(30, "classification"), columns(), "classification")
    assert parts.judges.sum() >= 10
    assert (~parts.judges).sum() >= 10


def test_rows_of_one_day_cannot_be_parted_by_time() -> None:
    whole = table(100, "regression")
    day = pa.array([dt.datetime(2024, 1, 1, n % 24) for n in range(100)], pa.timestamp("us"))
    with pytest.raises(Fault, match="no number of days") as caught:
        parts_of(whole.set_column(2, "when", day), columns(time="when"), "regression")
    assert "leave --time out" in caught.value.remedy


def test_two_groups_of_which_one_is_tiny_cannot_be_parted() -> None:
    whole = table(100, "regression")
    groups = pa.array(["many"] * 97 + ["few"] * 3)
    with pytest.raises(Fault, match="no hash leaves") as caught:
        parts_of(whole.set_column(3, "g", groups), columns(group="g"), "regression")
    assert caught.value.where == "--group g"
