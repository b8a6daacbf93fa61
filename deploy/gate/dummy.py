"""Whether a candidate knows more than one answer for all."""

from __future__ import annotations

import math

import numpy as np

from deploy.gate.bootstrap import ALL, Interval, Losses, intervals
from deploy.gate.scored import Scored
from deploy.gate.units import units_of
from deploy.gate.verdict import Check, Decision
from ml.metrics import Floats, Metric, Targets


def beats_dummy(scored: Scored, metric: Metric, seed: int) -> tuple[Check, Interval]:
    """Whether the candidate is better than the best constant answer.

    The dummy that `evaluate` measured knows the training rows only; where the target has moved
    since, a model that learnt nothing may beat it by chance. So the candidate meets the constant that is
    best in hindsight on these very rows. PASS if the 5 % bound of the difference is above 0; FAIL if
    the difference itself is not, for a model that does not even here beat a constant has shown
    nothing; otherwise INCONCLUSIVE.
    """
    assert metric.row is not None  # ml.problem lets no other metric decide
    constant = np.broadcast_to(best_constant(scored.target, scored.outputs, metric), scored.outputs.shape)
    losses = Losses(metric, metric.row(scored.target, scored.outputs), metric.row(scored.target, constant))
    partitions = units_of(scored, metric.task, losses.difference, seed)
    interval = intervals(losses, partitions, [ALL], seed)[0]
    worst = scored.measures.dummy_metrics.get(metric.name)
    if worst is None or not math.isfinite(worst):
        return Check("dummy", "FAIL", None, 0.0, f"dummy: its {metric.name} is missing"), interval
    decision: Decision = "PASS" if interval.lower > 0.0 else "INCONCLUSIVE" if interval.point > 0.0 else "FAIL"
    ours, theirs = metric.whole(scored.target, scored.outputs), metric.whole(scored.target, constant)
    sentence = (
        f"dummy: {metric.name} is {ours:.4g}, the best constant answer's {theirs:.4g}; "
        f"the 5 % bound of the difference {interval.point:+.3g} is {interval.lower:+.3g}, and must be above 0"
    )
    return Check("dummy", decision, interval.point, 0.0, sentence), interval


def best_constant(target: Targets, outputs: Floats, metric: Metric) -> Floats:
    """The one answer that is best for all rows: mean or median, the classes' shares or the commonest."""
    if metric.task == "regression":
        constants = [np.asarray(np.mean(target)), np.asarray(np.median(target))]
    else:
        shares = np.bincount(target.astype(np.int64), minlength=outputs.shape[1]) / len(target)
        constants = [shares, np.eye(len(shares))[shares.argmax()]]
    values = [metric.whole(target, np.broadcast_to(constant, outputs.shape)) for constant in constants]
    return constants[int(np.argmax(values) if metric.higher_is_better else np.argmin(values))]
