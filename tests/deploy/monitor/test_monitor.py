"""The whole look: real flights asked, labels, the verdict and its JSON."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from deploy.monitor.drift import Thresholds
from deploy.monitor.lines import lines_of
from deploy.monitor.monitor import monitor
from ml.fault import Fault


@pytest.fixture
def label(tmp_path):
    """Writes labels of rows, with so many minutes more than the truth."""

    def written(rows: pa.Table, more: float = 0.0):
        path = tmp_path / "labels.parquet"
        late = pc.add(rows.column("arrival_delay"), more)
        pq.write_table(rows.select(["flight_id"]).append_column("arrival_delay", late), path)
        return path

    return written


@pytest.fixture(scope="module")
def summer(flights) -> pa.Table:
    return flights.between("2013-06-01", "2013-09-01")


@pytest.fixture(scope="module")
def sample(flights) -> pa.Table:
    rows = flights.between("2013-01-01", "2013-05-01")
    return rows.take(np.sort(np.random.default_rng(0).choice(rows.num_rows, 4_000, replace=False)))


def test_the_summers_requests_have_drifted(learnt, summer, ask):
    verdict = monitor(learnt.problem, learnt.model, ask(summer, learnt.model), evaluation=learnt.evaluation)
    assert verdict.decision == "drift"
    assert verdict.reasons[0].startswith("feature `temperature`: another distribution (psi ")
    assert len(verdict.reasons) == 5
    assert verdict.volume.rows == 84_124
    assert (verdict.volume.since[:10], verdict.volume.until[:10]) == ("2013-06-01", "2013-08-31")
    assert [period.start for period in verdict.periods][:2] == ["2013-05-27", "2013-06-03"]


def test_a_sample_of_the_training_months_is_ok_with_and_without_labels(learnt, sample, ask, label):
    asked = ask(sample, learnt.model)
    for labels in (None, label(sample)):
        verdict = monitor(learnt.problem, learnt.model, asked, labels, learnt.evaluation)
        assert (verdict.decision, verdict.cause, verdict.reasons) == ("ok", None, ("no column moved",))
    assert verdict.performance.state == "holds"


def test_worse_answers_to_the_same_rows_are_concept_drift(learnt, sample, ask, label):
    asked = ask(sample, learnt.model)
    verdict = monitor(learnt.problem, learnt.model, asked, label(sample, 25.0), learnt.evaluation)
    assert (verdict.decision, verdict.cause) == ("degraded", "concept")
    assert "worse by" in verdict.reasons[0]
    assert any("its floor is 14" in reason for reason in verdict.reasons)


def test_worse_answers_to_other_rows_are_data_drift(learnt, summer, ask, label):
    asked = ask(summer, learnt.model)
    verdict = monitor(learnt.problem, learnt.model, asked, label(summer, 25.0), learnt.evaluation)
    assert (verdict.decision, verdict.cause) == ("degraded", "data")
    assert any("temperature" in reason for reason in verdict.reasons)


def test_rows_that_are_asked_again_tell_nothing_new(learnt, sample, ask, label):
    once = monitor(learnt.problem, learnt.model, ask(sample, learnt.model), label(sample), learnt.evaluation)
    again = ask(pa.concat_tables([sample.slice(0, 1_000), sample, sample]), learnt.model)
    verdict = monitor(learnt.problem, learnt.model, again, label(sample), learnt.evaluation)
    assert (verdict.volume.rows, verdict.volume.distinct, verdict.volume.labelled) == (9_000, 4_000, 4_000)
    assert verdict.performance == once.performance
    assert verdict.columns == once.columns


def test_a_few_rows_asked_often_are_inconclusive_and_never_ok(learnt, sample, ask):
    often = pa.concat_tables([sample.slice(0, 30)] * 32)
    verdict = monitor(learnt.problem, learnt.model, ask(often, learnt.model))
    assert verdict.decision == "inconclusive"
    assert verdict.reasons == ("960 rows were asked, 30 distinct; 100 are needed",)
    assert lines_of(verdict.to_json(), "flights")[0].startswith("inconclusive  (960 rows, 30 distinct, 2013-")


def test_on_a_terminal_labels_show_the_metric_and_where_its_allowance_comes_from(learnt, sample, ask, label):
    known = label(pa.concat_tables([sample.slice(0, 3_000), sample.slice(3_990)]))
    verdict = monitor(learnt.problem, learnt.model, ask(sample.slice(0, 3_000), learnt.model), known, learnt.evaluation)
    loss = verdict.performance.loss
    dummy = json.loads((learnt.evaluation / "measures.json").read_text())["dummy_metrics"]["mae"]
    assert loss.allowed == pytest.approx(0.1 * (dummy - loss.recorded))
    shown = "\n".join(lines_of(verdict.to_json(), "flights"))
    assert "  labels: 3,000 joined, 10 of rows that were not asked" in shown
    assert f"  mae: {verdict.performance.now:.4g} (90 %: " in shown
    assert (
        f"{loss.allowed:.4g} is allowed: 10% of its advantage over a model that learnt nothing ({dummy:.4g})" in shown
    )


@pytest.mark.parametrize("rows", [0, 1, 99])
def test_too_few_rows_are_inconclusive_and_never_ok(learnt, sample, ask, rows):
    verdict = monitor(learnt.problem, learnt.model, ask(sample.slice(0, rows), learnt.model))
    assert verdict.decision == "inconclusive"
    assert verdict.reasons == (f"{rows} rows were asked; 100 are needed",)
    json.dumps(verdict.to_json(), allow_nan=False)


def test_too_few_labels_are_inconclusive_where_nothing_drifted(learnt, sample, ask, label):
    asked = ask(sample, learnt.model)
    verdict = monitor(learnt.problem, learnt.model, asked, label(sample.slice(0, 99)), learnt.evaluation)
    assert verdict.decision == "inconclusive"
    assert verdict.reasons == ("99 rows have a label; 100 are needed",)
    assert verdict.performance is None


def test_labels_of_some_rows_are_compared_with_the_answers_to_those_rows(learnt, sample, ask, label):
    asked = ask(sample, learnt.model)
    chosen = np.random.default_rng(1).permutation(sample.num_rows)[:1_000]
    verdict = monitor(learnt.problem, learnt.model, asked, label(sample.take(chosen)), learnt.evaluation)
    target, answer = sample.column("arrival_delay").to_numpy(), np.array(asked.answers)
    assert verdict.performance.now == pytest.approx(np.abs(target - answer)[chosen].mean())
    assert verdict.volume.labelled == verdict.performance.rows == 1_000
    assert sum(period.labelled for period in verdict.periods) == 1_000


def test_the_number_of_rows_that_is_needed_can_be_set(learnt, sample, ask):
    asked = ask(sample.slice(0, 60), learnt.model)
    verdict = monitor(learnt.problem, learnt.model, asked, thresholds=Thresholds(fewest_rows=50))
    assert verdict.decision != "inconclusive"


def test_the_json_has_the_keys_that_scripts_rely_on(learnt, sample, ask, label):
    asked = ask(sample, learnt.model)
    verdict = monitor(learnt.problem, learnt.model, asked, label(sample), learnt.evaluation)
    found = json.loads(json.dumps(verdict.to_json(), allow_nan=False))
    assert found.keys() >= {"decision", "columns", "performance"}
    assert [column["name"] for column in found["columns"]] == [*learnt.problem.columns.features, "prediction"]
    for column in found["columns"]:
        assert column.keys() >= {"name", "statistic", "value", "threshold", "drifted"}
        assert column["drifted"] == (column["value"] > column["threshold"])
    assert found["performance"]["metric"] == "mae"
    assert found["performance"]["state"] == "holds"


def test_a_column_that_no_longer_comes_is_found(learnt, sample, ask):
    silent = sample.set_column(
        sample.column_names.index("wind_speed"), "wind_speed", pa.nulls(sample.num_rows, pa.float64())
    )
    verdict = monitor(learnt.problem, learnt.model, ask(silent, learnt.model))
    assert verdict.decision == "drift"
    assert "feature `wind_speed`: another share of missing values (missing 0.999" in verdict.reasons[0]


def test_a_new_carrier_is_found(learnt, sample, ask):
    place = sample.column_names.index("carrier")
    names = ["ZZ" if k % 10 == 0 else name for k, name in enumerate(sample.column("carrier").to_pylist())]
    verdict = monitor(
        learnt.problem, learnt.model, ask(sample.set_column(place, "carrier", pa.array(names)), learnt.model)
    )
    assert verdict.decision == "drift"
    (carrier,) = (column for column in verdict.columns if column.drifted)
    assert (carrier.name, carrier.checks[-1].statistic) == ("carrier", "unseen")
    assert carrier.checks[-1].failed


def test_a_model_without_a_profile_says_what_to_do(learnt, sample, ask, tmp_path):
    for file in learnt.model.iterdir():
        if file.name != "profile.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(Fault, match=r"profile\.json: is no profile .* → train the model again"):
        monitor(learnt.problem, tmp_path, ask(sample, learnt.model))
