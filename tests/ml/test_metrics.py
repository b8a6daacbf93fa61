import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as theirs

from ml.metrics import METRICS, measure

numbers = st.floats(-1e6, 1e6, allow_nan=False)


@given(arrays(np.float64, 20, elements=numbers), arrays(np.float64, 20, elements=numbers))
def test_regression_metrics_are_scikit_learns(target, value):
    ours = measure("regression", target, value)
    assert ours["mae"] == pytest.approx(theirs.mean_absolute_error(target, value))
    assert ours["rmse"] == pytest.approx(theirs.root_mean_squared_error(target, value))
    if np.ptp(target) > 1e-3:
        assert ours["r2"] == pytest.approx(theirs.r2_score(target, value))


@given(st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_classification_metrics_are_scikit_learns(classes, seed):
    rng = np.random.default_rng(seed)
    target = np.concatenate([np.arange(classes), rng.integers(0, classes, 40)])
    probability = rng.dirichlet(np.ones(classes), len(target)).round(2)
    probability /= probability.sum(axis=1, keepdims=True)
    ours = measure("classification", target, probability)
    said = probability.argmax(axis=1)
    assert ours["accuracy"] == pytest.approx(theirs.accuracy_score(target, said))
    assert ours["f1"] == pytest.approx(theirs.f1_score(target, said, average="macro", zero_division=0))
    assert ours["log_loss"] == pytest.approx(theirs.log_loss(target, np.clip(probability, 1e-15, 1)), rel=1e-3)
    if classes == 2:
        assert ours["auc"] == pytest.approx(theirs.roc_auc_score(target, probability[:, 1]))
        assert ours["brier"] == pytest.approx(2 * theirs.brier_score_loss(target, probability[:, 1]))
    else:
        assert ours["auc"] == pytest.approx(theirs.roc_auc_score(target, probability, multi_class="ovr"))


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.row])
def test_the_mean_of_the_row_losses_is_the_metric(name):
    rng, metric = np.random.default_rng(0), METRICS[name]
    if metric.task == "regression":
        target, output = rng.normal(size=50), rng.normal(size=50)
    else:
        target, output = rng.integers(0, 3, 50), rng.dirichlet(np.ones(3), 50)
    assert metric.from_mean(metric.row(target, output).mean()) == pytest.approx(metric.whole(target, output))


def test_a_metric_that_cannot_be_computed_is_no_number():
    assert np.isnan(measure("regression", np.ones(5), np.zeros(5))["r2"])
    assert np.isnan(measure("classification", np.zeros(5, int), np.full((5, 2), 0.5))["auc"])


def test_a_class_that_the_model_never_saw_counts_as_a_miss():
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    seen, unseen = np.array([0.0, 1.0]), np.array([0.0, np.nan])
    assert measure("classification", seen, certain)["accuracy"] == 1.0
    assert measure("classification", unseen, certain)["accuracy"] == 0.5
    assert measure("classification", unseen, certain)["log_loss"] > 10.0
