"""Models on rows, made from arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deploy.gate.scored import Levels, Measures, Scored
from ml.metrics import measure
from ml.problem import Slices, Success


def scored(target: Any, outputs: Any, digest: str = "model", **more: Any) -> Scored:
    """A model that answered `outputs`, with measures that are true; `measures` changes some of them."""
    target, outputs = np.asarray(target, dtype=np.float64), np.asarray(outputs, dtype=np.float64)
    task = "regression" if outputs.ndim == 1 else "classification"
    constant = np.median(target) if outputs.ndim == 1 else np.full(outputs.shape[1], 1 / outputs.shape[1])
    try:
        metrics = measure(task, target, outputs)
        dummies = measure(task, target, np.broadcast_to(constant, outputs.shape))
    except (IndexError, ValueError):  # rows that no model could have been measured on
        metrics, dummies = {}, {}
    classes = () if outputs.ndim == 1 else tuple("abcdefgh"[: outputs.shape[1]])
    measures = Measures(metrics, dummies, 1.0, 1.0, 0.0, classes, digest, "data")
    measures = replace(measures, **more.pop("measures", {}))
    keys = more.pop("keys", np.array([f"row {k}" for k in range(len(target))], dtype=object))
    more["slices"] = {name: as_levels(values) for name, values in more.get("slices", {}).items()}
    if "group" in more:
        more["group"] = as_levels(more["group"])
    return Scored(keys=keys, target=target, outputs=outputs, measures=measures, **more)


def as_levels(values: Sequence[str | None] | Levels) -> Levels:
    return values if isinstance(values, Levels) else Levels.of(list(values))


@pytest.fixture(scope="session", name="scored")
def scored_() -> Callable[..., Scored]:
    """The function that makes a model on rows."""
    return scored


@pytest.fixture(scope="session")
def good_pair() -> Callable[..., tuple[Scored, Scored, Success]]:
    """A candidate that is a little better than the champion on 600 rows in two slices, and the criteria."""

    def make(rows: int = 600, **changes: Any) -> tuple[Scored, Scored, Success]:
        rng = np.random.default_rng(7)
        target = rng.normal(0.0, 10.0, rows)
        origin = {"origin": ["north" if k % 2 else "south" for k in range(rows)]}
        candidate = scored(target, target + rng.normal(0.0, 1.0, rows), "candidate", slices=origin)
        champion = scored(target, target + rng.normal(0.0, 1.2, rows), "champion", slices=origin)
        slices = Slices(columns=["origin"], margin=0.2, smallest=100)
        success = Success(metric="mae", margin=0.1, floors={"r2": 0.9}, slices=slices)
        return candidate, champion, success.model_copy(update=changes)

    return make
