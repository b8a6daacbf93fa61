"""The decision: may this candidate take the champion's place?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from deploy.gate import absolute, relative, slices, soundness
from deploy.gate.bootstrap import Interval, seed_of
from deploy.gate.dummy import beats_dummy
from deploy.gate.pairing import paired
from deploy.gate.scored import Scored
from deploy.gate.verdict import Check, Verdict, overall
from ml.metrics import METRICS, Task, measure

if TYPE_CHECKING:
    from ml.problem import Success

DECIDING = ("champion", "dummy")


def judge(candidate: Scored, champion: Scored | None, success: Success, after: dt.datetime | None = None) -> Verdict:
    """The verdict on a candidate. Any FAIL fails; else any INCONCLUSIVE is inconclusive; else PASS.

    Args:
        candidate: the model just trained, on the rows that judge.
        champion: the model to beat on the same rows; None only where the registry answers that
            there is none, and then only what the candidate is by itself decides.
        success: the problem's criteria.
        after: see `paired`.

    Raises:
        Fault: the two were not scored on the same rows. An error is no verdict, and never a pass.
    """
    task = METRICS[success.metric].task
    checks = [soundness.predictions(candidate, task)]
    if champion is not None:
        checks.append(soundness.champion_predictions(champion, task))
    seed = _seed(candidate, champion)
    if overall(checks) != "PASS":  # nothing can be computed from what is no number
        return _verdict(checks, {}, {}, seed)
    with np.errstate(all="ignore"):  # an overflow shows as an infinite metric, which fails
        return _judge(candidate, champion, success, after, checks, seed)


def _judge(
    candidate: Scored,
    champion: Scored | None,
    success: Success,
    after: dt.datetime | None,
    checks: list[Check],
    seed: int,
) -> Verdict:
    metric = METRICS[success.metric]
    checks.append(soundness.measures(candidate, metric.task, {metric.name, *success.floors}))
    checks += absolute.floors(candidate, success)
    against_dummy, interval = beats_dummy(candidate, metric, seed)
    checks.append(against_dummy)
    intervals = {"dummy": interval}
    checks += slices.absent(success.slices.columns, candidate, champion)
    sides = {"candidate": candidate}
    if champion is not None:
        ours, theirs = paired(candidate, champion, after)
        for check, interval in relative.compare(ours, theirs, success, seed):
            checks.append(check)
            intervals[check.name] = interval
        sides = {"candidate": ours, "champion": theirs}
    checks += absolute.budgets(candidate, success)
    metrics = {side: _metrics(scored, metric.task) for side, scored in sides.items()}
    return _verdict(checks, {**metrics, "dummy": dict(candidate.measures.dummy_metrics)}, intervals, seed)


def _metrics(scored: Scored, task: Task) -> dict[str, float | None]:
    return dict(measure(task, scored.target, scored.outputs)) if len(scored) else {}


def _verdict(
    checks: list[Check],
    metrics: dict[str, dict[str, float | None]],
    intervals: dict[str, Interval],
    seed: int,
) -> Verdict:
    open_or_failed = [c.sentence for kind in ("FAIL", "INCONCLUSIVE") for c in checks if c.decision == kind]
    decisive = [check.sentence for name in DECIDING for check in checks if check.name == name]
    return Verdict(overall(checks), tuple(open_or_failed or decisive), metrics, intervals, tuple(checks), seed)


def _seed(candidate: Scored, champion: Scored | None) -> int:
    models = [candidate] if champion is None else [candidate, champion]
    return seed_of(*(digest for m in models for digest in (m.measures.data_digest, m.measures.model_digest)))
