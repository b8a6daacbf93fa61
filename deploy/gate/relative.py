"""What a candidate must be beside the champion, on the rows of both."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deploy.gate.bootstrap import ALL, FEWEST_PIECES, TAIL, Interval, Losses, Rows, intervals
from deploy.gate.scored import Scored
from deploy.gate.slices import Part, parts_of
from deploy.gate.units import units_of
from deploy.gate.verdict import Check, Decision
from ml.metrics import METRICS

if TYPE_CHECKING:
    from ml.problem import Success

Judged = tuple[Check, Interval]


def compare(candidate: Scored, champion: Scored, success: Success, seed: int) -> list[Judged]:
    """The paired bootstrap on all rows and on each slice.

    Many slices: that all must PASS needs no correction, for a candidate that is too bad on one passes
    that one, and so all, in at most 5 % of the cases (Berger's intersection-union test, Technometrics 24,
    1982). That one FAIL fails does: of twenty harmless slices one would fail by chance. So the
    upper bounds of m slices have the tail 5 % / m (Bonferroni).

    Args:
        candidate: as `paired` returns it.
        champion: likewise.
        success: the problem's criteria.
        seed: of the draws.
    """
    if not len(candidate):
        return [_no_rows(success.margin)]
    losses = losses_of(candidate, champion, success)
    partitions = units_of(candidate, losses.metric.task, losses.difference, seed)

    def enough(rows: NDArray[np.intp]) -> bool:
        pieces = min(units.pieces(rows) for units in partitions)
        return len(rows) >= success.slices.smallest and pieces >= FEWEST_PIECES

    columns = [name for name in success.slices.columns if name in candidate.slices]
    parts = [part for name in columns for part in parts_of(name, candidate.slices[name], enough)]
    rows: list[Rows] = [ALL, *(part.rows for part in parts)]
    tails = [TAIL, *(TAIL / len(parts) for _ in parts)]
    whole, *found = intervals(losses, partitions, rows, seed, tails)
    checks = [_on_slice(part, interval, success) for part, interval in zip(parts, found, strict=True)]
    return [(_on_all_rows(losses, whole, success.margin), whole), *zip(checks, found, strict=True)]


def losses_of(candidate: Scored, champion: Scored, success: Success) -> Losses:
    """What each row costs with each of the two, by the metric that decides."""
    metric = METRICS[success.metric]
    assert metric.row is not None  # ml.problem lets no other metric decide
    return Losses(metric, *(metric.row(model.target, model.outputs) for model in (candidate, champion)))


def decide(interval: Interval, margin: float) -> Decision:
    """PASS if the lower bound is no worse than the margin, FAIL if even the upper bound is worse."""
    if not math.isfinite(interval.point):
        return "FAIL"
    if interval.lower >= -margin:
        return "PASS"
    return "FAIL" if interval.upper < -margin else "INCONCLUSIVE"


def _no_rows(margin: float) -> Judged:
    nothing = Interval(math.nan, -math.inf, math.inf, math.inf, math.inf, 0, 0)
    sentence = "champion: no row is later than the champion's training, so there is nothing to compare"
    return Check("champion", "INCONCLUSIVE", None, -margin, sentence), nothing


def _on_all_rows(losses: Losses, interval: Interval, margin: float) -> Check:
    metric = losses.metric
    ours, theirs = (float(metric.from_mean(loss.mean())) for loss in (losses.candidate, losses.champion))
    sentence = f"champion: {metric.name} is {ours:.4g}, the champion's {theirs:.4g}; {_told(interval, margin)}"
    return Check("champion", decide(interval, margin), interval.point, -margin, sentence)


def _on_slice(part: Part, interval: Interval, success: Success) -> Check:
    margin = success.margin if success.slices.margin is None else success.slices.margin
    name, smallest = f"slice {part.name}", success.slices.smallest
    if interval.rows < smallest:
        sentence = f"{name}: {interval.rows:,} rows are too few to judge, it takes {smallest:,}"
        return Check(name, "INCONCLUSIVE", interval.point, -margin, sentence)
    sentence = f"{name}: {_told(interval, margin)}"
    return Check(name, decide(interval, margin), interval.point, -margin, sentence)


def _told(interval: Interval, margin: float) -> str:
    """The interval in words."""
    rows = f"on {interval.rows:,} rows"
    if not math.isfinite(interval.point):
        return f"the difference {rows} is {interval.point}"
    if not math.isfinite(interval.standard_error):
        return f"{rows} that amount to {interval.pieces} independent pieces a difference cannot be bounded"
    word = "better" if interval.point >= 0 else "worse"
    meaning = {
        "PASS": f"not worse by more than {margin:g}",
        "FAIL": f"worse by more than {margin:g}",
        "INCONCLUSIVE": f"whether worse by more than {margin:g} is open",
    }[decide(interval, margin)]
    return (
        f"{word} by {abs(interval.point):.3g} {rows}, "
        f"bounds {interval.lower:+.3g} and {interval.upper:+.3g}: {meaning}; "
        f"the smallest difference that could be seen is {interval.detectable:.2g}"
    )
