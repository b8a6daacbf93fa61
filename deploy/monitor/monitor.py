"""One look at what a model was asked: from rows and labels to the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deploy.monitor.asked import Asked, Times
from deploy.monitor.drift import Thresholds, compare
from deploy.monitor.evaluated import Answered, Recorded
from deploy.monitor.labels import Labels, join_labels
from deploy.monitor.performance import perform
from deploy.monitor.periods import periods
from deploy.monitor.repeats import distinct
from deploy.monitor.verdict import Verdict, Volume, decide
from ml.metrics import METRICS, Floats
from ml.model.model import PROFILE, Model, inner
from ml.profile import Profile, count

if TYPE_CHECKING:
    from ml.problem import Problem

SHOWN_NAMES = 5


def monitor(
    problem: Problem,
    model: Path,
    asked: Asked,
    labels: Path | None = None,
    evaluation: Path | None = None,
    thresholds: Thresholds | None = None,
) -> Verdict:
    """The verdict on rows that were asked.

    Args:
        problem: names the deciding metric and the floors.
        model: the folder of the model that answered, with its profile.
        asked: the rows of the window.
        labels: a file of labels, see `join_labels`.
        evaluation: the folder of the model's evaluation. Its answers are then what predictions are
            compared with, because a model answers rows that it learnt unlike any others.
        thresholds: from where on it is drift.

    Raises:
        Fault: a file is absent or does not fit.
    """
    limits, loaded = thresholds or Thresholds(), Model.load(model)
    rows = asked.rows.num_rows
    if not rows:
        return decide(Volume(0, 0, None, None), (), None, (), limits)
    reference = Profile.load(inner(model) / PROFILE)
    # Joined before rows that were asked again are left out: a label may name any of a row's requests.
    joined = join_labels(labels, asked, loaded.card) if labels else None
    nowhere = np.zeros(rows, dtype=bool)
    chosen = distinct(asked, loaded.card.identifier, reference, nowhere if joined is None else joined.known)
    asked, joined = asked.where(chosen), joined and joined.where(chosen)
    times, outputs = asked.times(loaded.card.time), asked.outputs(loaded)
    recorded = Recorded.load(evaluation, problem.task) if evaluation else None
    if recorded is not None:
        reference = reference.with_outputs(recorded.rows.output)
    columns = compare(reference, count(reference, asked.rows, outputs), limits)
    answered, known = _answered(joined, loaded.card.classes, outputs, times)
    performance = None
    if joined is not None and len(answered.target) >= limits.fewest_rows:
        performance = perform(problem, answered, recorded, limits.lost_skill)
    series = periods(times, METRICS[problem.success.metric], answered.target, answered.output, known)
    return decide(_volume(rows, times, joined, known), columns, performance, series, limits)


def _answered(
    labels: Labels | None, classes: tuple[str, ...], outputs: Floats, times: Times
) -> tuple[Answered, NDArray[np.bool_]]:
    """The rows whose label is a value or a class of the model, and which those are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if labels is None:
        return Answered(np.empty(0), outputs[:0], times[:0]), np.zeros(len(outputs), dtype=bool)
    targets = labels.targets
    if classes:
        targets = pc.index_in(targets, value_set=pa.array(classes, pa.string()), skip_nulls=True)
    known = np.asarray(targets.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    target = targets.drop_null().to_numpy().astype(np.int64 if classes else np.float64)
    return Answered(target, outputs[known], times[known]), known


def _volume(rows: int, times: Times, labels: Labels | None, known: NDArray[np.bool_]) -> Volume:
    dated = times[~np.isnat(times)]
    since, until = (str(dated.min()), str(dated.max())) if len(dated) else (None, None)
    if labels is None:
        return Volume(rows, len(times), since, until)
    unknown = labels.known & ~known
    names = labels.named(unknown)[:SHOWN_NAMES]
    came = int(labels.known.sum())
    return Volume(rows, len(times), since, until, came, labels.unmatched, int(unknown.sum()), names)
