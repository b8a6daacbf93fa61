"""Runs of each kind of problem."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.deploy.report.made import Case, case_of, labels_and_probabilities


@pytest.fixture
def case(tmp_path) -> Callable[..., Case]:
    """Makes a run in a folder of its own; see `case_of`."""
    return lambda *arguments, **more: case_of(tmp_path, *arguments, **more)


@pytest.fixture
def regression_case(case) -> Case:
    """A candidate that beats its champion, with slices and times."""
    rng = np.random.default_rng(7)
    target = rng.gamma(2.0, 15.0, 3_000)
    return case(
        target,
        target + rng.normal(0.0, 6.0, len(target)),
        champion=target + rng.normal(0.0, 8.0, len(target)),
        slices={"carrier": rng.choice(["UA", "AA", "9E"], len(target)).tolist()},
        time=np.datetime64("2013-08-01") + rng.integers(0, 30 * 24, len(target)).astype("timedelta64[h]"),
        success={"floors": {"mae": 6.0, "r2": 0.7}},
    )


@pytest.fixture
def binary_case(case) -> Case:
    target, outputs = labels_and_probabilities(2, 800)
    return case(target, outputs, classes=("benign", "malignant"), success={"floors": {"accuracy": 0.8, "auc": 0.9}})


@pytest.fixture
def multiclass_case(case) -> Case:
    target, outputs = labels_and_probabilities(5, 900)
    return case(target, outputs, classes=("ash", "beech", "fir", "oak", "yew"))
