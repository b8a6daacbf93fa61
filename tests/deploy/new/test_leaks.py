from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from deploy.new.leaks import leak

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.normal(size=500)
CLASSES = np.where(TRUTH > 0.7, "high", np.where(TRUTH > -0.3, "mid", "low"))
CODES = RANDOM.integers(0, 10, 500)


def column(values: object) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (TRUTH * 3 + 1, "straight line"),
        (-TRUTH + RANDOM.normal(size=500) * 0.01, "straight line"),
        (np.exp(5 * TRUTH), "same order"),
        (np.round(TRUTH, 3), "straight line"),
    ],
)
def test_a_copy_of_an_amount_is_a_leak_also_when_bent_or_rounded(values: np.ndarray, reason: str) -> None:
    assert reason in leak(column(values), column(TRUTH), "regression")


def test_a_category_that_determines_the_amount_is_a_leak() -> None:
    amounts = column(CODES * 10.0)
    assert "categories tell" in leak(column([f"c{code}" for code in CODES]), amounts, "regression")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([f"{label}!" for label in CLASSES], "values tell the class"),
        (np.unique(CLASSES, return_inverse=True)[1].astype(float), "values tell the class"),
        (TRUTH, "an interval"),
        (np.where(CLASSES == "high", TRUTH, None), "whether it has a value"),
    ],
)
def test_a_column_that_determines_the_class_is_a_leak(values: object, reason: str) -> None:
    task_target = column(np.where(CLASSES == "high", "high", "other")) if "whether" in reason else column(CLASSES)
    assert reason in leak(column(values), task_target, "classification")


def test_a_good_feature_is_no_leak() -> None:
    noisy = TRUTH + RANDOM.normal(size=500) * 0.2  # correlation 0.98
    assert leak(column(noisy), column(TRUTH), "regression") == ""
    assert leak(column(noisy), column(CLASSES), "classification") == ""
    assert leak(column([f"c{code}" for code in CODES]), column(CODES + RANDOM.normal(size=500)), "regression") == ""


def test_chance_and_heart_are_no_leaks() -> None:
    rare = ["yes"] * 3 + ["no"] * 497
    assert leak(column(TRUTH), column(rare), "classification") == ""  # three rows change the class seldom anyway
    ids = column([f"id{n}" for n in range(500)])
    assert leak(ids, column(CLASSES), "classification") == ""  # each level determines its one row
    assert leak(ids, column(TRUTH), "regression") == ""
    few = column([1.0, 2.0, 3.0])
    assert leak(few, few, "regression") == ""


def test_few_levels_that_share_their_order_with_the_classes_are_no_leak() -> None:
    levels = np.array([1.0, 2.0])[RANDOM.integers(0, 2, 500)]
    labels = np.where(levels == 2, "b", np.where(RANDOM.random(500) < 0.5, "a", "b"))
    assert leak(column(levels), column(labels), "classification") == ""


def test_a_long_table_is_looked_at_in_steps() -> None:
    truth = np.arange(200_000.0) % 977
    assert leak(column(truth * 2), column(truth), "regression")
