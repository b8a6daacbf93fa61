"""The parameters that a new problem gets, judged on scikit-learn's own data sets."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, mean_absolute_error
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from deploy.new.learner import SIZES, parameters_of, reason
from ml.metrics import Task


def loss(matrix: NDArray[np.float64], target: NDArray[np.float64], task: Task) -> tuple[float, float]:
    """Of LightGBM with our parameters and of a linear model, the mean loss over four folds."""
    ours, linear = [], []
    classes = len(np.unique(target)) if task == "classification" else 0
    own = {0: {}, 2: {"objective": "binary"}}.get(classes, {"objective": "multiclass", "num_class": classes})
    for teach, judge in KFold(4, shuffle=True, random_state=0).split(matrix):
        metric = "log_loss" if classes else "mae"
        given = {**own, **parameters_of(len(teach), classes, False, task, metric), "verbosity": -1, "num_threads": 1}
        booster = lightgbm.train(given, lightgbm.Dataset(matrix[teach], target[teach]))
        other = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000) if classes else RidgeCV())
        other.fit(matrix[teach], target[teach])
        answers = other.predict_proba if classes else other.predict
        measure = log_loss if classes else mean_absolute_error
        ours.append(measure(target[judge], booster.predict(matrix[judge])))
        linear.append(measure(target[judge], answers(matrix[judge])))
    return float(np.mean(ours)), float(np.mean(linear))


@pytest.mark.parametrize(
    ("load", "task", "slack"),
    [
        (datasets.load_diabetes, "regression", 1.02),
        (datasets.load_wine, "classification", 1.5),
        (datasets.load_breast_cancer, "classification", 1.5),
    ],
)
def test_few_rows_are_not_learnt_by_heart(load: object, task: Task, slack: float) -> None:
    ours, linear = loss(*load(return_X_y=True), task)
    assert ours <= slack * linear


def test_where_nothing_can_be_learnt_little_is_lost_against_a_constant() -> None:
    random = np.random.default_rng(0)
    ours, _ = loss(random.normal(size=(400, 10)), random.integers(0, 2, 400).astype(float), "classification")
    assert ours < np.log(2) + 0.08


def test_many_classes_have_fewer_trees_and_more_rows_more_leaves() -> None:
    assert parameters_of(5000, 40, False, "classification", "log_loss")["num_iterations"] == 50
    leaves = [parameters_of(int(min(most, 1e6)), 0, False, "regression", "rmse")["num_leaves"] for most, _ in SIZES]
    assert leaves == sorted(leaves)


def test_the_reason_names_the_rows() -> None:
    assert reason(310).startswith("for 310 training rows: small trees")
    assert reason(200_000).startswith("for 200,000 training rows: the more rows")
