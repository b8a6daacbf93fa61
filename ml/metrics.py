"""The metrics that a problem may name: what a row costs, what a set of rows is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Task = Literal["regression", "classification"]
Floats = NDArray[np.float64]
Targets = NDArray[np.float64] | NDArray[np.int64]
SMALLEST_PROBABILITY = 1e-15


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        row: the loss of each row, whose mean the gate resamples; None where the metric is no mean
            over rows (such a metric can have a floor, but cannot decide between two models).
        whole: the metric of a set of rows, from targets and outputs: values of shape (rows,) for
            regression; class numbers (rows,) and probabilities (rows, classes) for classification.
        from_mean: turns the mean of row losses into the metric.
    """

    name: str
    task: Task
    higher_is_better: bool
    whole: Callable[[Targets, Floats], float]
    row: Callable[[Targets, Floats], Floats] | None = None
    from_mean: Callable[[Floats], Floats] = lambda mean: mean


def _r2(target: Targets, value: Floats) -> float:
    spread = float(np.sum((target - target.mean()) ** 2))
    return 1.0 - float(np.sum((target - value) ** 2)) / spread if spread else float("nan")


def _log_losses(target: Targets, probability: Floats) -> Floats:
    chosen = (probability * _one_hot(target, probability.shape[1])).sum(axis=1)
    return np.asarray(-np.log(np.clip(chosen, SMALLEST_PROBABILITY, 1.0)), dtype=np.float64)


def _briers(target: Targets, probability: Floats) -> Floats:
    """Brier (1950): the squared distance to the one-hot target, summed over the classes."""
    hot = _one_hot(target, probability.shape[1])
    return np.asarray(((probability - hot) ** 2).sum(axis=1), dtype=np.float64)


def _one_hot(target: Targets, classes: int) -> Floats:
    """Nothing is hot for a class that the model never saw (NaN): whatever it answers there is wrong."""
    return np.asarray(target[:, None] == np.arange(classes), dtype=np.float64)


def _hits(target: Targets, probability: Floats) -> Floats:
    return np.asarray(probability.argmax(axis=1) == target, dtype=np.float64)


def _auc(target: Targets, probability: Floats) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney), one class against the rest, averaged."""
    areas = [_one_auc(target == k, probability[:, k]) for k in _auc_classes(probability)]
    return float(np.mean(areas))


def _auc_classes(probability: Floats) -> range:
    return range(1, 2) if probability.shape[1] == 2 else range(probability.shape[1])


def _one_auc(positive: NDArray[np.bool_], score: Floats) -> float:
    yes, no = int(positive.sum()), int((~positive).sum())
    if not yes or not no:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(count) - (count - 1) / 2.0
    return float((middle_rank[place][positive].sum() - yes * (yes + 1) / 2.0) / (yes * no))


def _f1(target: Targets, probability: Floats) -> float:
    """Macro F1: the unweighted mean over the classes that occur; one that the model never saw scores 0."""
    said, known = probability.argmax(axis=1), np.isfinite(target)
    scores = [] if known.all() else [0.0]
    for k in np.union1d(target[known], said):
        both = float(np.sum((said == k) & (target == k)))
        scores.append(2.0 * both / float(np.sum(said == k) + np.sum(target == k)))
    return float(np.mean(scores))


def _mean_of(row: Callable[[Targets, Floats], Floats]) -> Callable[[Targets, Floats], float]:
    return lambda target, output: float(np.mean(row(target, output)))


def _absolute(target: Targets, value: Floats) -> Floats:
    return np.abs(np.asarray(target, dtype=np.float64) - value)


def _squared(target: Targets, value: Floats) -> Floats:
    return (np.asarray(target, dtype=np.float64) - value) ** 2


def _rmse(target: Targets, value: Floats) -> float:
    return float(np.sqrt(np.mean(_squared(target, value))))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mae", "regression", False, _mean_of(_absolute), _absolute),
        Metric("rmse", "regression", False, _rmse, _squared, np.sqrt),
        Metric("r2", "regression", True, _r2),
        Metric("log_loss", "classification", False, _mean_of(_log_losses), _log_losses),
        Metric("brier", "classification", False, _mean_of(_briers), _briers),
        Metric("accuracy", "classification", True, _mean_of(_hits), _hits),
        Metric("f1", "classification", True, _f1),
        Metric("auc", "classification", True, _auc),
    )
}


def measure(task: Task, target: Targets, output: Floats) -> dict[str, float]:
    """Every metric of the task on the given rows."""
    return {metric.name: metric.whole(target, output) for metric in METRICS.values() if metric.task == task}
