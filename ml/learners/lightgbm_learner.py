"""Learns with LightGBM; the model is its text format."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ml.fault import invalid
from ml.learners.lightgbm_parameters import canonical
from ml.learners.nodes import Nodes, meet
from ml.model.encoder import Encoder
from ml.model.model import BOOSTER
from ml.problem import Problem

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
DEFAULT_ITERATIONS = 200
LISTEN_MINUTES = 10
ADDRESSES = re.compile(r"^\[(machines|local_listen_port): .*\]$", re.MULTILINE)
DEFAULTS = {"machines": "", "local_listen_port": "12400"}


def learn(problem: Problem, encoder: Encoder, matrix: Floats, target: Floats, classes: int, folder: Path) -> None:
    """Writes booster.txt; the same rows, parameters, seed and number of nodes give the same bytes.

    Where several nodes work on the step, each learns from every n-th row and all get the same model
    (LightGBM's parallel learning over sockets).

    Raises:
        Fault: LightGBM refuses a parameter, or the nodes do not meet.
    """
    lightgbm, nodes = _import_lean(), meet(os.environ)
    if nodes is not None:
        own = slice(nodes.rank, None, len(nodes.machines))
        matrix, target = matrix[own], target[own]
    data = lightgbm.Dataset(
        matrix,
        label=target,
        feature_name=[f"f{place}" for place in range(matrix.shape[1])],
        categorical_feature=list(encoder.categorical),
        free_raw_data=True,
    )
    try:
        booster = lightgbm.train({**_parameters(problem, classes), **_together(nodes, problem)}, data)
    except lightgbm.basic.LightGBMError as error:
        raise invalid(f"LightGBM: {error}", f"problem {problem.name}, model.parameters", "correct it") from None
    (folder / BOOSTER).write_text(_without_addresses(booster.model_to_string()), encoding="utf-8")


def _parameters(problem: Problem, classes: int) -> dict[str, Any]:
    objective = {0: "regression", 2: "binary"}.get(classes, "multiclass")
    several = {"num_class": classes} if objective == "multiclass" else {}
    return {
        "objective": objective,
        "num_iterations": DEFAULT_ITERATIONS,
        **several,
        **canonical(problem.model.parameters),
        # What makes the bytes repeatable (LightGBM's documentation of `deterministic`).
        "seed": problem.model.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def _together(nodes: Nodes | None, problem: Problem) -> dict[str, Any]:
    if nodes is None:
        return {}
    return {
        "tree_learner": problem.model.parameters.get("tree_learner", "data"),
        "machines": ",".join(nodes.machines),
        "num_machines": len(nodes.machines),
        "local_listen_port": nodes.port,
        "pre_partition": True,
        "time_out": LISTEN_MINUTES,
    }


def _without_addresses(model: str) -> str:
    """LightGBM writes down where the nodes listened, which is another place each time."""
    return ADDRESSES.sub(lambda line: f"[{line[1]}: {DEFAULTS[line[1]]}]", model)


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
