"""Whether what a model answered and what was measured are numbers at all."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deploy.gate.scored import Measures, Scored
from deploy.gate.verdict import Check
from ml.metrics import Task, measure

SAME = 1e-6  # of a metric computed twice from the same rows
SUMS_TO_ONE = 1e-6


def predictions(scored: Scored, task: Task) -> Check:
    """Whether rows and answers are finite and of the task's kind, the answers of more than one value."""
    return _sound("predictions", _wrong_with_outputs(scored, task) or _wrong_with_rows(scored, task), len(scored))


def champion_predictions(champion: Scored, task: Task) -> Check:
    """The same of the champion's answers; its rows are compared with the candidate's when they are paired."""
    return _sound("champion's predictions", _wrong_with_outputs(champion, task), len(champion))


def _wrong_with_outputs(scored: Scored, task: Task) -> str:
    outputs = scored.outputs
    if not len(scored):
        return "there is no row"
    broken = int(np.count_nonzero(~np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)))
    if broken:
        return f"{broken:,} of {len(outputs):,} rows have NaN or infinity for an answer"
    if (outputs == outputs[0]).all():
        return f"all {len(outputs):,} rows have the same answer"
    if task == "regression":
        return "" if outputs.ndim == 1 else f"{outputs.shape[1]} outputs a row are no regression's"
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        return "there is not one probability for each class"
    apart = np.abs(outputs.sum(axis=1) - 1.0).max()
    if outputs.min() < 0.0 or outputs.max() > 1.0 + SUMS_TO_ONE or apart > SUMS_TO_ONE:
        return "the outputs are no probabilities that sum to 1"
    return ""


def _wrong_with_rows(scored: Scored, task: Task) -> str:
    target = scored.target
    known = np.isfinite(target) if task == "regression" else np.isin(target, np.arange(scored.outputs.shape[-1]))
    if not known.all():
        kind = "no number" if task == "regression" else "none of the model's classes"
        return f"the target of {np.count_nonzero(~known):,} of {len(target):,} rows is {kind}"
    if scored.time is not None and np.isnat(scored.time).any():
        return f"{np.count_nonzero(np.isnat(scored.time)):,} rows have no time"
    return ""


def _sound(name: str, wrong: str, rows: int) -> Check:
    sentence = wrong or f"{rows:,} rows have finite answers of more than one value"
    return Check(name, "FAIL" if wrong else "PASS", None, None, f"{name}: {sentence}")


def measures(scored: Scored, task: Task, needed: set[str]) -> Check:
    """Whether no number is missing, each is finite, and the predictions confirm the metrics."""
    wrong = "; ".join(_wrong_with_measures(scored, task, needed))
    sentence = wrong or "every number is there, finite and confirmed by the predictions"
    return Check("measures", "FAIL" if wrong else "PASS", None, None, f"measures: {sentence}")


def _wrong_with_measures(scored: Scored, task: Task, needed: set[str]) -> Iterator[str]:
    given = scored.measures
    for name, value in _written(given):
        if value is not None and not math.isfinite(value):
            yield f"{name} is {value}"
    found = measure(task, scored.target, scored.outputs)
    for name in sorted(needed):
        value = given.metrics.get(name)
        if value is None:
            yield f"metric {name} is missing"
        elif math.isfinite(value) and not math.isclose(value, found[name], rel_tol=SAME, abs_tol=SAME):
            yield f"metric {name} is {value:.6g}, but the predictions give {found[name]:.6g}"


def _written(given: Measures) -> Iterator[tuple[str, float | None]]:
    yield from ((f"metric {name}", value) for name, value in given.metrics.items())
    yield from ((f"the dummy's {name}", value) for name, value in given.dummy_metrics.items())
    yield from (("latency", given.latency_ms), ("size", given.size_mb), ("parity", given.parity))
