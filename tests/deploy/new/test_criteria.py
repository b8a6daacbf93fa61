from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, mean_absolute_error

from deploy.new.criteria import criteria_of, rounded
from deploy.new.profile import Column

RANDOM = np.random.default_rng(2)
ROWS = 4000
X = RANDOM.normal(size=ROWS)
AMOUNT = 0.4 * X + RANDOM.normal(size=ROWS)  # a modest model explains a seventh
LABEL = np.where(AMOUNT > 0.5, "yes", "no")
JUDGES = RANDOM.random(ROWS) < 0.25
NOTHING = np.zeros((ROWS, 1))


def rows(**more: object) -> pa.Table:
    return pa.table({"x": pa.array(X), "amount": pa.array(AMOUNT), "label": pa.array(LABEL), **more})


def test_the_dummy_is_the_one_of_scikit_learn() -> None:
    amount = criteria_of(rows(), JUDGES, "amount", "regression", ())
    median = DummyRegressor(strategy="median").fit(NOTHING[~JUDGES], AMOUNT[~JUDGES])
    assert amount.dummy == pytest.approx(mean_absolute_error(AMOUNT[JUDGES], median.predict(NOTHING[JUDGES])))
    label = criteria_of(rows(), JUDGES, "label", "classification", ())
    prior = DummyClassifier(strategy="prior").fit(NOTHING[~JUDGES], LABEL[~JUDGES])
    assert label.dummy == pytest.approx(log_loss(LABEL[JUDGES], prior.predict_proba(NOTHING[JUDGES])))


def test_a_modest_model_meets_the_floor_and_the_dummy_does_not() -> None:
    x = X.reshape(-1, 1)
    amount = criteria_of(rows(), JUDGES, "amount", "regression", ())
    linear = LinearRegression().fit(x[~JUDGES], AMOUNT[~JUDGES]).predict(x[JUDGES])
    assert mean_absolute_error(AMOUNT[JUDGES], linear) < amount.floor < amount.dummy
    label = criteria_of(rows(), JUDGES, "label", "classification", ())
    logistic = LogisticRegression().fit(x[~JUDGES], LABEL[~JUDGES]).predict_proba(x[JUDGES])
    assert log_loss(LABEL[JUDGES], logistic) < label.floor < label.dummy


def test_the_margin_is_a_fiftieth_of_the_dummy() -> None:
    amount = criteria_of(rows(), JUDGES, "amount", "regression", ())
    assert amount.margin == pytest.approx(amount.dummy / 50, rel=0.05)
    assert amount.margin == rounded(amount.margin, 2)


def test_an_amount_that_a_constant_gets_right_has_no_floor() -> None:
    steady = pa.table({"amount": pa.array(np.where(JUDGES | (X < 1), 0.0, 1.0))})
    found = criteria_of(steady, JUDGES, "amount", "regression", ())
    assert (found.dummy, found.margin, found.floor) == (0.0, 0.0, None)


def test_columns_of_few_well_filled_levels_are_slices() -> None:
    table = rows(
        half=pa.array(X > 0),
        third=pa.array(RANDOM.choice(["a", "b", "c"], ROWS)),
        rare=pa.array(np.where(np.arange(ROWS) < 100, "few", "many")),
        many=pa.array([f"c{n % 50}" for n in range(ROWS)]),
    )
    kinds = {"x": "number", "half": "boolean", "third": "category", "rare": "category", "many": "category"}
    features = [Column(name, kind, "") for name, kind in kinds.items()]
    assert criteria_of(table, JUDGES, "amount", "regression", features).slices == ("half", "third")


@pytest.mark.parametrize(("value", "expected"), [(1234.5, 1200.0), (0.012345, 0.012), (-9.96, -10.0), (0.0, 0.0)])
def test_a_number_is_rounded_to_its_significant_digits(value: float, expected: float) -> None:
    assert rounded(value, 2) == expected
