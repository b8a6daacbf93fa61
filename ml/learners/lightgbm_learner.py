"""Learns with LightGBM; the model is its text format."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ml.fault import invalid
from ml.model.encoder import Encoder
from ml.model.model import BOOSTER
from ml.problem import Problem

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
DEFAULT_ITERATIONS = 200


def learn(problem: Problem, encoder: Encoder, matrix: Floats, target: Floats, classes: int, folder: Path) -> None:
    """Writes booster.txt; the same rows, parameters and seed give the same bytes.

    Raises:
        Fault: LightGBM refuses a parameter.
    """
    lightgbm = _import_lean()
    data = lightgbm.Dataset(
        matrix,
        label=target,
        feature_name=[f"f{place}" for place in range(matrix.shape[1])],
        categorical_feature=list(encoder.categorical),
        free_raw_data=True,
    )
    try:
        booster = lightgbm.train(_parameters(problem, classes), data)
    except lightgbm.basic.LightGBMError as error:
        raise invalid(f"LightGBM: {error}", f"problem {problem.name}, model.parameters", "correct it") from None
    booster.save_model(str(folder / BOOSTER))


def _parameters(problem: Problem, classes: int) -> dict[str, Any]:
    objective = {0: "regression", 2: "binary"}.get(classes, "multiclass")
    several = {"num_class": classes} if objective == "multiclass" else {}
    return {
        "objective": objective,
        "num_iterations": DEFAULT_ITERATIONS,
        **several,
        **problem.model.parameters,
        # What makes the bytes repeatable (LightGBM's documentation of `deterministic`).
        "seed": problem.model.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def _import_lean() -> Any:
    """LightGBM without pandas and scikit-learn, which it imports when it finds them (a second and more)."""
    # Threads that wait by spinning cost many times their work where other processes want the cores too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    hidden = {name: sys.modules.get(name) for name in ("pandas", "sklearn") if name not in sys.modules}
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import lightgbm
    finally:
        for name in hidden:
            del sys.modules[name]
    return lightgbm
