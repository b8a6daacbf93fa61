import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.problem import Problem, Range
from ml.sweep import trial, with_parameters

FIELDS = {
    "name": "delay-small", "expected_output": "A number.", "task": "regression", "data": {"path": "rows.csv"},
    "columns": {"target": "y", "features": {"x": "number"}}, "split": {"evaluation_share": 0.25},
    "success": {"metric": "mae", "margin": 0.1},
}  # fmt: skip
SPACE = {
    "num_leaves": {"least": 4, "most": 128, "scale": "log", "whole": True},
    "learning_rate": {"least": 0.01, "most": 0.3, "scale": "log"},
    "feature_fraction": {"least": 0.5, "most": 1.0},
    "boosting": ["gbdt", "dart"],
}


def problem(**changes):
    sweep = {"parameters": SPACE, **changes.pop("sweep", {})}
    return Problem.model_validate({**FIELDS, "model": {"parameters": {"num_leaves": 31}, "sweep": sweep, **changes}})


def test_the_first_trial_is_what_the_problem_would_have_learnt_without_a_sweep():
    assert trial(problem(), 0) == {"num_leaves": 31}


@given(st.integers(1, 10_000), st.integers(0, 2**31))
def test_every_trial_lies_in_the_space(number, seed):
    drawn = trial(problem(seed=seed), number)
    assert set(drawn) == set(SPACE)
    assert isinstance(drawn["num_leaves"], int)
    assert 4 <= drawn["num_leaves"] <= 128
    assert 0.01 <= drawn["learning_rate"] <= 0.3
    assert 0.5 <= drawn["feature_fraction"] <= 1.0
    assert drawn["boosting"] in ("gbdt", "dart")


def test_the_same_number_draws_the_same_however_many_trials_there_are():
    few, many = problem(sweep={"trials": 3}), problem(sweep={"trials": 300})
    assert [trial(few, n) for n in range(3)] == [trial(many, n) for n in range(3)]
    assert trial(few, 1) != trial(few, 2)
    assert trial(few, 1) != trial(problem(seed=1), 1)


def test_a_logarithmic_scale_draws_as_many_below_the_geometric_mean_as_above():
    drawn = [trial(problem(), number)["learning_rate"] for number in range(1, 401)]
    below = sum(rate < math.sqrt(0.01 * 0.3) for rate in drawn)
    assert 160 < below < 240


def test_other_parameters_leave_the_rest_of_the_problem_as_it_was():
    before = problem()
    after = with_parameters(before, {"num_leaves": 7})
    assert after.model.parameters == {"num_leaves": 7}
    assert after.model_copy(update={"model": before.model}) == before


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"least": 2, "most": 1}, "must be below"),
        ({"least": 0, "most": 1, "scale": "log"}, "must be above 0"),
    ],
)
def test_a_range_that_is_none_is_refused(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        Range.model_validate(values)
