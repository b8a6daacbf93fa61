import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.fault import Fault
from ml.split import row_keys
from ml.steps.prepare import split
from ml.steps.trial import LOSS, attempt, parts

SWEEP = {"parameters": {"num_iterations": [1, 2, 40]}, "trials": 4}
MODEL = {"parameters": {"num_iterations": 20, "min_data_in_leaf": 5, "num_threads": 1}, "sweep": SWEEP}


def test_a_trial_is_judged_on_rows_that_it_did_not_learn_from(flights, problem):
    teach, judge = parts(flights, problem(), 0.3)
    keys = [set(row_keys(part, problem().columns)) for part in (teach, judge)]
    assert not keys[0] & keys[1]
    assert teach.num_rows + judge.num_rows == flights.num_rows
    assert 0.2 < judge.num_rows / flights.num_rows < 0.4


def test_rows_that_prepare_left_for_training_are_split_again_and_not_by_the_same_hash(flights, problem):
    left = split(flights, problem(), None).train
    _, judge = parts(left, problem(), 0.25)
    assert 0.15 < judge.num_rows / left.num_rows < 0.35


def test_with_a_time_column_the_last_rows_judge(flights, by_time):
    left = split(flights, by_time, None).train
    teach, judge = parts(left, by_time, 0.2)
    assert teach["t"].to_pylist()[-1] <= judge["t"].to_pylist()[0]
    assert judge.num_rows == round(0.2 * left.num_rows)


def test_rows_of_one_group_stay_together(flights, problem):
    columns = {"target": "y", "group": "colour", "features": {"x": "number"}}
    many = flights.set_column(1, "colour", pa.array([f"g{k % 40}" for k in range(flights.num_rows)]))
    teach, judge = parts(many, problem(columns=columns), 0.3)
    assert not set(teach["colour"].to_pylist()) & set(judge["colour"].to_pylist())


def test_too_few_rows_to_judge_are_a_fault(flights, problem):
    with pytest.raises(Fault, match="would judge a trial"):
        parts(flights.slice(0, 30), problem(), 0.1)


def test_more_trees_have_the_smaller_loss(flights, problem):
    swept = problem(model=MODEL)
    tried = [attempt(flights, swept, number) for number in range(4)]
    assert tried[0]["parameters"] == MODEL["parameters"]
    by_trees = sorted(tried, key=lambda one: one["parameters"]["num_iterations"])
    assert [one[LOSS] for one in by_trees] == sorted((one[LOSS] for one in tried), reverse=True)
    assert all(one[LOSS] == one["value"] for one in tried), "a mean absolute error is a loss as it is"


def test_a_metric_of_which_more_is_better_is_turned_into_a_loss(flights, problem):
    rows = flights.set_column(2, "y", pa.array(np.where(flights["y"].to_numpy() > 0, "late", "early")))
    swept = problem(task="classification", model=MODEL, success={"metric": "accuracy", "margin": 0.1})
    tried = attempt(rows, swept, 0)
    assert tried["value"] > 0.5
    assert tried[LOSS] == -tried["value"]


def test_the_training_step_takes_the_parameters_of_the_best_trial(flights, problem, tmp_path):
    (tmp_path / "delay-small.yaml").write_text(
        problem(name="delay-small", model=MODEL).model_dump_json(exclude_none=True)
    )
    for folder in ("train", "tried"):
        (tmp_path / folder).mkdir()
    pq.write_table(flights, tmp_path / "train" / "rows.parquet")
    (tmp_path / "train" / "window.json").write_text('{"from": null, "until": null}')
    (tmp_path / "tried" / "trial.json").write_text(json.dumps({"parameters": {"num_iterations": 3}}))
    command = [sys.executable, "-m", "ml.steps.train", "--problem", tmp_path / "delay-small.yaml"]
    command += ["--train", tmp_path / "train", "--tried", tmp_path / "tried", "--model", tmp_path / "model"]
    subprocess.run(command, check=True, capture_output=True)
    assert next((tmp_path / "model").rglob("booster.txt")).read_text().count("Tree=") == 3
