"""Performance once labels have come."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from deploy.monitor.evaluated import Answered, Recorded
from deploy.monitor.performance import SPANS, STUDENT_T, jackknife, perform
from ml.fault import Fault
from ml.metrics import METRICS
from ml.problem import find, load_problem

DAYS = np.datetime64("2013-06-01", "us") + np.arange(40).astype("m8[D]")


def errors(rows: int, deviation: float, seed: int = 0) -> Answered:
    """Rows of forty days whose answers are wrong by normal errors."""
    draw = np.random.default_rng(seed)
    target = draw.normal(0, 40, rows)
    return Answered(target, target + draw.normal(0, deviation, rows), np.sort(draw.choice(DAYS, rows)))


def recorded(rows: Answered) -> Recorded:
    """An evaluation in which what learnt nothing always says 0."""
    return Recorded(rows, {"mae": float(np.abs(rows.target).mean())})


@pytest.fixture(scope="module")
def problem():
    flights = load_problem(find("flight-delay"))
    return flights.model_copy(update={"success": flights.success.model_copy(update={"floors": {"mae": 14.0}})})


def test_the_standard_error_of_independent_rows_is_the_textbooks():
    answered = errors(20_000, 10.0)
    loss = np.abs(answered.target - answered.output)
    value, error = jackknife(METRICS["mae"], answered)
    assert value == pytest.approx(loss.mean())
    assert error == pytest.approx(loss.std() / math.sqrt(len(loss)), rel=0.45)


def test_rows_that_err_together_in_time_make_the_error_larger():
    draw = np.random.default_rng(0)
    day = np.repeat(np.arange(40), 500)
    bad = draw.normal(0, 5, 40)[day]
    target, time = np.zeros(len(day)), DAYS[day]
    _, together = jackknife(METRICS["mae"], Answered(target, np.abs(10 + bad), time))
    _, apart = jackknife(METRICS["mae"], Answered(target, draw.permutation(np.abs(10 + bad)), time))
    assert together > 5 * apart


def test_the_interval_of_a_metric_that_is_no_mean_holds_the_truth_as_often_as_it_says():
    # Two normals whose means are a deviation apart: AUC = Φ(1/√2).
    truth, held = stats.norm.cdf(1 / math.sqrt(2)), 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        target = (draw.random(400) < 0.5).astype(np.int64)
        score = 1 / (1 + np.exp(-(draw.normal(size=400) + target)))
        answered = Answered(target, np.column_stack([1 - score, score]), np.zeros(400, "M8[us]"))
        value, error = jackknife(METRICS["auc"], answered)
        assert value == pytest.approx(roc_auc_score(target, score))
        held += abs(value - truth) <= STUDENT_T * error
    assert 0.84 * 200 < held < 0.96 * 200


def test_students_quantile_is_scipys():
    assert stats.t.ppf(0.95, SPANS - 1) == pytest.approx(STUDENT_T, abs=1e-3)


def test_answers_as_good_as_before_hold(problem):
    found = perform(problem, errors(5_000, 10.0, 1), recorded(errors(5_000, 10.0)), 0.1)
    assert (found.state, found.loss.state, found.rows) == ("holds", "holds", 5_000)
    assert found.low < found.now < found.high
    assert found.metrics.keys() == {"mae", "rmse", "r2"}


def test_answers_that_lost_more_skill_than_allowed_are_degraded(problem):
    found = perform(problem, errors(5_000, 16.0, 1), recorded(errors(5_000, 10.0)), 0.1)
    assert found.state == found.loss.state == "degraded"
    # A tenth of the way from an error of 8 to the 32 of what learnt nothing.
    assert found.loss.allowed == pytest.approx(2.4, abs=0.1)
    assert found.loss.worse_by == pytest.approx(4.8, abs=0.5)


def test_few_labels_leave_it_unclear_where_chance_may_explain_the_loss(problem):
    found = perform(problem, errors(100, 14.0, 3), recorded(errors(5_000, 10.0)), 0.1)
    assert found.loss.worse_by > found.loss.allowed
    assert found.state == "unclear"


def test_a_broken_floor_degrades_even_without_an_evaluation(problem):
    found = perform(problem, errors(5_000, 20.0), None, 0.1)
    assert (found.loss, found.floors[0].state, found.state) == (None, "degraded", "degraded")


def test_better_is_never_worse_where_higher_is_better():
    problem = load_problem(find("breast-cancer"))
    success = problem.success.model_copy(update={"metric": "accuracy", "floors": {}})
    problem = problem.model_copy(update={"success": success})

    def right(share: float) -> Answered:
        target = np.tile([0, 1], 500)
        hit = np.random.default_rng(0).random(1_000) < share
        return Answered(target, np.eye(2)[np.where(hit, target, 1 - target)], np.zeros(1_000, "M8[us]"))

    judged = Recorded(right(0.8), {"accuracy": 0.5})
    assert perform(problem, right(0.95), judged, 0.1).loss.state == "holds"
    assert perform(problem, right(0.6), judged, 0.1).loss.state == "degraded"


def test_a_metric_that_cannot_be_computed_is_unclear_and_no_pass():
    problem = load_problem(find("breast-cancer"))
    output = np.tile([0.9, 0.1], (200, 1))
    found = perform(problem, Answered(np.zeros(200, np.int64), output, np.zeros(200, "M8[us]")), None, 0.1)
    assert {floor.metric: floor.state for floor in found.floors} == {"accuracy": "holds", "auc": "unclear"}
    assert found.state == "unclear"


def test_a_metric_whose_error_cannot_be_computed_is_unclear_however_good_it_looks():
    # All of a class lie in the first span of time: without it there is no AUC.
    problem = load_problem(find("breast-cancer"))
    target = (np.arange(400) < 15).astype(np.int64)
    answered = Answered(target, np.eye(2)[target], DAYS[0] + np.arange(400).astype("m8[h]"))
    found = perform(problem, answered, None, 0.1)
    assert found.metrics["auc"] == 1.0
    assert {floor.metric: floor.state for floor in found.floors} == {"accuracy": "holds", "auc": "unclear"}


def test_the_evaluation_is_read_from_its_folder(tmp_path, learnt):
    found = Recorded.load(learnt.evaluation, "regression")
    assert found.rows.output.shape == found.rows.target.shape == found.rows.time.shape == (28_128,)
    assert found.dummy_metrics["mae"] > METRICS["mae"].whole(found.rows.target, found.rows.output)


@pytest.mark.parametrize("missing", ["predictions.parquet", "measures.json"])
def test_a_folder_without_an_evaluation_is_refused_with_the_file(tmp_path, missing):
    pq.write_table(pa.table({"target": [1.0], "output_0": [1.0]}), tmp_path / "predictions.parquet")
    (tmp_path / "measures.json").write_text(json.dumps({"dummy_metrics": {"mae": 1.0}}))
    Recorded.load(tmp_path, "regression")
    (tmp_path / missing).unlink()
    with pytest.raises(Fault, match=missing):
        Recorded.load(tmp_path, "regression")


def test_an_evaluation_that_is_not_there_or_broken_names_its_file_once(tmp_path):
    answers, measures = tmp_path / "predictions.parquet", tmp_path / "measures.json"

    def refused(path) -> str:
        with pytest.raises(Fault, match="evaluate the model again") as caught:
            Recorded.load(tmp_path, "regression")
        assert str(caught.value).startswith(f"{path}: ")
        assert str(caught.value).count(str(tmp_path)) == 1
        return caught.value.message

    assert refused(answers) == "there is no evaluation"
    answers.write_text("x")
    assert "Parquet file size is 1 bytes" in refused(answers)
    pq.write_table(pa.table({"target": [1.0], "output_0": [1.0]}), answers)
    assert refused(measures) == "there is no evaluation"
    measures.write_text("{}")
    assert "dummy_metrics" in refused(measures)
