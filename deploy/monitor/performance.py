"""How good the answers are now that labels have come, against what the evaluation recorded.

The allowance is a share of the model's skill, its advantage over a model that learnt nothing: a unit
that fits minutes, probabilities and accuracies alike. The uncertainty of both sides is a jackknife that
leaves out one of twenty spans of time (the delete-a-group jackknife, Kott 2001, Journal of Official
Statistics 17(4)). It serves every metric, and rows of the same day, which err together, count together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from deploy.monitor.evaluated import Answered, Recorded
from ml.metrics import METRICS, Metric, measure

if TYPE_CHECKING:
    from ml.problem import Problem

State = Literal["holds", "degraded", "unclear"]
SPANS = 20
STUDENT_T = 1.729  # the 95 % quantile with SPANS − 1 degrees of freedom


@dataclass(frozen=True)
class Floor:
    """A floor of the problem, and where the metric is now with its 90 % interval."""

    metric: str
    floor: float
    now: float
    low: float
    high: float
    state: State


@dataclass(frozen=True)
class Loss:
    """The deciding metric against the evaluation.

    Attributes:
        recorded: its value on the rows that judged.
        worse_by: how much worse it is now, in its own unit; negative when better.
        allowed: how much worse it may be: the share `lost_skill` of the advantage over `dummy`.
        dummy: the value of what learnt nothing, on the rows that judged.
    """

    recorded: float
    worse_by: float
    allowed: float
    lost_skill: float
    dummy: float
    state: State


@dataclass(frozen=True)
class Performance:
    """What labelled rows say.

    Attributes:
        metric: the one that decides.
        now: its value on the labelled rows.
        low, high: its 90 % interval.
        loss: against the evaluation; None where none was given.
        floors: the problem's.
        state: degraded or unclear where the loss or a floor is, otherwise holds.
        rows: labelled rows.
        metrics: every metric of the task, now.
    """

    metric: str
    now: float
    low: float
    high: float
    loss: Loss | None
    floors: tuple[Floor, ...]
    state: State
    rows: int
    metrics: Mapping[str, float]


def perform(problem: Problem, answered: Answered, recorded: Recorded | None, lost_skill: float) -> Performance:
    """The performance on labelled rows.

    Args:
        problem: names the deciding metric and the floors.
        answered: at least `SPANS` rows.
        recorded: the evaluation; without one only the floors decide.
        lost_skill: the share of the advantage over the dummy that may be lost.
    """
    metric = METRICS[problem.success.metric]
    now, error = jackknife(metric, answered)
    floors = tuple(_floor(METRICS[name], floor, answered) for name, floor in problem.success.floors.items())
    loss = _loss(metric, now, error, recorded, lost_skill) if recorded else None
    return Performance(
        metric=metric.name,
        now=now,
        low=now - STUDENT_T * error,
        high=now + STUDENT_T * error,
        loss=loss,
        floors=floors,
        state=_worst([*(floor.state for floor in floors), *([loss.state] if loss else [])]),
        rows=len(answered.target),
        metrics=measure(problem.task, answered.target, answered.output),
    )


def _loss(metric: Metric, now: float, error: float, recorded: Recorded, lost_skill: float) -> Loss:
    then, error_then = jackknife(metric, recorded.rows)
    worse_by = then - now if metric.higher_is_better else now - then
    dummy = recorded.dummy_metrics[metric.name] or 0.0
    allowed = lost_skill * abs(then - dummy)
    state = _state(worse_by - allowed, STUDENT_T * math.hypot(error, error_then))
    return Loss(then, worse_by, allowed, lost_skill, dummy, state)


def jackknife(metric: Metric, answered: Answered) -> tuple[float, float]:
    """The metric and its standard error; the latter is NaN where a span holds all rows of a class."""
    spans = np.array_split(np.argsort(answered.time, kind="stable"), SPANS)
    without = np.array([_without(metric, answered, span) for span in spans])
    spread = (SPANS - 1) / SPANS * np.sum((without - without.mean()) ** 2)
    return metric.whole(answered.target, answered.output), float(np.sqrt(spread))


def _without(metric: Metric, answered: Answered, span: NDArray[np.int64]) -> float:
    keep = np.ones(len(answered.target), dtype=bool)
    keep[span] = False
    return metric.whole(answered.target[keep], answered.output[keep])


def _floor(metric: Metric, floor: float, answered: Answered) -> Floor:
    now, error = jackknife(metric, answered)
    margin = STUDENT_T * error
    below = floor - now if metric.higher_is_better else now - floor
    return Floor(metric.name, floor, now, now - margin, now + margin, _state(below, margin))


def _state(beyond: float, margin: float) -> State:
    """What an estimate means that lies `beyond` a limit (below it where negative), give or take `margin`.

    It holds where the estimate itself does, is degraded where chance does not explain it, and unclear
    between; a number that is not finite is unclear.
    """
    if beyond - margin > 0:
        return "degraded"
    return "holds" if beyond <= 0 and math.isfinite(margin) else "unclear"


def _worst(states: list[State]) -> State:
    """The gravest; nothing to hold on to is unclear."""
    if "degraded" in states:
        return "degraded"
    return "unclear" if "unclear" in states or not states else "holds"
