"""Learns with scikit-learn; the model is a pipeline that skops saves without pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ml.fault import invalid
from ml.learners.repeatable import repeatable
from ml.model.encoder import Encoder
from ml.model.model import ESTIMATOR
from ml.problem import Problem

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
MOST_COLUMNS_A_CATEGORY = 50


def learn(problem: Problem, encoder: Encoder, matrix: Floats, target: Floats, folder: Path) -> None:
    """Writes estimator.skops.

    Raises:
        Fault: scikit-learn refuses a parameter.
    """
    import skops.io

    pipeline = _pipeline(problem, encoder)
    if problem.task == "classification":
        target = target.astype(np.int64)
    try:
        pipeline.fit(matrix, target)
    except (TypeError, ValueError) as error:
        raise invalid(f"scikit-learn: {error}", f"problem {problem.name}, model.parameters", "correct it") from None
    (folder / ESTIMATOR).write_bytes(repeatable(skops.io.dumps(pipeline)))


def _pipeline(problem: Problem, encoder: Encoder) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    codes = list(encoder.categorical)
    amounts = [place for place in range(len(encoder.outputs)) if place not in codes]
    columns = ColumnTransformer(
        [
            ("amounts", make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()), amounts),
            ("codes", OneHotEncoder(handle_unknown="ignore", max_categories=MOST_COLUMNS_A_CATEGORY), codes),
        ],
        sparse_threshold=0.0,
    )
    return make_pipeline(columns, _estimator(problem))


def _estimator(problem: Problem) -> Any:
    name, classifies = problem.model.estimator, problem.task == "classification"
    parameters: dict[str, Any] = dict(problem.model.parameters)
    try:
        if name == "linear":
            from sklearn.linear_model import LogisticRegression, Ridge

            return LogisticRegression(**{"max_iter": 1000, **parameters}) if classifies else Ridge(**parameters)
        from sklearn import ensemble

        stem = {"random_forest": "RandomForest", "gradient_boosting": "GradientBoosting"}[str(name)]
        kind = getattr(ensemble, stem + ("Classifier" if classifies else "Regressor"))
        return kind(**{"random_state": problem.model.seed, **parameters})
    except TypeError as error:
        raise invalid(f"scikit-learn: {error}", f"problem {problem.name}, model.parameters", "correct it") from None
