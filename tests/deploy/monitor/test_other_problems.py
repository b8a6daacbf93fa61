"""Problems unlike the flights: a classifier that answers with labels, and a model that learnt by heart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.monitor.lines import lines_of
from deploy.monitor.monitor import monitor
from ml.problem import Problem, find, load_problem
from ml.raw.folder import open_raw
from ml.raw.typed import read_typed
from ml.sources.breast_cancer import make

NOISE = """
name: noise
expected_output: A number that nothing tells.
task: regression
data: {path: noise.csv}
columns:
  target: y
  id: name
  features: {a: number, b: number, c: number, d: number}
split: {evaluation_share: 0.5}
model: {kind: lightgbm, parameters: {num_iterations: 200, min_data_in_leaf: 5}}
success: {metric: rmse, margin: 0.1}
"""


@pytest.fixture(scope="module")
def tumours(tmp_path_factory) -> tuple[Problem, pa.Table, pa.Table]:
    """The problem, the rows that teach and the rows that judge."""
    problem = load_problem(find("breast-cancer"))
    columns = problem.columns
    readings = {columns.target: "label", columns.id: "category", **columns.features}
    rows = read_typed(open_raw(make(tmp_path_factory.mktemp("tumours"))), readings).rows
    order = np.random.default_rng(0).permutation(rows.num_rows)
    return problem, rows.take(order[:370]), rows.take(order[370:])


@pytest.fixture(scope="module")
def classifier(tumours, learn):
    return learn(*tumours)


def labelled(rows: pa.Table, path: Path, renamed: dict[str, str] | None = None) -> Path:
    """A file of labels, some of them other words."""
    words = [(renamed or {}).get(word, word) for word in rows.column("diagnosis").to_pylist()]
    pq.write_table(pa.table({"sample": rows.column("sample"), "diagnosis": words}), path)
    return path


def test_a_classifier_that_answers_with_labels_is_measured_by_its_probabilities(classifier, tumours, ask, tmp_path):
    _, _, judge = tumours
    asked = ask(judge, classifier.model)
    assert set(asked.answers) == {"benign", "malignant"}
    labels = labelled(judge, tmp_path / "labels.parquet")
    verdict = monitor(classifier.problem, classifier.model, asked, labels, classifier.evaluation)
    assert verdict.decision == "ok", verdict.reasons
    assert verdict.columns[-1].name == "prediction: malignant"
    assert verdict.performance.loss.worse_by == 0.0
    assert verdict.performance.metrics["auc"] > 0.95


def test_labels_the_other_way_round_are_concept_drift(classifier, tumours, ask, tmp_path):
    _, _, judge = tumours
    swapped = {"benign": "malignant", "malignant": "benign"}
    labels = labelled(judge, tmp_path / "labels.parquet", swapped)
    asked = ask(judge, classifier.model)
    verdict = monitor(classifier.problem, classifier.model, asked, labels, classifier.evaluation)
    assert (verdict.decision, verdict.cause) == ("degraded", "concept")


def test_labels_that_are_no_class_of_the_model_are_told(classifier, tumours, ask, tmp_path):
    _, _, judge = tumours
    few = judge.column("diagnosis").to_pylist().count("malignant")
    labels = labelled(judge, tmp_path / "labels.parquet", {"malignant": "unclear"})
    asked = ask(judge, classifier.model)
    verdict = monitor(classifier.problem, classifier.model, asked, labels, classifier.evaluation)
    assert verdict.decision == "degraded"
    assert (verdict.volume.unknown, verdict.volume.unknown_names) == (few, ("unclear",))
    shown = f"  labels: {few} left out, as they are no class of the model, such as `unclear`"
    assert shown in lines_of(verdict.to_json(), "tumours")
    assert f"{few} of {judge.num_rows} labels are no class that the model knows" in verdict.reasons


def test_only_labels_that_are_no_class_are_a_degradation_too(classifier, tumours, ask, tmp_path):
    _, _, judge = tumours
    labels = labelled(judge, tmp_path / "labels.parquet", {"malignant": "M", "benign": "B"})
    asked = ask(judge, classifier.model)
    verdict = monitor(classifier.problem, classifier.model, asked, labels, classifier.evaluation)
    assert (verdict.decision, verdict.performance) == ("degraded", None)
    assert verdict.reasons[0].endswith("labels are no class that the model knows")


def test_answers_learnt_by_heart_are_no_measure_of_drift_and_the_evaluations_are(learn, ask, tmp_path):
    (tmp_path / "noise.yaml").write_text(NOISE, encoding="utf-8")
    draw = np.random.default_rng(0)
    rows = pa.table({name: draw.normal(size=4_000) for name in "abcdy"})
    rows = rows.append_column("name", pa.array([f"{k}" for k in range(4_000)]))
    heart = learn(load_problem(tmp_path / "noise.yaml"), rows.slice(0, 1_000), rows.slice(1_000, 1_000))
    asked = ask(rows.slice(2_000), heart.model)
    alone = monitor(heart.problem, heart.model, asked)
    assert [column.name for column in alone.columns if column.drifted] == ["prediction"]
    assert monitor(heart.problem, heart.model, asked, evaluation=heart.evaluation).decision == "ok"
