import re
from pathlib import Path

import pytest

from ml.fault import Fault
from ml.problem import PROBLEMS, Problem, find, load_problem

GOOD = """\
name: some-problem
expected_output: a number
task: regression
data:
  path: rows.csv
columns:
  target: y
  features:
    x: number
split:
  evaluation_share: 0.2
success:
  metric: mae
  margin: 0.1
"""


def load_with(folder: Path, old: str = "", new: str = "") -> Problem:
    path = folder / "some-problem.yaml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    return load_problem(path)


def test_the_shipped_problems_are_sound():
    assert {load_problem(path).name for path in PROBLEMS.glob("*.yaml")} >= {"flight-delay", "breast-cancer"}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("task: regression", "task: regresion", "`task`: Input should be 'regression' or 'classification'"),
        (
            "  metric: mae",
            "  metric: log_loss",
            "metric `log_loss` does not fit regression; there are mae, rmse, r2",
        ),
        ("  metric: mae", "  metric: r2", "`r2` is no mean over rows"),
        ("    x: number", "    y: number", "the target `y` is also a feature"),
        ("    x: number", "    x: float", "Input should be 'number', 'category', 'boolean' or 'date'"),
        ("  target: y", "  target: y\n  id: x", "the id `x` is also a feature"),
        ("  target: y", "  target: y\n  time: t", "rows with a time column are split by `evaluation_days`"),
        ("  evaluation_share: 0.2", "  evaluation_share: 2.0", "less than 1"),
        ("  evaluation_share: 0.2", "  salt: 1", "split needs either"),
        ("  path: rows.csv", "  path: a\n  source: b", "name either `path`"),
        ("  margin: 0.1", "  margin: -1", "greater than or equal to 0"),
        ("  margin: 0.1", "  margin: 0.1\n  slices: {columns: [z]}", "slice `z` is neither a feature"),
        ("name: some-problem", "name: other", "the name `other` is not the file's"),
        ("name: some-problem", "name: Some Problem", "3 to 32 lower-case letters"),
        (
            "task: regression",
            "task: regression\nmodel: {kind: sklearn}",
            "`estimator` belongs to kind `sklearn`",
        ),
    ],
)
def test_a_wrong_problem_file_says_what_is_wrong(tmp_path, old, new, sentence):
    with pytest.raises(Fault, match=re.escape(sentence)) as caught:
        load_with(tmp_path, old, new)
    assert caught.value.code == 2


def test_a_right_one_loads(tmp_path):
    assert load_with(tmp_path).success.margin == 0.1


def test_an_unknown_problem_names_those_that_exist():
    with pytest.raises(Fault, match=r"no problem `flight-dely`.*flight-delay"):
        find("flight-dely")


def test_a_request_may_carry_what_names_and_orders_rows_but_is_no_feature():
    columns = load_problem(find("flight-delay")).columns
    assert columns.carried == ("flight_id", "scheduled_departure")
