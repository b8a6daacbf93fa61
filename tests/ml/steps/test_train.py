import json

import mlflow
import numpy as np
import pyarrow as pa
import pytest

from ml import digest
from ml.fault import Fault
from ml.model.frame import typed_table
from ml.model.mlflow_format import wrap
from ml.model.model import Model
from ml.profile import profile
from ml.steps.prepare import split
from ml.steps.train import smoke_test, targets, train

NO_WINDOW = {"from": None, "until": None}
LEARNERS = {
    "lightgbm": {"parameters": {"num_iterations": 20, "min_data_in_leaf": 5}},
    "linear": {"kind": "sklearn", "estimator": "linear"},
    "random_forest": {"kind": "sklearn", "estimator": "random_forest", "parameters": {"n_estimators": 10}},
    "gradient_boosting": {
        "kind": "sklearn",
        "estimator": "gradient_boosting",
        "parameters": {"n_estimators": 10},
    },
}


@pytest.fixture
def learnt(flights, problem, tmp_path):
    """Trains with a learner into a new folder and returns model and folder."""

    def make(learner, name="inner", rows=flights, **changes):
        folder = tmp_path / name
        folder.mkdir()
        train(rows, NO_WINDOW, problem(model=LEARNERS[learner], **changes), folder)
        return Model.load(folder), folder

    return make


def classified(flights, names):
    place = (
        np.digitize(flights["y"].to_numpy(), np.linspace(-2, 2, len(names) - 1))
        if len(names) > 2
        else flights["y"].to_numpy() > 0
    )
    return flights.set_column(2, "y", pa.array([names[int(k)] for k in place]))


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_learner_learns_behind_the_same_step(learnt, flights, learner):
    model, _ = learnt(learner)
    error = np.abs(model.outputs(flights) - flights["y"].to_numpy()).mean()
    assert error < 0.5 * np.abs(flights["y"].to_numpy()).mean()


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("names", [("no", "yes"), ("a", "b", "c")])
def test_classes_get_probabilities_that_sum_to_one_and_labels_of_their_own(learnt, flights, learner, names):
    rows = classified(flights, names)
    success = {"metric": "log_loss", "margin": 0.1}
    model, _ = learnt(learner, rows=rows, task="classification", success=success)
    np.testing.assert_allclose(model.outputs(rows).sum(axis=1), 1.0)
    answers = model.answers(model.estimator.predict(model.encoder.encode(rows)))
    assert np.mean([a == b for a, b in zip(answers, rows["y"].to_pylist(), strict=True)]) > 0.7


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_same_rows_give_the_same_bytes(learnt, learner):
    assert digest.of_path(learnt(learner, "one")[1]) == digest.of_path(learnt(learner, "two")[1])


@pytest.mark.parametrize("learner", ["lightgbm", "linear"])
def test_no_file_of_a_model_is_a_pickle(learnt, learner):
    _, folder = learnt(learner)
    assert {path.suffix for path in folder.iterdir()} <= {".json", ".txt", ".skops"}


@pytest.mark.parametrize("learner", ["lightgbm", "linear"])
def test_mlflow_loads_the_model_with_signature_and_example_and_answers_the_same(learnt, flights, tmp_path, learner):
    model, folder = learnt(learner)
    (folder / "smoke.json").write_text(smoke_test(model, flights.slice(0, 5)))
    wrap(folder, flights.select(["x", "colour"]).slice(1, 1), tmp_path / "wrapped")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "wrapped"))
    frame = flights.select(["x", "colour"]).to_pandas()
    np.testing.assert_allclose(loaded.predict(frame), model.outputs(flights))
    assert loaded.metadata.signature.inputs.input_names() == ["x", "colour"]
    assert loaded.input_example.columns.tolist() == ["x", "colour"]


def test_wrapping_the_same_model_twice_gives_the_same_bytes(learnt, flights, tmp_path):
    _, folder = learnt("linear")
    for name in ("one", "two"):
        wrap(folder, flights.select(["x", "colour"]).slice(1, 1), tmp_path / name)
    assert digest.of_path(tmp_path / "one") == digest.of_path(tmp_path / "two")


def test_the_smoke_test_is_a_request_with_the_models_own_answers(learnt, flights):
    model, _ = learnt("lightgbm")
    kept = json.loads(smoke_test(model, flights.slice(0, 5)))
    assert kept["input_data"]["columns"] == ["x", "colour"]
    np.testing.assert_allclose(kept["answers"], model.outputs(flights.slice(0, 5)))


def test_the_dummy_is_the_best_constant_for_the_metric(learnt, flights):
    assert learnt("linear")[0].card.dummy == (np.median(flights["y"].to_numpy()),)


def test_a_target_of_one_value_is_a_fault(learnt, flights):
    with pytest.raises(Fault, match="1 distinct value"):
        learnt("linear", rows=flights.set_column(2, "y", pa.array(np.ones(400))))


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"parameters": {"num_leaves": -1}}, "LightGBM: "),
        ({"kind": "sklearn", "estimator": "linear", "parameters": {"alpah": 1}}, "scikit-learn: .*alpah"),
        ({"kind": "sklearn", "estimator": "linear", "parameters": {"alpha": -1.0}}, "scikit-learn: .*alpha"),
    ],
)
def test_a_parameter_that_the_learner_refuses_is_one_line(flights, problem, tmp_path, model, sentence):
    with pytest.raises(Fault, match=sentence) as caught:
        train(flights, NO_WINDOW, problem(model=model), tmp_path)
    assert caught.value.where.endswith("model.parameters")


def test_a_frame_becomes_the_table_that_the_encoder_takes(learnt, flights):
    model, _ = learnt("lightgbm")
    table = typed_table(flights.to_pandas(), model.encoder)
    assert table.equals(flights.select(["x", "colour"]))


def test_a_model_that_never_saw_the_evaluation_rows_is_the_same_whatever_they_say(flights, by_time, tmp_path):
    parts = split(flights, by_time, None)
    judges = flights.num_rows - parts.evaluation.num_rows
    rows = flights["y"].to_pylist()
    poisoned = flights.set_column(2, "y", pa.array([*rows[:judges], *[1e9] * parts.evaluation.num_rows]))
    digests = []
    for name, table in (("clean", flights), ("poisoned", poisoned)):
        folder = tmp_path / name
        folder.mkdir()
        train(split(table, by_time, None).train, NO_WINDOW, by_time, folder)
        digests.append(digest.of_path(folder))
    assert digests[0] == digests[1]


def test_targets_of_a_class_that_training_never_saw_are_no_number(flights):
    assert np.isnan(targets(pa.table({"y": ["a", "new"]}), "y", ("a", "b"))).tolist() == [False, True]


def test_the_training_distribution_travels_inside_the_model(learnt, flights, problem, tmp_path):
    model, folder = learnt("lightgbm")
    profile(flights, problem().columns.features, model.outputs(flights)).save(folder / "profile.json")
    assert json.loads((folder / "profile.json").read_text())


def test_an_alias_counts_as_the_parameter_that_it_stands_for(flights, problem, tmp_path):
    aliases = {"n_estimators": 5, "loss": "mae", "num_leaf": 7}
    train(flights, NO_WINDOW, problem(model={"parameters": aliases}), tmp_path)
    text = (tmp_path / "booster.txt").read_text()
    assert text.count("Tree=") == 5
    assert "[objective: regression_l1]" in text
    assert "[num_leaves: 7]" in text
